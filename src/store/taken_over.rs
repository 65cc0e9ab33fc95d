//! What is kept of an experiment that was taken over, alone, because the survey, gradings and the other tool's wing need it:
//! the results without a seal, with their digests.

use std::collections::BTreeMap;

use super::layout::{ExperimentFolder, RESULT};
use super::{StoreError, evidence};
use crate::model::digest::Digest;
use crate::model::ids::RunId;
use crate::model::limits::MOST_CHECKPOINT_BYTES;
use crate::os::files::{self, Kind};

/// Whether an experiment was taken over.
///
/// # Errors
/// When the folder cannot be looked at.
pub fn is(folder: &ExperimentFolder) -> Result<bool, StoreError> {
    Ok(files::kind_of(&folder.taken_over())? == Some(Kind::Folder))
}

/// The digest of each result that was taken over; empty when the experiment was not.
///
/// # Errors
/// What is wrong with the list, as a sentence.
pub fn results(folder: &ExperimentFolder) -> Result<BTreeMap<RunId, Digest>, String> {
    let text = match files::read_bounded(&folder.taken_over_seal(), MOST_CHECKPOINT_BYTES) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.to_string()),
    };
    let named = |path: Vec<u8>| -> Option<RunId> {
        String::from_utf8(path).ok()?.strip_suffix(RESULT)?.strip_suffix('/')?.parse().ok()
    };
    let runs = evidence::parse(&text).and_then(|sealed| {
        sealed.into_iter().map(|(path, digest)| named(path).map(|run| (run, digest))).collect::<Option<_>>()
    });
    runs.ok_or_else(|| "it is not a list of results with their digests".into())
}
