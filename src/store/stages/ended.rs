//! The files by which stages end: whole, missing, or altered.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::digest::Digest;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::os::files::{self, ReadError};
use crate::store::StoreError;
use crate::store::own_digest::{self, Own};

/// The value of a stage's file; `None` when it is missing or not whole: then the stage has not ended.
pub(super) fn read_whole<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StoreError> {
    Ok(read_stage(path)?.whole())
}

/// The state of a stage's file.
#[derive(Debug)]
pub(in crate::store) enum Stage<T> {
    /// The stage has not ended.
    Absent,
    /// The stage has ended.
    Whole(T),
    /// The stage has ended, but its file is not what was written.
    Damaged,
}

impl<T> Stage<T> {
    /// The value of a stage that has ended.
    pub(in crate::store) fn whole(self) -> Option<T> {
        match self {
            Self::Whole(value) => Some(value),
            Self::Absent | Self::Damaged => None,
        }
    }
}

/// Parses the bytes of a stage's file.
pub(in crate::store) fn stage_of<T: DeserializeOwned>(bytes: &[u8]) -> Stage<T> {
    match serde_json::from_slice(bytes) {
        Ok(value) if own_digest::own(bytes) != Own::Wrong => Stage::Whole(value),
        Ok(_) | Err(_) => Stage::Damaged,
    }
}

/// Reads a stage's file. A file appears whole or not at all, so one that is not whole was altered, and something that
/// is not a regular file was put there by another program.
pub(in crate::store) fn read_stage<T: DeserializeOwned>(path: &Path) -> Result<Stage<T>, StoreError> {
    Ok(read_with_text(path)?.0)
}

/// The same, with the file's text.
pub(super) fn read_with_text<T: DeserializeOwned>(path: &Path) -> Result<(Stage<T>, Vec<u8>), StoreError> {
    match files::read_bounded(path, MOST_STAGE_FILE_BYTES) {
        Ok(None) | Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => Ok((Stage::Absent, Vec::new())),
        Ok(Some(bytes)) => Ok((stage_of(&bytes), bytes)),
        Err(error @ ReadError::Io(_)) => Err(error.into()),
    }
}

/// A stage's file as it is written: its value, and the digest of everything else that the stage left.
#[derive(Serialize)]
pub(super) struct Ended<'a, T> {
    #[serde(flatten)]
    pub(super) value: &'a T,
    pub(super) evidence: Option<Digest>,
}
