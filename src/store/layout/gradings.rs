//! Paths of later gradings: their fixtures below `config/`, their results for a run below the run's folder.

use std::path::PathBuf;

use super::{ExperimentFolder, FIXTURE, GRADINGS, RunFolder, STAGE_RESULT};
use crate::model::grading::GradingNumber;

/// The record of a later grading, below its folder.
pub(super) const GRADING_FILE: &str = "grading.json";

impl ExperimentFolder {
    /// The folder of later gradings.
    #[must_use]
    pub fn gradings(&self) -> PathBuf {
        self.config_dir().join(GRADINGS)
    }

    /// The record of a later grading.
    #[must_use]
    pub fn grading(&self, number: GradingNumber) -> PathBuf {
        self.gradings().join(number.to_string()).join(GRADING_FILE)
    }

    /// The fixture of a grading: for the first one, the fixture that the experiment began with.
    #[must_use]
    pub fn grading_fixture(&self, number: GradingNumber) -> PathBuf {
        if number.is_first() { self.fixture() } else { self.gradings().join(number.to_string()).join(FIXTURE) }
    }
}

impl RunFolder {
    /// Where a grading writes its results for the run: the first one in the run's folder itself, a later one in a
    /// folder of its own.
    #[must_use]
    pub fn graded(&self, number: GradingNumber) -> Self {
        if number.is_first() {
            return self.clone();
        }
        // The committing file has another name, so that it is not taken for the run's own result.
        Self { root: self.gradings().join(number.to_string()), committed_by: STAGE_RESULT }
    }

    /// The folders that stages write into, each after the one that contains it.
    #[must_use]
    pub fn folders(&self) -> [PathBuf; 6] {
        [self.root.clone(), self.agent(), self.record_dir(), self.checks(), self.judges(), self.gradings()]
    }

    /// The file whose appearance commits the run, or a later grading of it.
    #[must_use]
    pub fn result(&self) -> PathBuf {
        self.root.join(self.committed_by)
    }
}
