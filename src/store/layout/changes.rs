//! Where it lies what was taken of the tree that an agent left.

use std::path::PathBuf;

use super::{PATCH, RunFolder};

/// What was taken and what was not.
pub(in crate::store) const CHANGES: &str = "changes.json";

impl RunFolder {
    /// What the agent changed.
    #[must_use]
    pub fn patch(&self) -> PathBuf {
        self.root.join(PATCH)
    }

    /// What was taken of the agent's tree, and what was not.
    #[must_use]
    pub fn changes(&self) -> PathBuf {
        self.root.join(CHANGES)
    }
}
