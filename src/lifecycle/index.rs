//! The index of an experiment, rebuilt from what the folder holds.

use crate::lifecycle::rows::rows;
use crate::model::checkpoint::CompletedRuns;
use crate::model::ids::RunId;
use crate::model::outcome::RunStatus;
use crate::model::survey::{RunSeen, Survey};

/// The status that the folder gives a run; `None` when it says nothing.
///
/// A committed result without a verdict gives none: a missing `judge_passed` is not "failed".
#[must_use]
pub fn status_on_disk(survey: &Survey, run: RunId) -> Option<RunStatus> {
    status_of(survey, run, survey.runs.get(&run))
}

/// The same for a run of which one knows what its folder holds.
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

/// Every status that the folder gives.
#[must_use]
pub fn index(survey: &Survey) -> CompletedRuns {
    let mut completed_runs = CompletedRuns::default();
    for run in survey.runs.keys().chain(survey.attempts.keys()) {
        if let Some(status) = status_on_disk(survey, *run) {
            completed_runs.set(*run, status);
        }
    }
    completed_runs
}

/// Whether every planned run has a verdict on disk; `false` when the plan is unknown.
#[must_use]
pub fn is_complete(survey: &Survey) -> bool {
    survey.config.content().is_some_and(|config| {
        rows(survey, &config.plan()).all(|row| !row.planned || row.on_disk.is_some_and(RunStatus::is_judged))
    })
}
