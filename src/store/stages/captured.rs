//! Where the agent of a run works, and what was captured of the tree that it left.

use std::io;

use super::{RunStore, pretty, read_whole};
use crate::model::changes::Changes;
use crate::model::limits::MOST_PATCH_BYTES;
use crate::model::result::WorkPlace;
use crate::os::files::{self, FileError, Kind};
use crate::store::StoreError;
use crate::store::own_digest;
use crate::store::work::WorkFolder;

impl RunStore {
    /// Records where the agent works, so that what it left is found after a kill.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn point_to(&self, work: &WorkFolder) -> Result<(), StoreError> {
        let path = self.folder.pointer();
        let text = pretty(&work.place(false), &path)?;
        Ok(std::fs::write(&path, text).map_err(|error| FileError::new("write", &path, error))?)
    }

    /// The work folder of an agent that was not finished, when it is known.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn pointed_to(&self) -> Result<Option<WorkPlace>, StoreError> {
        read_whole(&self.folder.pointer())
    }

    /// Removes the record of where the agent works: the agent's result names it from now on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn unpoint(&self) -> Result<(), StoreError> {
        let path = self.folder.pointer();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::new("remove", &path, error).into()),
            _ => Ok(()),
        }
    }

    /// Whether `changes.patch` exists.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn has_patch(&self) -> Result<bool, StoreError> {
        Ok(files::kind_of(&self.folder.patch())? == Some(Kind::File))
    }

    /// `changes.patch`, when it exists.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_patch(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(files::read_bounded(&self.folder.patch(), MOST_PATCH_BYTES)?)
    }

    /// `changes.json`, when it exists and is whole; format 4.0 had none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_changes(&self) -> Result<Option<Changes>, StoreError> {
        read_whole(&self.folder.changes())
    }

    /// Writes `changes.json`: what `changes.patch`, which is written next, contains and what it does not.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_changes(&self, changes: &Changes) -> Result<(), StoreError> {
        let path = self.folder.changes();
        Ok(files::write_atomic(&path, &own_digest::add(pretty(changes, &path)?))?)
    }

    /// Writes `changes.patch`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_patch(&self, patch: &[u8]) -> Result<(), StoreError> {
        Ok(files::write_atomic(&self.folder.patch(), patch)?)
    }
}
