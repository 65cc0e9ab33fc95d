//! The identity of a folder or file, independent of its name: a copy has another one, and a moved folder keeps its own.

use std::fs;
use std::os::fd::{AsFd, AsRawFd as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, fchmod, openat, statx, syncfs};
use rustix::io::{Errno, retry_on_intr};
use serde::{Deserialize, Serialize};

use super::{FileError, Folder, Kind};

/// What distinguishes a folder from every other one on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    device: (u32, u32),
    inode: u64,
    /// When it was created, on file systems that record it: no copy has the same time, while a device's number may
    /// change.
    born: Option<(i64, u32)>,
}

impl Identity {
    /// The identity of what is at a path, links not followed; `None` when nothing is.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn of(path: &Path) -> Result<Option<Self>, FileError> {
        match Self::at(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(identity) => Ok(Some(identity)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(FileError::new("look at", path, error)),
        }
    }

    fn at(folder: impl AsFd, path: &Path, flags: AtFlags) -> Result<Self, Errno> {
        let found = statx(folder, path, flags, StatxFlags::INO | StatxFlags::BTIME)?;
        let has_birth = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
        Ok(Self {
            device: (found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            born: has_birth.then_some((found.stx_btime.tv_sec, found.stx_btime.tv_nsec)),
        })
    }

    /// Whether both are the same folder or file.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same_file_system = match (self.born, other.born) {
            (Some(one), Some(other)) => one == other,
            _ => self.device == other.device,
        };
        self.inode == other.inode && same_file_system
    }
}

impl Folder {
    /// The folder's identity.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn identity(&self) -> Result<Identity, FileError> {
        Identity::at(&self.fd, Path::new(""), AtFlags::EMPTY_PATH)
            .map_err(|error| FileError::new("look at", self.path(), error))
    }

    /// Whether the folder is still at the path that it was opened by.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn is_in_place(&self) -> Result<bool, FileError> {
        let held = self.identity()?;
        Ok(Identity::of(self.path())?.is_some_and(|found| found.is_same(&held)))
    }
}

impl Folder {
    /// Restores the folder at the path that it was opened by: it is moved back, or, when it no longer exists anywhere,
    /// an empty one is made. Gives whether it was gone. If a file took its place, that is removed; a folder is moved
    /// aside.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn put_back(&self) -> Result<bool, FileError> {
        if self.is_in_place()? {
            return Ok(false);
        }
        match super::kind_of(self.path())? {
            None => {}
            Some(Kind::Folder) => {
                let mut beside = self.path().as_os_str().to_owned();
                beside.push(".replaced");
                super::rename_durable(self.path(), Path::new(&beside))?;
            }
            Some(_) => super::remove_tree(self.path())?,
        }
        let is_this = |path: &PathBuf| {
            let found = Identity::of(path).ok().flatten();
            found.is_some_and(|found| self.identity().is_ok_and(|held| held.is_same(&found)))
        };
        match self.current_path().filter(is_this) {
            Some(now) => super::rename_durable(&now, self.path())?,
            None => super::create_dir_durable(self.path())?,
        }
        Ok(true)
    }

    /// Gives the owner every right on the folder.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn allow(&self) -> Result<(), FileError> {
        let allowed = fchmod(&self.fd, Mode::RWXU);
        allowed.map_err(|error| FileError::new("change the rights of", self.path(), error))
    }

    /// The current path of the folder, as far as the system knows it.
    fn current_path(&self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/self/fd/{}", self.fd.as_raw_fd())).ok()
    }
}

/// Makes everything durable that was written to the file system of a folder.
///
/// # Errors
/// When the folder cannot be opened, or the disk refused some of it.
pub fn sync_file_system(folder: &Path) -> Result<(), FileError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    retry_on_intr(|| openat(CWD, folder, flags, Mode::empty()))
        .and_then(syncfs)
        .map_err(|error| FileError::new("sync", folder, error))
}
