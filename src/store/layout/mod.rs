//! The layout of an experiment's folder: the only place that joins and parses names of its files.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::ids::{AttemptNumber, ExperimentId, RunId, RunNumber, SetupId, SubtestId, TierId};
use crate::os::files::{self, FileError, Kind};

use super::StoreError;

pub(super) mod config;
mod gradings;
mod jobs;
mod places;
mod run;

pub(super) use config::recorded as recorded_place;
pub(super) use jobs::{JOB_LOG, JOBS};
pub(super) use places::{Base, Level, baseline_ref, is_temporary};
pub use places::{below_tiers, spelling};
pub use run::RunFolder;
pub(super) use run::{CHANGES, JUDGMENT, STAGE_RESULT, judge_from_folder};

/// The folder of former attempts, in their subtest's folder.
pub(super) const FAILED: &str = ".failed";
/// The folder of what repair sets aside.
pub(super) const QUARANTINE: &str = ".quarantine";
/// The checkpoint.
pub(super) const CHECKPOINT: &str = "checkpoint.json";
/// Prefix of the names of copies of former checkpoints.
pub(super) const BACKUP_PREFIX: &str = "checkpoint.json.backup-";
/// The coordinator's lock.
pub(super) const LOCK: &str = "experiment.lock";
/// The frozen config and the fixture's copy.
pub(super) const CONFIG: &str = "config";
/// The config's file, below [`CONFIG`].
pub(super) const CONFIG_FILE: &str = "experiment.json";
/// The fixture's copy, below [`CONFIG`].
pub(super) const FIXTURE: &str = "fixture";
/// The folder of later gradings: below [`CONFIG`], and below a run's folder.
pub(super) const GRADINGS: &str = "gradings";
/// Bare copy of the task's repository.
pub(super) const REPO: &str = "repo.git";
/// Derived reports.
pub(super) const REPORT: &str = "report";
/// The file whose appearance commits a run.
pub(super) const RESULT: &str = "run_result.json";
/// The seal over a run's evidence, and at the top of an experiment the one over all of it.
pub(super) const SEAL: &str = "SHA256SUMS";
/// The signature of the seal over an experiment, beside it.
pub(super) const SEAL_SIGNATURE: &str = "SHA256SUMS.sig";
/// The agent's files.
pub(super) const AGENT: &str = "agent";
/// The file by which the agent stage ends, below a run's folder.
pub(super) const AGENT_RESULT: &str = "agent/result.json";
/// The agent's own record, below a run's folder.
pub(super) const AGENT_RECORD: &str = "agent/record/record.json";
/// The name of the agent's own record, in the folder that it may write into.
pub const RECORD_FILE: &str = "record.json";
/// The folder that the agent may write into, below a run's folder.
pub(super) const RECORD: &str = "agent/record";
/// The record of a former attempt.
pub(super) const ATTEMPT: &str = "attempt.json";
/// What the agent changed, as a patch.
pub(super) const PATCH: &str = "changes.patch";
/// Logs and results of checks.
pub(super) const CHECKS: &str = "checks";
/// What judges were asked and answered.
pub(super) const JUDGE: &str = "judge";
/// The agent's working tree.
pub(super) const WORKSPACE: &str = "workspace";
/// The tool's own folder while a run is in flight: the pristine index for capture.
pub(super) const PRIVATE: &str = "private";

/// The folder of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentFolder {
    root: PathBuf,
}

