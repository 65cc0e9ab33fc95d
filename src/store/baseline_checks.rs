//! The results of baseline checks: `config/untouched/<commit>.json`.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::ids::SetupId;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::result::ChecksResult;
use crate::os::files::{self, Folder, ReadError};

use super::layout::ExperimentFolder;
use super::layout::config::commit_of;
use super::own_digest::Own;
use super::{StoreError, mend, own_digest, pretty, repository};

/// The known results for a baseline, when the file is there and whole.
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

/// The same, made durable because something is about to depend on it: the worker that wrote it may have been killed
/// before the file's name was durable.
///
/// # Errors
/// As [`read`]; when it cannot be synced.
pub fn durable(folder: &ExperimentFolder, commit: &str) -> Result<Option<ChecksResult>, StoreError> {
    let known = read(folder, commit)?;
    if known.is_some() {
        files::sync_dir(&folder.baseline_checks_dir())?;
    }
    Ok(known)
}

/// The baselines with known results, and those of their files that were altered.
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

/// Whether such a file was altered, by its bytes.
pub(super) fn is_damaged(bytes: &[u8]) -> bool {
    own_digest::own(bytes) == Own::Wrong || serde_json::from_slice::<ChecksResult>(bytes).is_err()
}

/// Adds a worker's results for a baseline, durably, and gives the results that count from then on: those of the first
/// worker. An existing file is never overwritten, so two workers, also on two machines, use the same results.
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

/// Sets aside the results for the baselines of these subtests that were altered or torn, so that the checks are carried
/// out again. Gives the places where they were. Only the holder of the experiment may do so, because whoever adds
/// results relies on the existing ones.
///
/// # Errors
/// When something cannot be read or moved.
pub fn set_damaged_aside(
    folder: &ExperimentFolder,
    subtests: impl IntoIterator<Item = SetupId>,
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
