//! The seal over a run's evidence and the digest of a fixture: the door to `walkdir`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::model::digest::{Digest, Digesting};
use crate::model::limits::{MOST_DEPTH, MOST_FIXTURE_FILES, MOST_STAGE_FILE_BYTES};
use crate::model::task::Parts;
use crate::os::files::{self, FileError, TEMPORARY_PREFIX};

use super::StoreError;
use super::layout::changes::CHANGES;
use super::layout::{AGENT, CHECKS, JUDGE, PATCH, RECORD, RunFolder};

/// What of a run's folder is evidence.
const EVIDENCE: [&str; 5] = [AGENT, CHANGES, PATCH, CHECKS, JUDGE];
/// Most files and folders that are looked at for a seal: an agent may write any number into its record's folder.
const MOST_SEALED_ENTRIES: usize = 10_000;
/// Names of files that the stages made durable when they wrote them.
const DURABLE: [&str; 4] = ["result.json", "judgment.json", CHANGES, PATCH];
/// Bytes that are digested at a time.
const PART_BYTES: usize = 64 << 10;

/// Makes a run's evidence durable and lists it with its digests, as `sha256sum -c` reads it in the run's folder. Only
/// regular files are evidence; what a link points to is not the run's.
///
/// # Errors
/// When evidence cannot be read or synced, or there is too much of it.
pub fn seal(run: &RunFolder) -> Result<Vec<u8>, StoreError> {
    let listed = match list(run) {
        // The agent may have taken rights away from what it wrote.
        Err(Listing::Failed(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            files::make_accessible(&run.record_dir())?;
            list(run)
        }
        listed => listed,
    };
    let unsealable = |path: &Path, why: String| StoreError::Unsealable { path: path.to_owned(), why };
    let listed = listed.map_err(|error| unsealable(run.root(), error.to_string()))?;
    let mut text = Vec::with_capacity(listed.len() * 96);
    let mut folders = BTreeSet::new();
    for path in &listed {
        let whole = run.root().join(path);
        let digest =
            digest_and_sync(&whole, is_durable(path)).map_err(|error| unsealable(&whole, error.to_string()))?;
        line(&mut text, &digest, path.as_os_str().as_bytes());
        // Where the agent wrote, no stage has made the names durable.
        folders.extend(path.ancestors().skip(1).take_while(|folder| folder.starts_with(RECORD)));
    }
    for folder in folders {
        files::sync_dir(&run.root().join(folder))?;
    }
    Ok(text)
}

/// What does not match between a run's evidence and its seal, in sentences; empty when all does. `expected` is the
/// digest of the seal that the run's result names.
#[must_use]
pub fn check_seal(run: &RunFolder, expected: Option<Digest>) -> Vec<String> {
    let text = match files::read_bounded(&run.seal(), MOST_STAGE_FILE_BYTES) {
        Ok(Some(text)) => text,
        Ok(None) => return vec!["there is no `SHA256SUMS`".into()],
        Err(error) => return vec![error.to_string()],
    };
    match expected {
        None => return vec!["the result names no seal".into()],
        Some(expected) if expected != Digest::of(&text) => {
            return vec!["`SHA256SUMS` is not the one that the result names".into()];
        }
        Some(_) => {}
    }
    let Some(mut sealed) = parse(&text) else { return vec!["`SHA256SUMS` is not a list of digests".into()] };
    let listed = match list(run) {
        Ok(listed) => listed,
        Err(error) => return vec![error.to_string()],
    };
    let mut problems = Vec::new();
    // Only files that were found below the folder are opened, whatever the seal names.
    for path in listed {
        let shown = path.display();
        match sealed.remove(path.as_os_str().as_bytes()) {
            None => problems.push(format!("`{shown}` was added")),
            Some(digest) => match digest_of_file(&run.root().join(&path)) {
                Ok(found) if found == digest => {}
                Ok(_) => problems.push(format!("`{shown}` was altered")),
                Err(error) => problems.push(format!("`{shown}` cannot be read: {error}")),
            },
        }
    }
    problems.extend(sealed.keys().map(|path| format!("`{}` is gone", String::from_utf8_lossy(path))));
    problems
}

/// Digest of a folder: every file's path, right to execute and bytes, every link's target, every folder's path. `None`
/// when the folder is not there.
///
/// # Errors
/// When something in it cannot be read, is neither file, folder nor link, or there is too much of it.
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
        // No name holds a NUL, so no two trees give the same bytes.
        whole.add(&[letter]);
        whole.add(place.as_os_str().as_bytes());
        whole.add(b"\0");
        whole.add(content.hex().as_bytes());
    }
    Ok(Some(whole.end()))
}

/// What a copy of a fixture would hold. By path, component for component: a folder stands before what is in it.
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
    /// It has another content, or another right to be executed.
    Changed,
    /// The copy does not have it.
    New,
    /// Only the copy has it.
    Gone,
}

/// Every file in which a fixture differs from the copy of it that an experiment keeps, by its path in the copy.
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
    // A folder that came or went with its files need not be named.
    let is_told = |place: &Path, letter: u8| {
        letter != b'd' || !changes.keys().any(|other| other != place && other.starts_with(place))
    };
    let told = changes.iter().filter(|(place, (letter, _))| is_told(place, *letter));
    Ok(told.map(|(place, (_, change))| (place.clone(), *change)).collect())
}

/// Adds what lies at a path, as it will lie at `place`: what it is, and the digest of its content.
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

