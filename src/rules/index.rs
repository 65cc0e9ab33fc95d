//! The index of an experiment, rebuilt from what the folder contains.

use std::collections::BTreeSet;

use crate::model::checkpoint::CompletedRuns;
use crate::model::ids::RunId;
use crate::model::survey::{ProblemKind, RunSeen, Survey};
use crate::rules::gradings::to_grade;
use crate::rules::rows::rows;
use crate::rules::status::status_on_disk;
use crate::rules::weigh::odd_results;

/// Committed runs whose results are damaged, as far as the results themselves show it: they are not counted, and the
/// index takes nothing from them.
#[must_use]
pub fn damaged(survey: &Survey) -> BTreeSet<RunId> {
    let mut damaged = odd_results(survey);
    damaged.extend(survey.problems.iter().filter(|problem| is_of_the_result(problem.kind)).map(|problem| problem.run));
    damaged.retain(|run| matches!(survey.runs.get(run), Some(RunSeen::Committed(_))));
    damaged
}

fn is_of_the_result(kind: ProblemKind) -> bool {
    match kind {
        ProblemKind::Altered | ProblemKind::Misplaced | ProblemKind::Contradictory => true,
        ProblemKind::UnreadableResult
        | ProblemKind::NewerResult
        | ProblemKind::BrokenSeal
        | ProblemKind::ReplacedFolder
        | ProblemKind::BrokenGrading
        | ProblemKind::MissingEvidence
        | ProblemKind::DamagedStage
        | ProblemKind::DamagedAttempt
        | ProblemKind::Duplicate
        | ProblemKind::StrayWorkspace
        | ProblemKind::SecretInPatch
        | ProblemKind::StrayProcess => false,
    }
}

/// Every status that the folder shows, except for results that are damaged.
#[must_use]
pub fn index(survey: &Survey) -> CompletedRuns {
    let mut completed_runs = CompletedRuns::default();
    let damaged = damaged(survey);
    for run in survey.runs.keys().chain(survey.attempts.keys()).filter(|run| !damaged.contains(run)) {
        if let Some(status) = status_on_disk(survey, *run) {
            completed_runs.set(*run, status);
        }
    }
    completed_runs
}

/// Whether every planned run has a verdict on disk; `false` when the plan is unknown.
#[must_use]
pub fn is_complete(survey: &Survey) -> bool {
    knows_every_tier(survey)
        && to_grade(survey).is_empty()
        && survey.plan().is_some_and(|plan| rows(survey, &plan).all(|row| !row.misses_a_verdict()))
}

/// Whether the subtests of every planned tier are known.
pub(super) fn knows_every_tier(survey: &Survey) -> bool {
    survey.unknown_tiers().is_empty()
}

/// Whether anything could not be read. That is unknown, not absent.
pub(super) fn has_unknown_places(survey: &Survey) -> bool {
    !survey.unknown.is_empty() || survey.runs.values().any(|seen| matches!(seen, RunSeen::Unknown))
}
