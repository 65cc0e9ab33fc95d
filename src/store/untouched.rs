//! What the checks said of a baseline before any agent came: `config/untouched/<commit>.json`.

use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::result::ChecksResult;
use crate::os::files::{self, ReadError};

use super::layout::ExperimentFolder;
use super::{StoreError, pretty};

/// What is known of a baseline, when it is there and whole.
///
/// # Errors
/// When the system does not let it be read.
pub fn read(folder: &ExperimentFolder, commit: &str) -> Result<Option<ChecksResult>, StoreError> {
    match files::read_bounded(&folder.untouched(commit), MOST_STAGE_FILE_BYTES) {
        Ok(bytes) => Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok())),
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => Ok(None),
        Err(error @ ReadError::Io(_)) => Err(error.into()),
    }
}

/// Writes what is known of a baseline, durably.
///
/// # Errors
/// When the disk says no.
pub fn write(folder: &ExperimentFolder, commit: &str, result: &ChecksResult) -> Result<(), StoreError> {
    let path = folder.untouched(commit);
    files::create_dir_durable(&folder.untouched_dir())?;
    Ok(files::write_atomic(&path, &pretty(result, &path)?)?)
}
