//! The seal over a whole experiment: `SHA256SUMS` at its top, which `sha256sum -c` reads too, and a signature of it.
//!
//! It covers what results rest on: the config, the fixture, every run with its evidence and its former attempts. It does
//! not cover what is derived from them (the checkpoint, reports), what comes and goes (locks), and `repo.git`, whose
//! baselines the results name by their own digests.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::evidence::{digest_of_file, files_below, line, parse};
use super::layout::{CONFIG, ExperimentFolder, WORKSPACE, claim_of, is_temporary};
use super::own_digest::{Own, own};
use crate::model::digest::Digest;
use crate::model::ids::TierId;
use crate::model::limits::{MOST_SEAL_BYTES, MOST_STAGE_FILE_BYTES};
use crate::model::survey::ExperimentSeal;
use crate::os::files::{self, FileError};

/// So many places are named of what a seal says otherwise: more are counted by nobody.
const MOST_NAMED: usize = 1000;

/// Seals an experiment anew, in place of a former seal, whose signature goes; the digest of the seal.
///
/// # Errors
/// When something that it covers cannot be read, or the seal cannot be written.
pub fn seal(folder: &ExperimentFolder) -> Result<Digest, StoreError> {
    let mut text = Vec::new();
    for (place, digest) in covered(folder)? {
        line(&mut text, &digest, place.as_os_str().as_bytes());
    }
    remove(&folder.seal_signature())?;
    files::write_atomic(&folder.seal(), &text)?;
    Ok(Digest::of(&text))
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
    let Some(mut sealed) = parse(&bytes) else {
        seal.contradicted.push((folder.relative(&folder.seal()), "it is no list of digests".to_owned()));
        return Ok(seal);
    };
    for (place, digest) in covered(folder)? {
        let name = place.to_string_lossy().into_owned();
        match sealed.remove(place.as_os_str().as_bytes()) {
            Some(right) if right == digest => {}
            // Our own commands write the config anew when an experiment grows.
            Some(_) if folder.root().join(&place) == folder.config() && is_whole(&folder.config()) => {
                seal.outgrown.push(name);
            }
            Some(_) => seal.contradicted.push((name, "it is not as it was sealed".to_owned())),
            None => seal.outgrown.push(name),
        }
    }
    let gone = sealed.keys().map(|place| String::from_utf8_lossy(place).into_owned());
    seal.contradicted.extend(gone.map(|place| (place, "it was sealed, and is gone".to_owned())));
    seal.contradicted.sort();
    seal.contradicted.truncate(MOST_NAMED);
    Ok(seal)
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
        for file in files_below(&below)?.into_iter().filter(|file| is_covered(file)) {
            let path = below.join(&file);
            let digest = digest_of_file(&path).map_err(|error| FileError::new("read", &path, error))?;
            found.insert(Path::new(&top).join(file), digest);
        }
    }
    Ok(found)
}

/// Whether a seal covers a file below the config's folder or a tier's: no file that is being written, no lock, and nothing
/// in a workspace that was kept.
fn is_covered(file: &Path) -> bool {
    let mut names = file.iter().filter_map(OsStr::to_str);
    let is_fleeting = |name: &str| is_temporary(name) || claim_of(name).is_some();
    names.clone().nth(2) != Some(WORKSPACE) && !names.any(is_fleeting)
}
