//! Whether results, stages and their evidence are as they were written: by the digests that they carry, by their seals,
//! and by recomputing results from the stages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::changes::Changes;
use crate::model::digest::Digest;
use crate::model::ids::RunId;
use crate::model::limits::{MOST_PATCH_BYTES, MOST_STAGE_FILE_BYTES};
use crate::model::metered::Metered;
use crate::model::result::{AgentResult, ChecksResult, JudgeAttempt, Judgment, RunResult};
use crate::model::survey::Former;
use crate::model::survey::{Problem, ProblemKind};
use crate::model::usage::Total;
use crate::os::files;
use crate::rules::recompute::{Stages, differing};

use super::Depth;
use super::facts::ReadFacts;
use super::read::{Reader, left_workspace};
use crate::store::StoreError;
use crate::store::claimed;
use crate::store::evidence::{self, Checked};
use crate::store::layout::RunFolder;
use crate::store::own_digest::{self, Own};
use crate::store::stages::{RunStore, Stage, read_stage, stage_of};
use crate::store::version::{Age, age, costs};

/// The digest in a stage's file of everything else that the stage left.
#[derive(Deserialize)]
struct Left {
    #[serde(default)]
    evidence: Option<Digest>,
}

fn read_file(path: &Path) -> Option<Vec<u8>> {
    files::read_if_readable(path, MOST_STAGE_FILE_BYTES)
}

fn is_patch(folder: &RunFolder, expected: Digest) -> bool {
    let patch = files::read_bounded(&folder.patch(), MOST_PATCH_BYTES);
    patch.is_ok_and(|patch| patch.is_some_and(|patch| Digest::of(&patch) == expected))
}

/// The stages that a result names, read from a folder.
///
/// They are read by the rules of the result's own version: a result of today was made from stages of an earlier version
/// after translation, and a result of an earlier version from the stages as they are. The agent's own files are in the
/// folder `run`.
fn stages(
    result: &RunResult,
    folder: &RunFolder,
    run: &RunFolder,
    read: &dyn Fn(&Path) -> Option<Vec<u8>>,
) -> Option<Stages> {
    fn parsed<T: DeserializeOwned>(json: Option<Vec<u8>>) -> Option<T> {
        serde_json::from_slice(&json?).ok()
    }
    let translates = age(&result.version) == Age::Current;
    let json = read(&folder.agent_result())?;
    let mut agent: AgentResult = serde_json::from_slice(&json).ok()?;
    if translates {
        costs::translate_agent(&mut agent, &json, run).ok()?;
    }
    let judgment = |judge: &Judgment| {
        let json = read(&folder.judgment(judge.judge_number))?;
        let mut judgment: Judgment = serde_json::from_slice(&json).ok()?;
        if translates {
            costs::translate_judgment(&mut judgment, &json, folder).ok()?;
        }
        Some(judgment)
    };
    let changes = result.not_captured.map(|_| parsed(read(&folder.changes())));
    let metered = claimed::ledger(&run.usage()).ok().and_then(|ledger| ledger.read().map(Metered::from));
    Some(Stages {
        agent,
        metered,
        changes: changes.map_or(Some(None), |changes: Option<Changes>| changes.map(Some))?,
        checks: parsed(read(&folder.checks_result()))?,
        judgments: result.judges.iter().map(judgment).collect::<Option<Vec<Judgment>>>()?,
        verdict: parsed(read(&folder.judge_result()))?,
    })
}

/// The same for a result of a later grading: what the agent did is in the run's own folder.
fn stages_of_later(result: &RunResult, later: &RunFolder, run: &RunFolder) -> Option<Stages> {
    let own = [(later.agent_result(), run.agent_result()), (later.changes(), run.changes())];
    stages(result, later, run, &|path| {
        read_file(own.iter().find(|(of_later, _)| of_later == path).map_or(path, |(_, own)| own))
    })
}

/// Why a result does not follow from its stages.
fn does_not_follow(result: &RunResult, stages: Option<Stages>) -> Option<String> {
    let Some(stages) = stages else { return Some("it names stages that its run does not have".to_owned()) };
    let differing: Vec<String> = differing(result, &stages).iter().map(|key| format!("`{key}`")).collect();
    (!differing.is_empty()).then(|| format!("{} does not follow from the stages of the run", differing.join(", ")))
}

/// Whether the files that a stage left differ from the digest in the file by which it ended.
fn is_left_otherwise(folder: &RunFolder, stage: &Path, path: &Path) -> bool {
    let Some(bytes) = read_file(path) else { return false };
    let Ok(Left { evidence: Some(expected) }) = serde_json::from_slice(&bytes) else { return false };
    evidence::digest_of_stage(folder, stage, path) != Some(expected)
}

