//! The stages of a run, each ended by one durable file.

mod agent;
mod allowed;
mod answered;
mod baseline_checks;
mod checks;
mod door;
mod excerpt;
mod judges;
mod metered;
mod playback;
mod priced;
mod record;
mod shown;
mod taped;
mod trees;
mod version;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::engine::error::{EngineError, with_causes};
use crate::engine::worker::report::{Link, Permission};
use crate::engine::worker::workplace::{Program, Workplace};
use crate::model::changes::Changes;
use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::flag::Flag;
use crate::model::ids::{AttemptNumber, JudgeNumber, ModelName, RunId};
use crate::model::outcome::{AttemptEnd, Failure, FailureKind, Stage};
use crate::model::result::{AgentResult, AttemptRecord, ChecksResult, FORMAT_VERSION, Judgment, RunResult};
use crate::model::usage::Total;
use crate::os::clock;
use crate::os::files::{self, FileError};
use crate::os::process::{self, End, Ended, SpawnError};
use crate::rules::stage::Reached;
use crate::setup::inherit::Effective;
use crate::store::StoreError;
use crate::store::claim::Claim;
use crate::store::layout::RunFolder;
use crate::store::stages::{RunStore, StageProgress};
use crate::store::work::WorkFolder;
use crate::workspace::base;
use crate::workspace::prepare::Baseline;

/// Why a stage did not end.
#[derive(Debug)]
pub(in crate::engine) enum Halt {
    /// Infrastructure failed.
    Failed(Failure),
    /// The model that is needed may not be asked now.
    Waits(ModelName),
    /// A stop was requested.
    Stopped,
}

impl Halt {
    /// The same, with the failure attributed to what the fixture names so.
    fn of(self, whose: &str) -> Self {
        match self {
            Self::Failed(failure) if matches!(failure.kind, FailureKind::Checks | FailureKind::Judge) => {
                Self::Failed(Failure { message: format!("{whose}: {}", failure.message), ..failure })
            }
            halt => halt,
        }
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<FileError> for Halt {
    fn from(error: FileError) -> Self {
        Self::Failed(error.into())
    }
}

/// A run that a worker is working on.
pub(in crate::engine) struct Work<'a> {
    pub(in crate::engine) place: &'a Workplace,
    pub(in crate::engine) run: RunId,
    setup: Effective,
    pub(in crate::engine) attempt: AttemptNumber,
    /// The stage that is under way.
    pub(in crate::engine) stage: Stage,
    /// What was spent in this session.
    pub(in crate::engine) spent: Total,
    /// Whether the cost of this attempt's agent is in [`Self::spent`] or was counted before.
    counted: bool,
    /// Whether the agent's result is durable, so that the attempt stays where it is.
    pub(in crate::engine) agent_complete: bool,
    link: &'a dyn Link,
    pub(in crate::engine) claim: &'a Claim,
    folder: RunFolder,
    store: RunStore,
    /// Where checks and judges write: the run's own folder, or that of a later grading.
    graded: RunFolder,
    graded_store: RunStore,
    /// The work folder of this attempt's agent.
    temporary: Option<WorkFolder>,
    /// The baseline of the workspace, when this worker made it.
    baseline: Option<Baseline>,
    /// Whether a program has replaced a folder of the run.
    replaced: Cell<bool>,
    /// Whether the agent or judge that is about to start has not been started yet: then it cost nothing.
    not_asked_yet: Cell<bool>,
    /// How many requests of the agent could not be written down.
    unwritten: Cell<usize>,
}

impl<'a> Work<'a> {
    pub(in crate::engine) fn new(place: &'a Workplace, (run, claim): (RunId, &'a Claim), link: &'a dyn Link) -> Self {
        let folder = place.folder.run(run);
        let store = RunStore::new(&place.folder, run);
        let (graded, graded_store) = (folder.graded(place.grader.number), store.graded(place.grader.number));
        Self {
            place,
            run,
            setup: Effective::default(),
            attempt: AttemptNumber(1),
            stage: Stage::Prepare,
            spent: Total::ZERO,
            counted: false,
            agent_complete: false,
            link,
            claim,
            folder,
            store,
            graded,
            graded_store,
            temporary: None,
            baseline: None,
            replaced: Cell::new(false),
            not_asked_yet: Cell::new(false),
            unwritten: Cell::new(0),
        }
    }

