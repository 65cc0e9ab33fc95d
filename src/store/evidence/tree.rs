//! The digest of a fixture, or of an experiment's copy of one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::digest_of_file;
use crate::model::digest::{Digest, Digesting};
use crate::model::limits::{MOST_DEPTH, MOST_FIXTURE_FILES};
use crate::model::task::Parts;
use crate::os::files::{self, FileError};

/// Digest of a folder: of every file's path, executable bit and content, every link's target, and every folder's path.
/// `None` when the folder does not exist.
///
/// # Errors
/// When something in it cannot be read, is neither a file, a folder nor a link, or there is too much of it.
pub fn digest_of_tree(folder: &Path) -> Result<Option<Digest>, FileError> {
    digest_of_parts(&Parts { dir: folder.to_owned(), ..Parts::default() })
}

/// Digest of the copy that an experiment makes of a fixture, before it is made.
///
/// # Errors
/// As [`digest_of_tree`].
pub fn digest_of_parts(parts: &Parts) -> Result<Option<Digest>, FileError> {
    if files::kind_of(&parts.dir)?.is_none() {
        return Ok(None);
    }
    let entries = entries_of_parts(parts)?;
    let mut whole = Digesting::default();
    for (place, (letter, content)) in entries {
        // No name contains a NUL, so no two trees give the same bytes.
        whole.add(&[letter]);
        whole.add(place.as_os_str().as_bytes());
        whole.add(b"\0");
        whole.add(content.hex().as_bytes());
    }
    Ok(Some(whole.end()))
}

/// What a copy of a fixture would contain. Sorted by path components: a folder comes before what is in it.
fn entries_of_parts(parts: &Parts) -> Result<BTreeMap<PathBuf, (u8, Digest)>, FileError> {
    let mut entries = BTreeMap::new();
    add_tree(&mut entries, &parts.dir, Path::new(""))?;
    for (place, from) in &parts.laid {
        add_tree(&mut entries, from, Path::new(place))?;
    }
    for (place, text) in &parts.written {
        entries.insert(PathBuf::from(place), (b'f', Digest::of(text.as_bytes())));
    }
    for place in parts.laid.keys().chain(parts.written.keys()) {
        let folders = Path::new(place).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        entries.extend(folders.map(|folder| (folder.to_owned(), (b'd', Digest::of(b"")))));
    }
    Ok(entries)
}

/// How a file of a fixture differs from the one in an experiment's copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It has another content or another executable bit.
    Changed,
    /// It is not in the copy.
    New,
    /// It is only in the copy.
    Gone,
}

/// Every file in which a fixture differs from an experiment's copy of it, by its path in the copy.
///
/// # Errors
/// As [`digest_of_tree`].
pub fn changes_since_copied(copy: &Path, parts: &Parts) -> Result<Vec<(PathBuf, Change)>, FileError> {
    let mut former = match files::kind_of(copy)? {
        Some(_) => entries_of_parts(&Parts { dir: copy.to_owned(), ..Parts::default() })?,
        None => BTreeMap::new(),
    };
    let mut changes = BTreeMap::new();
    for (place, now) in entries_of_parts(parts)? {
        match former.remove(&place) {
            Some(was) if was == now => {}
            Some(_) => drop(changes.insert(place, (now.0, Change::Changed))),
            None => drop(changes.insert(place, (now.0, Change::New))),
        }
    }
    changes.extend(former.into_iter().map(|(place, (letter, _))| (place, (letter, Change::Gone))));
    // A folder that appeared or disappeared together with its files need not be named.
    let is_told = |place: &Path, letter: u8| {
        letter != b'd' || !changes.keys().any(|other| other != place && other.starts_with(place))
    };
    let told = changes.iter().filter(|(place, (letter, _))| is_told(place, *letter));
    Ok(told.map(|(place, (_, change))| (place.clone(), *change)).collect())
}

/// Adds what is at a path under the name `place`: its kind, and the digest of its content.
fn add_tree(entries: &mut BTreeMap<PathBuf, (u8, Digest)>, from: &Path, place: &Path) -> Result<(), FileError> {
    let refused = |path: &Path, why: &str| FileError::new("digest", path, io::Error::other(why.to_owned()));
    let is_whole = place.as_os_str().is_empty();
    for entry in WalkDir::new(from).min_depth(usize::from(is_whole)) {
        let entry = entry.map_err(|error| FileError::new("list", from, error))?;
        let path = entry.path();
        if entries.len() >= MOST_FIXTURE_FILES || entry.depth() > MOST_DEPTH {
            return Err(refused(from, "it holds too many or too deep files"));
        }
        let kind = entry.file_type();
        let found = if kind.is_dir() {
            (b'd', Digest::of(b""))
        } else if kind.is_symlink() {
            let target = fs::read_link(path).map_err(|error| FileError::new("read", path, error))?;
            (b'l', Digest::of(target.as_os_str().as_bytes()))
        } else if kind.is_file() {
            let rights = entry.metadata().map_err(|error| FileError::new("look at", path, error))?.permissions();
            let content = digest_of_file(path).map_err(|error| FileError::new("digest", path, error))?;
            (if rights.mode() & 0o100 == 0 { b'f' } else { b'x' }, content)
        } else {
            return Err(refused(path, "it is no regular file"));
        };
        let below = path.strip_prefix(from).unwrap_or(path);
        // Joining an empty path would end the place with a slash.
        let at = if below.as_os_str().is_empty() { place.to_owned() } else { place.join(below) };
        entries.insert(at, found);
    }
    Ok(())
}
