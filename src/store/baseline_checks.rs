//! What the checks said of a baseline before any agent came: `config/untouched/<commit>.json`.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::ids::{SubtestId, TierId};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::result::ChecksResult;
use crate::os::files::{self, Folder, ReadError};

use super::layout::ExperimentFolder;
use super::layout::config::commit_of;
use super::own_digest::Own;
use super::{StoreError, mend, own_digest, pretty, repository};

/// What is known of a baseline, when it is there and whole.
///
/// # Errors
/// When it cannot be read.
pub fn read(folder: &ExperimentFolder, commit: &str) -> Result<Option<ChecksResult>, StoreError> {
    match files::read_bounded(&folder.baseline_checks(commit), MOST_STAGE_FILE_BYTES) {
        Ok(bytes) => Ok(bytes.filter(|bytes| !is_damaged(bytes)).and_then(|bytes| serde_json::from_slice(&bytes).ok())),
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => Ok(None),
        Err(error @ ReadError::Io(_)) => Err(error.into()),
    }
}

/// The same, where it must outlive a power cut, because something is about to rest on it: whoever wrote it may have been
/// killed before its name was durable.
///
/// # Errors
/// As [`read`]; when it cannot be written.
pub fn durable(folder: &ExperimentFolder, commit: &str) -> Result<Option<ChecksResult>, StoreError> {
    let known = read(folder, commit)?;
    if known.is_some() {
        files::sync_dir(&folder.baseline_checks_dir())?;
    }
    Ok(known)
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

/// Adds what a worker has found out of a baseline, durably, and gives what counts of it from then on: that of whoever was
/// first. What is there is never written over, so of two workers, also on two machines, both take the same.
///
/// # Errors
/// When it cannot be written, or what is there was altered or torn.
pub fn add(folder: &ExperimentFolder, commit: &str, result: ChecksResult) -> Result<ChecksResult, StoreError> {
    let path = folder.baseline_checks(commit);
    files::create_dir_durable(&folder.baseline_checks_dir())?;
    match files::write_new(&path, &own_digest::add(pretty(&result, &path)?)) {
        Ok(()) => Ok(result),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            durable(folder, commit)?.ok_or(StoreError::DamagedStage { path })
        }
        Err(error) => Err(error.into()),
    }
}

/// Sets aside what is known of the baselines of these subtests and was altered or torn, so that it is found out anew; the
/// places where it lay. Only who holds the experiment may, because whoever adds to it relies on what is there.
///
/// # Errors
/// When something cannot be read or moved.
pub fn set_damaged_aside(
    folder: &ExperimentFolder,
    subtests: impl IntoIterator<Item = (TierId, SubtestId)>,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let mut damaged = BTreeSet::new();
    for (tier, subtest) in subtests {
        let Some(commit) = repository::baseline(folder, tier, subtest) else { continue };
        let path = folder.baseline_checks(&commit);
        let is_whole = match files::read_bounded(&path, MOST_STAGE_FILE_BYTES) {
            Ok(bytes) => bytes.is_none_or(|bytes| !is_damaged(&bytes)),
            Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => false,
            Err(error @ ReadError::Io(_)) => return Err(error.into()),
        };
        if !is_whole {
            damaged.insert(path);
        }
    }
    let places: Vec<PathBuf> = damaged.iter().map(|path| PathBuf::from(folder.relative(path))).collect();
    let moved = mend::quarantine(folder, places.iter().map(PathBuf::as_path), now)?;
    Ok(moved.into_iter().map(|(place, _)| place).collect())
}
