//! The texts of a run that people read in full: the agent's prompt and output, its patch, a judge's prompt and answer.

use std::path::{Path, PathBuf};

use crate::model::agent::Output;
use crate::model::ids::{JudgeNumber, RunId};
use crate::model::outcome::Excerpt;
use crate::model::result::CheckResult;
use crate::os::files::{self, ReadError};
use crate::store::StoreError;
use crate::store::form::{AGENT_OUTPUT, JUDGE_PROMPT, PROMPT, TASK_PROMPT};
use crate::store::layout::{ExperimentFolder, RunFolder};

use super::Reading;

/// Most bytes that are read of a text; of a longer one, its end is read.
const MOST_BYTES: u64 = 64 << 20;
/// Most bytes of the end of a log that are searched for lines that show the cause.
const MOST_TAIL_BYTES: u64 = 16 << 10;
/// Most lines that are shown of it.
const MOST_TAIL_LINES: usize = 12;
/// Most characters of a line.
const MOST_LETTERS: usize = 400;

/// The text of a run that is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The patch.
    Diff,
    /// The agent's prompt.
    Prompt,
    /// The agent's output.
    Log,
    /// A judge's prompt and answer, and the answer as it was parsed.
    Judge(JudgeNumber),
}

/// A file that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// A title for people.
    pub title: &'static str,
    /// Its path below the experiment's folder.
    pub path: String,
    /// Its bytes; of a very long one, only the end.
    pub bytes: Vec<u8>,
    /// How many bytes before those were left out.
    pub left_out: u64,
}

/// The existing files of a view.
///
/// # Errors
/// When one cannot be read.
pub fn texts(reading: &Reading<'_>, run: RunId, view: View) -> Result<Vec<Text>, StoreError> {
    let own = reading.place(run)?;
    let graded = own.graded(reading.counting);
    // The verdict that counts may be in the run's own folder.
    let judged = |judge: JudgeNumber| match files::kind_of(&graded.judge(judge)) {
        Ok(None) => own.clone(),
        _ => graded.clone(),
    };
    let root = reading.folder.root();
    let candidates: Vec<(&'static str, Vec<PathBuf>)> = match view {
        View::Diff => vec![("what the agent changed", vec![own.patch()])],
        View::Prompt => {
            let others = [own.root().join(TASK_PROMPT), root.join(PROMPT)];
            vec![("what the agent was told", [own.prompt()].into_iter().chain(reading.others(others)).collect())]
        }
        View::Log => vec![
            (
                "standard output",
                [own.agent_stdout()].into_iter().chain(reading.others([own.root().join(AGENT_OUTPUT)])).collect(),
            ),
            ("standard error", vec![own.agent_stderr()]),
        ],
        View::Judge(judge) => {
            let judged = judged(judge);
            let others = [own.root().join(JUDGE_PROMPT), root.join(JUDGE_PROMPT)];
            vec![
                ("what it was asked", [judged.judge_prompt(judge)].into_iter().chain(reading.others(others)).collect()),
                ("what it answered", vec![judged.judge_response(judge)]),
                ("what it said on standard error", vec![judged.judge_stderr(judge)]),
                ("how that was understood", vec![judged.judgment(judge)]),
            ]
        }
    };
    let mut texts = Vec::new();
    for (title, places) in candidates {
        for place in places {
            if let Some(text) = read(reading.folder, title, &place)? {
                texts.push(text);
                break;
            }
        }
    }
    Ok(texts)
}

/// One kept output of a run's agent, if it is there.
///
/// # Errors
/// When it cannot be read.
pub fn output(reading: &Reading<'_>, run: RunId, output: Output) -> Result<Option<Text>, StoreError> {
    let own = reading.place(run)?;
    let (title, place) = match output {
        Output::Stdout => ("standard output", own.agent_stdout()),
        Output::Stderr => ("standard error", own.agent_stderr()),
        Output::Record => ("record", own.record()),
    };
    read(reading.folder, title, &place)
}

impl Reading<'_> {
    /// Paths that only another tool uses.
    fn others<const N: usize>(&self, places: [PathBuf; N]) -> Vec<PathBuf> {
        if self.is_ours { Vec::new() } else { places.into() }
    }
}

/// Reads one file; anything but a regular file counts as missing.
fn read(folder: &ExperimentFolder, title: &'static str, path: &Path) -> Result<Option<Text>, StoreError> {
    let bytes = match files::read_end(path, MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => None,
        Err(error @ ReadError::Io(_)) => return Err(error.into()),
    };
    let size = std::fs::symlink_metadata(path).map_or(0, |seen| seen.len());
    Ok(bytes.map(|bytes| Text {
        title,
        path: folder.relative(path),
        left_out: size.saturating_sub(bytes.len() as u64),
        bytes,
    }))
}

/// The end of the output of a failed check.
pub(super) fn end_of_failed(folder: &ExperimentFolder, graded: &RunFolder, check: &CheckResult) -> Option<Excerpt> {
    if !check.has_failed() {
        return None;
    }
    let logs = [graded.check_log(&format!("{}.stderr", check.name)), graded.check_log(&check.name)];
    logs.iter().find_map(|log| {
        let bytes = files::read_end(log, MOST_TAIL_BYTES).ok().flatten()?;
        let text = tail(&String::from_utf8_lossy(&bytes))?;
        Some(Excerpt { file: folder.relative(log), text })
    })
}

/// The last lines of a text, without empty lines at its end; `None` when there is none.
fn tail(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let from = lines.len().saturating_sub(MOST_TAIL_LINES);
    let cut = |line: &&str| line.trim_end().chars().take(MOST_LETTERS).collect::<String>();
    let kept: Vec<String> = lines[from..].iter().map(cut).collect();
    (!kept.is_empty()).then(|| kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn a_tail_is_the_last_lines_and_nothing_of_an_empty_text() {
        let text = (0..20).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
        assert_eq!(tail(&format!("{text}\n\n")).unwrap().lines().next(), Some("  8"));
        assert_eq!((tail(" \n\n"), tail("one").as_deref()), (None, Some("one")));
        assert_eq!(tail(&"x".repeat(900)).unwrap().len(), 400);
    }
}
