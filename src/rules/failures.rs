//! What failed last in runs that are missing.

use crate::model::event::Errored;
use crate::model::ids::RunId;
use crate::model::outcome::{Failure, RunStatus};
use crate::model::survey::{RunSeen, Survey};
use crate::rules::status::status_of;

/// What failed last in a run without a result; `None` when nothing failed, or something else came after it.
#[must_use]
pub fn failure_of<'a>(survey: &'a Survey, run: RunId, seen: Option<&RunSeen>) -> Option<&'a Failure> {
    match status_of(survey, run, seen) {
        Some(RunStatus::AgentComplete) => survey.checkpoint.content()?.failures.get(&run),
        Some(RunStatus::Errored) => survey.failures.get(&run),
        Some(RunStatus::Passed | RunStatus::Failed | RunStatus::Done) => None,
        // An attempt that has begun since says nothing yet.
        None => survey.failures.get(&run).filter(|_| seen.is_none()),
    }
}

/// Failures of runs, each once with its runs.
pub fn grouped<'a>(failures: impl Iterator<Item = (RunId, &'a Failure)>) -> Vec<Errored> {
    let mut groups: Vec<Errored> = Vec::new();
    for (run, failure) in failures {
        match groups.iter_mut().find(|group| group.failure.is_like(failure)) {
            Some(group) => group.runs.push(run),
            None => groups.push(Errored { failure: failure.clone(), runs: vec![run] }),
        }
    }
    groups
}
