//! Taking over an experiment of ProjectScylla's runner: its own files are kept as they are, its results are sealed, and
//! its runs are moved to the places that they have here. Each step can be repeated after it was stopped halfway.

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::checkpoint::Checkpoint;
use crate::model::digest::Digest;
use crate::model::ids::{AttemptNumber, RunId, RunNumber, SubtestId, TierId};
use crate::model::limits::{MOST_CHECKPOINT_BYTES, MOST_FIXTURE_FILE_BYTES, MOST_STAGE_FILE_BYTES};
use crate::model::survey::Seen;
use crate::os::files::{self, FileError, Folder, Kind, ReadError, TEMPORARY_PREFIX};
use crate::projectscylla::checkpoint::Document;

use crate::store::layout::{AGENT, Base, ExperimentFolder, FAILED, RESULT};
use crate::store::{StoreError, checkpoint, config, evidence};

use super::layout::unnumbered_attempt;

/// Folders of phases, which may contain tiers too.
const PHASES: [Base; 2] = [Base::Completed, Base::InProgress];
/// The copy of the task's prompt that ProjectScylla keeps.
const PROMPT: &str = "prompt.md";

/// A former attempt under a name that only ProjectScylla gives, or in one of its phases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Former {
    run: RunId,
    /// The number in its name, when it has one.
    number: Option<AttemptNumber>,
    path: PathBuf,
}

/// Keeps ProjectScylla's checkpoint and config as they are, and the digests of the results that are taken over.
///
/// # Errors
/// When one of them cannot be read or written.
pub fn keep(folder: &ExperimentFolder, committed: &[(RunId, String)]) -> Result<(), StoreError> {
    files::create_dir_durable(&folder.taken_over())?;
    // Files that a stopped call left half-written are written again.
    for ((), half) in named(&folder.taken_over(), Kind::File, |name| name.starts_with(TEMPORARY_PREFIX).then_some(()))?
    {
        fs::remove_file(&half).map_err(|error| FileError::new("remove", &half, error))?;
    }
    let copies = [
        (folder.checkpoint(), folder.taken_over_checkpoint(), MOST_CHECKPOINT_BYTES),
        (folder.config(), folder.taken_over_config(), MOST_STAGE_FILE_BYTES),
    ];
    for (from, to, most) in copies {
        if let Some(bytes) = files::read_bounded(&from, most)? {
            files::write_atomic(&to, &bytes)?;
        }
    }
    let mut seal = Vec::new();
    for (run, place) in committed {
        let path = folder.root().join(place).join(RESULT);
        let unsealable = |why: String| StoreError::Unsealable { path: path.clone(), why };
        let bytes = files::read_bounded(&path, MOST_STAGE_FILE_BYTES)?;
        let bytes = bytes.ok_or_else(|| unsealable("it is gone".into()))?;
        evidence::line(&mut seal, &Digest::of(&bytes), format!("{run}/{RESULT}").as_bytes());
    }
    Ok(files::write_atomic(&folder.taken_over_seal(), &seal)?)
}

/// ProjectScylla's checkpoint of an experiment that is taken over but for the last step: its config is ours already,
/// its checkpoint is not yet.
///
/// # Errors
/// When the checkpoint cannot be read.
pub fn misses_only_its_checkpoint(folder: &ExperimentFolder) -> Result<Option<Checkpoint>, StoreError> {
    if files::kind_of(&folder.taken_over_config())?.is_none() {
        return Ok(None);
    }
    let (Seen::Read(_), _) = config::read(folder) else { return Ok(None) };
    let Some(raw) = checkpoint::load(folder)? else { return Ok(None) };
    Ok(Document::parse(&raw).ok().map(|document| document.checkpoint().0))
}

/// The prompt that ProjectScylla's runs were given, when there is a file of it with valid text.
///
/// # Errors
/// When it cannot be read.
pub fn prompt(folder: &ExperimentFolder) -> Result<Option<String>, StoreError> {
    match files::read_bounded(&folder.root().join(PROMPT), MOST_FIXTURE_FILE_BYTES) {
        Ok(bytes) => Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok())),
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => Ok(None),
        Err(error @ ReadError::Io(_)) => Err(error.into()),
    }
}

