//! What explains the end of a run to people: how logs end, which checks failed, whether anything was changed at all.

use std::path::Path;

use crate::engine::mailbox::Committed;
use crate::engine::stages::Work;
use crate::model::event::FailedCheck;
use crate::model::ids::JudgeNumber;
use crate::model::outcome::{Excerpt, Failure, FailureKind, Stage};
use crate::model::result::RunResult;
use crate::os::files;
use crate::store::layout::RunFolder;

/// Most bytes of a log's end that are looked at.
const MOST_BYTES: u64 = 4096;
/// Most lines that are shown.
const MOST_LINES: usize = 3;
/// Most letters of a line that are shown.
const MOST_LETTERS: usize = 200;

impl Work<'_> {
    /// The committed run with what explains its verdict.
    pub(in crate::engine) fn explained(&self, result: RunResult) -> Committed {
        let failed = result.checks.iter().filter(|check| !check.passed && check.not_applicable.is_none());
        let failed_checks = failed.map(|check| FailedCheck {
            name: check.name.clone(),
            excerpt: self.end_of([
                &self.folder.check_log(&format!("{}.stderr", check.name)),
                &self.folder.check_log(&check.name),
            ]),
        });
        let failed_checks = failed_checks.collect();
        let changed_nothing = std::fs::metadata(self.folder.patch()).is_ok_and(|patch| patch.len() == 0);
        Committed { result, changed_nothing, failed_checks }
    }

    /// The failure of an agent with the end of what it wrote, named as it lies once the attempt is set aside.
    pub(in crate::engine) fn with_excerpt(&self, failure: Failure) -> Failure {
        let is_explained = failure.excerpt.is_some() || self.agent_complete || self.stage != Stage::Agent;
        if is_explained || matches!(failure.kind, FailureKind::Storage | FailureKind::RateLimit) {
            return failure;
        }
        let excerpt = self.end_of([&self.folder.agent_stderr(), &self.folder.agent_stdout()]).map(|excerpt| {
            let aside = self.place.folder.attempt(self.run, self.attempt);
            let here = self.place.folder.relative(self.folder.root());
            let file = excerpt.file.replacen(&here, &self.place.folder.relative(&aside), 1);
            Excerpt { file, ..excerpt }
        });
        Failure { excerpt, ..failure }
    }

    /// The failure of a judge with the end of what it complained, named as it lies once its answer is set aside.
    pub(super) fn judge_excerpt(&self, failure: Failure, judge: JudgeNumber, attempt: u32) -> Failure {
        if matches!(failure.kind, FailureKind::Storage | FailureKind::RateLimit) {
            return failure;
        }
        let aside = RunFolder::at(self.folder.failed_judge(judge, attempt));
        let excerpt = self.end_of([&aside.root().join("stderr.log"), &aside.root().join("response.txt")]);
        Failure { excerpt, ..failure }
    }

    /// How the first of these logs ends that says anything.
    fn end_of<const N: usize>(&self, logs: [&Path; N]) -> Option<Excerpt> {
        logs.into_iter().find_map(|log| {
            let bytes = files::read_end(log, MOST_BYTES).ok().flatten()?;
            let text = last_lines(&String::from_utf8_lossy(&bytes))?;
            Some(Excerpt { file: self.place.folder.relative(log), text })
        })
    }
}

/// The last lines that are not empty, each cut; `None` when there is none.
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
