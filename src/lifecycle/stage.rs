//! Where an unfinished run goes on: behind its last durable stage.

use crate::model::outcome::Stage;

/// The durable files of a run that are whole, as a bit for each stage that leaves one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Durable {
    stages: u8,
    /// How many of the panel's `judgment.json` are whole.
    judgments: usize,
}

impl Durable {
    /// These and the durable file of `stage`, if it is whole.
    #[must_use]
    pub fn with(self, stage: Stage, is_whole: bool) -> Self {
        Self { stages: self.stages | (u8::from(is_whole) << stage as u8), ..self }
    }

    /// These and so many whole judgments.
    #[must_use]
    pub fn with_judgments(self, judgments: usize) -> Self {
        Self { judgments, ..self }
    }

    fn has(self, stage: Stage, panel: usize) -> bool {
        match stage {
            // A workspace alone is nothing to go on behind: an agent may have begun in it.
            Stage::Prepare => self.has(Stage::Agent, panel),
            Stage::Judge => self.judgments >= panel,
            Stage::Agent | Stage::Capture | Stage::Checks | Stage::Commit => self.stages & (1 << stage as u8) != 0,
        }
    }
}

/// The first stage that is still to be done; `None` for a committed run.
///
/// Stages are durable in their order, so what lies behind a missing file is done again even if it is there.
#[must_use]
pub fn first_stage(durable: Durable, panel: usize) -> Option<Stage> {
    if durable.has(Stage::Commit, panel) {
        return None;
    }
    [Stage::Prepare, Stage::Agent, Stage::Capture, Stage::Checks, Stage::Judge, Stage::Commit]
        .into_iter()
        .find(|stage| !durable.has(*stage, panel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_behind_its_last_durable_stage() {
        let mut durable = Durable::default();
        assert_eq!(first_stage(durable, 2), Some(Stage::Prepare));
        durable = durable.with(Stage::Agent, true);
        assert_eq!(first_stage(durable, 2), Some(Stage::Capture));
        durable = durable.with(Stage::Capture, true);
        assert_eq!(first_stage(durable, 2), Some(Stage::Checks));
        durable = durable.with(Stage::Checks, true);
        assert_eq!(first_stage(durable, 2), Some(Stage::Judge));
        assert_eq!(first_stage(durable.with_judgments(1), 2), Some(Stage::Judge));
        durable = durable.with_judgments(2);
        assert_eq!(first_stage(durable, 2), Some(Stage::Commit));
        assert_eq!(first_stage(durable.with(Stage::Commit, true), 2), None);
    }

    #[test]
    fn later_files_do_not_stand_in_for_an_agent_result_that_is_missing() {
        let durable = Durable::default()
            .with(Stage::Agent, false)
            .with(Stage::Capture, true)
            .with(Stage::Checks, true)
            .with_judgments(9);
        assert_eq!(first_stage(durable, 1), Some(Stage::Prepare));
    }
}
