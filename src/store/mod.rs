//! Floor 3: the folder of an experiment: the only module that knows where its files are.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::ids::RunId;
use crate::model::survey::Holder;
use crate::os::files::{self, FileError, ReadError};
use crate::os::lock::LockError;

mod attempts;
pub mod baseline_checks;
pub mod bundle;
pub mod checkpoint;
pub mod claim;
mod claimed;
pub mod config;
pub mod details;
pub mod evidence;
pub mod export;
pub mod find;
mod form;
pub mod gradings;
pub mod image;
pub mod inherited;
pub mod jobs;
pub mod judge_checks;
pub mod layout;
pub mod mend;
pub mod own_digest;
pub mod projectscylla;
pub mod published;
pub mod recorded;
pub mod reported;
pub mod repository;
pub mod results;
pub mod seal;
pub mod signature;
pub mod stages;
pub mod survey;
pub mod taken_over;
mod threads;
pub mod work;

mod version;

#[cfg(test)]
pub(crate) mod sample;

/// Why the folder of an experiment could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder could not be written, made or renamed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The experiment's lock is not held, or not any more.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Another worker has the run.
    #[error("{run} is worked on by {holder}")]
    Claimed {
        /// The run.
        run: RunId,
        /// The worker.
        holder: Holder,
    },
    /// The folder does not exist, or contains no experiment.
    #[error("`{path}` is not the folder of an experiment", path = .0.display())]
    NotAnExperiment(PathBuf),
    /// A second result for a run; the first one stays.
    #[error("{0} is committed already")]
    AlreadyCommitted(RunId),
    /// A result that names another run than the folder that it is written to.
    #[error("the result of {result} does not belong into the folder of {folder}")]
    OtherRun {
        /// The run that the result names.
        result: RunId,
        /// The run of the folder.
        folder: RunId,
    },
    /// A file of a version that this tool reads and never writes.
    #[error("`{path}` is of version {version}, which this cargo-scylla does not write", path = path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// A place that is not below the folder.
    #[error("`{0}` is not a place in the experiment's folder")]
    Outside(String),
    /// The file in which the winners for a tier are frozen cannot be read.
    #[error("`{path}` says which winners a tier takes over, and cannot be read: {why}", path = path.display())]
    Inherited {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The file of a stage is not as it was written. The stage's work was paid for.
    #[error("`{path}` was altered or torn after its stage had ended", path = path.display())]
    DamagedStage {
        /// The file.
        path: PathBuf,
    },
    /// The evidence of a run cannot be sealed.
    #[error("cannot seal `{path}`: {why}", path = path.display())]
    Unsealable {
        /// The run's folder, or something in it.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

impl StoreError {
    /// What failed and why, in one sentence.
    #[must_use]
    pub fn with_cause(&self) -> String {
        let said = self.to_string();
        match std::error::Error::source(self).map(ToString::to_string).filter(|cause| !said.ends_with(cause)) {
            Some(cause) => format!("{said}: {cause}"),
            None => said,
        }
    }

    /// What a person can do about it, when the system refused something that a person can change.
    #[must_use]
    pub fn cure(&self) -> Option<&'static str> {
        match self {
            Self::File(error) | Self::Read(ReadError::Io(error)) => error.cure(),
            Self::Lock(LockError::Io { error, .. }) => files::cure(error),
            _ => None,
        }
    }

    /// The kind of the system's error, when it was one: a full disk needs another message than a missing permission.
    #[must_use]
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::File(error) | Self::Read(ReadError::Io(error)) => Some(error.error.kind()),
            Self::Lock(LockError::Io { error, .. }) => Some(error.kind()),
            _ => None,
        }
    }
}

/// JSON as people read it, with a newline at the end. All values that are written have text keys and finite numbers.
fn pretty<T: serde::Serialize>(value: &T, path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| FileError::new("write", path, error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Longest description of what was found, in bytes: a file may hold a text of any length where a number should be.
const MOST_FOUND_BYTES: usize = 400;

/// Shortens a description to that length.
fn clipped(mut found: String) -> String {
    if found.len() > MOST_FOUND_BYTES {
        found.truncate(found.floor_char_boundary(MOST_FOUND_BYTES));
        found.push('…');
    }
    found
}
