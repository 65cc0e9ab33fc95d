//! `config/repository.json`: the digests of the contents of `repo.git`, from which every tree of the experiment is
//! made.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::ids::{SetupId, SubtestId, TierId};
use crate::model::limits::{MOST_CHECKPOINT_BYTES, MOST_STAGE_FILE_BYTES};
use crate::model::result::FORMAT_VERSION;
use crate::os::files::{self, FileError};

use super::layout::{ExperimentFolder, baseline_ref};
use super::{StoreError, evidence, own_digest, pretty};

/// The folder of the objects of baselines.
const BASELINES: &str = "baselines";
/// The folder of all other objects.
const OBJECTS: &str = "objects";
/// Small parts, which decide what a new run is made from.
const SMALL: [&str; 3] = ["composed", "packed-refs", "refs"];

/// Whether a file of `repo.git` is ever read: refs, objects and the digests of what was composed. Its configuration,
/// hooks and `info` are never read.
fn is_read(file: &str) -> bool {
    let path = Path::new(file);
    let of_objects = path.starts_with(OBJECTS) || path.starts_with(BASELINES);
    let is_led_elsewhere = path.components().any(|part| part.as_os_str() == "info");
    let is_lock = path.extension().is_some_and(|it| it == "lock");
    !is_lock && ((of_objects && !is_led_elsewhere) || is_small(path))
}

fn is_small(path: &Path) -> bool {
    SMALL.iter().any(|small| path.starts_with(small))
}

#[derive(Serialize, Deserialize)]
struct Recorded {
    version: String,
    /// The files of `repo.git`, each with its digest.
    files: BTreeMap<String, Digest>,
}

/// The outcome of reading the record.
enum Record {
    Absent,
    Damaged(String),
    Read(Recorded),
}

/// The places of a subtest's baseline in `repo.git`: its ref, the digest of what was composed, and its objects.
fn places_of(tier: TierId, subtest: SubtestId) -> [String; 3] {
    let name = format!("{tier}-{subtest}");
    [baseline_ref(tier, subtest), format!("composed/{name}"), format!("{BASELINES}/{name}")]
}

/// Records what is new in `repo.git`. Existing entries stay as they are, but for baselines that were made again.
///
/// # Errors
/// When it cannot be read or written.
pub fn record(folder: &ExperimentFolder, renewed: &[SetupId]) -> Result<(), StoreError> {
    let mut recorded = match read(folder)? {
        Record::Read(recorded) => recorded,
        Record::Absent => Recorded { version: String::new(), files: BTreeMap::new() },
        // Its content is for a person to restore.
        Record::Damaged(_) => return Ok(()),
    };
    let before = recorded.files.len();
    let renewed: Vec<String> = renewed.iter().flat_map(|(tier, subtest)| places_of(*tier, *subtest)).collect();
    recorded.files.retain(|file, _| !renewed.iter().any(|place| Path::new(file).starts_with(place)));
    let mut is_new = recorded.files.len() != before;
    for file in list(folder)? {
        let path = folder.repo().join(&file);
        if let Entry::Vacant(entry) = recorded.files.entry(file) {
            entry.insert(evidence::digest_of_file(&path).map_err(|error| FileError::new("digest", &path, error))?);
            is_new = true;
        }
    }
    if is_new {
        FORMAT_VERSION.clone_into(&mut recorded.version);
        let path = folder.repository();
        files::write_atomic(&path, &own_digest::add(pretty(&recorded, &path)?))?;
    }
    Ok(())
}

/// Removes the record of a repository that is made again.
///
/// # Errors
/// When it cannot be written.
pub fn forget(folder: &ExperimentFolder) -> Result<(), StoreError> {
    let path = folder.repository();
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::new("remove", &path, error).into()),
        _ => Ok(()),
    }
}

/// What differs from the record, each with its place: of everything, or only of the small parts. `must_be_there`:
/// whether this experiment must have a record.
pub(super) fn check(folder: &ExperimentFolder, everything: bool, must_be_there: bool) -> Vec<(String, String)> {
    let at = |place: &Path, found: &str| (folder.relative(place), found.to_owned());
    let recorded = match read(folder) {
        Ok(Record::Read(recorded)) => recorded,
        Ok(Record::Absent) if must_be_there => {
            return vec![at(&folder.repository(), "it is not there, so nobody can say whether `repo.git` is whole")];
        }
        Ok(Record::Absent) => return Vec::new(),
        Ok(Record::Damaged(found)) => return vec![at(&folder.repository(), &found)],
        Err(error) => return vec![at(&folder.repository(), &error.to_string())],
    };
    let repo = folder.repo();
    if matches!(files::kind_of(&repo), Ok(None)) {
        return vec![at(&repo, "it is not there")];
    }
    let mut wrong = Vec::new();
    for (file, digest) in &recorded.files {
        if !is_read(file) || (!everything && !is_small(Path::new(file))) {
            continue;
        }
        let path = repo.join(file);
        match evidence::digest_of_file(&path) {
            Ok(found) if found == *digest => {}
            Ok(_) => wrong.push(at(&path, "it was altered")),
            Err(_) if matches!(files::kind_of(&path), Ok(None)) => wrong.push(at(&path, "it is not there")),
            Err(error) => wrong.push(at(&path, &error.to_string())),
        }
    }
    wrong
}

fn read(folder: &ExperimentFolder) -> Result<Record, StoreError> {
    let Some(bytes) = files::read_bounded(&folder.repository(), MOST_CHECKPOINT_BYTES)? else {
        return Ok(Record::Absent);
    };
    match serde_json::from_slice::<Recorded>(&bytes) {
        Err(error) => Ok(Record::Damaged(error.to_string())),
        Ok(recorded) => Ok(match own_digest::fault(&bytes, Some(&recorded.version)) {
            Some(fault) => Record::Damaged(fault.to_owned()),
            None => Record::Read(recorded),
        }),
    }
}

/// The files of `repo.git` that are ever read, as paths below it.
pub(super) fn list(folder: &ExperimentFolder) -> Result<Vec<String>, StoreError> {
    let repo = folder.repo();
    let files = evidence::files_below(&repo)?.into_iter().filter_map(|path| path.to_str().map(str::to_owned));
    Ok(files.filter(|file| is_read(file)).collect())
}

/// The commit that `repo.git` names as the baseline of a subtest; `None` when it cannot be read there.
pub(super) fn baseline(folder: &ExperimentFolder, tier: TierId, subtest: SubtestId) -> Option<String> {
    let [name, ..] = places_of(tier, subtest);
    let bytes = files::read_if_readable(&folder.repo().join(name), MOST_STAGE_FILE_BYTES)?;
    Some(String::from_utf8(bytes).ok()?.trim_end().to_owned())
}
