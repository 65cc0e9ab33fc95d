//! The index of an experiment, rebuilt from what the folder holds.

use crate::lifecycle::rows::rows;
use crate::lifecycle::status::status_on_disk;
use crate::model::checkpoint::CompletedRuns;
use crate::model::outcome::RunStatus;
use crate::model::survey::{RunSeen, Survey};

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
    let unknown_tier = survey.original.as_ref().is_some_and(|original| !original.tiers_without_subtests.is_empty());
    !unknown_tier
        && survey.plan().is_some_and(|plan| {
            rows(survey, &plan).all(|row| !row.planned || row.on_disk.is_some_and(RunStatus::is_judged))
        })
}

/// Whether it is complete or nobody can know, because something is hidden: what is unknown is not absent.
#[must_use]
pub(super) fn may_be_complete(survey: &Survey) -> bool {
    let is_hidden = || !survey.unknown.is_empty() || survey.runs.values().any(|seen| matches!(seen, RunSeen::Unknown));
    is_complete(survey) || is_hidden()
}
