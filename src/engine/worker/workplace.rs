//! What all workers of a session share. The checkpoint is not among it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config;
use crate::engine::session::grader::Grader;
use crate::model::digest::Digest;
use crate::model::experiment::{Config, KeepWorkspaces};
use crate::model::grading::GradingNumber;
use crate::model::ids::{AttemptNumber, JudgeNumber, ModelName, RunId};
use crate::model::judge::Judge;
use crate::model::result::ChecksResult;
use crate::model::task::{CheckSpec, Fixture, Subtest};
use crate::os::files;
use crate::os::process::{Containment, MakeFilter, OutputFilter, Overflow, ProcessLimits, StopHandle, Task, View};
use crate::store::StoreError;
use crate::store::evidence::Frozen;
use crate::store::layout::ExperimentFolder;
use crate::store::work::WorkRoot;
use crate::text::redact::{Redactor, Secrets};

/// What all workers of a session share.
#[derive(Debug)]
pub struct Workplace {
    /// The experiment's folder.
    pub folder: ExperimentFolder,
    /// Where work folders are made.
    pub work: WorkRoot,
    /// Its config.
    pub config: Config,
    /// Its copy of the fixture.
    pub fixture: Fixture,
    /// By what finished work is graded.
    pub grader: Grader,
    /// The copies of fixtures that both were read from.
    pub(in crate::engine) frozen: Vec<Frozen>,
    /// What is known of its trees before any agent came.
    pub(in crate::engine) baseline_checks: BaselineChecks,
    /// How the processes of a run are held together.
    pub containment: Containment,
    /// How far a stop has been asked for.
    pub stop: StopHandle,
    /// What must not reach the disk.
    pub secrets: Secrets,
    /// `config_hash` of the config, computed once.
    pub config_hash: Digest,
    /// Names this session among all others on this machine; part of what marks its processes.
    pub token: String,
    /// The coordinator's own environment, of which programs are given a part.
    pub inherited: BTreeMap<OsString, OsString>,
}

/// A program of a run that is to be started.
pub(in crate::engine) struct Program {
    pub(in crate::engine) argv: Vec<OsString>,
    pub(in crate::engine) environment: BTreeMap<OsString, OsString>,
    /// The tree that it works in.
    pub(in crate::engine) tree: PathBuf,
    pub(in crate::engine) stdin: Option<Vec<u8>>,
    pub(in crate::engine) stdout: PathBuf,
    pub(in crate::engine) stderr: PathBuf,
    pub(in crate::engine) wall: Duration,
    pub(in crate::engine) no_progress: Option<Duration>,
    /// What happens when it gives more output than it may.
    pub(in crate::engine) overflow: Overflow,
    /// How the experiment's folder looks to it.
    pub(in crate::engine) views: Vec<View>,
}

impl Workplace {
    /// Where the first copy of a fixture lies that is not as it was when the session began. One that cannot be read is
    /// none: what needs it fails by itself.
    pub(in crate::engine) fn altered_copy(&self) -> Option<String> {
        let altered = self.frozen.iter().find(|copy| matches!(copy.is_as_it_was(), Ok(false)))?;
        Some(self.folder.relative(altered.root()))
    }

    /// The panel's judges with their numbers.
    pub(in crate::engine) fn panel(&self) -> impl Iterator<Item = (JudgeNumber, &Judge)> {
        (1..).map(JudgeNumber).zip(&self.grader.fixture.judges)
    }

    /// The checks of a grading; none where its fixture cannot be read any more.
    pub(in crate::engine) fn checks_of(&self, grading: GradingNumber) -> Vec<CheckSpec> {
        if grading.is_first() {
            self.fixture.checks.clone()
        } else if grading == self.grader.number {
            self.grader.fixture.checks.clone()
        } else {
            config::fixture::load(&self.folder.grading_fixture(grading))
                .map(|fixture| fixture.checks)
                .unwrap_or_default()
        }
    }

    /// Whether a check of the newest grading is as it was among those that untouched trees were checked by.
    pub(in crate::engine) fn is_as_before(&self, check: &str, before: &[CheckSpec]) -> bool {
        let of = |specs: &[CheckSpec]| specs.iter().find(|spec| spec.name == check).cloned();
        of(&self.grader.fixture.checks) == of(before)
    }

    /// The subtest of a run; `None` when the fixture's copy does not have it.
    pub(in crate::engine) fn subtest(&self, run: RunId) -> Option<&Subtest> {
        self.fixture.tiers.get(&run.tier)?.get(&run.subtest)
    }

