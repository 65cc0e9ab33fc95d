//! The seal over a whole experiment: `SHA256SUMS` at its top, which `sha256sum -c` reads too, and a signature of it.
//!
//! It covers what results rest on: the config, the fixture, every committed run with its evidence, and former attempts. It does
//! not cover what is derived from them (the checkpoint, reports), what comes and goes (locks), and `repo.git`, whose
//! baselines the results name by their own digests.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::evidence::{digest_of_file, files_below, line, parse};
use super::layout::{CONFIG, ExperimentFolder, FAILED, JOB_LOG, RESULT, SEAL, WORKSPACE, claim_of, is_temporary};
use super::own_digest::{Own, own};
use crate::model::digest::Digest;
use crate::model::ids::{AttemptNumber, RunNumber, TierId};
use crate::model::limits::{MOST_SEAL_BYTES, MOST_STAGE_FILE_BYTES};
use crate::model::survey::ExperimentSeal;
use crate::os::files::{self, FileError};

/// So many places are named of what a seal says otherwise: more are counted by nobody.
const MOST_NAMED: usize = 1000;

/// The text of the seal that the experiment has now.
///
/// # Errors
/// When something that it covers cannot be read.
pub fn text(folder: &ExperimentFolder) -> Result<Vec<u8>, StoreError> {
    let mut text = Vec::new();
    for (place, digest) in covered(folder)? {
        line(&mut text, &digest, place.as_os_str().as_bytes());
    }
    Ok(text)
}

/// Seals an experiment with this text and signature, in place of a former seal; gives whether a former signature was dropped. One
/// of the same text stays.
///
/// # Errors
/// When the seal cannot be read or written.
pub fn save(folder: &ExperimentFolder, text: &[u8], signature: Option<&[u8]>) -> Result<bool, StoreError> {
    let is_same = files::read_bounded(&folder.seal(), MOST_SEAL_BYTES)?.as_deref() == Some(text);
    if is_same && signature.is_none() {
        return Ok(false);
    }
    let was_signed = files::kind_of(&folder.seal_signature())?.is_some();
    remove(&folder.seal_signature())?;
    files::write_atomic(&folder.seal(), text)?;
    if let Some(signature) = signature {
        files::write_atomic(&folder.seal_signature(), signature)?;
    }
    Ok(was_signed && signature.is_none())
}

/// Removes a signature: whoever signed a former seal has not signed this one.
fn remove(signature: &Path) -> Result<(), FileError> {
    match fs::remove_file(signature) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::new("remove", signature, error)),
        _ => Ok(()),
    }
}

/// The digest of the seal as it lies there; `None` when there is none.
///
/// # Errors
/// When it cannot be read.
pub fn digest(folder: &ExperimentFolder) -> Result<Option<Digest>, StoreError> {
    let read = files::read_bounded(&folder.seal(), MOST_SEAL_BYTES)?;
    Ok(read.map(|bytes| Digest::of(&bytes)))
}

/// Holds an experiment against its seal.
///
/// # Errors
/// When the seal, or something that it covers, cannot be read.
pub fn check(folder: &ExperimentFolder) -> Result<ExperimentSeal, StoreError> {
    let Some(bytes) = files::read_bounded(&folder.seal(), MOST_SEAL_BYTES)? else {
        return Ok(ExperimentSeal::default());
    };
    let mut seal = ExperimentSeal { digest: Some(Digest::of(&bytes)), ..ExperimentSeal::default() };
    let Some(sealed) = parse(&bytes) else {
        seal.contradicted.push((folder.relative(&folder.seal()), "it is no list of digests".to_owned()));
        return Ok(seal);
    };
    let comparison = Comparison { folder, sealed: &sealed, found: covered(folder)? };
    for (place, digest) in &comparison.found {
        let name = place.to_string_lossy().into_owned();
        match sealed.get(place.as_os_str().as_bytes()) {
            Some(right) if right == digest => {}
            Some(right) if comparison.was_changed_by_us(place, right) => seal.outgrown.push(name),
            Some(_) => seal.contradicted.push((name, "it is not as it was sealed".to_owned())),
            None => seal.outgrown.push(name),
        }
    }
    for (place, right) in &sealed {
        let place = Path::new(OsStr::from_bytes(place));
        if !comparison.found.contains_key(place) && !comparison.is_set_aside(place, right) {
            let gone = "it was sealed, and is gone".to_owned();
            seal.contradicted.push((place.to_string_lossy().into_owned(), gone));
        }
    }
    seal.contradicted.sort();
    seal.contradicted.truncate(MOST_NAMED);
    Ok(seal)
}