/// Places in a run's folder whose names are not known there, and those of temporary files, at every level that is not
/// the agent's own.
///
/// # Errors
/// When the folder cannot be listed.
pub fn strangers(run: &RunFolder) -> Result<Vec<PathBuf>, FileError> {
    let known =
        [run.workspace(), run.private(), run.patch(), run.seal(), run.result(), run.attempt_record(), run.gradings()];
    let failed = |error: walkdir::Error| FileError::new("list", run.root(), error);
    let mut strangers = Vec::new();
    for entry in WalkDir::new(run.root()).min_depth(1).max_depth(1) {
        let path = entry.map_err(failed)?.into_path();
        let evidence =
            path.strip_prefix(run.root()).is_ok_and(|name| EVIDENCE.iter().any(|known| name == Path::new(known)));
        if !evidence && !known.contains(&path) {
            strangers.push(path);
        }
    }
    for entry in walk(run).into_iter().flatten() {
        let entry = entry.map_err(failed)?;
        if is_temporary(&below(run, &entry)) {
            strangers.push(entry.into_path());
        }
    }
    strangers.sort();
    Ok(strangers)
}

#[derive(Debug, thiserror::Error)]
enum Listing {
    #[error("{0}")]
    Failed(io::Error),
    #[error("it holds more than {MOST_SEALED_ENTRIES} files and folders, or folders deeper than {MOST_DEPTH}")]
    TooMuch,
}

fn walk(run: &RunFolder) -> Vec<walkdir::IntoIter> {
    EVIDENCE
        .iter()
        .map(|name| run.root().join(name))
        .filter(|path| !matches!(files::kind_of(path), Ok(None)))
        .map(|path| WalkDir::new(path).follow_root_links(false).into_iter())
        .collect()
}

/// A temporary file that a crash left in a folder of ours is no evidence; what the agent calls so is. `path` lies below
/// the run's folder.
fn is_temporary(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name.as_bytes().starts_with(TEMPORARY_PREFIX.as_bytes()));
    named && !path.starts_with(RECORD)
}

/// The path of an entry below the run's folder.
fn below(run: &RunFolder, entry: &walkdir::DirEntry) -> PathBuf {
    entry.path().strip_prefix(run.root()).unwrap_or(entry.path()).to_owned()
}

/// The files of a run's evidence, as sorted paths below its folder.
fn list(run: &RunFolder) -> Result<Vec<PathBuf>, Listing> {
    let mut listed = Vec::new();
    for (number, entry) in walk(run).into_iter().flatten().enumerate() {
        let entry = entry.map_err(|error| Listing::Failed(error.into()))?;
        if number >= MOST_SEALED_ENTRIES || entry.depth() > MOST_DEPTH {
            return Err(Listing::TooMuch);
        }
        let path = below(run, &entry);
        if entry.file_type().is_file() && !is_temporary(&path) {
            listed.push(path);
        }
    }
    listed.sort();
    Ok(listed)
}

fn digest_of_file(path: &Path) -> io::Result<Digest> {
    digest(&mut files::open_regular(path).map_err(io::Error::other)?)
}

/// Whether the stage that wrote a file has made it durable. `path` lies below the run's folder.
fn is_durable(path: &Path) -> bool {
    path.file_name().is_some_and(|name| DURABLE.iter().any(|known| name == *known)) && !path.starts_with(RECORD)
}

/// Digests a file, and makes it durable when it is not and there is something in it.
fn digest_and_sync(path: &Path, durable: bool) -> io::Result<Digest> {
    let mut file = files::open_regular(path).map_err(io::Error::other)?;
    if !durable && file.metadata()?.len() > 0 {
        file.sync_data()?;
    }
    digest(&mut file)
}

fn digest(file: &mut File) -> io::Result<Digest> {
    let mut whole = Digesting::default();
    let mut part = vec![0; PART_BYTES];
    loop {
        match file.read(&mut part) {
            Ok(0) => return Ok(whole.end()),
            Ok(length) => whole.add(&part[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// One line as `sha256sum` writes it: a name with a backslash or line break is escaped, and the line says so.
pub(super) fn line(text: &mut Vec<u8>, digest: &Digest, path: &[u8]) {
    let escaped: Vec<u8> = path.iter().fold(Vec::with_capacity(path.len()), |mut name, byte| {
        match byte {
            b'\\' => name.extend(b"\\\\"),
            b'\n' => name.extend(b"\\n"),
            b'\r' => name.extend(b"\\r"),
            other => name.push(*other),
        }
        name
    });
    if escaped.len() != path.len() {
        text.push(b'\\');
    }
    text.extend(digest.hex().as_bytes());
    text.extend(b"  ");
    text.extend(escaped);
    text.push(b'\n');
}

/// Reads what `line` wrote; `None` when something else is there, or a name is there twice.
pub(super) fn parse(text: &[u8]) -> Option<BTreeMap<Vec<u8>, Digest>> {
    let mut sealed = BTreeMap::new();
    for line in text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let (line, escaped) = line.strip_prefix(b"\\").map_or((line, false), |line| (line, true));
        let (hex, path) = line.split_at_checked(64)?;
        let digest = Digest::from_hex(std::str::from_utf8(hex).ok()?)?;
        let path = path.strip_prefix(b"  ")?;
        let path = if escaped { unescape(path)? } else { path.to_owned() };
        if sealed.insert(path, digest).is_some() {
            return None;
        }
    }
    Some(sealed)
}

fn unescape(path: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = path.iter();
    let mut name = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                b'r' => b'\r',
                _ => return None,
            },
            other => *other,
        });
    }
    Some(name)
}

#[cfg(test)]
mod tests;