    /// Reads which stages are durable.
    pub(in crate::engine) fn open(&mut self) -> Result<(Reached, BTreeMap<JudgeNumber, Judgment>), Halt> {
        // A tier begins when the winners that it inherits from are frozen; a subtest that is gone is reported where it
        // is needed.
        self.setup = self.place.setup(self.run)?.unwrap_or_default();
        let mut progress = self.store.progress()?;
        if !self.place.grader.number.is_first() {
            progress = self.progress_under_later_grading(progress)?;
        }
        let StageProgress { agent, patch, checks, judgments, committed } = progress;
        if let Some(agent) = &agent {
            self.attempt = agent.attempt;
            self.agent_complete = true;
        }
        // Its cost was counted by the survey, or by this session when the files were written.
        self.counted = true;
        Ok((Reached::of(agent, patch, checks, committed), judgments))
    }

    /// How far the run has come under a later grading. What the agent did stays durable, and is never done again.
    fn progress_under_later_grading(&self, own: StageProgress) -> Result<StageProgress, Halt> {
        if own.committed && (own.agent.is_none() || !own.patch) {
            let message = "the run is committed, and what its agent left to be graded is gone";
            return Err(Failure::new(FailureKind::Workspace, message).into());
        }
        let later = self.graded_store.progress()?;
        Ok(StageProgress { agent: own.agent, patch: own.patch, committed: own.committed && later.committed, ..later })
    }

    /// Makes the folders of a later grading, when there is or will be something to grade.
    pub(in crate::engine) fn begin_grading(&self, reached: &Reached) -> Result<(), Halt> {
        if !self.place.grader.number.is_first() && *reached != Reached::Commit {
            self.graded_store.begin_grading()?;
        }
        Ok(())
    }

    /// Sets a former, unfinished attempt aside and makes the folder of a new one.
    pub(in crate::engine) fn begin_attempt(&mut self) -> Result<(), Halt> {
        self.must_hold()?;
        self.attempt = self.store.next_attempt()?;
        let was_started = files::kind_of(&self.folder.command())?.is_some();
        self.stage = if was_started { Stage::Agent } else { Stage::Prepare };
        self.set_aside(AttemptEnd::Interrupted)?;
        self.attempt = self.store.next_attempt()?;
        self.stage = Stage::Prepare;
        self.counted = false;
        self.unwritten.set(0);
        self.store.begin()?;
        Ok(())
    }

    /// Moves the attempt to `.failed/`, with its cost as far as that is known.
    pub(in crate::engine) fn set_aside(&mut self, end: AttemptEnd) -> Result<(), Failure> {
        if files::kind_of(self.folder.root())?.is_none() {
            return Ok(());
        }
        self.take_over_work()?;
        let cost = self.cost_so_far()?;
        self.count(cost);
        self.keep_record()?;
        let record = AttemptRecord { attempt: self.attempt, stage: self.stage, end, cost, at: clock::now() };
        self.store.set_aside(&record)?;
        if let Some(work) = self.temporary.take() {
            self.remove(work);
        }
        Ok(())
    }

    pub(in crate::engine) fn report_started(&self, from: Stage) {
        self.link.event(Event::RunStarted { run: self.run, attempt: self.attempt, from });
    }

    pub(in crate::engine) fn notice(&self, message: &str) {
        self.link.event(Event::Notice { message: format!("{}: {}", self.run, self.redacted(message)) });
    }