/// The prompts that agents of ProjectScylla were given, for the runs at these places that have a copy.
///
/// # Errors
/// When one cannot be read.
pub fn prompts_of_runs(folder: &ExperimentFolder, places: &[&str]) -> Result<Vec<String>, StoreError> {
    let mut prompts = Vec::new();
    for place in places {
        let path = folder.root().join(place).join(AGENT).join(PROMPT);
        match files::read_bounded(&path, MOST_FIXTURE_FILE_BYTES) {
            Ok(bytes) => prompts.extend(bytes.and_then(|bytes| String::from_utf8(bytes).ok())),
            Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => {}
            Err(error @ ReadError::Io(_)) => return Err(error.into()),
        }
    }
    Ok(prompts)
}

/// Moves a run to the place that it has here. One that is there already, or does not exist any more, is skipped.
///
/// # Errors
/// When the place is occupied by another folder, or it cannot be written.
pub fn settle(folder: &ExperimentFolder, run: RunId, place: &str) -> Result<(), StoreError> {
    let (from, to) = (folder.root().join(place), folder.run(run).root().to_owned());
    if from == to || files::kind_of(&from)?.is_none() {
        return Ok(());
    }
    files::create_dir_durable(&folder.subtest(run.tier, run.subtest))?;
    Ok(files::rename_durable(&from, &to)?)
}

/// Moves former attempts to the names and places that they have here, so that their cost counts from then on: those
/// with ProjectScylla's own spellings, and those in its phases.
///
/// # Errors
/// When a folder cannot be listed or renamed.
pub fn settle_former_attempts(folder: &ExperimentFolder) -> Result<(), StoreError> {
    let mut former = Vec::new();
    let phases = PHASES.map(|phase| (folder.base(phase), true));
    for (base, phase) in phases.into_iter().chain([(folder.root().to_owned(), false)]) {
        for (tier, of_tier) in named(&base, Kind::Folder, |name| name.parse::<TierId>().ok())? {
            for (subtest, of_subtest) in named(&of_tier, Kind::Folder, |name| name.parse::<SubtestId>().ok())? {
                for ((run, number), path) in
                    named(&of_subtest.join(FAILED), Kind::Folder, |name| meant_attempt(name, phase))?
                {
                    former.push(Former { run: RunId { tier, subtest, run }, number, path });
                }
            }
        }
    }
    former.sort();
    for attempt in former {
        let failed = folder.failed(attempt.run.tier, attempt.run.subtest);
        files::create_dir_durable(&failed)?;
        let mut number = attempt.number.unwrap_or(AttemptNumber(1));
        let mut to = folder.attempt(attempt.run, number);
        while files::kind_of(&to)?.is_some() {
            number = AttemptNumber(number.0 + 1);
            to = folder.attempt(attempt.run, number);
        }
        files::rename_durable(&attempt.path, &to)?;
    }
    Ok(())
}

/// Moves what is left of ProjectScylla's phases (reports and manifests) to its other files.
///
/// # Errors
/// When it cannot be written.
pub fn put_phases_away(folder: &ExperimentFolder) -> Result<(), StoreError> {
    for phase in PHASES {
        let from = folder.base(phase);
        if files::kind_of(&from)?.is_some() {
            files::rename_durable(&from, &folder.taken_over().join(phase.place("")))?;
        }
    }
    Ok(())
}

/// The entries of a kind in a folder whose names have a meaning, sorted by it.
fn named<T: Ord>(
    folder: &Path,
    wanted: Kind,
    meaning: impl Fn(&str) -> Option<T>,
) -> Result<Vec<(T, PathBuf)>, FileError> {
    let mut found = Vec::new();
    if files::kind_of(folder)? == Some(Kind::Folder)
        && let Some(open) = Folder::open(folder)?
    {
        open.each(|name, kind| {
            if let Some(means) = name.to_str().filter(|_| kind == wanted).and_then(&meaning) {
                found.push((means, folder.join(name)));
            }
        })?;
    }
    found.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| left.1.cmp(&right.1)));
    Ok(found)
}

/// The meaning of a name below ProjectScylla's `.failed/`: `run_01_attempt_01`, which is ours too and is moved only out
/// of a phase, `run_01` and `run_01_failed_1`.
fn meant_attempt(name: &str, phase: bool) -> Option<(RunNumber, Option<AttemptNumber>)> {
    if let Some((run, attempt)) = AttemptNumber::from_folder(name) {
        return phase.then_some((run, Some(attempt)));
    }
    unnumbered_attempt(name).map(|run| (run, None))
}
