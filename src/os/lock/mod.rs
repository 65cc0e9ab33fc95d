//! The lock of an experiment: held by one coordinator, released by the kernel when its process ends, however it ends.
//!
//! Only the holder ever removes the lock's file: a second file under the same name would be a second lock.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::model::outcome::StopLevel;
use crate::model::survey::Holder;

use super::files;

/// Most bytes that are read of the text in which a holder names itself.
const MOST_HOLDER_BYTES: usize = 4096;
/// How long to retry a lock that may be free: somebody who only checks who holds it takes it for a moment.
pub const PATIENCE: Duration = Duration::from_millis(400);
/// Time between two tries of the lock.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Why the lock could not be acquired, or is no longer held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another coordinator holds it.
    #[error("the experiment is held by process {pid} on {host} since {since}", pid = .0.pid, host = .0.host, since = .0.since)]
    Locked(Holder),
    /// The lock's file was removed or replaced, so another coordinator may hold the new one.
    #[error("`{path}` was removed or replaced while it was held", path = .0.display())]
    Lost(PathBuf),
    /// A system call failed.
    #[error("cannot lock `{path}`: {error}", path = path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

/// The content of the lock's file while the lock is held.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Card {
    #[serde(flatten)]
    holder: Holder,
    /// How far the holder has been asked to stop. Earlier versions do not write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopping: Option<StopLevel>,
}

/// A file that is locked; dropping it releases the lock, as the end of the process does.
///
/// A program that another thread is just starting has a copy of every open file until it is executed, and the kernel keeps a
/// lock as long as there is a copy. So closing the file alone may release it too late; unlocking it releases it at once.
#[derive(Debug)]
pub struct LockedFile(File);

