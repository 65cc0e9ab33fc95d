//! What the folder says of a single run.

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
