//! The names of what the checks said of untouched trees, below the config: `untouched/<commit>.json`.

use std::path::PathBuf;

use super::ExperimentFolder;

/// The folder, below that of the config.
pub(in crate::store) const UNTOUCHED: &str = "untouched";

/// What follows the commit in a name.
const ENDING: &str = ".json";

/// The commit that a file is called after.
pub(in crate::store) fn commit_of(name: &str) -> Option<&str> {
    let commit = name.strip_suffix(ENDING)?;
    let is_commit =
        matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_commit.then_some(commit)
}

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
    pub fn untouched_dir(&self) -> PathBuf {
        self.config_dir().join(UNTOUCHED)
    }

    /// What the checks said of the tree of a baseline's commit.
    #[must_use]
    pub fn untouched(&self, commit: &str) -> PathBuf {
        self.untouched_dir().join(format!("{commit}{ENDING}"))
    }
}
