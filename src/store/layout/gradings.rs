//! Where later gradings lie: their fixtures below `config/`, what they say of a run below its folder.

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

    /// The fixture by which a grading grades: the first by that which the experiment began with.
    #[must_use]
    pub fn grading_fixture(&self, number: GradingNumber) -> PathBuf {
        if number.is_first() { self.fixture() } else { self.gradings().join(number.to_string()).join(FIXTURE) }
    }
}

impl RunFolder {
    /// What a grading leaves of the run: the first leaves it in the run's folder itself, a later one in a folder of its own.
    #[must_use]
    pub fn graded(&self, number: GradingNumber) -> Self {
        if number.is_first() {
            return self.clone();
        }
        // What is called like a run's own result would be taken for one.
        Self { root: self.gradings().join(number.to_string()), committed_by: STAGE_RESULT }
    }

    /// The folders that stages write into, each behind the one that it lies in.
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
