//! An open folder: what lies in it is read and opened relative to it, so that no path is walked twice.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use super::read::Place;
use super::{FileError, Kind, ReadError};

/// Room for the names of a folder, in bytes: a few hundred names for each call.
const NAMES_BYTES: usize = 32 << 10;

/// A folder that is held open. It is never opened through a symbolic link.
#[derive(Debug)]
pub struct Folder {
    pub(super) fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder; `None` when it is not there. Links before the last part of the path are followed.
    ///
    /// # Errors
    /// When something else is there, or the system says no.
    pub fn open(path: &Path) -> Result<Option<Self>, FileError> {
        Self::open_below(CWD, path, path.to_owned())
    }

    /// Opens a folder in this one; `None` when it is not there.
    ///
    /// # Errors
    /// When something else is there, or the system says no.
    pub fn folder(&self, name: impl AsRef<Path>) -> Result<Option<Self>, FileError> {
        Self::open_below(self.fd.as_fd(), name.as_ref(), self.path.join(name.as_ref()))
    }

    fn open_below(folder: std::os::fd::BorrowedFd<'_>, name: &Path, path: PathBuf) -> Result<Option<Self>, FileError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match retry_on_intr(|| openat(folder, name, flags, Mode::empty())) {
            Ok(fd) => Ok(Some(Self { fd, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(FileError::new("open the folder", &path, error)),
        }
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives every name in the folder with what it is, in no order. To be called once for each opening.
    ///
    /// # Errors
    /// When the system does not list it to the end.
    pub fn each(&self, mut name: impl FnMut(&OsStr, Kind)) -> Result<(), FileError> {
        let mut room = Vec::with_capacity(NAMES_BYTES);
        let mut names = RawDir::new(&self.fd, room.spare_capacity_mut());
        while let Some(entry) = names.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(FileError::new("list", &self.path, error)),
            };
            let found = OsStr::from_bytes(entry.file_name().to_bytes());
            if found != "." && found != ".." {
                name(found, self.told(entry.file_type(), found));
            }
        }
        Ok(())
    }

    /// Some file systems do not tell in a listing what a name is.
    fn told(&self, file_type: FileType, name: &OsStr) -> Kind {
        match file_type {
            FileType::Unknown => statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(Kind::Unknown, |stat| FileType::from_raw_mode(stat.st_mode).into()),
            told => told.into(),
        }
    }

    /// Reads a regular file below this folder into `bytes`, in place of what is in there; `false` when it is not there.
    ///
    /// # Errors
    /// When something else is there, it has more than `most` bytes, or the system does not let it be read.
    pub fn read_into(&self, name: impl AsRef<Path>, most: u64, bytes: &mut Vec<u8>) -> Result<bool, ReadError> {
        Place { folder: self.fd.as_fd(), name: name.as_ref(), shown: Some(&self.path) }.read_into(most, bytes)
    }

    /// Reads what is most likely a small, regular, whole file into `bytes`, with half of the calls of [`Self::read_into`].
    /// It is for content that shows by itself whether it is whole: after `false`, and for content that does not, the other
    /// way says what is there. No link is followed and nothing blocks here either.
    #[must_use]
    pub fn read_at_once(&self, name: impl AsRef<Path>, bytes: &mut Vec<u8>) -> bool {
        Place { folder: self.fd.as_fd(), name: name.as_ref(), shown: Some(&self.path) }.read_at_once(bytes)
    }

    /// Makes a file in this folder that is not there yet.
    ///
    /// # Errors
    /// When something is there, or the system says no.
    pub fn create_file(&self, name: &OsStr) -> Result<File, FileError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = retry_on_intr(|| openat(&self.fd, name, flags, Mode::from_raw_mode(0o666)));
        made.map(File::from).map_err(|error| FileError::new("write", &self.path.join(name), error))
    }

    /// Removes what is no folder from this one; that it is not there is no error.
    ///
    /// # Errors
    /// When the system says no.
    pub fn remove_file(&self, name: &OsStr) -> Result<(), FileError> {
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(FileError::new("remove", &self.path.join(name), error)),
        }
    }

    /// What lies at a name below this folder, links not followed; `None` when nothing does.
    ///
    /// # Errors
    /// When the system says no.
    pub fn kind(&self, name: impl AsRef<Path>) -> Result<Option<Kind>, FileError> {
        match statat(&self.fd, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode).into())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(FileError::new("look at", &self.path.join(name.as_ref()), error)),
        }
    }
}
