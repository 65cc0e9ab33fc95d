//! Removing a tree that may be hostile: of any depth, without rights, with mounts and immutable files in it.
//!
//! Everything is reached from an open folder, links are never followed, and nothing is removed that lies on another
//! mount: an agent with rights may have bound a person's folder below its own.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, IFlags, Mode, OFlags, RawDir, ResolveFlags, chmodat, fstat, ioctl_getflags, ioctl_setflags,
    mkdirat, openat, openat2, renameat, statat, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};

use super::FileError;

/// Room for the names of a folder, in bytes.
const NAMES_BYTES: usize = 32 << 10;
/// Folders that are held open below each other; what lies deeper is moved up first.
const MOST_HELD: usize = 64;
/// The folder, within the one that is removed, that takes what lies too deep.
const MOVED_UP: &str = ".tmp-moved-up";

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Removes a folder with everything in it; links are removed, not followed. One that is not there is no error, and what
/// is no folder is removed as what it is.
///
/// # Errors
/// When something in it cannot be removed; what can is removed.
pub fn remove_tree(folder: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::new("remove", folder, error);
    let found = match statat(CWD, folder, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => FileType::from_raw_mode(found.st_mode),
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let name = folder.as_os_str();
    if found != FileType::Directory {
        return remove_name(CWD, name, AtFlags::empty()).map_err(failed);
    }
    let top = open(CWD, name, Anywhere::Yes).map_err(failed)?;
    let mut removal = Removal { top: top.as_fd(), moved: 0, first: None };
    removal.empty(top.as_fd(), 0);
    while removal.first.is_none() && removal.moved > 0 {
        removal.moved = 0;
        removal.empty(top.as_fd(), 0);
    }
    match removal.first {
        Some(error) => Err(failed(error)),
        None => remove_name(CWD, name, AtFlags::REMOVEDIR).map_err(failed),
    }
}

/// Whether a folder may lie on another mount than the one that it is opened from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anywhere {
    Yes,
    No,
}

/// Opens a folder to empty it, and gives us every right on it.
fn open(at: BorrowedFd<'_>, name: &OsStr, anywhere: Anywhere) -> Result<OwnedFd, Errno> {
    let once = || match anywhere {
        Anywhere::Yes => retry_on_intr(|| openat(at, name, OPEN, Mode::empty())),
        Anywhere::No => {
            let resolve = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
            match retry_on_intr(|| openat2(at, name, OPEN, Mode::empty(), resolve)) {
                // Older kernels: another device is all that can be told.
                Err(Errno::NOSYS) => {
                    let opened = retry_on_intr(|| openat(at, name, OPEN, Mode::empty()))?;
                    if fstat(&opened)?.st_dev == fstat(at)?.st_dev { Ok(opened) } else { Err(Errno::XDEV) }
                }
                opened => opened,
            }
        }
    };
    let opened = match once() {
        Err(Errno::ACCESS) => {
            chmodat(at, name, Mode::RWXU, AtFlags::empty())?;
            once()?
        }
        opened => opened?,
    };
    if fstat(&opened)?.st_mode & 0o700 != 0o700 {
        // What cannot be given is told by the removal that needs it.
        let _ = rustix::fs::fchmod(&opened, Mode::RWXU);
    }
    Ok(opened)
}

/// Removes one name; what was made immutable is made mutable first, when we may.
fn remove_name(at: BorrowedFd<'_>, name: &OsStr, flags: AtFlags) -> Result<(), Errno> {
    match unlinkat(at, name, flags) {
        Err(Errno::NOENT) => Ok(()),
        Err(Errno::PERM) => {
            let found = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            if let Ok(opened) = openat(at, name, found, Mode::empty()) {
                make_mutable(opened.as_fd());
            }
            make_mutable(at);
            unlinkat(at, name, flags)
        }
        removed => removed,
    }
}

fn make_mutable(file: BorrowedFd<'_>) {
    let held = IFlags::IMMUTABLE | IFlags::APPEND;
    // A file system without such flags has nothing to change; what stays is told by the removal.
    if let Ok(flags) = ioctl_getflags(file)
        && flags.intersects(held)
    {
        let _ = ioctl_setflags(file, flags - held);
    }
}

struct Removal<'a> {
    top: BorrowedFd<'a>,
    /// How many folders were moved up and are still to be emptied.
    moved: u64,
    /// The first thing that could not be removed.
    first: Option<Errno>,
}