impl LockedFile {
    /// Locks a file for this process alone, without waiting.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] when somebody holds it, and the system's error.
    pub fn exclusive(file: File) -> Result<Self, (File, TryLockError)> {
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(error) => Err((file, error)),
        }
    }

    /// Whether somebody holds the lock of a file; it is taken for a moment to learn that.
    fn is_held(file: &File) -> io::Result<bool> {
        match file.try_lock_shared() {
            Ok(()) => file.unlock().map(|()| false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl std::ops::Deref for LockedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // If it fails, the lock ends with the last copy of the file.
        let _ = self.0.unlock();
    }
}

/// An experiment that is held. Dropping it, and the end of the process, releases it.
#[derive(Debug)]
pub struct ExperimentLock {
    file: LockedFile,
    path: PathBuf,
    holder: Holder,
}

impl ExperimentLock {
    /// Acquires the lock, and writes into its file who holds it. A [`probe`] also takes it for a moment, so it is tried
    /// a few times within `patience`.
    ///
    /// # Errors
    /// [`LockError::Locked`] when another coordinator holds it.
    pub fn acquire(path: &Path, holder: &Holder, patience: Duration) -> Result<Self, LockError> {
        let failed = |error| LockError::Io { path: path.to_owned(), error };
        let deadline = Instant::now() + patience;
        loop {
            let file = files::open_lock(path, true).map_err(failed)?;
            match LockedFile::exclusive(file) {
                Ok(file) if files::is_at(&file, path).map_err(failed)? => {
                    let card = Card { holder: holder.clone(), stopping: None };
                    write_card(&file, &card).map_err(failed)?;
                    return Ok(Self { file, path: path.to_owned(), holder: card.holder });
                }
                Err((_, TryLockError::Error(error))) => return Err(failed(error)),
                Ok(_) | Err((_, TryLockError::WouldBlock)) if Instant::now() < deadline => {
                    std::thread::sleep(BETWEEN_TRIES);
                }
                Ok(_) => return Err(LockError::Lost(path.to_owned())),
                Err((file, TryLockError::WouldBlock)) => return Err(LockError::Locked(read_holder(&file))),
            }
        }
    }

    /// Waits for the lock until its holder releases it, however long that takes. `on_wait` is called once with the current
    /// holder.
    ///
    /// # Errors
    /// When the lock's file cannot be opened or locked.
    pub fn wait(path: &Path, holder: &Holder, on_wait: impl FnOnce(&Holder)) -> Result<Self, LockError> {
        let failed = |error| LockError::Io { path: path.to_owned(), error };
        let mut on_wait = Some(on_wait);
        loop {
            match Self::acquire(path, holder, Duration::ZERO) {
                // Its holder has removed the file; there may be a new one.
                Err(LockError::Lost(_)) => continue,
                Err(LockError::Locked(other)) => {
                    if let Some(on_wait) = on_wait.take() {
                        on_wait(&other);
                    }
                }
                taken => return taken,
            }
            // Not yet ours: after the wait it must be checked that the file is still in its place.
            match files::open_lock(path, true).and_then(|file| file.lock().and_then(|()| file.unlock())) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(failed(error)),
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Releases a lock that is not needed any more, and removes its file: whoever waits for it notices and creates a
    /// new one. A file that cannot be removed does no harm. One that somebody else has put in its place stays.
    pub fn remove(self) {
        if self.check().is_ok() {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Writes into the lock's file how far a stop was requested, so that nobody requests it twice. That is its only
    /// use: if it cannot be written, the stop goes on.
    pub fn write_stopping(&self, stopping: StopLevel) {
        let card = Card { holder: self.holder.clone(), stopping: Some(stopping) };
        let _ = write_card(&self.file, &card);
    }

    /// Fails when the lock's file is no longer in its place.
    ///
    /// # Errors
    /// [`LockError::Lost`], or the system's error.
    pub fn check(&self) -> Result<(), LockError> {
        match files::is_at(&self.file, &self.path) {
            Ok(true) => Ok(()),
            Ok(false) => Err(LockError::Lost(self.path.clone())),
            Err(error) => Err(LockError::Io { path: self.path.clone(), error }),
        }
    }
}

impl Drop for ExperimentLock {
    /// Clears the holder's name, so that a folder that was only looked at is unchanged.
    fn drop(&mut self) {
        // The name is only used in messages, and nobody reads it while nobody holds the lock.
        let _ = self.file.set_len(0);
    }
}

/// Who holds the lock now; `None` when nobody does. Creates and writes nothing.
///
/// # Errors
/// When the lock's file cannot be opened or locked.
pub fn probe(path: &Path) -> Result<Option<Holder>, LockError> {
    let failed = |error| LockError::Io { path: path.to_owned(), error };
    let file = match files::open_lock(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    Ok(LockedFile::is_held(&file).map_err(failed)?.then(|| read_holder(&file)))
}

/// How far the holder of a lock has been asked to stop, by its own account; `None` when it was not asked, or does not
/// write it.
///
/// # Errors
/// When the lock's file cannot be opened.
pub fn stopping(path: &Path) -> io::Result<Option<StopLevel>> {
    Ok(card(&files::open_lock(path, false)?).stopping)
}

/// Whether somebody holds a lock on a file.
///
/// # Errors
/// When the file cannot be opened or locked.
pub fn is_locked(path: &Path) -> io::Result<bool> {
    LockedFile::is_held(&files::open_lock(path, false)?)
}

/// Writes who holds the lock. It is only used in messages, so it is not synced. One call writes it, and a later card is
/// longer than the one before: a reader sees either of them whole.
fn write_card(file: &File, card: &Card) -> io::Result<()> {
    let mut card = serde_json::to_vec(card)?;
    card.push(b'\n');
    file.write_all_at(&card, 0)?;
    file.set_len(card.len() as u64)
}

fn read_holder(file: &File) -> Holder {
    card(file).holder
}

fn card(file: &File) -> Card {
    let mut card = vec![0; MOST_HOLDER_BYTES];
    let length = file.read_at(&mut card, 0).unwrap_or(0);
    serde_json::from_slice(&card[..length]).unwrap_or_default()
}

#[cfg(test)]
mod tests;
