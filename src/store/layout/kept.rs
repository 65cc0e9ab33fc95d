//! Where an experiment that was taken over keeps what the original's runner wrote.

use std::path::PathBuf;

use super::original::KEPT;
use super::{CHECKPOINT, CONFIG_FILE, ExperimentFolder, SEAL};

impl ExperimentFolder {
    /// What the original's runner wrote, of an experiment that was taken over.
    #[must_use]
    pub fn original(&self) -> PathBuf {
        self.config_dir().join(KEPT)
    }

    /// The original's checkpoint as it was when the experiment was taken over.
    #[must_use]
    pub fn original_checkpoint(&self) -> PathBuf {
        self.original().join(CHECKPOINT)
    }

    /// The original's config as it was when the experiment was taken over.
    #[must_use]
    pub fn original_config(&self) -> PathBuf {
        self.original().join(CONFIG_FILE)
    }

    /// Digests of the results that were taken over.
    #[must_use]
    pub fn original_seal(&self) -> PathBuf {
        self.original().join(SEAL)
    }
}