/// A file of the stages of checks or judges that was altered, or beside which something was altered.
pub(super) fn damaged_stage(store: &RunStore) -> Result<Option<PathBuf>, StoreError> {
    let folder = store.folder();
    let is_damaged = |stage: &Path, path: &Path, whole: Option<bool>| match whole {
        None => false,
        Some(false) => true,
        Some(true) => is_left_otherwise(folder, stage, path),
    };
    let path = folder.checks_result();
    let checks = match read_stage::<ChecksResult>(&path)? {
        Stage::Absent => None,
        Stage::Whole(_) => Some(true),
        Stage::Damaged => Some(false),
    };
    if is_damaged(&folder.checks(), &path, checks) {
        return Ok(Some(path));
    }
    for judge in store.judges()? {
        let path = folder.judgment(judge);
        let judgment = match read_stage::<Judgment>(&path)? {
            Stage::Absent => None,
            Stage::Whole(judgment) => Some(judgment.judge_number == judge),
            Stage::Damaged => Some(false),
        };
        if is_damaged(&folder.judge(judge), &path, judgment) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

impl Reader<'_> {
    /// Why a result is neither one by which this tool committed a run, nor one that was taken over.
    pub(super) fn is_no_commit(&self, run: RunId, facts: &ReadFacts<'_>) -> Option<&'static str> {
        let taken_over = self.setting.taken_over.as_ref()?;
        let is_ours = facts.version.is_some() && facts.seal.is_some();
        if is_ours || taken_over.contains_key(&run) {
            return None;
        }
        Some("the result has no seal, and is none that was taken over")
    }

    /// Compares a result with the digest that it carries, and records what it names as its basis.
    pub(super) fn own_words(&mut self, run: RunId, facts: &ReadFacts<'_>, own: Own) {
        if !self.setting.form.is_sealed {
            return;
        }
        let version = facts.version.as_deref();
        if let Some(fault) = own_digest::fault_of(own, version) {
            self.problem(run, ProblemKind::Altered, fault.to_owned());
        } else if let Some(version) = version.filter(|version| matches!(age(version), Age::Foreign | Age::Unknown)) {
            self.problem(run, ProblemKind::Altered, format!("`{version}` is no version of this tool"));
        }
        if let Some(attempts) = facts.former_attempts.filter(|attempts| *attempts > 0) {
            self.part
                .former
                .push((run, Former { attempts, cost: facts.former_cost(), unknown: facts.former_cost_unknown }));
        }
        if let Some(commit) = facts.baseline_commit.as_deref() {
            let place = (run.tier, run.subtest);
            if self.last_baseline.1 != Some(place) || self.last_baseline.0 != commit {
                self.last_baseline = (commit.to_owned(), Some(place));
                self.part.made_from.entry(place).or_default().insert(commit.to_owned());
            }
        }
    }

    /// Compares a run's evidence with its seal, and its result with the stages that the seal covers.
    pub(super) fn seal(&mut self, run: RunId, folder: &RunFolder, facts: &ReadFacts<'_>, bytes: Option<&[u8]>) {
        let expected: Option<Digest> = facts.seal.as_ref().and_then(|seal| seal.parse().ok());
        // Results that were taken over have no seal and no version.
        let is_ours = facts.version.is_some() || facts.seal.is_some();
        if is_ours || !matches!(files::kind_of(&folder.seal()), Ok(None)) {
            let Checked { problems, stages } = evidence::check_seal(folder, expected);
            let is_computed_again = self.setting.depth == Depth::Evidence && problems.is_empty() && is_ours;
            if let Some(bytes) = bytes.filter(|_| is_computed_again) {
                self.follows(run, folder, bytes, &stages);
            }
            for found in problems {
                self.problem(run, ProblemKind::BrokenSeal, found);
            }
        } else if let Some(found) = self.not_taken_over(run, folder) {
            self.problem(run, ProblemKind::BrokenSeal, found);
        }
    }

    /// Compares a result with one recomputed from the stages of its run. The files in `sealed` match the digests of the
    /// run's seal; checks and judges of a later grading have a seal of their own, which is compared elsewhere.
    fn follows(&mut self, run: RunId, folder: &RunFolder, bytes: &[u8], sealed: &BTreeMap<PathBuf, Vec<u8>>) {
        let Ok(result) = serde_json::from_slice::<RunResult>(bytes) else { return };
        if result.checks.iter().any(|check| check.before.is_some())
            && let Some(commit) = &result.baseline_commit
        {
            self.part.compared_with.insert(commit.clone());
        }
        let later = folder.graded(result.grading);
        let stages = if result.grading.is_first() {
            stages(&result, folder, folder, &|path| sealed.get(path.strip_prefix(folder.root()).ok()?).cloned())
        } else {
            stages_of_later(&result, &later, folder)
        };
        if let Some(found) = does_not_follow(&result, stages) {
            self.problem(run, ProblemKind::Altered, found);
        }
    }

    /// The same for the result of a later grading; gives why it does not follow.
    pub(super) fn grading_follows(&self, run: RunId, later: &RunFolder, bytes: &[u8]) -> Option<String> {
        let result = serde_json::from_slice::<RunResult>(bytes).ok()?;
        let stages = stages_of_later(&result, later, &self.setting.folder.run(run));
        does_not_follow(&result, stages)
    }

    /// Why a result without a seal is not one that was taken over.
    fn not_taken_over(&self, run: RunId, folder: &RunFolder) -> Option<String> {
        let Some(expected) = self.setting.taken_over.as_ref()?.get(&run) else {
            return Some("the result has no seal, and is none that was taken over".into());
        };
        match files::read_bounded(&folder.result(), MOST_STAGE_FILE_BYTES) {
            Ok(Some(bytes)) if Digest::of(&bytes) == *expected => None,
            Ok(_) => Some("`run_result.json` is not the one that was taken over".into()),
            Err(error) => Some(error.to_string()),
        }
    }

    pub(super) fn workspace(&mut self, run: RunId, folder: &RunFolder, keeps_workspace: Option<bool>) {
        // Only a result that says so was to lose its workspace; other tools keep all of them.
        if keeps_workspace == Some(false) && !matches!(files::kind_of(&folder.workspace()), Ok(None)) {
            let Problem { kind, place, found, .. } = left_workspace(self.setting.folder, run);
            self.problem_at(run, kind, place, found);
        }
    }

    /// Whether the agent of a run that is not committed is done, when its result is `there` and has been read, and what
    /// was spent. Altered files are reported: their work was paid for, so nothing of it is repeated without being
    /// asked.
    pub(super) fn stages(&mut self, run: RunId, there: bool) -> Result<(bool, Total), StoreError> {
        let store = RunStore::new(self.setting.folder, run);
        let folder = store.folder();
        let agent = match there.then(|| stage_of::<AgentResult>(&self.bytes)) {
            None => {
                if files::kind_of(&folder.checks_result())?.is_some() {
                    self.stage(run, &folder.agent_result(), "it is gone, and stages behind it are there");
                }
                return Ok((false, store.spent(None)?));
            }
            Some(Stage::Whole(mut agent)) => {
                costs::translate_agent(&mut agent, &self.bytes, folder)?;
                agent
            }
            Some(Stage::Absent | Stage::Damaged) => {
                self.stage(run, &folder.agent_result(), "it was altered or torn");
                return Ok((false, store.spent(None)?));
            }
        };
        if own_digest::own(&self.bytes) == Own::Right {
            self.part
                .former
                .push((run, Former { attempts: agent.attempt.0.saturating_sub(1), cost: None, unknown: None }));
        }
        let mut ended = vec![(folder.agent(), folder.agent_result())];
        for judge in store.judges()? {
            let path = folder.judgment(judge);
            match read_stage::<Judgment>(&path)? {
                Stage::Whole(_) => ended.push((folder.judge(judge), path)),
                Stage::Damaged => self.stage(run, &path, "it was altered or torn"),
                Stage::Absent => {}
            }
        }
        for aside in store.judges_aside()? {
            let record = RunFolder::at(aside.clone()).attempt_record();
            match read_stage::<JudgeAttempt>(&record)? {
                Stage::Whole(_) => ended.push((aside, record)),
                Stage::Damaged => self.stage(run, &record, "it was altered or torn"),
                Stage::Absent => {}
            }
        }
        match read_stage::<ChecksResult>(&folder.checks_result())? {
            Stage::Whole(_) => ended.push((folder.checks(), folder.checks_result())),
            Stage::Damaged => self.stage(run, &folder.checks_result(), "it was altered or torn"),
            Stage::Absent => {}
        }
        match read_stage::<Changes>(&folder.changes())? {
            Stage::Whole(changes) if store.has_patch()? && !is_patch(folder, changes.patch) => {
                self.stage(run, &folder.patch(), "it is not the one that was taken");
            }
            Stage::Damaged => self.stage(run, &folder.changes(), "it was altered or torn"),
            Stage::Whole(_) | Stage::Absent => {}
        }
        // At every depth of the survey: a resume goes on with these files.
        self.left_of(run, folder, ended);
        Ok((true, store.spent(Some(&agent))?))
    }

    /// Compares what stages left beside the files by which they ended with the digests in those.
    fn left_of(&mut self, run: RunId, folder: &RunFolder, ended: Vec<(PathBuf, PathBuf)>) {
        for (stage, path) in ended {
            if is_left_otherwise(folder, &stage, &path) {
                self.stage(run, &stage, "its files are not those that the stage left");
            }
        }
    }

    fn stage(&mut self, run: RunId, place: &Path, found: &str) {
        let place = self.setting.folder.relative(place);
        self.problem_at(run, ProblemKind::DamagedStage, place, found.to_owned());
    }
}
