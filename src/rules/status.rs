//! What the folder shows about a single run: its status, and its last failure.

use crate::model::event::Errored;
use crate::model::ids::RunId;
use crate::model::outcome::{Failure, RunStatus};
use crate::model::survey::{RunSeen, Survey};

/// The status that the folder shows for a run; `None` when it shows none.
///
/// A committed result without a verdict shows none: a missing `judge_passed` is not "failed".
#[must_use]
pub fn status_on_disk(survey: &Survey, run: RunId) -> Option<RunStatus> {
    status_of(survey, run, survey.runs.get(&run))
}

/// The same for a run whose contents are given.
pub(super) fn status_of(survey: &Survey, run: RunId, seen: Option<&RunSeen>) -> Option<RunStatus> {
    match seen {
        Some(RunSeen::Committed(facts)) => facts.passed.map(RunStatus::judged),
        Some(RunSeen::Unfinished { agent_complete: true, .. }) => Some(RunStatus::AgentComplete),
        Some(RunSeen::Unfinished { agent_complete: false, .. }) | None => {
            let used_up = survey.attempts.get(&run).is_some_and(|attempts| attempts.used_up);
            used_up.then_some(RunStatus::Errored)
        }
        Some(RunSeen::Unreadable | RunSeen::Unknown) => None,
    }
}

/// The last failure of a run without a result; `None` when nothing failed, or something else happened after it.
#[must_use]
pub fn failure_of<'a>(survey: &'a Survey, run: RunId, seen: Option<&RunSeen>) -> Option<&'a Failure> {
    match status_of(survey, run, seen) {
        Some(RunStatus::AgentComplete) => survey.checkpoint.content()?.failures.get(&run),
        Some(RunStatus::Errored) => survey.failures.get(&run),
        Some(RunStatus::Passed | RunStatus::Failed | RunStatus::Done) => None,
        // An attempt that has begun since has no outcome yet.
        None => survey.failures.get(&run).filter(|_| seen.is_none()),
    }
}

/// Failures of runs, each distinct one once with its runs.
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