    /// Whether the workspace of a run with this verdict stays after the commit.
    pub(in crate::engine) fn keeps_workspace(&self, passed: bool) -> bool {
        match self.config.keep_workspaces {
            KeepWorkspaces::None => false,
            KeepWorkspaces::Failed => !passed,
            KeepWorkspaces::All => true,
        }
    }

    /// The model that agents are told to use.
    pub(in crate::engine) fn model(&self) -> Option<&str> {
        self.config.models.first().map(String::as_str)
    }

    /// The model that the agent of a run asks; `None` when it asks none.
    pub(in crate::engine) fn agent_model(&self, run: RunId) -> Option<ModelName> {
        self.subtest(run)?.agent.model(self.model())
    }

    /// The model that judges are told to use.
    pub(in crate::engine) fn judges_told(&self) -> Option<&str> {
        self.config.judge_models.first().map(String::as_str)
    }

    /// The model that a judge asks; `None` when it asks none.
    pub(in crate::engine) fn judge_model(&self, judge: &Judge) -> Option<ModelName> {
        judge.model(self.judges_told())
    }

    /// The models that judges ask, in the panel's order.
    pub(in crate::engine) fn judge_models(&self) -> impl Iterator<Item = ModelName> {
        self.panel().filter_map(|(_, judge)| self.judge_model(judge))
    }

    /// The task that the process floor is given for a program of a run.
    pub(in crate::engine) fn task(&self, run: RunId, attempt: AttemptNumber, program: Program) -> Task {
        let run_folder = self.folder.run(run);
        // Nobody writes in the folder of a committed run; only a later grading of it has programs then.
        let is_committed = !matches!(files::kind_of(&run_folder.result()), Ok(None));
        let marked = if is_committed { run_folder.graded(self.grader.number) } else { run_folder.clone() };
        let mut environment = program.environment;
        // Who takes `.git` away ends in no repository, instead of in one further up.
        if let Some(above) = program.tree.parent() {
            environment.insert("GIT_CEILING_DIRECTORIES".into(), above.into());
        }
        Task {
            argv: program.argv,
            cwd: program.tree,
            environment,
            stdin: program.stdin,
            stdout: program.stdout,
            stderr: program.stderr,
            filter: redacting(&self.secrets),
            limits: ProcessLimits {
                wall: program.wall,
                no_progress: program.no_progress,
                output_bytes: self.config.output_limit_bytes,
                overflow: program.overflow,
                grace: Duration::from_secs(self.config.grace_seconds),
            },
            views: program.views,
            mark: marked.mark(),
            token: format!("{}-{}-{}-{}-{}", self.token, run.tier, run.subtest, run.run, attempt.0),
        }
    }
}

/// The copies of fixtures that runs are made and graded by.
pub(in crate::engine) fn frozen(
    folder: &ExperimentFolder,
    config: &Config,
    grader: &Grader,
) -> Result<Vec<Frozen>, StoreError> {
    let mut frozen = vec![Frozen::new(folder.fixture(), config.fixture_digest)?];
    if !grader.number.is_first() {
        frozen.push(Frozen::as_it_is(grader.folder.clone())?);
    }
    Ok(frozen)
}

/// A filter that takes secrets out of a program's output, across the borders of its pieces.
struct Redacting(Option<Redactor>);

impl OutputFilter for Redacting {
    fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.as_mut().map_or_else(Vec::new, |redactor| redactor.push(bytes))
    }

    fn finish(&mut self) -> Vec<u8> {
        self.0.take().map_or_else(Vec::new, Redactor::finish)
    }
}

fn redacting(secrets: &Secrets) -> MakeFilter {
    let secrets = secrets.clone();
    Box::new(move || Box::new(Redacting(Some(secrets.stream()))))
}

/// What is known of a baseline; a worker that finds it out holds it meanwhile.
pub(in crate::engine) type Known = Arc<Mutex<Option<ChecksResult>>>;

/// What is known of each baseline, by its commit.
#[derive(Debug, Default)]
pub(in crate::engine) struct BaselineChecks(Mutex<BTreeMap<String, Known>>);

impl BaselineChecks {
    /// What is known of the baseline of a commit.
    pub(in crate::engine) fn of(&self, commit: &str) -> Known {
        Arc::clone(locked(&self.0).entry(commit.to_owned()).or_default())
    }
}

/// Holds what a lock guards. What a worker that panicked knew is still right: it is put in whole.
pub(in crate::engine) fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
