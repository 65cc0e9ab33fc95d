//! Files that are written whole or not at all, and reading in folders that may be hostile: the door to `tempfile` and
//! to the file calls of `rustix`.

mod folder;
mod identity;
mod leftovers;
mod linked;
mod mirror;
mod named;
mod private;
mod read;
mod remove;
mod salvage;
mod tree;

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

pub use folder::Folder;
pub use identity::{Identity, sync_file_system};
pub use leftovers::remove_leftovers;
pub use linked::{LinkBounds, link_tree};
pub use mirror::mirror_without;
pub use named::{NamedPlace, cure};
pub use private::{TemporaryFolder, group, is_private, make_nameless, make_private, make_random, user, write_private};
pub use read::{
    Kind, ReadError, kind_of, open_regular, read_bounded, read_bounded_at, read_end, read_if_readable, read_start,
};
pub use remove::{make_accessible, remove_tree};
pub use salvage::{Salvaged, salvage};
pub use tree::{Bounds, copy_tree, is_same_tree, move_tree, part_from_writers, sync_tree};

/// Prefix of the names of temporary files; a crash can leave such files behind.
pub const TEMPORARY_PREFIX: &str = ".tmp-";
/// Prefix of the names of temporary files of [`write_new_by`], which lie in folders of people: nobody else names a file so.
pub const LONG_TEMPORARY_PREFIX: &str = ".tmp-of-cargo-scylla-";

/// So many files are made durable at once.
const MOST_SYNCS: usize = 40;
/// So many files are put in their places at once.
const MOST_RENAMES: usize = 4;

/// What was tried with a file and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{}cannot {tried} `{path}`: {error}", place(*named), path = path.display())]
pub struct FileError {
    /// What was tried, as a verb: `write`, `rename`.
    pub tried: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's error.
    pub error: io::Error,
    /// The place that a person names, when that is what cannot be used.
    pub named: Option<NamedPlace>,
}

fn place(named: Option<NamedPlace>) -> String {
    named.map(|named| format!("{}: ", named.called())).unwrap_or_default()
}

impl FileError {
    /// The error of trying something with `path`.
    pub fn new(tried: &'static str, path: &Path, error: impl Into<io::Error>) -> Self {
        Self { tried, path: path.to_owned(), error: error.into(), named: None }
    }
}

/// The parent folder of a path; the current one for a bare name.
#[must_use]
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

/// Whether a write may replace what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Replace,
    New,
}

/// Puts `bytes` at `path`, in place of what is there. Other processes see the old file or the new one, never a part; when
/// this returns `Ok`, a power cut leaves the new one.
///
/// # Errors
/// When it cannot be written. What was there is then still there, unless only the last sync of the folder failed.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_with(path, bytes, Place::Replace, File::sync_all)
}

/// Puts each of these bytes at the path beside it, as [`write_atomic`] does, with several syncs at once: a sync waits for the disk. Nothing is
/// put in its place before all of it is durable beside it. All paths are in `folder`.
///
/// # Errors
/// When one cannot be written: then nothing is in its place unless a rename failed or the last sync of the folder.
pub fn write_all_atomic(folder: &Path, files: &[(PathBuf, &[u8])]) -> Result<(), FileError> {
    let written = in_parts(files, MOST_SYNCS, |(path, bytes): &(PathBuf, &[u8])| {
        let temporary = synced_twice(folder, bytes, &mut File::sync_all);
        temporary.map(|temporary| (temporary, path)).map_err(|error| FileError::new("write", path, error))
    })?;
    // What was there is freed by the rename, which takes the system as long as writing it.
    in_parts(written, MOST_RENAMES, |(temporary, path)| {
        temporary.persist(path).map_err(|error| FileError::new("write", path, error.error))
    })?;
    sync_dir(folder)
}

