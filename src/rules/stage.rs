//! Where an unfinished run goes on: after its last durable stage.

use crate::model::outcome::Stage;
use crate::model::result::{AgentResult, ChecksResult};

/// How far a run has come. Stages become durable in their order, so everything after a missing file is done again, even
/// if a later file exists.
#[derive(Debug, Clone, PartialEq)]
pub enum Reached {
    /// No agent has finished: a new attempt begins.
    Nothing,
    /// The agent is done; its changes have to be captured.
    Agent(AgentResult),
    /// The changes are captured; the checks have to be carried out.
    Patch(AgentResult),
    /// The checks are done; judges have to be asked.
    Checks(AgentResult, ChecksResult),
    /// The run is committed.
    Commit,
}

impl Reached {
    /// How far a run has come, by which durable files are whole.
    #[must_use]
    pub fn of(agent: Option<AgentResult>, patch: bool, checks: Option<ChecksResult>, committed: bool) -> Self {
        match (committed, agent, patch, checks) {
            (true, ..) => Self::Commit,
            (false, None, ..) => Self::Nothing,
            (false, Some(agent), false, _) => Self::Agent(agent),
            (false, Some(agent), true, None) => Self::Patch(agent),
            (false, Some(agent), true, Some(checks)) => Self::Checks(agent, checks),
        }
    }

    /// The first stage that has to be done.
    #[must_use]
    pub fn next(&self) -> Stage {
        match self {
            Self::Nothing => Stage::Prepare,
            Self::Agent(_) => Stage::Capture,
            Self::Patch(_) => Stage::Checks,
            Self::Checks(..) => Stage::Judge,
            Self::Commit => Stage::Commit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::AttemptNumber;
    use crate::model::outcome::AgentEnd;
    use crate::model::usage::Usage;

    fn agent() -> AgentResult {
        AgentResult {
            attempt: AttemptNumber(1),
            end: AgentEnd::Finished,
            exit_code: Some(0),
            usage: Usage::default(),
            prices: None,
            reported: None,
            exceeded: None,
            program: crate::model::agent::ProgramFacts::default(),
            replayed: None,
            isolation: None,
            started_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            duration_seconds: 1.0,
            held_seconds: 0.0,
            containment: "walk".to_owned(),
            leftover_processes: 0,
            output_truncated: false,
            work: None,
            flags: std::collections::BTreeSet::new(),
        }
    }

    #[test]
    fn a_run_goes_on_behind_its_last_durable_stage() {
        let next = |agent, patch, checks, committed| Reached::of(agent, patch, checks, committed).next();
        let checks = ChecksResult::default;
        assert_eq!(next(None, false, None, false), Stage::Prepare);
        assert_eq!(next(Some(agent()), false, None, false), Stage::Capture);
        assert_eq!(next(Some(agent()), true, None, false), Stage::Checks);
        assert_eq!(next(Some(agent()), true, Some(checks()), false), Stage::Judge);
        assert_eq!(next(Some(agent()), true, Some(checks()), true), Stage::Commit);
    }

    #[test]
    fn later_files_do_not_stand_in_for_earlier_ones_and_a_commit_stands_for_all() {
        assert_eq!(Reached::of(None, true, Some(ChecksResult::default()), false), Reached::Nothing);
        assert_eq!(Reached::of(Some(agent()), false, Some(ChecksResult::default()), false), Reached::Agent(agent()));
        assert_eq!(Reached::of(None, false, None, true), Reached::Commit);
    }
}
