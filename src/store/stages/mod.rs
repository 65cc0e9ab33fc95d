//! The durable files of one run. A worker gets this for its own run and writes nowhere else.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::model::digest::Digest;
use crate::model::ids::{JudgeNumber, RunId};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::result::{AgentResult, ChecksResult, FORMAT_VERSION, JudgeAttempt, Judgment, RunResult, Verdict};
use crate::model::usage::{Prices, Usage};
use crate::os::files::{self, FileError, Folder, Kind};

use super::layout::{self, ExperimentFolder, RunFolder};
use super::{StoreError, evidence, own_digest, pretty, version};
use ended::{Ended, read_whole, read_with_text};
pub(super) use ended::{Stage, read_stage, stage_of};

/// Which durable files of a run are whole: a resume goes on after them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StageProgress {
    /// The agent's result, when the agent is done.
    pub agent: Option<AgentResult>,
    /// Whether its changes are captured.
    pub patch: bool,
    /// The results of the checks, when they are done.
    pub checks: Option<ChecksResult>,
    /// The judges that have graded the run.
    pub judgments: BTreeMap<JudgeNumber, Judgment>,
    /// Whether there is a `run_result.json`; whether it is whole is for the survey to find out.
    pub committed: bool,
}

/// The folder of one run that is being worked on.
#[derive(Debug, Clone)]
pub struct RunStore {
    run: RunId,
    folder: RunFolder,
    /// The folder of the agent's files, also for a run that is graded again.
    own: RunFolder,
    subtest: PathBuf,
    failed: PathBuf,
}

