//! Where everything lies below `config/` that is neither the config nor the fixture: what tiers take over from winners, what
//! checks said of untouched trees, the record of `repo.git`, and what was taken over from another tool.

use std::path::PathBuf;

use super::{CHECKPOINT, CONFIG_FILE, ExperimentFolder, SEAL};
use crate::model::ids::TierId;

/// The folder's name, below that of the config.
pub(in crate::store) const INHERITED: &str = "inherited";

impl ExperimentFolder {
    /// The folder of what tiers take over.
    #[must_use]
    pub fn inherited_dir(&self) -> PathBuf {
        self.config_dir().join(INHERITED)
    }

    /// What a tier takes over.
    #[must_use]
    pub fn inherited(&self, tier: TierId) -> PathBuf {
        self.inherited_dir().join(format!("{tier}.json"))
    }
}

/// Reads the name of a file that says what a tier takes over.
pub(in crate::store) fn tier_of_inherited(name: &str) -> Option<TierId> {
    name.strip_suffix(".json")?.parse().ok()
}

/// The folder, below that of the config.
pub(in crate::store) const BASELINE_CHECKS: &str = "untouched";

/// What follows the commit in a name.
const ENDING: &str = ".json";

/// The commit that a file is called after.
pub(in crate::store) fn commit_of(name: &str) -> Option<&str> {
    let commit = name.strip_suffix(ENDING)?;
    let is_commit =
        matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_commit.then_some(commit)
}

/// What an experiment that was taken over keeps of the other tool's files, below the folder of the config.
pub(in crate::store) const TAKEN_OVER: &str = "original";

/// The name of the record of what lies in `repo.git`, below the config's folder.
pub(in crate::store) const REPOSITORY: &str = "repository.json";

impl ExperimentFolder {
    /// The digests of what lies in `repo.git`.
    #[must_use]
    pub fn repository(&self) -> PathBuf {
        self.config_dir().join(REPOSITORY)
    }

    /// The folder of what the checks said of untouched trees.
    #[must_use]
    pub fn baseline_checks_dir(&self) -> PathBuf {
        self.config_dir().join(BASELINE_CHECKS)
    }

    /// What the checks said of the tree of a baseline's commit.
    #[must_use]
    pub fn baseline_checks(&self, commit: &str) -> PathBuf {
        self.baseline_checks_dir().join(format!("{commit}{ENDING}"))
    }
}

impl ExperimentFolder {
    /// What the tool wrote from which an experiment was taken over.
    #[must_use]
    pub fn taken_over(&self) -> PathBuf {
        self.config_dir().join(TAKEN_OVER)
    }

    /// Its checkpoint as it was when the experiment was taken over.
    #[must_use]
    pub fn taken_over_checkpoint(&self) -> PathBuf {
        self.taken_over().join(CHECKPOINT)
    }

    /// Its config as it was when the experiment was taken over.
    #[must_use]
    pub fn taken_over_config(&self) -> PathBuf {
        self.taken_over().join(CONFIG_FILE)
    }

    /// Digests of the results that were taken over.
    #[must_use]
    pub fn taken_over_seal(&self) -> PathBuf {
        self.taken_over().join(SEAL)
    }
}
