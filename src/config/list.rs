//! The fixtures in a folder.

use std::path::{Path, PathBuf};

use crate::model::task::Fixture;

use super::fixture::{self, TEST_FILE};
use super::mistake::Mistake;

/// Every fixture in a folder with what became of reading it, sorted by path. A folder that is a fixture itself is the
/// only one.
#[must_use]
pub fn list(dir: &Path) -> Vec<(PathBuf, Result<Fixture, Vec<Mistake>>)> {
    folders(dir)
        .into_iter()
        .map(|folder| {
            let fixture = fixture::load(&folder);
            (folder, fixture)
        })
        .collect()
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    if dir.join(TEST_FILE).is_file() {
        return vec![dir.to_owned()];
    }
    // A folder that cannot be read holds no fixture that one could run.
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.join(TEST_FILE).is_file()).collect();
    folders.sort();
    folders
}
