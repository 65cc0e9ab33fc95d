//! Totals with several gradings: while the newest one is incomplete, the one before it counts, and they never mix.

use crate::engine::coordinator::Coordinator;
use crate::engine::error::EngineError;
use crate::engine::session::progress::Progress;
use crate::model::event::{Event, Missing};
use crate::model::ids::RunId;
use crate::model::outcome::{ExperimentEnd, Failure, FailureKind, RunStatus};
use crate::model::result::RunResult;
use crate::model::survey::Survey;
use crate::rules::gradings::to_grade;
use crate::rules::index::index;
use crate::store;
use crate::store::survey::Depth;
use crate::text::words::{counted, shell_word};

impl Coordinator<'_> {
    /// Reports which grading counts, when it is not the newest one.
    pub(in crate::engine) fn report_grading(&mut self) {
        let (newest, counting) = (self.place.grader.number, self.place.grader.counting);
        let left = self.progress.to_grade().len();
        if !self.place.grader.counts {
            let message = format!(
                "grading {newest} is incomplete: {} still to be graded by it; until then grading {counting} counts",
                counted(left, "run")
            );
            self.emit(&Event::Notice { message });
        }
    }

    /// Counts a run that has a verdict. Checkpoint and totals include it when the verdict is of the grading that
    /// counts.
    pub(in crate::engine) fn count(&mut self, run: RunId, result: &RunResult) {
        let number = self.place.grader.number;
        if !number.is_first() {
            self.checkpoint.graded.entry(number).or_default().insert(run);
        }
        if self.place.grader.counts {
            self.progress.commit(run, result);
            self.checkpoint.completed_runs.set(run, RunStatus::judged(result.judge_passed));
        } else {
            if !self.progress.is_committed(run) {
                self.checkpoint.completed_runs.set(run, RunStatus::AgentComplete);
            }
            self.progress.grade(run);
        }
    }

    /// Counts again from the folder when other workers did a part of the work. Gives how the session ends with that.
    pub(in crate::engine) fn count_work_of_others(&mut self, end: ExperimentEnd) -> Result<ExperimentEnd, EngineError> {
        if !self.others_work {
            return Ok(end);
        }
        self.count_again()?;
        let is_complete = self.progress.missing().is_empty() && self.progress.to_grade().is_empty();
        Ok(if end == ExperimentEnd::Incomplete && is_complete { ExperimentEnd::Completed } else { end })
    }

    fn count_again(&mut self) -> Result<Survey, EngineError> {
        let survey = store::survey::survey(&self.locked.folder, Depth::Results)?;
        self.progress = Progress::of(self.place.config.plan(), &survey);
        for (run, status) in index(&survey).entries() {
            self.checkpoint.completed_runs.set(run, status);
        }
        Ok(survey)
    }

    /// Counts again when the newest grading did not count at the start: it does as soon as every committed run has a
    /// verdict by it.
    pub(in crate::engine) fn recount(&mut self, end: ExperimentEnd) -> Result<(), EngineError> {
        if !self.place.grader.counts {
            let survey = self.count_again()?;
            let (newest, left) = (self.place.grader.number, to_grade(&survey).len());
            let message = match left {
                0 => format!("grading {newest} counts from now on: every committed run has a verdict under it"),
                left => format!(
                    "grading {newest} is incomplete: {} left; grading {} counts",
                    counted(left, "committed run"),
                    survey.counting
                ),
            };
            self.emit(&Event::Notice { message });
        }
        let full = self.progress.failures().find(|failure| is_full(failure)).cloned();
        if let Some(failure) = full {
            let message = format!(
                "the work folder is full ({}): free space in `{}`, or go on elsewhere with `cargo scylla resume {} \
                 --work-dir OTHER`",
                failure.message,
                self.place.work.path().display(),
                shell_word(&self.folder_name)
            );
            self.emit(&Event::Notice { message });
        }
        let of_grading = |failure: &Failure| matches!(failure.kind, FailureKind::Checks | FailureKind::Judge);
        if end == ExperimentEnd::Incomplete
            && self.progress.missing().values().any(|why| *why == Missing::AgentComplete)
            && self.progress.failures().any(of_grading)
        {
            let message = format!(
                "a mistake in checks or judges is mended in the fixture: `cargo scylla regrade {} --from FIXTURE` then \
                 grades what agents have done, and asks none of them again",
                shell_word(&self.folder_name)
            );
            self.emit(&Event::Notice { message });
        }
        Ok(())
    }
}

/// Whether there was no space for a work folder, in whichever stage.
fn is_full(failure: &Failure) -> bool {
    failure.kind == FailureKind::Workspace && failure.message.contains("No space left on device")
}