impl ExperimentFolder {
    /// A folder that is laid out like an experiment's.
    pub(super) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The experiment in a folder, or beside a `checkpoint.json`.
    ///
    /// # Errors
    /// When there is no folder, nothing of an experiment in it, or that cannot be determined.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let root = match path.file_name() {
            Some(name) if name == CHECKPOINT && files::kind_of(path)? != Some(Kind::Folder) => {
                path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
            }
            _ => path.to_owned(),
        };
        // A person may name the folder through a link. Below it, no link is followed.
        let root = match files::kind_of(&root) {
            Ok(Some(Kind::Link)) => fs::canonicalize(&root).unwrap_or(root),
            _ => root,
        };
        let failed = |error| FileError::new("list", &root, error);
        let entries = match fs::read_dir(&root) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(StoreError::NotAnExperiment(root));
            }
            Err(error) => return Err(failed(error).into()),
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            let known = [CHECKPOINT, CONFIG, LOCK];
            if known.contains(&&*name)
                || Base::ALL.iter().any(|base| base.folder() == Some(&*name))
                || name.parse::<TierId>().is_ok()
            {
                return Ok(Self { root });
            }
        }
        Err(StoreError::NotAnExperiment(root))
    }

    /// Makes the folder of a new experiment, named after the time and its id. A second one in the same second gets a
    /// number.
    ///
    /// # Errors
    /// When a folder cannot be made.
    pub fn create(results_dir: &Path, id: &ExperimentId, now: Timestamp) -> Result<Self, StoreError> {
        files::create_dir_durable(results_dir)?;
        let name = format!("{}-{id}", time_in_names(now));
        let mut root = results_dir.join(&name);
        let mut number = 1;
        loop {
            match files::create_new_dir(&root) {
                Ok(()) => break,
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    number += 1;
                    root = results_dir.join(format!("{name}-{number}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let folder = Self { root };
        files::create_dir_durable(&folder.config_dir())?;
        Ok(folder)
    }

    /// The lock under which an experiment of this id is made in a results folder.
    #[must_use]
    pub fn creation_lock(results_dir: &Path, id: &ExperimentId) -> PathBuf {
        results_dir.join(format!(".{id}.lock"))
    }

    /// Makes the folders of subtests, durably, also where a former session made them and was killed before they were
    /// durable. To be called once, by the coordinator, before runs begin.
    ///
    /// # Errors
    /// When a folder cannot be made or synced.
    pub fn make_subtests(&self, subtests: impl IntoIterator<Item = SetupId>) -> Result<(), StoreError> {
        let mut tiers = std::collections::BTreeSet::new();
        for (tier, subtest) in subtests {
            tiers.insert(tier);
            files::create_dir_durable(&self.subtest(tier, subtest))?;
        }
        for tier in tiers {
            files::sync_dir(&self.tier(tier))?;
        }
        Ok(files::sync_dir(&self.root)?)
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.root.join(CHECKPOINT)
    }

    /// The coordinator's lock.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join(LOCK)
    }

    /// The folder of the config and the fixture's copy.
    #[must_use]
    pub fn config_dir(&self) -> PathBuf {
        self.root.join(CONFIG)
    }

    /// The frozen config.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.config_dir().join(CONFIG_FILE)
    }

    /// The fixture's copy.
    #[must_use]
    pub fn fixture(&self) -> PathBuf {
        self.config_dir().join(FIXTURE)
    }

    /// Bare copy of the task's repository.
    #[must_use]
    pub fn repo(&self) -> PathBuf {
        self.root.join(REPO)
    }

    /// The seal over the whole experiment.
    #[must_use]
    pub fn seal(&self) -> PathBuf {
        self.root.join(SEAL)
    }

    /// Who sealed it.
    #[must_use]
    pub fn seal_signature(&self) -> PathBuf {
        self.root.join(SEAL_SIGNATURE)
    }

    /// Derived reports.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.root.join(REPORT)
    }

    /// The folder of what repair has set aside.
    #[must_use]
    pub fn quarantine(&self) -> PathBuf {
        self.root.join(QUARANTINE)
    }

    /// A tier's folder.
    #[must_use]
    pub fn tier(&self, tier: TierId) -> PathBuf {
        self.root.join(tier.to_string())
    }

    /// A subtest's folder.
    #[must_use]
    pub fn subtest(&self, tier: TierId, subtest: SubtestId) -> PathBuf {
        self.tier(tier).join(subtest.to_string())
    }

    /// A run's folder.
    #[must_use]
    pub fn run(&self, run: RunId) -> RunFolder {
        RunFolder::at(self.subtest(run.tier, run.subtest).join(run.run.folder()))
    }

    /// The lock by which a run is claimed.
    #[must_use]
    pub fn claim(&self, run: RunId) -> PathBuf {
        self.subtest(run.tier, run.subtest).join(format!(".{}{CLAIM_ENDING}", run.run.folder()))
    }

    /// The run that a path belongs to, when it is in the folder of one.
    #[must_use]
    pub fn run_of(&self, place: &Path) -> Option<RunId> {
        let mut names = place.strip_prefix(&self.root).unwrap_or(place).iter().filter_map(OsStr::to_str);
        let (tier, subtest, run) = (names.next()?.parse().ok()?, names.next()?.parse().ok()?, names.next()?);
        Some(RunId { tier, subtest, run: RunNumber::from_folder(run)? })
    }

    /// The folder of a subtest's former attempts.
    #[must_use]
    pub fn failed(&self, tier: TierId, subtest: SubtestId) -> PathBuf {
        self.subtest(tier, subtest).join(FAILED)
    }

    /// The folder of a former attempt.
    #[must_use]
    pub fn attempt(&self, run: RunId, attempt: AttemptNumber) -> PathBuf {
        self.failed(run.tier, run.subtest).join(attempt.folder(run.run))
    }

    /// A path below the folder, with `/`, for messages and findings.
    #[must_use]
    pub fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}

/// The run that another spelling of a run's folder means, such as `run_1` or `run_001`.
pub(super) fn other_spelling(name: &str) -> Option<RunNumber> {
    let digits = name.strip_prefix("run_")?;
    let digits = if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.trim_start_matches('0') } else { "" };
    digits.parse::<RunNumber>().ok().filter(|run| run.folder() != name)
}

/// The ending that makes the name of a run's claim from the name of its folder.
const CLAIM_ENDING: &str = ".lock";

/// The run whose claim has this name in its subtest's folder.
pub(super) fn claim_of(name: &str) -> Option<RunNumber> {
    RunNumber::from_folder(name.strip_prefix('.')?.strip_suffix(CLAIM_ENDING)?)
}

/// The format of times in folder names: no colons, sorted by time.
const TIME_IN_NAMES: &str = "%Y-%m-%dT%H-%M-%S";

/// A time as it is written in file names, in UTC.
pub(super) fn time_in_names(time: Timestamp) -> String {
    time.strftime(TIME_IN_NAMES).to_string()
}

/// The time that the name of an experiment's folder begins with.
#[must_use]
pub fn time_of_name(name: &OsStr) -> Option<Timestamp> {
    let time = name.to_str()?.get(.."0000-00-00T00-00-00".len())?;
    let civil = DateTime::strptime(TIME_IN_NAMES, time).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests;
