//! What explains the end of a run to people: the ends of logs, failed checks, and whether anything was changed at all.

use std::path::Path;

use crate::engine::worker::excerpt::{end_of, explained_result, moved};
use crate::engine::worker::report::Committed;
use crate::engine::worker::stages::Work;
use crate::model::ids::JudgeNumber;
use crate::model::outcome::{Failure, FailureKind, Stage};
use crate::model::program::FIXTURE_COPY;
use crate::model::result::RunResult;
use crate::store::layout::RunFolder;

impl Work<'_> {
    /// The committed run with what explains its verdict.
    pub(in crate::engine) fn explained(&self, result: RunResult) -> Committed {
        explained_result(&self.place.folder, self.run, self.place.grader.number, result)
    }

    /// The failure of an agent with the end of its output, under the path that it has once the attempt is set aside.
    pub(in crate::engine) fn with_excerpt(&self, failure: Failure) -> Failure {
        let is_explained = failure.excerpt.is_some() || self.agent_complete || self.stage != Stage::Agent;
        if is_explained || matches!(failure.kind, FailureKind::Storage | FailureKind::RateLimit) {
            return failure;
        }
        let folder = &self.place.folder;
        let aside = folder.attempt(self.run, self.attempt);
        let excerpt = end_of(folder, &[self.folder.agent_stderr(), self.folder.agent_stdout()])
            .map(|excerpt| moved(excerpt, self.folder.root(), &aside, folder));
        Failure { excerpt, ..failure }
    }

    /// The failure of a judge with the end of its stderr, under the path that it has once its answer is set aside. The copy of the
    /// fixture that was made for the judge is gone then, so it is named as the judge's own line names it.
    pub(super) fn judge_excerpt(
        &self,
        failure: Failure,
        (judge, attempt): (JudgeNumber, u32),
        shown: &Path,
    ) -> Failure {
        if matches!(failure.kind, FailureKind::Storage | FailureKind::RateLimit) {
            return failure;
        }
        let aside = self.folder.failed_judge(judge, attempt);
        let logs = [RunFolder::stderr_in(&aside), RunFolder::response_in(&aside)];
        let mut excerpt = end_of(&self.place.folder, &logs);
        if let Some(excerpt) = excerpt.as_mut().filter(|_| shown != self.place.grader.folder) {
            excerpt.text = excerpt.text.replace(&shown.display().to_string(), &format!("${FIXTURE_COPY}"));
        }
        Failure { excerpt, ..failure }
    }
}
