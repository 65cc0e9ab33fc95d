//! The ends of logs, for reports that show the cause of a failure.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::agent::greetings;
use crate::engine::worker::report::Committed;
use crate::model::event::FailedCheck;
use crate::model::grading::GradingNumber;
use crate::model::ids::RunId;
use crate::model::outcome::Excerpt;
use crate::model::result::RunResult;
use crate::model::shortfall::{SetupShortfall, Why};
use crate::os::files;
use crate::store::layout::{ExperimentFolder, RunFolder};
use crate::text::foreign;

/// Most bytes that are read of the end of a log: the last message of an agent that prints JSON is one long line.
const MOST_BYTES: u64 = 64 << 10;
/// Most lines that are shown.
const MOST_LINES: usize = 3;
/// Most characters of a line that are shown.
const MOST_LETTERS: usize = 200;
/// The names under which programs keep the text of a message, the more telling ones first.
const TEXTS: [&str; 8] = ["result", "error", "message", "text", "content", "item", "part", "data"];
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

/// A committed run with what explains its verdict.
pub(in crate::engine) fn explained_result(
    folder: &ExperimentFolder,
    run: RunId,
    grading: GradingNumber,
    result: RunResult,
) -> Committed {
    let run = folder.run(run);
    let graded = run.graded(grading);
    let failed = result.checks.iter().filter(|check| check.has_failed());
    let failed_checks = failed.map(|check| FailedCheck {
        name: check.name.clone(),
        timed_out_after: check.timed_out_after(),
        excerpt: end_of(folder, &check_logs(&graded, &check.name)),
    });
    let failed_checks = failed_checks.collect();
    let changed_nothing = std::fs::metadata(run.patch()).is_ok_and(|patch| patch.len() == 0);
    Committed { result, changed_nothing, failed_checks }
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

/// The last lines that say something to people, each shortened; `None` when there is none.
fn last_lines(text: &str) -> Option<String> {
    let greetings: Vec<&str> = greetings().collect();
    let mut lines: Vec<String> = text
        .lines()
        .rev()
        .filter(|line| !greetings.iter().any(|greeting| line.trim_start().starts_with(greeting)))
        .filter_map(|line| words_of(line.trim()))
        .take(MOST_LINES)
        .map(|line| line.chars().take(MOST_LETTERS).collect())
        .collect();
    lines.reverse();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What a line says to people: of a message in JSON the last line of its text, and nothing where it has none or is cut.
fn words_of(line: &str) -> Option<String> {
    if !line.starts_with("{\"") {
        // The line that is cut by where reading began may be the end of a message.
        let is_end = line.ends_with("\"}") || line.ends_with("}}") || line.ends_with("]}");
        return Some(line.to_owned()).filter(|line| !line.is_empty() && !is_end);
    }
    let text = text_of(&foreign::read(line.as_bytes()).ok()?)?;
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

/// The text of a message, which each program keeps under one of a few names.
fn text_of(message: &Value) -> Option<String> {
    match message {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Array(parts) => parts.iter().rev().find_map(text_of),
        Value::Object(members) => TEXTS.iter().find_map(|name| text_of(members.get(*name)?)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn an_excerpt_is_the_last_lines_that_say_anything() {
        assert_eq!(last_lines("one\n\ntwo\n  three  \nfour\n\n \n").as_deref(), Some("two\nthree\nfour"));
        assert_eq!(last_lines(" \n\n"), None);
        let greeting = "WARNING: proceeding, even though we could not create PATH aliases: no room";
        assert_eq!(last_lines(&format!("the reason\n{greeting}\n")).as_deref(), Some("the reason"));
        assert_eq!(last_lines(&format!("Reading additional input from stdin...\n{greeting}\n")), None);
        assert_eq!(last_lines(&"x".repeat(300)).unwrap().len(), 200);
    }

    #[test]
    fn of_a_message_in_json_its_text_is_shown_and_no_piece_of_json() {
        for (log, shown) in [
            (r#"{"type":"result","is_error":false,"result":"I did\nnothing.","total_cost_usd":0.1}"#, Some("nothing.")),
            (r#"{"type":"error","error":{"type":"x","message":"no such model"}}"#, Some("no such model")),
            (r#"{"type":"item.completed","item":{"id":"i","type":"agent_message","text":"Done."}}"#, Some("Done.")),
            (r#"{"message":{"content":[{"type":"text","text":"one"},{"type":"tool_use","name":"x"}]}}"#, Some("one")),
            (r#"{"type":"turn.completed","usage":{"input_tokens":3}}"#, None),
            ("tokens\":3},\"x\":\"y\"}\nwords", Some("words")),
            (r#"{"type":"result","result":"cut her"#, None),
            ("{a set}", Some("{a set}")),
        ] {
            assert_eq!(last_lines(log).as_deref(), shown, "{log}");
        }
    }
}