/// Does each piece of work, on at most so many threads.
fn in_parts<Work: Send, Done: Send>(
    works: impl IntoIterator<Item = Work>,
    most: usize,
    each: impl Fn(Work) -> Result<Done, FileError> + Sync,
) -> Result<Vec<Done>, FileError> {
    let mut works: Vec<Work> = works.into_iter().collect();
    let part = works.len().div_ceil(most).max(1);
    let each = &each;
    thread::scope(|scope| {
        let mut parts = Vec::new();
        while !works.is_empty() {
            let rest = works.split_off(works.len().min(part));
            let part = std::mem::replace(&mut works, rest);
            parts.push(scope.spawn(move || part.into_iter().map(each).collect::<Vec<_>>()));
        }
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Like [`write_atomic`], and fails with [`io::ErrorKind::AlreadyExists`] when `path` is there already.
///
/// # Errors
/// When it cannot be written, or is there already.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_with(path, bytes, Place::New, File::sync_all)
}

/// Like [`write_new`], for what does not fit into memory: `write` is given the file. Those that a killed writer left in the folder
/// are removed before.
///
/// # Errors
/// As [`write_new`], and when `write` fails.
pub fn write_new_by(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileError> {
    let folder = parent(path);
    let failed = |error| FileError::new("write", path, error);
    remove_leftovers(folder, LONG_TEMPORARY_PREFIX)?;
    let mut temporary = tempfile::Builder::new()
        .prefix(LONG_TEMPORARY_PREFIX)
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(failed)?;
    // On a file system that knows no locks, nobody removes what is left either.
    let _ = leftovers::hold(temporary.as_file());
    write(temporary.as_file_mut()).and_then(|()| temporary.as_file().sync_all()).map_err(failed)?;
    temporary.into_temp_path().persist_noclobber(path).map_err(|error| failed(error.error))?;
    sync_dir(folder)
}

/// Writes a new file in place of what is there and syncs its bytes. A reader may see a partial file, and its name is
/// durable only when its folder is: for files that nobody reads before another file says that they are whole.
///
/// # Errors
/// When it cannot be written.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let write = || {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_data()
    };
    write().map_err(|error| FileError::new("write", path, error))
}

fn write_with(
    path: &Path,
    bytes: &[u8],
    place: Place,
    mut sync: impl FnMut(&File) -> io::Result<()>,
) -> Result<(), FileError> {
    let folder = parent(path);
    let temporary = synced_twice(folder, bytes, &mut sync).map_err(|error| FileError::new("write", path, error))?;
    let renamed = match place {
        Place::Replace => temporary.persist(path),
        Place::New => temporary.persist_noclobber(path),
    };
    renamed.map_err(|error| FileError::new("write", path, error.error))?;
    sync_dir_with(folder, &mut sync)
}

/// Why a temporary file could not be made.
enum Unwritten {
    Failed(io::Error),
    Unsynced,
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Unwritten> for io::Error {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Failed(error) => error,
            Unwritten::Unsynced => Self::other("the disk twice refused to make a new file durable"),
        }
    }
}

/// A failed sync may have dropped the bytes, and reports that only once. So the same file is never synced again: the
/// bytes go to one new file, and a second failure is final.
fn synced_twice(
    folder: &Path,
    bytes: &[u8],
    sync: &mut impl FnMut(&File) -> io::Result<()>,
) -> Result<tempfile::TempPath, Unwritten> {
    match synced_temporary(folder, bytes, sync) {
        Err(Unwritten::Unsynced) => synced_temporary(folder, bytes, sync),
        written => written,
    }
}

fn synced_temporary(
    folder: &Path,
    bytes: &[u8],
    sync: &mut impl FnMut(&File) -> io::Result<()>,
) -> Result<tempfile::TempPath, Unwritten> {
    let mut temporary = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    let length = temporary.as_file().metadata()?.size();
    if length != bytes.len() as u64 {
        return Err(io::Error::other(format!("{length} bytes arrived of {}", bytes.len())).into());
    }
    sync(temporary.as_file()).map_err(|_| Unwritten::Unsynced)?;
    Ok(temporary.into_temp_path())
}

