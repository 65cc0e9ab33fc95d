//! A file that the kernel has locked for this process.

use std::fs::{File, TryLockError};
use std::io;

use super::support::has_no_locks;

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

    /// The same; `None` where the file system has no locks.
    ///
    /// # Errors
    /// When somebody holds it, or the system's error.
    pub fn exclusive_where_possible(file: &File) -> io::Result<Option<Self>> {
        match Self::exclusive(file.try_clone()?) {
            Ok(locked) => Ok(Some(locked)),
            Err((_, TryLockError::Error(error))) if has_no_locks(&error) => Ok(None),
            Err((_, error)) => Err(error.into()),
        }
    }

    /// Whether somebody holds the lock of a file; it is taken for a moment to learn that.
    pub(super) fn is_held(file: &File) -> io::Result<bool> {
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
