//! Where an unfinished run goes on: behind its last durable stage.

use crate::model::outcome::Stage;

/// Which durable files of a run are whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Durable {
    /// `agent/result.json`.
    pub agent: bool,
    /// `changes.patch`.
    pub patch: bool,
    /// `checks/result.json`.
    pub checks: bool,
    /// How many of the panel's `judgment.json` are whole.
    pub judgments: usize,
    /// `run_result.json`.
    pub committed: bool,
}

/// The first stage that is still to be done; `None` for a committed run.
///
/// Stages are durable in their order, so what lies behind a missing file is done again even if it is there.
#[must_use]
pub fn first_stage(durable: Durable, panel: usize) -> Option<Stage> {
    match durable {
        Durable { committed: true, .. } => None,
        Durable { agent: false, .. } => Some(Stage::Prepare),
        Durable { patch: false, .. } => Some(Stage::Capture),
        Durable { checks: false, .. } => Some(Stage::Checks),
        Durable { judgments, .. } if judgments < panel => Some(Stage::Judge),
        Durable { .. } => Some(Stage::Commit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_behind_its_last_durable_stage() {
        let mut durable = Durable::default();
        assert_eq!(first_stage(durable, 2), Some(Stage::Prepare));
        durable.agent = true;
        assert_eq!(first_stage(durable, 2), Some(Stage::Capture));
        durable.patch = true;
        assert_eq!(first_stage(durable, 2), Some(Stage::Checks));
        durable.checks = true;
        assert_eq!(first_stage(durable, 2), Some(Stage::Judge));
        durable.judgments = 1;
        assert_eq!(first_stage(durable, 2), Some(Stage::Judge));
        durable.judgments = 2;
        assert_eq!(first_stage(durable, 2), Some(Stage::Commit));
        durable.committed = true;
        assert_eq!(first_stage(durable, 2), None);
    }

    #[test]
    fn later_files_do_not_stand_in_for_an_agent_result_that_is_missing() {
        let durable = Durable { agent: false, patch: true, checks: true, judgments: 9, committed: false };
        assert_eq!(first_stage(durable, 1), Some(Stage::Prepare));
    }
}
