//! The lock of an experiment: held by one coordinator, released by the kernel when its process ends, however it ends. Where the file
//! system has no locks, it is held by a card at the same path that its holder renews.
//!
//! Only the holder ever removes the lock's file: a second file under the same name would be a second lock. A card that nobody renews is
//! taken away by whoever waited to see that.

mod card;
mod locked;
mod renewed;
mod support;

use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::model::outcome::StopLevel;
use crate::model::survey::Holder;

use self::card::Card;
use self::renewed::Renewed;
use self::support::has_no_locks;
use super::process::{self, Fate, LockHolder};
use super::{clock, files};

pub use locked::LockedFile;
pub use renewed::{CardWatch, LAPSE};

/// How long to retry a lock that may be free: somebody who only checks who holds it takes it for a moment.
pub const PATIENCE: Duration = Duration::from_millis(400);
/// Time between two tries of the lock.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
/// Time between two looks at a lock that is waited for where the file system has no locks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Why the lock could not be acquired, or is no longer held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another coordinator holds it.
    #[error("the experiment is held by process {pid} on {host} since {since}", pid = .0.pid, host = .0.host, since = .0.since)]
    Locked(Holder),
    /// The lock's file was removed or replaced, so another coordinator may hold the new one.
    #[error("`{path}` was removed or replaced while it was held", path = .0.display())]
    Lost(PathBuf),
    /// Its card could not be renewed for so long that another coordinator may take it away.
    #[error(
        "`{path}` could not be renewed for {seconds} seconds, where the file system has no locks: another process may hold it now",
        path = .0.display(),
        seconds = renewed::CUT_OFF.as_secs()
    )]
    CutOff(PathBuf),
    /// A system call failed.
    #[error("cannot lock `{path}`: {error}", path = path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

/// An experiment that is held. Dropping it, and the end of the process, releases it.
#[derive(Debug)]
pub struct ExperimentLock {
    hold: Hold,
    path: PathBuf,
    holder: Holder,
}

/// How a lock is held.
#[derive(Debug)]
enum Hold {
    /// By the kernel.
    Kernel(LockedFile),
    /// By a card, where the file system has no locks.
    Renewed(Renewed),
}

impl ExperimentLock {
    /// Acquires the lock, and writes into its file who holds it. A [`probe`] also takes it for a moment, so it is tried
    /// a few times within `patience`. Where the file system has no locks, a card whose holder cannot be looked at from here is watched
    /// for up to [`LAPSE`].
    ///
    /// # Errors
    /// [`LockError::Locked`] when another coordinator holds it.
    pub fn acquire(path: &Path, holder: &Holder, patience: Duration) -> Result<Self, LockError> {
        Self::acquire_or_watch(path, holder, patience, |_| ())
    }