/// A seal beside what is there now.
struct Comparison<'a> {
    folder: &'a ExperimentFolder,
    sealed: &'a BTreeMap<Vec<u8>, Digest>,
    found: BTreeMap<PathBuf, Digest>,
}

impl Comparison<'_> {
    /// Whether a file that was sealed otherwise was changed by a command: one that lets the experiment grow writes the config
    /// again, and a `rerun` makes a run again whose former attempt it keeps.
    fn was_changed_by_us(&self, place: &Path, right: &Digest) -> bool {
        let path = self.folder.root().join(place);
        (path == self.folder.config() && is_whole(&path)) || self.is_set_aside(place, right)
    }

    /// Whether a file of a run lies in a former attempt of it as it was sealed. Only the seal of the run itself is written
    /// again there, so it goes with the run's result.
    fn is_set_aside(&self, place: &Path, right: &Digest) -> bool {
        let Some(run) = self.folder.run_of(place) else { return false };
        let in_run = Path::new(&run.tier.to_string()).join(run.subtest.to_string()).join(run.run.folder());
        let Ok(below) = place.strip_prefix(&in_run) else { return false };
        if below == Path::new(SEAL) {
            let result = in_run.join(RESULT);
            let right = self.sealed.get(result.as_os_str().as_bytes());
            return right.is_some_and(|right| self.is_set_aside(&result, right));
        }
        let failed = Path::new(&run.tier.to_string()).join(run.subtest.to_string()).join(FAILED);
        let attempts = self.found.range(failed.clone()..).take_while(|(path, _)| path.starts_with(&failed));
        attempts.filter(|(_, digest)| *digest == right).any(|(path, _)| {
            let mut names = path.strip_prefix(&failed).unwrap_or(path).iter();
            let attempt = names.next().and_then(OsStr::to_str).and_then(AttemptNumber::from_folder);
            attempt.is_some_and(|(of, _)| of == run.run) && names.as_path() == below
        })
    }
}

/// Whether a file is as its own digest says.
fn is_whole(path: &Path) -> bool {
    files::read_if_readable(path, MOST_STAGE_FILE_BYTES).is_some_and(|bytes| own(&bytes) == Own::Right)
}

/// What a seal covers, by its path below the experiment's folder.
fn covered(folder: &ExperimentFolder) -> Result<BTreeMap<PathBuf, Digest>, FileError> {
    let listed = fs::read_dir(folder.root()).map_err(|error| FileError::new("list", folder.root(), error))?;
    let names = listed.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut found = BTreeMap::new();
    for top in names.filter(|name| name == CONFIG || name.parse::<TierId>().is_ok()) {
        let below = folder.root().join(&top);
        let files = files_below(&below)?;
        let results = files.iter().filter(|file| file.file_name() == Some(OsStr::new(RESULT)));
        let committed: BTreeSet<PathBuf> = results.filter_map(|file| file.parent().map(Path::to_owned)).collect();
        for file in files.iter().filter(|file| is_covered(file, &committed)) {
            let path = below.join(file);
            let digest = digest_of_file(&path).map_err(|error| FileError::new("read", &path, error))?;
            found.insert(Path::new(&top).join(file), digest);
        }
    }
    Ok(found)
}

/// Whether a seal covers a file below the config's folder or a tier's: no file that is being written, no lock, no log of a job, nothing in a
/// workspace that was kept, and nothing of a run that is not committed: a resume works on that.
fn is_covered(file: &Path, committed: &BTreeSet<PathBuf>) -> bool {
    let names: Vec<&str> = file.iter().filter_map(OsStr::to_str).collect();
    let run = names.get(1).copied().and_then(RunNumber::from_folder);
    let is_of_unfinished = run.is_some() && !committed.contains(&file.iter().take(2).collect::<PathBuf>());
    let is_fleeting = names.iter().any(|name| is_temporary(name) || claim_of(name).is_some());
    let is_log = run.is_some() && names.get(2) == Some(&JOB_LOG);
    names.get(2) != Some(&WORKSPACE) && !is_log && !is_fleeting && !is_of_unfinished
}
