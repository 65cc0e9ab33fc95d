//! The copy of a fixture that an experiment keeps: from then on it depends on no other folder.

use std::fs;
use std::path::Path;

use crate::model::limits;
use crate::model::task::Parts;
use crate::os::files::{self, Bounds, FileError};

/// A larger tree than this is not a fixture: a wrong `--tiers-dir` must not copy a whole disk.
const FIXTURE_BOUNDS: Bounds =
    Bounds { entries: limits::MOST_FIXTURE_FILES, bytes: 1 << 30, depth: limits::MOST_DEPTH };

/// Copies a fixture, what it shares with others, and the notes about it, so that the copy can be read by itself.
///
/// # Errors
/// When something cannot be copied or written, or there is too much of it.
pub fn freeze(parts: &Parts, copy: &Path) -> Result<(), FileError> {
    files::copy_tree(&parts.dir, copy, FIXTURE_BOUNDS)?;
    for (place, from) in &parts.laid {
        let to = copy.join(place);
        make_parent(&to)?;
        if from.is_dir() {
            files::copy_tree(from, &to, FIXTURE_BOUNDS)?;
        } else {
            fs::copy(from, &to).map_err(|error| FileError::new("copy", from, error))?;
        }
    }
    for (place, text) in &parts.written {
        let to = copy.join(place);
        make_parent(&to)?;
        fs::write(&to, text).map_err(|error| FileError::new("write", &to, error))?;
    }
    Ok(())
}

fn make_parent(path: &Path) -> Result<(), FileError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|error| FileError::new("make the folder", parent, error))
}
