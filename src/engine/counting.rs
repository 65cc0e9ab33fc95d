//! Numbers under gradings: while the newest one is incomplete, a former one counts, and they never mix.

use crate::engine::coordinator::Coordinator;
use crate::engine::error::EngineError;
use crate::engine::standing::Standing;
use crate::lifecycle::gradings::to_grade;
use crate::lifecycle::index::index;
use crate::model::event::{Event, Missing};
use crate::model::ids::RunId;
use crate::model::outcome::{ExperimentEnd, RunStatus};
use crate::model::result::RunResult;
use crate::store;
use crate::store::survey::Depth;
use crate::text::words::{counted, shell_word};

impl Coordinator<'_> {
    /// Says which grading counts, when it is not the newest one.
    pub(super) fn tell_grading(&mut self) {
        let (newest, counting) = (self.place.grader.number, self.place.grader.counting);
        let left = self.standing.to_grade().len();
        if !self.place.grader.counts {
            let message = format!(
                "grading {newest} is incomplete: {} still to be graded by it; until then grading {counting} counts",
                counted(left, "run")
            );
            self.tell(&Event::Notice { message });
        }
    }

    /// A run has a verdict. The index and the numbers take it in when it is of the grading that counts.
    pub(super) fn count(&mut self, run: RunId, result: &RunResult) {
        if self.place.grader.counts {
            self.standing.commit(run, result);
            self.checkpoint.completed_runs.set(run, RunStatus::judged(result.judge_passed));
        } else {
            if !self.standing.is_committed(run) {
                self.checkpoint.completed_runs.set(run, RunStatus::AgentComplete);
            }
            self.standing.grade(run);
        }
    }

    /// Counts anew when the newest grading did not count at the start: it does when every committed run has its verdict.
    pub(super) fn recount(&mut self, end: ExperimentEnd) -> Result<(), EngineError> {
        if !self.place.grader.counts {
            let survey = store::survey::survey(&self.held.folder, Depth::Results)?;
            self.standing = Standing::of(self.place.config.plan(), &survey);
            for (run, status) in index(&survey).entries() {
                self.checkpoint.completed_runs.set(run, status);
            }
            let (newest, left) = (self.place.grader.number, to_grade(&survey).len());
            let message = match left {
                0 => format!("grading {newest} counts from now on: every committed run has a verdict under it"),
                left => format!(
                    "grading {newest} is incomplete: {} left; grading {} counts",
                    counted(left, "committed run"),
                    survey.counting
                ),
            };
            self.tell(&Event::Notice { message });
        }
        if end == ExperimentEnd::Incomplete
            && self.standing.missing().values().any(|why| *why == Missing::AgentComplete)
        {
            let message = format!(
                "a mistake in checks or judges is mended in the fixture: `cargo scylla regrade {} --from FIXTURE` then \
                 grades what agents have done, and asks none of them again",
                shell_word(&self.folder_name)
            );
            self.tell(&Event::Notice { message });
        }
        Ok(())
    }
}