    /// The same. `on_wait` is called once with the holder of a card that is watched for an unusual time, to see whether it is gone.
    ///
    /// # Errors
    /// [`LockError::Locked`] when another coordinator holds it.
    pub fn acquire_or_watch(
        path: &Path,
        holder: &Holder,
        patience: Duration,
        on_wait: impl FnOnce(&Holder),
    ) -> Result<Self, LockError> {
        let failed = |error| LockError::Io { path: path.to_owned(), error };
        let mut on_wait = Some(on_wait);
        let mut waits = |holder: &Holder| {
            if let Some(on_wait) = on_wait.take() {
                on_wait(holder);
            }
        };
        let held = |hold| Self { hold, path: path.to_owned(), holder: holder.clone() };
        let deadline = Instant::now() + patience;
        loop {
            let Some(file) = support::open(path).map_err(failed)? else {
                return renewed::take(path, holder, &mut waits).map(|card| held(Hold::Renewed(card)));
            };
            match LockedFile::exclusive(file) {
                Ok(file) if files::is_at(&file, path).map_err(failed)? => {
                    if card::read(&file).renewal.is_some() {
                        // Somebody to whom this file system has no locks.
                        drop(file);
                        renewed::make_room(path, &mut waits)?;
                        continue;
                    }
                    let card = Card { holder: holder.clone(), ..Card::default() };
                    card.write(&file).map_err(failed)?;
                    return Ok(held(Hold::Kernel(file)));
                }
                Err((_, TryLockError::Error(error))) if has_no_locks(&error) => {
                    return renewed::take(path, holder, &mut waits).map(|card| held(Hold::Renewed(card)));
                }
                Err((_, TryLockError::Error(error))) => return Err(failed(error)),
                Ok(_) | Err((_, TryLockError::WouldBlock)) if Instant::now() < deadline => {
                    std::thread::sleep(BETWEEN_TRIES);
                }
                Ok(_) => return Err(LockError::Lost(path.to_owned())),
                Err((file, TryLockError::WouldBlock)) => return Err(LockError::Locked(card::read(&file).holder)),
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
        let mut waits = |other: &Holder| {
            if let Some(on_wait) = on_wait.take() {
                on_wait(other);
            }
        };
        loop {
            match Self::acquire_or_watch(path, holder, Duration::ZERO, &mut waits) {
                // Its holder has removed the file; there may be a new one.
                Err(LockError::Lost(_)) => continue,
                Err(LockError::Locked(other)) => waits(&other),
                taken => return taken,
            }
            // Not yet ours: after the wait it must be checked that the file is still in its place.
            let released = support::open(path).and_then(|file| {
                file.map_or(Ok(false), |file| file.lock().and_then(|()| file.unlock()).map(|()| true))
            });
            match released {
                Err(error) if has_no_locks(&error) => std::thread::sleep(BETWEEN_LOOKS),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(failed(error)),
                Ok(false) => std::thread::sleep(BETWEEN_LOOKS),
                Ok(true) | Err(_) => {}
            }
        }
    }

    /// Releases a lock that is not needed any more, and removes its file: whoever waits for it notices and creates a
    /// new one. A file that cannot be removed does no harm. One that somebody else has put in its place stays.
    pub fn remove(self) {
        // A card is taken away in any case.
        if matches!(self.hold, Hold::Kernel(_)) && self.check().is_ok() {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Writes into the lock's file how far a stop was requested, so that nobody requests it twice. That is its only
    /// use: if it cannot be written, the stop goes on.
    pub fn write_stopping(&self, stopping: StopLevel) {
        match &self.hold {
            Hold::Kernel(file) => {
                let card = Card { holder: self.holder.clone(), renewal: None, stopping: Some(stopping) };
                let _ = card.write(file);
            }
            Hold::Renewed(card) => card.write_stopping(stopping),
        }
    }

    /// Fails when the lock's file is no longer in its place.
    ///
    /// # Errors
    /// [`LockError::Lost`] or [`LockError::CutOff`], or the system's error.
    pub fn check(&self) -> Result<(), LockError> {
        let file = match &self.hold {
            Hold::Kernel(file) => file,
            Hold::Renewed(card) => return card.check(),
        };
        match files::is_at(file, &self.path) {
            Ok(true) => Ok(()),
            Ok(false) => Err(LockError::Lost(self.path.clone())),
            Err(error) => Err(LockError::Io { path: self.path.clone(), error }),
        }
    }

    /// The same, but that a lock of the kernel is not looked at.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_card(&self) -> Result<(), LockError> {
        match &self.hold {
            Hold::Kernel(_) => Ok(()),
            Hold::Renewed(card) => card.check(),
        }
    }

    /// By what others than its holder see whether it is lost; `None` where the kernel holds it.
    #[must_use]
    pub fn watch(&self) -> Option<CardWatch> {
        match &self.hold {
            Hold::Kernel(_) => None,
            Hold::Renewed(card) => Some(card.watch()),
        }
    }

    /// Fails when it is known that the lock is lost. No file of a file system without locks is looked at, which may be out of reach: a
    /// thread beside this one does that.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn glance(&self) -> Result<(), LockError> {
        match &self.hold {
            Hold::Kernel(_) => self.check(),
            Hold::Renewed(card) => card.glance(),
        }
    }
}

impl Drop for ExperimentLock {
    /// Clears the holder's name, so that a folder that was only looked at is unchanged.
    fn drop(&mut self) {
        if let Hold::Kernel(file) = &self.hold {
            // The name is only used in messages, and nobody reads it while nobody holds the lock.
            let _ = file.set_len(0);
        }
    }
}

/// What a look at a lock shows.
enum Look {
    /// The kernel says that this one holds it.
    Held(Holder),
    /// Nobody holds it.
    Free,
    /// A card lies there.
    Card,
}

fn look_at(path: &Path) -> Result<Look, LockError> {
    let failed = |error| LockError::Io { path: path.to_owned(), error };
    let file = match files::open_lock(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::Free),
        Err(error) => return Err(failed(error)),
    };
    match LockedFile::is_held(&file) {
        Ok(true) => Ok(Look::Held(card::read(&file).holder)),
        Ok(false) if card::read(&file).renewal.is_none() => Ok(Look::Free),
        Ok(false) => Ok(Look::Card),
        Err(error) if has_no_locks(&error) => Ok(Look::Card),
        Err(error) => Err(failed(error)),
    }
}

/// Who holds the lock now; `None` when nobody does. Creates and writes nothing. A card whose holder cannot be looked at from here is
/// watched for a few seconds.
///
/// # Errors
/// When the lock's file cannot be opened or locked.
pub fn probe(path: &Path) -> Result<Option<Holder>, LockError> {
    match look_at(path)? {
        Look::Held(holder) => Ok(Some(holder)),
        Look::Free => Ok(None),
        Look::Card => renewed::glance(path).map_err(|error| LockError::Io { path: path.to_owned(), error }),
    }
}

/// Whether somebody holds the lock, without waiting; `None` when a card has to be watched to know. Each look counts for that.
///
/// # Errors
/// When the lock's file cannot be opened or locked.
pub fn peek(path: &Path) -> Result<Option<bool>, LockError> {
    match look_at(path)? {
        Look::Held(_) => Ok(Some(true)),
        Look::Free => Ok(Some(false)),
        Look::Card => renewed::peek(path).map_err(|error| LockError::Io { path: path.to_owned(), error }),
    }
}

/// Begins to watch a lock that may be held by a card: whoever asks for it later need not wait again for the time that passes until then. Where a
/// lock is held by the kernel, that changes nothing.
pub fn begin_watch(path: &Path) {
    renewed::begin_watch(path);
}

/// How far the holder of a lock has been asked to stop, by its own account; `None` when it was not asked, or does not
/// write it.
///
/// # Errors
/// When the lock's file cannot be opened.
pub fn stopping(path: &Path) -> io::Result<Option<StopLevel>> {
    Ok(card::read(&files::open_lock(path, false)?).stopping)
}

/// The process that holds a lock, when it is seen here; with pid 0 in `holder`, whichever process holds it. Where the file system has locks,
/// only the kernel says who it is, whatever the file says.
///
/// # Errors
/// When the file cannot be read.
pub fn process_of(path: &Path, holder: &Holder) -> io::Result<Option<LockHolder>> {
    let file = files::open_lock(path, false)?;
    match LockedFile::is_held(&file) {
        Err(error) if has_no_locks(&error) => Ok(match card::read(&file).fate() {
            Fate::Lives(process) => Some(process),
            Fate::Ended | Fate::Unknown => None,
        }),
        _ => process::holder_of(path, holder.pid),
    }
}

/// Whether the process that holds the lock on a file is seen here and paused, for example by Ctrl-Z: until somebody lets it go on,
/// nothing happens.
#[must_use]
pub fn is_paused(path: &Path, holder: &Holder) -> bool {
    let is_here = holder.host.is_empty() || holder.host == clock::host();
    is_here && process_of(path, holder).is_ok_and(|found| found.is_some_and(|found| found.is_paused()))
}

/// Whether somebody holds a lock on a file.
///
/// # Errors
/// When the file cannot be opened or locked.
pub fn is_locked(path: &Path) -> io::Result<bool> {
    LockedFile::is_held(&files::open_lock(path, false)?)
}

#[cfg(test)]
mod tests;
