//! What the checks said of a baseline before any agent came: `config/untouched/<commit>.json`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::result::ChecksResult;
use crate::os::files::{self, Folder, ReadError};

use super::layout::ExperimentFolder;
use super::layout::config::commit_of;
use super::own_digest::Own;
use super::{StoreError, own_digest, pretty};

/// What is known of a baseline, when it is there and whole.
///
/// # Errors
/// When the system does not let it be read.
pub fn read(folder: &ExperimentFolder, commit: &str) -> Result<Option<ChecksResult>, StoreError> {
    match files::read_bounded(&folder.baseline_checks(commit), MOST_STAGE_FILE_BYTES) {
        Ok(bytes) => Ok(bytes.filter(|bytes| !is_damaged(bytes)).and_then(|bytes| serde_json::from_slice(&bytes).ok())),
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => Ok(None),
        Err(error @ ReadError::Io(_)) => Err(error.into()),
    }
}

/// The baselines of which something is known, and the files among them that are not as they were written.
pub(super) fn see_all(folder: &ExperimentFolder) -> Result<(BTreeSet<String>, Vec<PathBuf>), StoreError> {
    let (mut known, mut damaged) = (BTreeSet::new(), Vec::new());
    if let Some(open) = Folder::open(&folder.baseline_checks_dir())? {
        open.each(|name, _| known.extend(name.to_str().and_then(commit_of).map(str::to_owned)))?;
    }
    for commit in &known {
        let path = folder.baseline_checks(commit);
        if files::read_bounded(&path, MOST_STAGE_FILE_BYTES)?.is_some_and(|bytes| is_damaged(&bytes)) {
            damaged.push(path);
        }
    }
    Ok((known, damaged))
}

/// Whether the bytes of such a file are not as they were written.
pub(super) fn is_damaged(bytes: &[u8]) -> bool {
    own_digest::own(bytes) == Own::Wrong || serde_json::from_slice::<ChecksResult>(bytes).is_err()
}

/// Writes what is known of a baseline, durably.
///
/// # Errors
/// When the disk says no.
pub fn write(folder: &ExperimentFolder, commit: &str, result: &ChecksResult) -> Result<(), StoreError> {
    let path = folder.baseline_checks(commit);
    files::create_dir_durable(&folder.baseline_checks_dir())?;
    Ok(files::write_atomic(&path, &own_digest::add(pretty(result, &path)?))?)
}
