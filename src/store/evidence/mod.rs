//! The seal over a run's evidence, and the digest of a fixture: the door to `walkdir`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::model::digest::{Digest, Digesting};
use crate::model::limits::{MOST_DEPTH, MOST_STAGE_FILE_BYTES};
use crate::os::files::{self, FileError, TEMPORARY_PREFIX};

pub use frozen::Frozen;
pub(super) use sums::{line, parse};
pub use tree::{Change, changes_since_copied, digest_of_parts, digest_of_tree};

use super::StoreError;
use super::layout::{
    AGENT, CHANGES, CHECKS, GRADINGS, JUDGE, JUDGMENT, PATCH, RECORD, RESULT, RunFolder, STAGE_RESULT,
};

/// The parts of a run's folder that are evidence.
const EVIDENCE: [&str; 5] = [AGENT, CHANGES, PATCH, CHECKS, JUDGE];
/// The parts of a former attempt that are evidence: one that was committed has its result and its gradings as well.
const OF_ATTEMPT: [&str; 7] = [AGENT, CHANGES, PATCH, CHECKS, JUDGE, RESULT, GRADINGS];
/// Most files and folders that are listed for a seal: an agent may write any number into its record folder.
const MOST_SEALED_ENTRIES: usize = 10_000;
/// Names of files that the stages made durable when they wrote them.
const DURABLE: [&str; 4] = [STAGE_RESULT, JUDGMENT, CHANGES, PATCH];
/// Bytes that are hashed at a time.
const PART_BYTES: usize = 64 << 10;

/// Makes a run's evidence durable and lists it with its digests, in the format that `sha256sum -c` reads in the run's
/// folder. Only regular files are evidence; what a link points to is not part of the run.
///
/// # Errors
/// When evidence cannot be read or synced, or there is too much of it.
pub fn seal(run: &RunFolder) -> Result<Vec<u8>, StoreError> {
    seal_of(run, &EVIDENCE)
}

/// The same for everything that a former attempt leaves.
///
/// # Errors
/// As [`seal`].
pub fn seal_attempt(attempt: &RunFolder) -> Result<Vec<u8>, StoreError> {
    seal_of(attempt, &OF_ATTEMPT)
}

