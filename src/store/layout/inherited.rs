//! Where it lies what tiers take over from winners.

use std::path::PathBuf;

use super::ExperimentFolder;
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
