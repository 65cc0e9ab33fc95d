//! Removes a tree that may be hostile: of any depth, with missing rights, with mounts and immutable files in it.
//!
//! Everything is reached from an open folder, links are never followed, and nothing on another mount is removed: an
//! agent with enough rights may have bind-mounted a person's folder below its own.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, IFlags, Mode, OFlags, RawDir, ResolveFlags, chmod, fstat, ioctl_getflags, ioctl_setflags,
    mkdirat, openat, openat2, renameat, statat, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};

use super::FileError;
use crate::text::words::shell_bytes;

/// Room for the names of a folder, in bytes.
const NAMES_BYTES: usize = 32 << 10;
/// How many nested folders are held open at once; deeper ones are moved up first.
const MOST_HELD: usize = 64;
/// The folder, within the one that is removed, into which folders that lie too deep are moved.
const MOVED_UP: &str = ".tmp-moved-up";

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Removes a folder with everything in it; links are removed, not followed. It is no error when there is none, and
/// anything that is not a folder is removed too.
///
/// # Errors
/// When something in it cannot be removed; everything else is removed all the same. Mounted folders are left untouched.
pub fn remove_tree(folder: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::new("remove", folder, error);
    let Some(name) = folder.file_name() else { return Err(failed(Errno::INVAL)) };
    let parent =
        match openat(CWD, super::parent(folder), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(()),
            opened => opened.map_err(failed)?,
        };
    let mut removal = Removal::default();
    removal.remove(parent.as_fd(), name);
    match removal.first {
        Some((path, Errno::XDEV | Errno::BUSY)) => Err(FileError::new("remove", &path, mounted(&path))),
        Some((path, error)) => Err(FileError::new("remove", &path, error)),
        None => Ok(()),
    }
}

fn mounted(path: &Path) -> io::Error {
    let path = shell_bytes(path.as_os_str().as_bytes());
    io::Error::other(format!(
        "something is mounted on it, and nothing of that was touched; `umount -l {path}` takes it away"
    ))
}

/// Gives the owner every right on a folder and on the folders and files in it, because an agent may have removed them.
/// Link targets and mounts are left as they are.
///
/// # Errors
/// When a right cannot be given.
pub fn make_accessible(folder: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::new("change the rights of", folder, error);
    let top = openat(CWD, folder, LOOK | OFlags::DIRECTORY, Mode::empty()).map_err(failed)?;
    open_up(top.as_fd()).map_err(failed)
}

fn open_up(folder: BorrowedFd<'_>) -> Result<(), Errno> {
    give(folder, Mode::RWXU)?;
    let (names, folders) = list(folder)?;
    for name in names {
        let Ok(file) = open_here(folder, &name, LOOK) else { continue };
        if FileType::from_raw_mode(fstat(&file)?.st_mode) == FileType::RegularFile {
            give(file.as_fd(), Mode::RUSR | Mode::WUSR)?;
        }
    }
    for name in folders {
        let Ok(inner) = open_here(folder, &name, LOOK | OFlags::DIRECTORY) else { continue };
        open_up(inner.as_fd())?;
    }
    Ok(())
}

/// Adds rights for the owner to an open file, whatever its name refers to by now.
fn give(file: BorrowedFd<'_>, rights: Mode) -> Result<(), Errno> {
    let now = Mode::from_raw_mode(fstat(file)?.st_mode);
    if now.contains(rights) {
        return Ok(());
    }
    // A file that may not be read is open only as a path (`O_PATH`); the kernel changes its mode by this name alone.
    chmod(format!("/proc/self/fd/{}", file.as_raw_fd()), now | rights)
}

/// Opens an entry of a folder, if it is on the same mount and not a link.
fn open_here(at: BorrowedFd<'_>, name: &OsStr, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
    match retry_on_intr(|| openat2(at, name, flags, Mode::empty(), resolve)) {
        // Older kernels do not have the call, and some containers block it.
        Err(Errno::NOSYS | Errno::PERM) => {
            let opened = retry_on_intr(|| openat(at, name, flags, Mode::empty()))?;
            if mount(opened.as_fd())? == mount(at)? { Ok(opened) } else { Err(Errno::XDEV) }
        }
        opened => opened,
    }
}

/// The id of the mount that an open file is on. A device number is not enough: a bind mount of the same file system has
/// the same one.
fn mount(file: BorrowedFd<'_>) -> Result<String, Errno> {
    let told = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).map_err(|_| Errno::NOSYS)?;
    told.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(|id| id.trim().to_owned()).ok_or(Errno::NOSYS)
}

/// Opens a folder to empty it, and gives us every right on it.
fn open(at: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    let opened = match open_here(at, name, OPEN) {
        Err(Errno::ACCESS) => {
            let place = open_here(at, name, LOOK | OFlags::DIRECTORY)?;
            give(place.as_fd(), Mode::RWXU)?;
            openat(&place, c".", OPEN, Mode::empty())?
        }
        opened => opened?,
    };
    // A failure here is ignored: the removal that needs the right reports it.
    let _ = give(opened.as_fd(), Mode::RWXU);
    Ok(opened)
}