impl RunStore {
    /// The store of a run. Nothing is read or written yet.
    #[must_use]
    pub fn new(experiment: &ExperimentFolder, run: RunId) -> Self {
        Self {
            run,
            folder: experiment.run(run),
            own: experiment.run(run),
            subtest: experiment.subtest(run.tier, run.subtest),
            failed: experiment.failed(run.tier, run.subtest),
        }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Makes the run's folders, durably; existing ones stay.
    ///
    /// # Errors
    /// When one cannot be made or synced.
    pub fn begin(&self) -> Result<(), StoreError> {
        let made = |path: &Path| match std::fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(FileError::new("make the folder", path, error))
            }
            _ => Ok(()),
        };
        files::create_dir_durable(&self.subtest)?;
        for path in [
            self.folder.root().to_owned(),
            self.folder.agent(),
            self.folder.record_dir(),
            self.folder.checks(),
            self.folder.judges(),
        ] {
            made(&path)?;
        }
        // Also when they exist: the session that made them may have been killed before it synced.
        files::sync_dir(self.folder.root())?;
        Ok(files::sync_dir(&self.subtest)?)
    }

    /// Makes a judge's folder, durably.
    ///
    /// # Errors
    /// When it cannot be made or synced.
    pub fn begin_judge(&self, judge: JudgeNumber) -> Result<(), StoreError> {
        Ok(files::create_dir_durable(&self.folder.judge(judge))?)
    }

    /// The number of the next attempt at asking a judge; former invalid answers are set aside.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn judge_attempt(&self, judge: JudgeNumber) -> Result<u32, StoreError> {
        let mut attempt = 1;
        while files::kind_of(&self.folder.failed_judge(judge, attempt))?.is_some() {
            attempt += 1;
        }
        Ok(attempt)
    }

    /// Sets the folder of a judge that gave no valid answer aside, whole; its answer remains evidence, and a record
    /// holds the answer's digest until the run's seal does.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_judge_aside(&self, judge: JudgeNumber, used: Usage, prices: Option<Prices>) -> Result<(), StoreError> {
        let attempt = self.judge_attempt(judge)?;
        files::create_dir_durable(&self.folder.failed_judges())?;
        let aside = self.folder.failed_judge(judge, attempt);
        files::rename_durable(&self.folder.judge(judge), &aside)?;
        files::sync_tree(&aside)?;
        let Usage { tokens, cost } = used;
        let version = FORMAT_VERSION.to_owned();
        let record = JudgeAttempt { judge_number: judge, attempt, tokens, cost, prices, version };
        self.write_stage(&aside, &RunFolder::at(aside.clone()).attempt_record(), &record)
    }

    /// The folders of judges' former attempts.
    pub(super) fn judges_aside(&self) -> Result<Vec<PathBuf>, StoreError> {
        let aside = self.folder.failed_judges();
        let mut folders = Vec::new();
        if let Some(folder) = Folder::open(&aside)? {
            folder.each(|name, kind| folders.extend((kind == Kind::Folder).then(|| aside.join(name))))?;
        }
        folders.sort_unstable();
        Ok(folders)
    }

    /// Which durable files are whole.
    ///
    /// # Errors
    /// When one cannot be read: it is unknown, not absent.
    pub fn progress(&self) -> Result<StageProgress, StoreError> {
        Ok(StageProgress {
            agent: self.read_agent_result()?,
            patch: self.has_patch()?,
            checks: self.read_checks()?,
            judgments: self.judgments()?,
            committed: files::kind_of(&self.folder.result())?.is_some(),
        })
    }

    /// The whole `judgment.json` files, by judge.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn judgments(&self) -> Result<BTreeMap<JudgeNumber, Judgment>, StoreError> {
        let mut judgments = BTreeMap::new();
        for judge in self.judges()? {
            if let Some(judgment) = self.read_judgment(judge)? {
                judgments.insert(judge, judgment);
            }
        }
        Ok(judgments)
    }

    /// The judges that have a folder.
    pub(super) fn judges(&self) -> Result<Vec<JudgeNumber>, StoreError> {
        let mut judges = Vec::new();
        if let Some(folder) = Folder::open(&self.folder.judges())? {
            folder.each(|name, kind| {
                if let (Kind::Folder, Some(judge)) = (kind, name.to_str().and_then(layout::judge_from_folder)) {
                    judges.push(judge);
                }
            })?;
        }
        judges.sort_unstable();
        Ok(judges)
    }

    /// `agent/result.json`, when it exists and is whole.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_agent_result(&self) -> Result<Option<AgentResult>, StoreError> {
        let path = self.folder.agent_result();
        match self.agent_result(&path)? {
            Stage::Absent => Ok(None),
            Stage::Whole(result) => Ok(Some(result)),
            // The agent was paid, whatever happened to the file.
            Stage::Damaged => Err(StoreError::DamagedStage { path }),
        }
    }

    /// The same, but a file that was altered counts as none: the attempt is given up.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn whole_agent_result(&self) -> Result<Option<AgentResult>, StoreError> {
        Ok(self.agent_result(&self.folder.agent_result())?.whole())
    }

    fn agent_result(&self, path: &Path) -> Result<Stage<AgentResult>, StoreError> {
        let (mut stage, json) = read_with_text(path)?;
        if let Stage::Whole(result) = &mut stage {
            version::costs::translate_agent(result, &json, &self.own)?;
        }
        Ok(stage)
    }

    /// Writes `agent/result.json`: from then on the agent is not started again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_agent_result(&self, result: &AgentResult) -> Result<(), StoreError> {
        self.write_stage(&self.folder.agent(), &self.folder.agent_result(), result)
    }

    /// `checks/result.json`, when it exists and is whole.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_checks(&self) -> Result<Option<ChecksResult>, StoreError> {
        read_whole(&self.folder.checks_result())
    }

    /// Writes `checks/result.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_checks(&self, checks: &ChecksResult) -> Result<(), StoreError> {
        self.write_stage(&self.folder.checks(), &self.folder.checks_result(), checks)
    }

    /// A judge's `judgment.json`, when it exists, is whole and is this judge's.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_judgment(&self, judge: JudgeNumber) -> Result<Option<Judgment>, StoreError> {
        let (stage, json) = read_with_text::<Judgment>(&self.folder.judgment(judge))?;
        let Some(mut judgment) = stage.whole().filter(|judgment| judgment.judge_number == judge) else {
            return Ok(None);
        };
        version::costs::translate_judgment(&mut judgment, &json, &self.folder)?;
        Ok(Some(judgment))
    }

    /// Makes a judge's prompt and answer durable.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sync_judge(&self, judge: JudgeNumber) -> Result<(), StoreError> {
        Ok(files::sync_tree(&self.folder.judge(judge))?)
    }

    /// Writes a judge's `judgment.json` into its folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_judgment(&self, judgment: &Judgment) -> Result<(), StoreError> {
        self.begin_judge(judgment.judge_number)?;
        let judge = judgment.judge_number;
        self.write_stage(&self.folder.judge(judge), &self.folder.judgment(judge), judgment)
    }

    /// Writes `judge/result.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_verdict(&self, verdict: &Verdict) -> Result<(), StoreError> {
        let path = self.folder.judge_result();
        Ok(files::write_atomic(&path, &own_digest::add(pretty(verdict, &path)?))?)
    }

    /// Commits the run: seals its evidence, puts the seal's digest into the result, and writes the result last. From
    /// then on nobody writes in the run's folder; the workspace may be removed.
    ///
    /// # Errors
    /// When the run is committed already, the result names another run, or it cannot be written.
    pub fn commit(&self, result: &mut RunResult) -> Result<(), StoreError> {
        let named = result.run();
        if named != self.run {
            return Err(StoreError::OtherRun { result: named, folder: self.run });
        }
        let path = self.folder.result();
        if files::kind_of(&path)?.is_some() {
            return Err(StoreError::AlreadyCommitted(self.run));
        }
        let seal = evidence::seal(&self.folder)?;
        result.seal = Digest::of(&seal);
        (result.former_attempts, result.former_cost) = self.former_attempts()?;
        files::write_atomic(&self.folder.seal(), &seal)?;
        files::write_new(&path, &own_digest::add(pretty(result, &path)?)).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::AlreadyCommitted(self.run),
            _ => error.into(),
        })
    }

    /// The whole `run_result.json`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_result(&self) -> Result<Option<RunResult>, StoreError> {
        let Some(result) = read_whole(&self.folder.result())? else { return Ok(None) };
        self.translated(result).map(Some)
    }

    /// A result translated to the current version.
    pub(super) fn translated(&self, mut result: RunResult) -> Result<RunResult, StoreError> {
        if version::age(&result.version) == version::Age::Earlier {
            let graded = self.own.graded(result.grading);
            let graded = if result.grading.is_first() { &self.own } else { &graded };
            version::costs::translate_result(&mut result, &self.own, graded, self.failed_judges_cost()?)?;
        }
        Ok(result)
    }

    /// The result of a committed run, made durable once more: the session that wrote it may have been killed, or have
    /// met an error, before it was durable. The same bytes go to another file, since a file whose sync failed is not
    /// trusted.
    ///
    /// # Errors
    /// When the result cannot be read or written.
    pub fn confirm(&self) -> Result<RunResult, StoreError> {
        let path = self.folder.result();
        let unreadable = || FileError::new("read as a result", &path, io::ErrorKind::InvalidData);
        let bytes = files::read_bounded(&path, MOST_STAGE_FILE_BYTES)?.ok_or_else(unreadable)?;
        let result = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        files::write_atomic(&path, &bytes)?;
        self.translated(result)
    }

    /// Writes a stage's file: it carries the digest of itself, and of everything else that the stage left in its
    /// folder.
    fn write_stage<T: Serialize>(&self, stage: &Path, path: &Path, value: &T) -> Result<(), StoreError> {
        let evidence = evidence::digest_of_stage(&self.folder, stage, path);
        Ok(files::write_atomic(path, &own_digest::add(pretty(&Ended { value, evidence }, path)?))?)
    }
}

mod captured;
mod costs;
mod ended;
mod former;
mod parted;

/// The folders of a run, each held open.
#[derive(Debug)]
pub struct OpenFolders(Vec<Folder>);

impl RunStore {
    /// Opens the run's folders, so that a folder that replaces one of them is noticed.
    ///
    /// # Errors
    /// When one cannot be opened, or is not a folder.
    pub fn hold(&self) -> Result<OpenFolders, StoreError> {
        let mut held = Vec::new();
        for path in self.folder.folders() {
            held.extend(Folder::open(&path)?);
        }
        Ok(OpenFolders(held))
    }
}

impl OpenFolders {
    /// Restores every folder that is not in its place any more; gives whether there was one.
    ///
    /// # Errors
    /// When one cannot be put back.
    pub fn put_back(&self) -> Result<bool, StoreError> {
        let mut any = false;
        for folder in &self.0 {
            any |= folder.put_back()?;
        }
        Ok(any)
    }
}

#[cfg(test)]
mod tests;