fn seal_of(run: &RunFolder, what: &[&str]) -> Result<Vec<u8>, StoreError> {
    let listed = match list(run, what) {
        // The agent may have removed rights on what it wrote.
        Err(Listing::Failed(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            files::make_accessible(&run.record_dir())?;
            list(run, what)
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

/// The result of checking a run's evidence against its seal.
#[derive(Debug, Default)]
pub struct Checked {
    /// What does not match, as sentences; empty when everything matches.
    pub problems: Vec<String>,
    /// The files of its stages as they were sealed, by their paths below the run's folder.
    pub stages: BTreeMap<PathBuf, Vec<u8>>,
}

impl Checked {
    fn failed(why: impl Into<String>) -> Self {
        Self { problems: vec![why.into()], ..Self::default() }
    }
}

/// Checks a run's evidence against its seal. `expected` is the digest of the seal that the run's result names.
#[must_use]
pub fn check_seal(run: &RunFolder, expected: Option<Digest>) -> Checked {
    check_seal_of(run, expected, &EVIDENCE)
}

/// The same for a former attempt.
#[must_use]
pub fn check_attempt(attempt: &RunFolder, expected: Option<Digest>) -> Checked {
    check_seal_of(attempt, expected, &OF_ATTEMPT)
}

fn check_seal_of(run: &RunFolder, expected: Option<Digest>, what: &[&str]) -> Checked {
    let text = match files::read_bounded(&run.seal(), MOST_STAGE_FILE_BYTES) {
        Ok(Some(text)) => text,
        Ok(None) => return Checked::failed("there is no `SHA256SUMS`"),
        Err(error) => return Checked::failed(error.to_string()),
    };
    match expected {
        None => return Checked::failed("the result names no seal"),
        Some(expected) if expected != Digest::of(&text) => {
            return Checked::failed("`SHA256SUMS` is not the one that the result names");
        }
        Some(_) => {}
    }
    let Some(mut sealed) = parse(&text) else { return Checked::failed("`SHA256SUMS` is not a list of digests") };
    let listed = match list(run, what) {
        Ok(listed) => listed,
        Err(error) => return Checked::failed(error.to_string()),
    };
    let mut checked = Checked::default();
    let problems = &mut checked.problems;
    // Only files that were found below the folder are opened, whatever paths the seal names.
    for path in listed {
        let shown = path.display();
        match sealed.remove(path.as_os_str().as_bytes()) {
            None => problems.push(format!("`{shown}` was added")),
            Some(digest) => match read_sealed(&run.root().join(&path), is_stage(&path)) {
                Ok((found, bytes)) if found == digest => {
                    checked.stages.extend(bytes.map(|bytes| (path, bytes)));
                }
                Ok(_) => problems.push(format!("`{shown}` was altered")),
                Err(error) => problems.push(format!("`{shown}` cannot be read: {error}")),
            },
        }
    }
    problems.extend(sealed.keys().map(|path| format!("`{}` is gone", String::from_utf8_lossy(path))));
    checked
}

/// The digest of a file, and its bytes when they are wanted and not too many.
fn read_sealed(path: &Path, keep: bool) -> io::Result<(Digest, Option<Vec<u8>>)> {
    if keep && let Some(bytes) = files::read_if_readable(path, MOST_STAGE_FILE_BYTES) {
        return Ok((Digest::of(&bytes), Some(bytes)));
    }
    Ok((digest_of_file(path)?, None))
}

/// Digest of what a stage left in its folder beside the file by which it ended; `None` when it cannot be determined.
pub(super) fn digest_of_stage(run: &RunFolder, stage: &Path, result: &Path) -> Option<Digest> {
    let mut text = Vec::new();
    for (number, entry) in WalkDir::new(stage).follow_root_links(false).sort_by_file_name().into_iter().enumerate() {
        let entry = entry.ok()?;
        if number >= MOST_SEALED_ENTRIES || entry.depth() > MOST_DEPTH {
            return None;
        }
        let path = below(run, &entry);
        // Files that name the working process and its folder are temporary.
        let is_fleeting = [run.mark(), run.pointer()].iter().any(|fleeting| entry.path() == fleeting);
        let is_ours = entry.path() == result || is_fleeting || is_temporary(&path);
        if entry.file_type().is_file() && !is_ours {
            line(&mut text, &digest_of_file(entry.path()).ok()?, path.as_os_str().as_bytes());
        }
    }
    // The checks started from what was captured.
    for (path, name) in [(run.changes(), CHANGES), (run.patch(), PATCH)] {
        if *stage == run.checks() && !matches!(files::kind_of(&path), Ok(None)) {
            line(&mut text, &digest_of_file(&path).ok()?, name.as_bytes());
        }
    }
    Some(Digest::of(&text))
}

/// Every regular file below a folder, as sorted paths below it.
///
/// # Errors
/// When something in it cannot be listed.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    for entry in WalkDir::new(folder) {
        let entry = entry.map_err(|error| FileError::new("list", folder, error))?;
        if entry.file_type().is_file() {
            found.push(entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// Folders, and symbolic links with their targets, by their paths.
pub type FoldersAndLinks = (Vec<PathBuf>, Vec<(PathBuf, PathBuf)>);

/// The folders below a folder, and its symbolic links with their targets, by their paths below it, sorted.
///
/// # Errors
/// When a folder cannot be listed, or a link not be read.
pub(super) fn folders_and_links_below(folder: &Path) -> Result<FoldersAndLinks, FileError> {
    let (mut folders, mut links) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(folder).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(|error| FileError::new("list", folder, error))?;
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_owned();
        if entry.file_type().is_symlink() {
            let target = std::fs::read_link(entry.path());
            links.push((below, target.map_err(|error| FileError::new("read", entry.path(), error))?));
        } else if entry.file_type().is_dir() {
            folders.push(below);
        }
    }
    Ok((folders, links))
}

/// Places in a run's folder with unknown names or names of temporary files, at every level but in the agent's own
/// folder.
///
/// # Errors
/// When the folder cannot be listed.
pub fn unknown_places(run: &RunFolder) -> Result<Vec<PathBuf>, FileError> {
    let known = [
        run.workspace(),
        run.private(),
        run.patch(),
        run.seal(),
        run.result(),
        run.attempt_record(),
        run.gradings(),
        run.job_log(),
    ];
    let failed = |error: walkdir::Error| FileError::new("list", run.root(), error);
    let mut unknown = Vec::new();
    for entry in WalkDir::new(run.root()).min_depth(1).max_depth(1) {
        let path = entry.map_err(failed)?.into_path();
        let evidence =
            path.strip_prefix(run.root()).is_ok_and(|name| EVIDENCE.iter().any(|known| name == Path::new(known)));
        if !evidence && !known.contains(&path) {
            unknown.push(path);
        }
    }
    for entry in walk(run, &EVIDENCE).into_iter().flatten() {
        let entry = entry.map_err(failed)?;
        if is_temporary(&below(run, &entry)) {
            unknown.push(entry.into_path());
        }
    }
    unknown.sort();
    Ok(unknown)
}

#[derive(Debug, thiserror::Error)]
enum Listing {
    #[error("{0}")]
    Failed(io::Error),
    #[error("it holds more than {MOST_SEALED_ENTRIES} files and folders, or folders deeper than {MOST_DEPTH}")]
    TooMuch,
}

fn walk(run: &RunFolder, what: &[&str]) -> Vec<walkdir::IntoIter> {
    what.iter()
        .map(|name| run.root().join(name))
        .filter(|path| !matches!(files::kind_of(path), Ok(None)))
        .map(|path| WalkDir::new(path).follow_root_links(false).into_iter())
        .collect()
}

/// Whether a path below the run's folder is a temporary file that a crash left: it is not evidence, unless the agent
/// made a file with such a name in its own folder.
fn is_temporary(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name.as_bytes().starts_with(TEMPORARY_PREFIX.as_bytes()));
    named && !path.starts_with(RECORD)
}

/// The path of an entry below the run's folder.
fn below(run: &RunFolder, entry: &walkdir::DirEntry) -> PathBuf {
    entry.path().strip_prefix(run.root()).unwrap_or(entry.path()).to_owned()
}

/// The files of a run's evidence, as sorted paths below its folder.
fn list(run: &RunFolder, what: &[&str]) -> Result<Vec<PathBuf>, Listing> {
    let mut listed = Vec::new();
    for (number, entry) in walk(run, what).into_iter().flatten().enumerate() {
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

pub(super) fn digest_of_file(path: &Path) -> io::Result<Digest> {
    digest(&mut files::open_regular(path).map_err(io::Error::other)?)
}

/// Whether a file is one by which a stage ends.
fn is_stage(path: &Path) -> bool {
    is_durable(path) && path != Path::new(PATCH)
}

/// Whether the stage that wrote a file has made it durable. `path` is relative to the run's folder.
fn is_durable(path: &Path) -> bool {
    path.file_name().is_some_and(|name| DURABLE.iter().any(|known| name == *known)) && !path.starts_with(RECORD)
}

/// Hashes a file, and makes it durable when it is not and has content.
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

mod frozen;
mod sums;
#[cfg(test)]
mod tests;
mod tree;
