//! An open folder: its entries are read and opened relative to it, so that no path is resolved twice.

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
    /// When something else is there, or a system call fails.
    pub fn open(path: &Path) -> Result<Option<Self>, FileError> {
        Self::open_below(CWD, path, path.to_owned())
    }

    /// Opens a folder in this one; `None` when it is not there.
    ///
    /// # Errors
    /// When something else is there, or a system call fails.
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

    /// The path that it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Calls `name` for each entry of the folder with its kind, in no order. To be called once for each opening.
    ///
    /// # Errors
    /// When the system does not list the folder to its end.
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
                name(found, self.kind_of_entry(entry.file_type(), found));
            }
        }
        Ok(())
    }

    /// The kind of an entry; some file systems do not report it in a listing, so it is asked for.
    fn kind_of_entry(&self, file_type: FileType, name: &OsStr) -> Kind {
        match file_type {
            FileType::Unknown => statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(Kind::Unknown, |stat| FileType::from_raw_mode(stat.st_mode).into()),
            told => told.into(),
        }
    }

    /// Reads a regular file below this folder into `bytes`, in place of what is in there; `false` when it is not there.
    ///
    /// # Errors
    /// When something else is there, it has more than `most` bytes, or it cannot be read.
    pub fn read_into(&self, name: impl AsRef<Path>, most: u64, bytes: &mut Vec<u8>) -> Result<bool, ReadError> {
        Place { folder: self.fd.as_fd(), name: name.as_ref(), shown: Some(&self.path) }.read_into(most, bytes)
    }

    /// Reads what is most likely a small, regular, whole file into `bytes`, with half as many system calls as
    /// [`Self::read_into`]. It is meant for content that shows by itself whether it is whole. After `false`, or when
    /// the content is not whole, call [`Self::read_into`], which says what is there. Here too, no link is followed and
    /// nothing blocks.
    #[must_use]
    pub fn read_at_once(&self, name: impl AsRef<Path>, bytes: &mut Vec<u8>) -> bool {
        Place { folder: self.fd.as_fd(), name: name.as_ref(), shown: Some(&self.path) }.read_at_once(bytes)
    }

    /// Creates a file in this folder that does not exist yet.
    ///
    /// # Errors
    /// When something is there, or a system call fails.
    pub fn create_file(&self, name: &OsStr) -> Result<File, FileError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = retry_on_intr(|| openat(&self.fd, name, flags, Mode::from_raw_mode(0o666)));
        made.map(File::from).map_err(|error| FileError::new("write", &self.path.join(name), error))
    }

    /// Removes a file or link from this folder; it is no error when there is none.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn remove_file(&self, name: &OsStr) -> Result<(), FileError> {
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(FileError::new("remove", &self.path.join(name), error)),
        }
    }

    /// What is at a name below this folder, links not followed; `None` when nothing is.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn kind(&self, name: impl AsRef<Path>) -> Result<Option<Kind>, FileError> {
        match statat(&self.fd, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode).into())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(FileError::new("look at", &self.path.join(name.as_ref()), error)),
        }
    }

    /// The bytes of what is at a name in this folder, links not followed; `None` when that is not known.
    #[must_use]
    pub fn size_of(&self, name: &OsStr) -> Option<u64> {
        let stat = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        u64::try_from(stat.st_size).ok()
    }
}