/// Removes one name; an immutable file is made mutable first, when we may.
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
    // A file system without such flags has nothing to change; if something cannot be removed, the removal reports it.
    if let Ok(flags) = ioctl_getflags(file)
        && flags.intersects(held)
    {
        let _ = ioctl_setflags(file, flags - held);
    }
}

#[derive(Default)]
struct Removal {
    /// How many folders were moved up and are still to be emptied.
    moved: u64,
    /// The first entry that could not be removed.
    first: Option<(PathBuf, Errno)>,
}

impl Removal {
    fn note(&mut self, at: BorrowedFd<'_>, name: &OsStr, result: Result<(), Errno>) {
        if let Err(error) = result {
            let folder = std::fs::read_link(format!("/proc/self/fd/{}", at.as_raw_fd())).unwrap_or_default();
            self.first.get_or_insert_with(|| (folder.join(name), error));
        }
    }

    /// Removes whatever is at a name, all of it.
    fn remove(&mut self, at: BorrowedFd<'_>, name: &OsStr) {
        let found = match statat(at, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => FileType::from_raw_mode(found.st_mode),
            Err(Errno::NOENT) => return,
            Err(error) => return self.note(at, name, Err(error)),
        };
        if found != FileType::Directory {
            return self.note(at, name, remove_name(at, name, AtFlags::empty()));
        }
        let top = match open(at, name) {
            Ok(top) => top,
            Err(error) => return self.note(at, name, Err(error)),
        };
        self.empty(top.as_fd(), top.as_fd(), 0);
        while self.first.is_none() && self.moved > 0 {
            self.moved = 0;
            self.empty(top.as_fd(), top.as_fd(), 0);
        }
        if self.first.is_none() {
            self.note(at, name, remove_name(at, name, AtFlags::REMOVEDIR));
        }
    }

    /// Removes everything in an open folder.
    fn empty(&mut self, top: BorrowedFd<'_>, folder: BorrowedFd<'_>, depth: usize) {
        let (names, folders) = match list(folder) {
            Ok(listed) => listed,
            Err(error) => return self.note(folder, OsStr::new(""), Err(error)),
        };
        for name in names {
            self.note(folder, &name, remove_name(folder, &name, AtFlags::empty()));
        }
        for name in folders {
            let inner = match open(folder, &name) {
                Ok(inner) => inner,
                Err(Errno::NOENT) => continue,
                Err(error) => {
                    self.note(folder, &name, Err(error));
                    continue;
                }
            };
            if depth >= MOST_HELD {
                let moved = self.move_up(top, folder, &name);
                self.note(folder, &name, moved);
                continue;
            }
            self.empty(top, inner.as_fd(), depth + 1);
            drop(inner);
            let removed = remove_name(folder, &name, AtFlags::REMOVEDIR);
            // It is not empty when an entry in it was already reported, or when something was moved into it meanwhile.
            if !(removed == Err(Errno::NOTEMPTY) && (self.first.is_some() || self.moved > 0)) {
                self.note(folder, &name, removed);
            }
        }
    }

    /// Moves a folder that lies too deep to the top, where it is emptied later.
    fn move_up(&mut self, top: BorrowedFd<'_>, folder: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
        match mkdirat(top, MOVED_UP, Mode::RWXU) {
            Err(Errno::EXIST) | Ok(()) => {}
            Err(error) => return Err(error),
        }
        let room = open(top, OsStr::new(MOVED_UP))?;
        let to = loop {
            self.moved += 1;
            let to = self.moved.to_string();
            match statat(&room, &to, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => break to,
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        };
        renameat(folder, name, &room, to)
    }
}

/// The names in a folder: first those that are not folders, then those that are.
fn list(folder: BorrowedFd<'_>) -> Result<(Vec<OsString>, Vec<OsString>), Errno> {
    // A fresh descriptor, so that the listing begins at the start, whoever has read from this one before.
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

    /// Makes a chain of folders that is deeper than a path can express.
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
    fn rights_are_given_in_the_tree_and_not_where_its_links_lead() {
        let place = tempfile::tempdir().unwrap();
        let (top, other) = (place.path().join("tree"), place.path().join("other"));
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::create_dir_all(top.join("closed/inner")).unwrap();
        fs::create_dir(&other).unwrap();
        for file in [top.join("closed/inner/file"), other.join("file")] {
            fs::write(&file, "x").unwrap();
            set(&file, 0o000);
        }
        std::os::unix::fs::symlink(&other, top.join("link")).unwrap();
        std::os::unix::fs::symlink(other.join("file"), top.join("file")).unwrap();
        for closed in [top.join("closed/inner"), top.join("closed"), other.clone()] {
            set(&closed, 0o100);
        }
        make_accessible(&top).unwrap();
        assert_eq!((mode(&top.join("closed/inner")), mode(&top.join("closed/inner/file"))), (0o700, 0o600));
        assert_eq!((mode(&other), mode(&other.join("file"))), (0o100, 0o000));
        std::os::unix::fs::symlink(&other, place.path().join("top")).unwrap();
        make_accessible(&place.path().join("top")).unwrap_err();
        assert_eq!(mode(&other), 0o100);
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