/// Makes a folder and its parents, each durable; existing ones are left as they are.
///
/// # Errors
/// When one of them cannot be made or synced, or is something else than a folder.
pub fn create_dir_durable(path: &Path) -> Result<(), FileError> {
    let mut made = fs::create_dir(path);
    if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) && parent(path) != path {
        create_dir_durable(parent(path))?;
        // Some file systems have nothing in a folder that is there, such as that of processes: it is tried once.
        made = fs::create_dir(path);
    }
    match made {
        Ok(()) => sync_dir(parent(path)),
        Err(error)
            if error.kind() == io::ErrorKind::AlreadyExists && fs::metadata(path).is_ok_and(|it| it.is_dir()) =>
        {
            Ok(())
        }
        Err(error) => Err(FileError::new("make the folder", path, error)),
    }
}

/// Makes a folder that must not exist yet, durably. Its parent must exist.
///
/// # Errors
/// With [`io::ErrorKind::AlreadyExists`] when it is there; when it cannot be made or synced.
pub fn create_new_dir(path: &Path) -> Result<(), FileError> {
    fs::create_dir(path).map_err(|error| FileError::new("make the folder", path, error))?;
    sync_dir(parent(path))
}

/// Renames a file or folder on the same file system, durably and never over something that exists.
///
/// # Errors
/// With [`io::ErrorKind::AlreadyExists`] when `to` is there; when the rename or a sync fails.
pub fn rename_durable(from: &Path, to: &Path) -> Result<(), FileError> {
    let renamed = match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // The file system does not support the flag: checking first is the best that can be done.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => match fs::symlink_metadata(to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
            Err(error) => Err(error),
        },
        renamed => renamed.map_err(io::Error::from),
    };
    renamed.map_err(|error| FileError::new("rename", from, error))?;
    sync_dir(parent(to))?;
    if parent(from) == parent(to) { Ok(()) } else { sync_dir(parent(from)) }
}

/// Makes the bytes of a regular file durable.
///
/// # Errors
/// When it cannot be opened as a regular file or synced.
pub fn sync_file(path: &Path) -> Result<(), FileError> {
    let file = open_regular(path).map_err(|error| match error {
        ReadError::Io(error) => error,
        refused => FileError::new("sync", path, io::Error::other(refused)),
    })?;
    file.sync_all().map_err(|error| FileError::new("sync", path, error))
}

/// Makes the names in a folder durable.
///
/// # Errors
/// When it cannot be opened or synced.
pub fn sync_dir(path: &Path) -> Result<(), FileError> {
    sync_dir_with(path, &mut File::sync_all)
}

fn sync_dir_with(path: &Path, sync: &mut impl FnMut(&File) -> io::Result<()>) -> Result<(), FileError> {
    File::open(path).and_then(|folder| sync(&folder)).map_err(|error| FileError::new("sync the folder", path, error))
}

/// Opens the file of a lock: for reading and writing when `create` is set, else for reading. Links are not followed,
/// and anything but a regular file is refused, because the holder's name is written into it.
///
/// # Errors
/// As [`fs::OpenOptions::open`]; [`io::ErrorKind::InvalidInput`] when something else is there.
pub fn open_lock(path: &Path, create: bool) -> io::Result<File> {
    open_lock_with(path, fs::OpenOptions::new().write(create).create(create))
}

/// The same for reading and writing, of a file that is there already.
///
/// # Errors
/// As [`open_lock`].
pub fn open_lock_in_place(path: &Path) -> io::Result<File> {
    open_lock_with(path, fs::OpenOptions::new().write(true))
}

fn open_lock_with(path: &Path, options: &mut fs::OpenOptions) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "what lies there is no regular file"));
    }
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    options.read(true).truncate(false).custom_flags(flags).open(path)
}

/// Whether `file` is what is at `path` now.
///
/// # Errors
/// When the file's metadata cannot be read; a path that does not exist gives `false`.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(found.dev() == held.dev() && found.ino() == held.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
