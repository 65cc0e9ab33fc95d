//! Paths below `config/` apart from the config and the fixture: what tiers inherit from winners, results of baseline
//! checks, what was found of judges, the record of `repo.git`, and what was kept of another tool's files.

use std::path::{Path, PathBuf};

use super::{CHECKPOINT, CONFIG_FILE, ExperimentFolder, RunFolder, SEAL};
use crate::agent::RECORDED_FOLDER;
use crate::model::ids::{RunId, TierId};

/// The folder of what tiers inherit, below that of the config.
pub(in crate::store) const INHERITED: &str = "inherited";

impl ExperimentFolder {
    /// The folder of what tiers inherit.
    #[must_use]
    pub fn inherited_dir(&self) -> PathBuf {
        self.config_dir().join(INHERITED)
    }

    /// The file of what a tier inherits.
    #[must_use]
    pub fn inherited(&self, tier: TierId) -> PathBuf {
        self.inherited_dir().join(format!("{tier}.json"))
    }
}

/// Reads the name of a file of what a tier inherits.
pub(in crate::store) fn tier_of_inherited(name: &str) -> Option<TierId> {
    name.strip_suffix(".json")?.parse().ok()
}

/// The folder of the results of baseline checks, below that of the config.
pub(in crate::store) const BASELINE_CHECKS: &str = "untouched";

/// What follows the commit in a name.
const ENDING: &str = ".json";

/// The commit that a file is named after.
pub(in crate::store) fn commit_of(name: &str) -> Option<&str> {
    let commit = name.strip_suffix(ENDING)?;
    let is_commit =
        matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_commit.then_some(commit)
}

/// The folder of what was found of judges before agents were started, below that of the config.
pub(in crate::store) const JUDGE_CHECKS: &str = "judge-checks";

impl ExperimentFolder {
    /// The folder of what was found of judges.
    #[must_use]
    pub fn judge_checks_dir(&self) -> PathBuf {
        self.config_dir().join(JUDGE_CHECKS)
    }

    /// The file of the check of judges with this number, which is at least 1.
    #[must_use]
    pub fn judge_check(&self, number: u32) -> PathBuf {
        self.judge_checks_dir().join(format!("{number:02}{ENDING}"))
    }
}

/// Reads the number of a check of judges from its file's name.
pub(in crate::store) fn number_of_judge_check(name: &str) -> Option<u32> {
    let number: u32 = name.strip_suffix(ENDING)?.parse().ok()?;
    (number > 0 && name == format!("{number:02}{ENDING}")).then_some(number)
}

/// The folder of the other tool's files in an experiment that was taken over, below the folder of the config.
/// The folder of a recording that holds for every run.
const FOR_ALL: &str = "all";

/// The place of a recorded run in a fixture's copy: of this recording, for this run or for all.
pub(in crate::store) fn recorded(id: &str, run: Option<RunId>) -> PathBuf {
    let folder = Path::new(RECORDED_FOLDER).join(id);
    match run {
        Some(run) => folder.join(run.tier.to_string()).join(run.subtest.to_string()).join(run.run.folder()),
        None => folder.join(FOR_ALL),
    }
}

impl ExperimentFolder {
    /// What is played back in the fixture's copy. No agent sees it.
    #[must_use]
    pub fn recorded(&self) -> PathBuf {
        self.fixture().join(RECORDED_FOLDER)
    }

    /// What is played back for a run: of this recording, for the run itself or for all.
    #[must_use]
    pub fn recorded_runs(&self, id: &str, run: RunId) -> [RunFolder; 2] {
        [Some(run), None].map(|run| RunFolder::at(self.fixture().join(recorded(id, run))))
    }
}

pub(in crate::store) const TAKEN_OVER: &str = "original";

/// The name of the record of the contents of `repo.git`, below the config's folder.
pub(in crate::store) const REPOSITORY: &str = "repository.json";

impl ExperimentFolder {
    /// The record with the digests of the contents of `repo.git`.
    #[must_use]
    pub fn repository(&self) -> PathBuf {
        self.config_dir().join(REPOSITORY)
    }

    /// The folder of the results of baseline checks.
    #[must_use]
    pub fn baseline_checks_dir(&self) -> PathBuf {
        self.config_dir().join(BASELINE_CHECKS)
    }

    /// The results of the checks for a baseline's commit.
    #[must_use]
    pub fn baseline_checks(&self, commit: &str) -> PathBuf {
        self.baseline_checks_dir().join(format!("{commit}{ENDING}"))
    }
}

impl ExperimentFolder {
    /// The folder of the files of the tool from which an experiment was taken over.
    #[must_use]
    pub fn taken_over(&self) -> PathBuf {
        self.config_dir().join(TAKEN_OVER)
    }

    /// The other tool's checkpoint as it was when the experiment was taken over.
    #[must_use]
    pub fn taken_over_checkpoint(&self) -> PathBuf {
        self.taken_over().join(CHECKPOINT)
    }

    /// The other tool's config as it was when the experiment was taken over.
    #[must_use]
    pub fn taken_over_config(&self) -> PathBuf {
        self.taken_over().join(CONFIG_FILE)
    }

    /// Digests of the results that were taken over.
    #[must_use]
    pub fn taken_over_seal(&self) -> PathBuf {
        self.taken_over().join(SEAL)
    }
}
