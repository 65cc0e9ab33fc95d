//! The ends of logs, for reports that show the cause of a failure.

use std::path::{Path, PathBuf};

use crate::model::grading::GradingNumber;
use crate::model::outcome::Excerpt;
use crate::model::shortfall::{SetupShortfall, Why};
use crate::os::files;
use crate::store::layout::{ExperimentFolder, RunFolder};

/// Most bytes that are read of the end of a log.
const MOST_BYTES: u64 = 4096;
/// Most lines that are shown.
const MOST_LINES: usize = 3;
/// Most characters of a line that are shown.
const MOST_LETTERS: usize = 200;
/// How many lines about setups get an excerpt: for each one a file is read.
const MOST_EXCERPTS: usize = 8;

/// The end of the first of these logs that is not empty. Its path is given below the experiment's folder.
pub(in crate::engine) fn end_of(folder: &ExperimentFolder, logs: &[PathBuf]) -> Option<Excerpt> {
    logs.iter().find_map(|log| {
        let bytes = files::read_end(log, MOST_BYTES).ok().flatten()?;
        let text = last_lines(&String::from_utf8_lossy(&bytes))?;
        Some(Excerpt { file: folder.relative(log), text })
    })
}

/// The logs of a check, its stderr first.
pub(in crate::engine) fn check_logs(run: &RunFolder, check: &str) -> [PathBuf; 2] {
    [run.check_log(&format!("{check}.stderr")), run.check_log(check)]
}

/// The same lines; the first ones with the end of the log that shows their reason.
#[must_use]
pub fn explained(
    folder: &ExperimentFolder,
    grading: GradingNumber,
    mut lines: Vec<SetupShortfall>,
) -> Vec<SetupShortfall> {
    for line in lines.iter_mut().take(MOST_EXCERPTS) {
        let run = folder.run(line.first);
        let logs = match &line.why {
            Why::Check { check, .. } => check_logs(&run.graded(grading), check),
            Why::AgentEnd { .. } | Why::Exited { .. } | Why::ChangedNothing => [run.agent_stderr(), run.agent_stdout()],
        };
        line.excerpt = end_of(folder, &logs);
    }
    lines
}

/// The excerpt with the path that the file has once its attempt is set aside.
pub(in crate::engine) fn moved(excerpt: Excerpt, from: &Path, to: &Path, folder: &ExperimentFolder) -> Excerpt {
    let file = excerpt.file.replacen(&folder.relative(from), &folder.relative(to), 1);
    Excerpt { file, ..excerpt }
}

/// The last lines that are not empty, each shortened; `None` when there is none.
fn last_lines(text: &str) -> Option<String> {
    let mut lines: Vec<String> = text
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(MOST_LINES)
        .map(|line| line.chars().take(MOST_LETTERS).collect())
        .collect();
    lines.reverse();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn an_excerpt_is_the_last_lines_that_say_anything() {
        assert_eq!(last_lines("one\n\ntwo\n  three  \nfour\n\n \n").as_deref(), Some("two\nthree\nfour"));
        assert_eq!(last_lines(" \n\n"), None);
        assert_eq!(last_lines(&"x".repeat(300)).unwrap().len(), 200);
    }
}
