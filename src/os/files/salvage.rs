//! Copies what an untrusted program left, as far as possible: what cannot be kept is counted, and is never an error.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, chmodat};

use super::read::Place;
use super::{Bounds, FileError, Folder, Kind, ReadError, write_atomic};

/// What was copied and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Salvaged {
    /// Files that were copied.
    pub files: u64,
    /// Places that were not copied: too many, too deep, too large, unreadable, links and special files.
    pub left_out: u64,
}

/// Copies the regular files of an open folder into the existing folder `to`, each durably, with their bytes passed
/// through `kept`. Links are not followed, and files whose names `skip` accepts are not copied.
///
/// # Errors
/// When `to` cannot be written. What cannot be read is left out and counted.
pub fn salvage(
    from: &Folder,
    to: &Path,
    bounds: Bounds,
    skip: impl Fn(&Path) -> bool,
    kept: impl Fn(Vec<u8>) -> Vec<u8>,
) -> Result<Salvaged, FileError> {
    let mut work = Work { left: bounds, salvaged: Salvaged::default(), skip: &skip, kept: &kept };
    work.folder(from, Path::new(""), to, bounds.depth)?;
    Ok(work.salvaged)
}

struct Work<'a> {
    left: Bounds,
    salvaged: Salvaged,
    skip: &'a dyn Fn(&Path) -> bool,
    kept: &'a dyn Fn(Vec<u8>) -> Vec<u8>,
}

impl Work<'_> {
    fn folder(&mut self, from: &Folder, below: &Path, to: &Path, depth: usize) -> Result<(), FileError> {
        let mut entries: Vec<(OsString, Kind)> = Vec::new();
        let mut more = 0;
        let most = self.left.entries;
        let listed = from.each(
            |name, kind| {
                if entries.len() < most { entries.push((name.to_owned(), kind)) } else { more += 1 }
            },
        );
        self.salvaged.left_out += more + u64::from(listed.is_err());
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, kind) in entries {
            let place = below.join(&name);
            if (self.skip)(&place) {
                continue;
            }
            let copied = match (kind, self.left.entries.checked_sub(1)) {
                (Kind::File, Some(left)) => {
                    self.left.entries = left;
                    self.file(from, &name, &to.join(&name))?
                }
                (Kind::Folder, Some(left)) if depth > 1 => {
                    self.left.entries = left;
                    match open(from, &name) {
                        Some(inner) => {
                            let copy = to.join(&name);
                            match fs::create_dir(&copy) {
                                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                                    return Err(FileError::new("make the folder", &copy, error));
                                }
                                _ => {}
                            }
                            self.folder(&inner, &place, &copy, depth - 1)?;
                            super::sync_dir(&copy)?;
                            true
                        }
                        None => false,
                    }
                }
                _ => false,
            };
            self.salvaged.left_out += u64::from(!copied);
        }
        super::sync_dir(to)
    }

    /// Copies one file; gives whether it was copied.
    fn file(&mut self, from: &Folder, name: &OsStr, to: &Path) -> Result<bool, FileError> {
        let mut bytes = Vec::new();
        let most = self.left.bytes;
        let mut read = || matches!(from.read_into(name, most, &mut bytes), Ok(true));
        let got = read() || (allow(from, name) && read());
        if !got {
            return Ok(false);
        }
        self.left.bytes -= bytes.len() as u64;
        write_atomic(to, &(self.kept)(bytes))?;
        self.salvaged.files += 1;
        Ok(true)
    }
}

pub(super) fn open(from: &Folder, name: &OsStr) -> Option<Folder> {
    match from.folder(name) {
        Ok(opened) => opened,
        Err(_) if allow(from, name) => from.folder(name).ok().flatten(),
        Err(_) => None,
    }
}

impl Folder {
    /// Reads the first `most` bytes of a regular file in this folder, even if the program removed our rights on it;
    /// `None` when it does not exist.
    ///
    /// # Errors
    /// When something else is there, or it cannot be read.
    pub fn read_start(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let place = Place { folder: self.fd.as_fd(), name: Path::new(name), shown: Some(self.path()) };
        match place.read_start(most) {
            Err(ReadError::Io(error))
                if error.error.kind() == io::ErrorKind::PermissionDenied && allow(self, OsStr::new(name)) =>
            {
                place.read_start(most)
            }
            read => read,
        }
    }
}

/// Restores our rights on an entry that is not a link.
fn allow(from: &Folder, name: &OsStr) -> bool {
    matches!(from.kind(name), Ok(Some(Kind::File | Kind::Folder)))
        && chmodat(&from.fd, name, Mode::RWXU, AtFlags::empty()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { entries: 10, bytes: 100, depth: 3 };

    fn salvaged(fill: impl FnOnce(&Path)) -> (Salvaged, tempfile::TempDir) {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&to).unwrap();
        fill(&from);
        let open = Folder::open(&from).unwrap().unwrap();
        let salvaged = salvage(&open, &to, BOUNDS, |_| false, |bytes| bytes.to_ascii_uppercase()).unwrap();
        (salvaged, place)
    }

    #[test]
    fn what_fits_is_copied_and_what_does_not_is_counted() {
        let (salvaged, place) = salvaged(|from| {
            fs::create_dir_all(from.join("a/b/c")).unwrap();
            fs::write(from.join("a/b/file"), "deep").unwrap();
            fs::write(from.join("large"), "x".repeat(101)).unwrap();
            fs::write(from.join("one"), "one").unwrap();
            std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, from.join("pipe"), Mode::RWXU).unwrap();
        });
        assert_eq!(salvaged, Salvaged { files: 2, left_out: 4 });
        assert_eq!(fs::read(place.path().join("to/a/b/file")).unwrap(), b"DEEP");
        assert_eq!(fs::read(place.path().join("to/one")).unwrap(), b"ONE");
        assert!(fs::symlink_metadata(place.path().join("to/link")).is_err());
    }

    #[test]
    fn any_number_of_files_ends() {
        let (salvaged, _place) = salvaged(|from| {
            for number in 0..25 {
                fs::write(from.join(number.to_string()), "").unwrap();
            }
        });
        assert_eq!(salvaged, Salvaged { files: 10, left_out: 15 });
    }
}
