//! The lock of an experiment: held by one coordinator, released by the kernel when its process ends, however it ends.
//!
//! The lock's file is never removed by others than its holder: a second file under the same name would be a second lock.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::model::survey::Holder;

use super::files;

/// Most bytes of a holder's card that are read.
const MOST_HOLDER_BYTES: usize = 4096;
/// How long a lock is waited for that is free: who only looks takes it for a moment to see who holds it.
pub const PATIENCE: Duration = Duration::from_millis(400);
/// Time between two tries of the lock.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Why the lock was not taken, or is not held any more.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another coordinator holds it.
    #[error("the experiment is held by process {pid} on {host} since {since}", pid = .0.pid, host = .0.host, since = .0.since)]
    Locked(Holder),
    /// The lock's file was removed or replaced, so another coordinator may hold the new one.
    #[error("`{path}` was removed or replaced while it was held", path = .0.display())]
    Lost(PathBuf),
    /// The system says no.
    #[error("cannot lock `{path}`: {error}", path = path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// An experiment that is held. Dropping it, and the end of the process, releases it.
#[derive(Debug)]
pub struct ExperimentLock {
    file: File,
    path: PathBuf,
}

impl ExperimentLock {
    /// Takes the lock, and tells in its file who holds it. A [`probe`] takes it for a moment, so a few tries are made for
    /// as long as `patience`.
    ///
    /// # Errors
    /// [`LockError::Locked`] when another coordinator holds it.
    pub fn acquire(path: &Path, holder: &Holder, patience: Duration) -> Result<Self, LockError> {
        let failed = |error| LockError::Io { path: path.to_owned(), error };
        let deadline = Instant::now() + patience;
        loop {
            let file = files::open_lock(path, true).map_err(failed)?;
            match file.try_lock() {
                Ok(()) if files::is_at(&file, path).map_err(failed)? => {
                    tell(&file, holder).map_err(failed)?;
                    return Ok(Self { file, path: path.to_owned() });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(BETWEEN_TRIES);
                }
                Ok(()) => return Err(LockError::Lost(path.to_owned())),
                Err(TryLockError::WouldBlock) => return Err(LockError::Locked(told(&file))),
            }
        }
    }

    /// Takes the lock when whoever holds it lets go, however long that is. `told` hears who that is, once.
    ///
    /// # Errors
    /// When the lock's file cannot be opened or asked.
    pub fn wait(path: &Path, holder: &Holder, told: impl FnOnce(&Holder)) -> Result<Self, LockError> {
        let failed = |error| LockError::Io { path: path.to_owned(), error };
        let mut told = Some(told);
        loop {
            match Self::acquire(path, holder, Duration::ZERO) {
                // Its holder has removed the file, and another one may be there.
                Err(LockError::Lost(_)) => continue,
                Err(LockError::Locked(other)) => {
                    if let Some(told) = told.take() {
                        told(&other);
                    }
                }
                taken => return taken,
            }
            // Taken for a moment only: it is still to be seen whether the file is at its place.
            match files::open_lock(path, true).and_then(|file| file.lock()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(failed(error)),
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Lets go of a lock that is needed no more, and removes its file: who waits for it sees that it is gone, and makes it
    /// anew. A file that cannot be removed does no harm.
    pub fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Fails when the lock's file is not at its place any more.
    ///
    /// # Errors
    /// [`LockError::Lost`], or what the system says.
    pub fn check(&self) -> Result<(), LockError> {
        match files::is_at(&self.file, &self.path) {
            Ok(true) => Ok(()),
            Ok(false) => Err(LockError::Lost(self.path.clone())),
            Err(error) => Err(LockError::Io { path: self.path.clone(), error }),
        }
    }
}

impl Drop for ExperimentLock {
    /// Takes the holder's card away, so that a folder that was only looked at is what it was.
    fn drop(&mut self) {
        // The card is for the message only, and nobody reads it while nobody holds the lock.
        let _ = self.file.set_len(0);
    }
}

/// Who holds the lock now, `None` when nobody does. Creates and writes nothing.
///
/// # Errors
/// When the lock's file cannot be opened or asked.
pub fn probe(path: &Path) -> Result<Option<Holder>, LockError> {
    let failed = |error| LockError::Io { path: path.to_owned(), error };
    let file = match files::open_lock(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(told(&file))),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Whether somebody holds a lock on a file.
///
/// # Errors
/// When the file cannot be opened or asked.
pub fn is_locked(path: &Path) -> io::Result<bool> {
    match files::open_lock(path, false)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The file is for the message only, so it is not synced.
fn tell(file: &File, holder: &Holder) -> io::Result<()> {
    let mut card = serde_json::to_vec(holder)?;
    card.push(b'\n');
    file.write_all_at(&card, 0)?;
    file.set_len(card.len() as u64)
}

fn told(file: &File) -> Holder {
    let mut card = vec![0; MOST_HOLDER_BYTES];
    let length = file.read_at(&mut card, 0).unwrap_or(0);
    serde_json::from_slice(&card[..length]).unwrap_or_default()
}

#[cfg(test)]
mod tests;
