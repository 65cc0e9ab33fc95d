//! Reading a file that an untrusted program may have put there: no link is followed, nothing blocks, nothing is unbounded.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::{Errno, pread, retry_on_intr};

use super::FileError;

/// Follows no link, does not wait for a FIFO's writer, takes no terminal as ours, and is not inherited by child
/// processes.
const WARY: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// A file with fewer bytes than this is read by one call.
const SMALL: usize = 16 << 10;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A device.
    Device,
    /// A kind that the file system does not report.
    Unknown,
}

impl From<FileType> for Kind {
    fn from(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice | FileType::BlockDevice => Self::Device,
            FileType::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::File => "a regular file",
            Self::Folder => "a folder",
            Self::Link => "a symbolic link",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Unknown => "something unknown",
        })
    }
}

/// Why a file was not read. A file that does not exist is not an error.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system reports an error: what is there is unknown, not absent.
    #[error(transparent)]
    Io(#[from] FileError),
    /// It is there and no regular file.
    #[error("`{path}` is {kind}, not a regular file", path = path.display())]
    NotRegular {
        /// The place.
        path: PathBuf,
        /// What is there.
        kind: Kind,
    },
    /// It is there and larger than it may be.
    #[error("`{path}` has {bytes} bytes, more than the {most} that are read", path = path.display())]
    TooLarge {
        /// The place.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The bound.
        most: u64,
    },
}

/// Reads a regular file of at most `most` bytes; `None` when it is not there.
///
/// # Errors
/// When something else is there, or it cannot be read.
pub fn read_bounded(path: &Path, most: u64) -> Result<Option<Vec<u8>>, ReadError> {
    read_bounded_at(CWD, path, most)
}

/// Like [`read_bounded`], for callers to whom an unreadable file means no more than a missing one.
#[must_use]
pub fn read_if_readable(path: &Path, most: u64) -> Option<Vec<u8>> {
    read_bounded(path, most).ok().flatten()
}

/// Like [`read_bounded`], with a path below an open folder.
///
/// # Errors
/// When something else is there, or it cannot be read.
pub fn read_bounded_at(folder: BorrowedFd<'_>, name: &Path, most: u64) -> Result<Option<Vec<u8>>, ReadError> {
    let mut bytes = Vec::new();
    let place = Place { folder, name, shown: None };
    Ok(place.read_into(most, &mut bytes)?.then_some(bytes))
}

/// Reads the first `most` bytes of a regular file; `None` when it is not there.
///
/// # Errors
/// When something else is there, or it cannot be read.
pub fn read_start(path: &Path, most: u64) -> Result<Option<Vec<u8>>, ReadError> {
    Place { folder: CWD, name: path, shown: None }.read_start(most)
}

/// Reads the last `most` bytes of a regular file; `None` when it is not there.
///
/// # Errors
/// When something else is there, or it cannot be read.
pub fn read_end(path: &Path, most: u64) -> Result<Option<Vec<u8>>, ReadError> {
    let place = Place { folder: CWD, name: path, shown: None };
    let Some((file, size)) = place.open()? else { return Ok(None) };
    let mut file = File::from(file);
    let mut bytes = Vec::new();
    let read =
        file.seek(SeekFrom::Start(size.saturating_sub(most))).and_then(|_| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| place.error("read", error))?;
    Ok(Some(bytes))
}

/// Opens a regular file for reading.
///
/// # Errors
/// When it is not there, is something else, or a system call fails.
pub fn open_regular(path: &Path) -> Result<File, ReadError> {
    let place = Place { folder: CWD, name: path, shown: None };
    let opened = place.open()?.ok_or_else(|| FileError::new("open", path, Errno::NOENT))?;
    Ok(File::from(opened.0))
}

/// What is at a path, links not followed; `None` when nothing is.
///
/// # Errors
/// When a system call fails.
pub fn kind_of(path: &Path) -> Result<Option<Kind>, FileError> {
    match statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode).into())),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(FileError::new("look at", path, error)),
    }
}

/// A place below an open folder. The folder's path is only for messages.
pub(super) struct Place<'a> {
    pub(super) folder: BorrowedFd<'a>,
    pub(super) name: &'a Path,
    pub(super) shown: Option<&'a Path>,
}

impl Place<'_> {
    fn path(&self) -> PathBuf {
        self.shown.map_or_else(|| self.name.to_owned(), |folder| folder.join(self.name))
    }

    fn error(&self, tried: &'static str, error: impl Into<io::Error>) -> FileError {
        FileError::new(tried, &self.path(), error)
    }

    /// The open file and its size; `None` when it is not there.
    fn open(&self) -> Result<Option<(OwnedFd, u64)>, ReadError> {
        let fd = match retry_on_intr(|| openat(self.folder, self.name, WARY, Mode::empty())) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.why_not_opened(error)),
        };
        let stat = fstat(&fd).map_err(|error| self.error("read", error))?;
        match FileType::from_raw_mode(stat.st_mode).into() {
            Kind::File => Ok(Some((fd, u64::try_from(stat.st_size).unwrap_or(0)))),
            kind => Err(ReadError::NotRegular { path: self.path(), kind }),
        }
    }

    /// Links and sockets cannot be opened this way; naming what is there explains more than the system's error number.
    fn why_not_opened(&self, error: Errno) -> ReadError {
        match statat(self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
                ReadError::NotRegular { path: self.path(), kind: FileType::from_raw_mode(stat.st_mode).into() }
            }
            _ => self.error("read", error).into(),
        }
    }

    /// The first bytes of the file; `None` when it is not there.
    pub(super) fn read_start(&self, most: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let Some((file, _)) = self.open()? else { return Ok(None) };
        let mut bytes = Vec::new();
        File::from(file).take(most).read_to_end(&mut bytes).map_err(|error| self.error("read", error))?;
        Ok(Some(bytes))
    }

    /// Reads a small file by one call, without checking its kind first; `false` when that does not work.
    pub(super) fn read_at_once(&self, bytes: &mut Vec<u8>) -> bool {
        bytes.clear();
        let Ok(fd) = retry_on_intr(|| openat(self.folder, self.name, WARY, Mode::empty())) else { return false };
        bytes.reserve(SMALL);
        let asked = bytes.capacity();
        // Reads at an offset: a FIFO, a socket, a terminal and a folder do not support that.
        let got = pread(&fd, rustix::buffer::spare_capacity(bytes), 0).unwrap_or(0);
        got > 0 && got < asked
    }

    /// Reads the file into `bytes`, in place of what is in there; `false` when it is not there.
    pub(super) fn read_into(&self, most: u64, bytes: &mut Vec<u8>) -> Result<bool, ReadError> {
        bytes.clear();
        let Some((fd, size)) = self.open()? else { return Ok(false) };
        let too_large = |bytes| ReadError::TooLarge { path: self.path(), bytes, most };
        let room = usize::try_from(size).map_err(|_| too_large(size))?;
        if size > most {
            return Err(too_large(size));
        }
        // Room for one byte more than expected, so that one call shows that the file is at its end.
        bytes.reserve(room + 1);
        loop {
            let asked = bytes.capacity() - bytes.len();
            let got = retry_on_intr(|| rustix::io::read(fd.as_fd(), rustix::buffer::spare_capacity(bytes)))
                .map_err(|error| self.error("read", error))?;
            if bytes.len() as u64 > most {
                return Err(too_large(bytes.len() as u64));
            }
            if got == 0 || (got < asked && bytes.len() == room) {
                return Ok(true);
            }
            bytes.reserve(1);
        }
    }
}
