//! Whole trees: copied, made durable, removed.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::{FileError, Kind, TEMPORARY_PREFIX, sync_dir, sync_file};

/// Limits beyond which copying a tree counts as a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most files, links and folders.
    pub entries: usize,
    /// Most bytes of all files together.
    pub bytes: u64,
    /// Deepest folder, the root's own files being at 1.
    pub depth: usize,
}

/// The entries of a folder, sorted by name, links not followed.
fn listed(folder: &Path) -> Result<Vec<(PathBuf, Kind)>, FileError> {
    let failed = |error| FileError::new("list", folder, error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let kind = super::kind_of(&path)?.unwrap_or(Kind::Unknown);
        entries.push((path, kind));
    }
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(entries)
}

/// Copies a folder with its regular files, folders and symbolic links (as links) to `to`, which must not be there.
///
/// # Errors
/// When something else is met, the tree exceeds the bounds, or a file cannot be copied.
pub fn copy_tree(from: &Path, to: &Path, bounds: Bounds) -> Result<(), FileError> {
    let mut left = bounds;
    fs::create_dir(to).map_err(|error| FileError::new("make the folder", to, error))?;
    copy_below(from, to, &mut left)
}

fn copy_below(from: &Path, to: &Path, left: &mut Bounds) -> Result<(), FileError> {
    let refused = |path: &Path, why: String| FileError::new("copy", path, io::Error::other(why));
    left.depth = left.depth.checked_sub(1).ok_or_else(|| refused(from, "it lies too deep".into()))?;
    for (path, kind) in listed(from)? {
        let copy = to.join(path.file_name().unwrap_or_default());
        let failed = |error| FileError::new("copy", &path, error);
        left.entries = left.entries.checked_sub(1).ok_or_else(|| refused(from, "it holds too many files".into()))?;
        match kind {
            Kind::File => {
                let bytes = fs::symlink_metadata(&path).map_err(failed)?.len();
                left.bytes =
                    left.bytes.checked_sub(bytes).ok_or_else(|| refused(&path, "the tree is too large".into()))?;
                fs::copy(&path, &copy).map_err(failed)?;
            }
            Kind::Folder => {
                fs::create_dir(&copy).map_err(failed)?;
                copy_below(&path, &copy, left)?;
            }
            Kind::Link => fs::read_link(&path).and_then(|target| symlink(target, &copy)).map_err(failed)?,
            Kind::Fifo | Kind::Socket | Kind::Device | Kind::Unknown => {
                return Err(refused(&path, format!("it is {kind}")));
            }
        }
    }
    left.depth += 1;
    Ok(())
}

/// Puts a copy of a regular file in its place: what somebody still writes who has the file open goes into what nobody finds any more. The
/// copy is not synced.
///
/// # Errors
/// When it cannot be copied; then the file is as it was.
pub fn part_from_writers(path: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::new("copy", path, error);
    let temporary =
        tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(super::parent(path)).map_err(failed)?;
    fs::copy(path, temporary.path()).map_err(failed)?;
    temporary.persist(path).map(drop).map_err(|error| failed(error.error))
}

/// Limits for a tree that has to be copied because it cannot be renamed.
const MOST_MOVED: Bounds = Bounds { entries: 1_000_000, bytes: 64 << 30, depth: 200 };

/// Moves a folder to a path where nothing exists, also to another file system.
///
/// # Errors
/// When something exists there, or the folder can be neither renamed nor copied. Then it is still where it was.
pub fn move_tree(from: &Path, to: &Path) -> Result<(), FileError> {
    match super::rename_durable(from, to) {
        Err(error) if error.error.kind() == io::ErrorKind::CrossesDevices => {
            if let Err(error) = copy_tree(from, to, MOST_MOVED) {
                // A partial copy is worth nothing; whatever remains of it is what could not be removed.
                let _ = super::remove_tree(to);
                return Err(error);
            }
            sync_tree(to)?;
            super::remove_tree(from)
        }
        moved => moved,
    }
}

/// Whether two folders have the same files, folders and links in the same places: of files the content and whether they may be
/// run.
///
/// # Errors
/// When something in them cannot be read.
pub fn is_same_tree(one: &Path, other: &Path) -> Result<bool, FileError> {
    let (ours, theirs) = (listed(one)?, listed(other)?);
    if ours.len() != theirs.len() {
        return Ok(false);
    }
    for ((path, kind), (beside, other_kind)) in ours.iter().zip(&theirs) {
        let failed = |error| FileError::new("read", path, error);
        let is_same = path.file_name() == beside.file_name()
            && kind == other_kind
            && match kind {
                Kind::Folder => is_same_tree(path, beside)?,
                Kind::Link => fs::read_link(path).map_err(failed)? == fs::read_link(beside).map_err(failed)?,
                Kind::File => is_same_file(path, beside).map_err(failed)?,
                Kind::Fifo | Kind::Socket | Kind::Device | Kind::Unknown => false,
            };
        if !is_same {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let (ours, theirs) = (fs::metadata(one)?, fs::metadata(other)?);
    let may_run = |found: &fs::Metadata| found.permissions().mode() & 0o111 != 0;
    let may_be = ours.len() == theirs.len() && may_run(&ours) == may_run(&theirs);
    Ok(may_be && fs::read(one)? == fs::read(other)?)
}

/// Makes a folder with everything in it durable.
///
/// # Errors
/// When something cannot be listed or synced.
pub fn sync_tree(folder: &Path) -> Result<(), FileError> {
    for (path, kind) in listed(folder)? {
        match kind {
            Kind::File => sync_file(&path)?,
            Kind::Folder => sync_tree(&path)?,
            _ => {}
        }
    }
    sync_dir(folder)
}
