//! Names of places for messages, relative to the experiment's folder, and the folders in which tiers may be.

use std::path::{Path, PathBuf};

use super::config::{BASELINE_CHECKS, INHERITED};
use super::gradings::GRADING_FILE;
use super::{
    CHECKPOINT, CONFIG, CONFIG_FILE, ExperimentFolder, FIXTURE, GRADINGS, LOCK, REPO, RESULT, RunFolder, SEAL,
    SEAL_SIGNATURE,
};
use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::place::{Place, RunPlace, Spelling};
use crate::os::files::TEMPORARY_PREFIX;

/// How a survey spells its places.
#[must_use]
pub fn spelling() -> Spelling {
    Spelling(spelled)
}

fn spelled(place: Place<'_>) -> String {
    match place {
        Place::Checkpoint => CHECKPOINT.to_owned(),
        Place::Config => format!("{CONFIG}/{CONFIG_FILE}"),
        Place::Fixture => format!("{CONFIG}/{FIXTURE}"),
        Place::Lock => LOCK.to_owned(),
        Place::Seal => SEAL.to_owned(),
        Place::SealSignature => SEAL_SIGNATURE.to_owned(),
        Place::Grading(number) => format!("{CONFIG}/{GRADINGS}/{number}"),
        Place::GradingRecord(number) => format!("{CONFIG}/{GRADINGS}/{number}/{GRADING_FILE}"),
        Place::GradingFixture(number) => format!("{CONFIG}/{GRADINGS}/{number}/{FIXTURE}"),
        Place::Inherited(tier) => format!("{CONFIG}/{INHERITED}/{tier}.json"),
        Place::Baseline(tier, subtest) => format!("{REPO}/{}", baseline_ref(tier, subtest)),
        Place::BaselineChecks(commit) => format!("{CONFIG}/{BASELINE_CHECKS}/{commit}.json"),
        Place::Of(run, RunPlace::Result) => format!("{run}/{RESULT}"),
        Place::Of(run, RunPlace::Seal) => format!("{run}/{SEAL}"),
        Place::Of(run, RunPlace::Grading(number)) => format!("{run}/{GRADINGS}/{number}"),
    }
}

/// The name of git's ref for the baseline of a subtest.
pub(in crate::store) fn baseline_ref(tier: TierId, subtest: SubtestId) -> String {
    format!("refs/heads/baseline/{tier}-{subtest}")
}

/// A level of an experiment's folder, each with its own known names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Level {
    /// The experiment's own folder.
    Root,
    /// The folder of the config.
    Config,
    /// A tier.
    Tier,
    /// A subtest.
    Subtest,
    /// A run.
    Run,
    /// Folders in a run's folder.
    BelowRun,
}

/// The folder in which a tier is. This tool uses only the experiment's own; where runs of another tool are in several,
/// the later ones have precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(in crate::store) enum Base {
    /// The experiment's own folder.
    #[default]
    Root,
    /// A folder of unfinished runs.
    InProgress,
    /// A folder of finished runs.
    Completed,
}

impl Base {
    /// Every base.
    pub(in crate::store) const ALL: [Self; 3] = [Self::Root, Self::InProgress, Self::Completed];

    /// The name of the folder; `None` for the experiment's own.
    pub(in crate::store) fn folder(self) -> Option<&'static str> {
        match self {
            Self::Root => None,
            Self::InProgress => Some("in_progress"),
            Self::Completed => Some("completed"),
        }
    }

    /// The place below the experiment's folder of a place below the base.
    pub(in crate::store) fn place(self, below: &str) -> String {
        match self.folder() {
            Some(folder) if below.is_empty() => folder.to_owned(),
            Some(folder) => format!("{folder}/{below}"),
            None => below.to_owned(),
        }
    }
}

impl ExperimentFolder {
    /// The folder that contains a base's tiers.
    pub(in crate::store) fn base(&self, base: Base) -> PathBuf {
        base.folder().map_or_else(|| self.root.clone(), |folder| self.root.join(folder))
    }

    /// A subtest's folder below a base.
    pub(in crate::store) fn subtest_in(&self, base: Base, tier: TierId, subtest: SubtestId) -> PathBuf {
        self.base(base).join(tier.to_string()).join(subtest.to_string())
    }

    /// A run's folder below a base.
    pub(in crate::store) fn run_in(&self, base: Base, run: RunId) -> RunFolder {
        RunFolder::at(self.subtest_in(base, run.tier, run.subtest).join(run.run.folder()))
    }
}

/// The same path, below the folder that contains the tiers.
#[must_use]
pub fn below_tiers(below: &Path) -> &Path {
    Base::ALL.iter().find_map(|base| below.strip_prefix(base.folder()?).ok()).unwrap_or(below)
}

/// Whether a name is one of the temporary files that a crash leaves during a save: this tool's own names, and
/// `checkpoint.tmp.4711.json` or `checkpoint.tmp`, which other tools use for their checkpoint.
pub(in crate::store) fn is_temporary(name: &str) -> bool {
    let stem = CHECKPOINT.strip_suffix(".json").unwrap_or(CHECKPOINT);
    let numbered = |rest: &str| rest.starts_with(".tmp.") && rest.strip_suffix(".json").is_some();
    name.starts_with(TEMPORARY_PREFIX) || name.strip_prefix(stem).is_some_and(|rest| rest == ".tmp" || numbered(rest))
}
