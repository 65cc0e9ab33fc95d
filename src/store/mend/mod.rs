//! Carries out a mending: keeps the former checkpoint, writes the new one, and sets places aside. Nothing is deleted.

use std::io;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;

use crate::model::survey::Survey;
use crate::os::files::{self, FileError};
use crate::rules::mend::Mending;

use super::StoreError;
use super::checkpoint::CheckpointWriter;
use super::form;
use super::layout::{ExperimentFolder, time_in_names};

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Where the former checkpoint's bytes are kept.
    pub backup: Option<PathBuf>,
    /// Each place that was set aside, with its new path.
    pub set_aside: Vec<(String, PathBuf)>,
    /// Whether the checkpoint was written.
    pub checkpoint_written: bool,
}

/// Carries out a mending in an order in which a stop at any moment loses nothing and a second mending gives the same
/// result: first the former checkpoint's bytes are kept under a new name, then the checkpoint is written, then places
/// are moved to the quarantine. In the opposite order, a stop would leave entries of runs whose results have been
/// moved: phantoms, which only a person may drop. A place that is gone already is skipped.
///
/// # Errors
/// When a place is not below the folder, the lock is lost, or something cannot be written. What was done until then
/// stays.
pub fn apply(
    folder: &ExperimentFolder,
    writer: &mut CheckpointWriter,
    (survey, mending): (&Survey, &Mending),
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let places = mending.set_aside.iter().map(|aside| below(&aside.place)).collect::<Result<Vec<_>, _>>()?;
    let mut applied = Applied::default();
    if mending.backup {
        applied.backup = writer.backup_in_place(now)?;
    }
    if let Some(checkpoint) = &mending.checkpoint {
        match form::document(folder, survey, (checkpoint, &mending.gone), now)? {
            Some(bytes) => writer.save_bytes(&bytes)?,
            None => drop(writer.save(checkpoint)?),
        }
        applied.checkpoint_written = true;
    }
    applied.set_aside = quarantine(folder, places, now)?;
    Ok(applied)
}

/// Moves places below the experiment's folder to its quarantine; gives each with its new path. One that is gone already
/// is skipped.
pub(super) fn quarantine<'a>(
    folder: &ExperimentFolder,
    places: impl IntoIterator<Item = &'a Path>,
    now: Timestamp,
) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let (mut quarantine, mut set_aside) = (None, Vec::new());
    for place in places {
        let from = folder.root().join(place);
        if files::kind_of(&from)?.is_none() {
            continue;
        }
        let aside = match &quarantine {
            Some(made) => made,
            None => quarantine.insert(new_quarantine(folder, now)?),
        };
        let to = aside.join(place);
        if let Some(parent) = to.parent() {
            files::create_dir_durable(parent)?;
        }
        files::rename_durable(&from, &to)?;
        set_aside.push((place.to_string_lossy().into_owned(), to));
    }
    Ok(set_aside)
}

/// A new folder in the quarantine, which nothing was ever put into.
fn new_quarantine(folder: &ExperimentFolder, now: Timestamp) -> Result<PathBuf, StoreError> {
    files::create_dir_durable(&folder.quarantine())?;
    let mut number = 1;
    loop {
        let path = folder.quarantine().join(format!("{}-{number}", time_in_names(now)));
        match files::create_new_dir(&path) {
            Ok(()) => return Ok(path),
            Err(FileError { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// A place as a path that cannot lead out of the folder.
fn below(place: &str) -> Result<&Path, StoreError> {
    let path = Path::new(place);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if inside && path.components().next().is_some() { Ok(path) } else { Err(StoreError::Outside(place.to_owned())) }
}

#[cfg(test)]
mod tests;