    /// The text with secrets redacted: names of files and output of programs come from agents.
    pub(in crate::engine) fn redacted(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.place.secrets.redact(text.as_bytes())).into_owned()
    }

    /// Goes on when the stage needs no model, or one that may be asked now.
    pub(in crate::engine) fn may_ask(&mut self, stage: Stage, model: Option<ModelName>) -> Result<(), Halt> {
        let Some(model) = model else { return Ok(()) };
        self.stage = stage;
        match self.link.may_ask(&model) {
            Permission::Granted => Ok(()),
            Permission::Later => Err(Halt::Waits(model)),
            Permission::Gone => Err(Halt::Stopped),
        }
    }

    /// Enters a stage.
    fn enter(&mut self, stage: Stage, judge: Option<JudgeNumber>) -> Result<(), Halt> {
        self.stage = stage;
        self.link.event(Event::StageStarted { run: self.run, stage, judge });
        if self.place.stop.level().is_some() {
            return Err(Halt::Stopped);
        }
        self.must_hold()?;
        // A measurement requires that agents are given the same, and graded the same, in all runs.
        match self.place.altered_copy() {
            Some(copy) => Err(Failure::new(FailureKind::Storage, EngineError::Altered(copy).to_string()).into()),
            None => Ok(()),
        }
    }

    /// Runs a program to its end in its containment; afterwards none of its processes is alive, and the run's folders
    /// are in place.
    fn contained(&self, program: Program, kind: FailureKind) -> Result<Ended, Halt> {
        let task = self.place.task(self.run, self.attempt, program);
        let locked = [self.store.hold(), self.graded_store.hold()];
        let ended = process::run(&task, &self.place.containment, &self.place.stop);
        self.not_asked_yet.set(ended.as_ref().is_err_and(SpawnError::never_started));
        // Where another worker has taken the run over, a folder that was replaced is that worker's.
        self.must_hold()?;
        for folders in locked {
            if folders.and_then(|folders| folders.put_back())? {
                self.replaced.set(true);
                self.notice("a program replaced a folder of the run, which was put back");
            }
        }
        let ended = ended.map_err(|error| Failure::new(kind, with_causes(&error)))?;
        if ended.end == End::Stopped { Err(Halt::Stopped) } else { Ok(ended) }
    }

    /// For a run that was committed without a report of it: makes its folder durable, and writes nothing in it.
    pub(in crate::engine) fn confirm(&mut self) -> Result<RunResult, Halt> {
        self.enter(Stage::Commit, None)?;
        let result = self.graded_store.confirm()?;
        self.attempt = result.attempt;
        if !result.keeps_workspace {
            self.forget_work();
        }
        Ok(result)
    }

    /// The flags of what the agent left. A secret in its patch stays there: other bytes would be another tree.
    fn flags(&self, agent: &AgentResult, changes: Option<&Changes>) -> Result<BTreeSet<Flag>, Halt> {
        let mut flags = agent.flags.clone();
        flags.extend(changes.iter().flat_map(|changes| &changes.flags));
        let patch = self.store.read_patch()?.unwrap_or_default();
        if let Some(name) = self.place.secrets.first_in(&patch) {
            self.notice(&format!("`changes.patch` holds the secret of `{name}`: look at it before you publish it"));
            flags.insert(Flag::SecretInPatch);
        }
        Ok(flags)
    }

    /// Writes `run_result.json`: from then on the run is committed.
    pub(in crate::engine) fn commit(
        &mut self,
        agent: &AgentResult,
        checks: ChecksResult,
        judgments: Vec<Judgment>,
    ) -> Result<RunResult, Halt> {
        self.enter(Stage::Commit, None)?;
        let fixture = &self.place.grader.fixture;
        let panel = (fixture.judges.len(), fixture.least_judges());
        let verdict = crate::judge::score::panel(&fixture.rubric, &judgments, panel)
            .ok_or_else(|| Failure::new(FailureKind::Judge, "a judge of the panel is missing"))?;
        self.graded_store.write_verdict(&verdict)?;
        let judge_duration_seconds = judgments.iter().map(|judgment| judgment.duration_seconds).sum();
        let checks_duration: f64 = checks.checks.iter().map(|check| check.duration_seconds).sum();
        let composed = base::composed(&self.place.folder.repo(), self.run.tier, self.run.subtest)
            .map_err(|error| Failure::new(FailureKind::Workspace, with_causes(&error)))?;
        let baseline_commit = self.baseline_commit()?;
        let changes = self.store.read_changes()?;
        let mut result = RunResult {
            version: FORMAT_VERSION.to_owned(),
            experiment_id: self.place.config.experiment_id.clone(),
            tier: self.run.tier,
            subtest: self.run.subtest,
            run_number: self.run.run,
            attempt: self.attempt,
            config_hash: self.place.config_hash,
            exit_code: agent.exit_code,
            agent_end: agent.end,
            timed_out: agent.end.timed_out(),
            usage: agent.usage,
            prices: agent.prices.clone(),
            reported: agent.reported,
            exceeded: agent.exceeded,
            program: agent.program.clone(),
            replayed: agent.replayed.clone(),
            isolation: agent.isolation.clone(),
            judge_cost: judgments.iter().map(|judgment| Total::from(judgment.cost)).sum(),
            failed_judge_cost: self.graded_store.failed_judges_cost()?,
            duration_seconds: agent.duration_seconds + checks_duration + judge_duration_seconds,
            agent_duration_seconds: agent.duration_seconds,
            judge_duration_seconds,
            judge_score: verdict.score,
            judge_passed: verdict.passed,
            judge_grade: verdict.grade,
            judges: judgments,
            checks: checks.checks,
            grading: self.place.grader.number,
            grading_digest: self.place.grader.digest,
            keeps_workspace: self.place.keeps_workspace(verdict.passed),
            composed,
            inherited_from: self.setup.inherited_from.clone(),
            baseline_commit: Some(baseline_commit),
            // Filled in by the commit.
            former_attempts: 0,
            former_cost: Total::ZERO,
            seal: Digest::of(b""),
            started_at: agent.started_at,
            committed_at: clock::now(),
            flags: self.flags(agent, changes.as_ref())?,
            not_captured: changes.as_ref().map(Changes::not_captured),
            changed_nothing: changes.as_ref().map(Changes::is_nothing),
        };
        // Workspaces are moved first, so that a stop in between leaves nothing behind: the patch is enough.
        if files::kind_of(&self.folder.result())?.is_none() {
            self.settle_workspace(agent, result.keeps_workspace);
        }
        self.must_hold()?;
        if self.place.grader.number.is_first() {
            self.store.commit(&mut result)?;
        } else {
            self.commit_later_grading(&mut result)?;
        }
        Ok(result)
    }

    /// Commits a later grading of the run, and the run itself unless it was committed under a former grading.
    fn commit_later_grading(&self, result: &mut RunResult) -> Result<(), Halt> {
        match self.graded_store.read_result()? {
            Some(written) => *result = written,
            None => self.graded_store.commit(result)?,
        }
        if files::kind_of(&self.folder.result())?.is_none() {
            // The cost of judges that gave no verdict before belongs to the run itself.
            let failed_judge_cost = self.store.judges_cost()?;
            let mut own = RunResult { failed_judge_cost, ..result.clone() };
            self.store.commit(&mut own)?;
        }
        Ok(())
    }
}

/// Writes what a program is about to be given. Its bytes are durable from now on, and its name together with the file
/// that ends the stage.
fn write_evidence(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    files::write_synced(path, bytes).map_err(|error| {
        // A torn file must not stay. On a full disk, removing it makes room.
        let _ = std::fs::remove_file(path);
        error.into()
    })
}
