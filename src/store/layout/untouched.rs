//! The names of what the checks said of untouched trees, below the config: `untouched/<commit>.json`.

use std::path::PathBuf;

use super::ExperimentFolder;

/// The folder, below that of the config.
pub(in crate::store) const UNTOUCHED: &str = "untouched";

/// What follows the commit in a name.
const ENDING: &str = ".json";

/// Whether a file is called after a commit.
pub(in crate::store) fn is_untouched(name: &str) -> bool {
    name.strip_suffix(ENDING).is_some_and(|commit| {
        matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

impl ExperimentFolder {
    /// The folder of what the checks said of untouched trees.
    #[must_use]
    pub fn untouched_dir(&self) -> PathBuf {
        self.config_dir().join(UNTOUCHED)
    }

    /// What the checks said of the tree of a baseline's commit.
    #[must_use]
    pub fn untouched(&self, commit: &str) -> PathBuf {
        self.untouched_dir().join(format!("{commit}{ENDING}"))
    }
}