impl Removal<'_> {
    fn note(&mut self, result: Result<(), Errno>) {
        if let Err(error) = result {
            self.first.get_or_insert(error);
        }
    }

    /// Removes everything in an open folder.
    fn empty(&mut self, folder: BorrowedFd<'_>, depth: usize) {
        let (names, folders) = match list(folder) {
            Ok(listed) => listed,
            Err(error) => return self.note(Err(error)),
        };
        for name in names {
            let removed = remove_name(folder, &name, AtFlags::empty());
            self.note(removed);
        }
        for name in folders {
            if depth >= MOST_HELD {
                let moved = self.move_up(folder, &name);
                self.note(moved);
                continue;
            }
            match open(folder, &name, Anywhere::No) {
                Ok(inner) => {
                    self.empty(inner.as_fd(), depth + 1);
                    drop(inner);
                    let removed = remove_name(folder, &name, AtFlags::REMOVEDIR);
                    // It is not empty when something in it was told already, or was moved into it meanwhile.
                    if !(removed == Err(Errno::NOTEMPTY) && (self.first.is_some() || self.moved > 0)) {
                        self.note(removed);
                    }
                }
                Err(Errno::NOENT) => {}
                Err(error) => self.note(Err(error)),
            }
        }
    }

    /// Moves a folder that lies too deep to the top, where it is emptied later.
    fn move_up(&mut self, folder: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
        let _ = chmodat(folder, name, Mode::RWXU, AtFlags::empty());
        match mkdirat(self.top, MOVED_UP, Mode::RWXU) {
            Err(Errno::EXIST) | Ok(()) => {}
            Err(error) => return Err(error),
        }
        let to = loop {
            self.moved += 1;
            let to = format!("{MOVED_UP}/{}", self.moved);
            match statat(self.top, &to, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => break to,
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        };
        renameat(folder, name, self.top, to)
    }
}

/// The names in a folder: those of what is no folder, and those of folders.
fn list(folder: BorrowedFd<'_>) -> Result<(Vec<OsString>, Vec<OsString>), Errno> {
    // Read from its beginning, whoever has read it before.
    let fresh = openat(folder, c".", OPEN, Mode::empty())?;
    let mut room = Vec::with_capacity(NAMES_BYTES);
    let mut entries = RawDir::new(&fresh, room.spare_capacity_mut());
    let (mut names, mut folders) = (Vec::new(), Vec::new());
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Err(Errno::INTR) => continue,
            entry => entry?,
        };
        let name: CString = entry.file_name().to_owned();
        if name.as_bytes() == b"." || name.as_bytes() == b".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(FileType::Unknown, |found| FileType::from_raw_mode(found.st_mode)),
            told => told,
        };
        let name = OsStr::from_bytes(name.as_bytes()).to_owned();
        if kind == FileType::Directory { folders.push(name) } else { names.push(name) }
    }
    Ok((names, folders))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A chain of folders, deeper than a path can say.
    fn dig(top: &Path, levels: usize) {
        let mut at = openat(CWD, top, OPEN, Mode::empty()).unwrap();
        for _ in 0..levels {
            mkdirat(&at, "a-folder-with-a-long-name", Mode::RWXU).unwrap();
            let file = openat(&at, "file", OFlags::CREATE | OFlags::WRONLY, Mode::RWXU).unwrap();
            drop(file);
            at = openat(&at, "a-folder-with-a-long-name", OPEN, Mode::empty()).unwrap();
        }
    }

    #[test]
    fn a_tree_of_any_depth_is_removed_without_its_rights() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().join("tree");
        fs::create_dir_all(top.join("closed/inner")).unwrap();
        fs::write(top.join("closed/inner/file"), "x").unwrap();
        for closed in ["closed/inner", "closed"] {
            fs::set_permissions(top.join(closed), fs::Permissions::from_mode(0o000)).unwrap();
        }
        dig(&top, 2000);
        remove_tree(&top).unwrap();
        assert!(!top.exists());
        remove_tree(&top).unwrap();
    }

    #[test]
    fn what_a_link_points_to_stays() {
        let place = tempfile::tempdir().unwrap();
        let (top, other) = (place.path().join("tree"), place.path().join("other"));
        for folder in [&top, &other] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(other.join("mine"), "mine").unwrap();
        std::os::unix::fs::symlink(&other, top.join("link")).unwrap();
        remove_tree(&top).unwrap();
        std::os::unix::fs::symlink(&other, &top).unwrap();
        remove_tree(&top).unwrap();
        assert_eq!(fs::read(other.join("mine")).unwrap(), b"mine");
        assert!(fs::symlink_metadata(&top).is_err());
    }
}
