//! What workers need beside the basis of all runs: how programs are started here, and what one worker has found out for
//! the others. The checkpoint is not part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::lease::Lease;
use crate::engine::reach::Reach;
use crate::engine::session::basis::Basis;
use crate::engine::session::inheritance::winners_of;
use crate::gateway::Gateway;
use crate::model::ids::{AttemptNumber, RunId, TierId};
use crate::model::installation::Answer;
use crate::model::outcome::Failure;
use crate::model::resources::ResourceUse;
use crate::model::result::ChecksResult;
use crate::model::sandbox::Isolation;
use crate::os::clock;
use crate::os::files;
use crate::os::process::{
    Containment, Controllers, Doorway, MakeFilter, OutputFilter, OutputWatch, Overflow, ProcessLimits, StopHandle,
    Task, View,
};
use crate::setup::inherit::{Effective, Inheritance, Winners};
use crate::store::layout::ExperimentFolder;
use crate::store::{StoreError, inherited};
use crate::text::redact::{Redactor, Secrets};

/// What the workers of a process share.
#[derive(Debug)]
pub struct Workplace {
    basis: Arc<Basis>,
    /// How the processes of a run are held together.
    pub containment: Containment,
    /// What agents and checks can reach beside their tree.
    pub reach: Reach,
    /// Where agents and checks are held to what they may use of the machine, when they are.
    pub controllers: Option<Controllers>,
    /// What must not be written to the disk.
    pub secrets: Secrets,
    /// The gateway to models, where there is one.
    pub gateway: Option<Arc<Gateway>>,
    /// The environment of this process, of which a part is passed on to programs.
    pub inherited: BTreeMap<OsString, OsString>,
    /// How far a stop has been requested.
    pub stop: StopHandle,
    /// Distinguishes this session from all others on this machine; part of the token of its processes.
    token: String,
    /// The known results of baseline checks.
    pub(in crate::engine) baseline_checks: BaselineChecks,
    /// The versions that programs of agents have said.
    pub(in crate::engine) versions: Versions,
    /// The known setups of subtests.
    setups: Setups,
    /// The lease of the worker on its run, where it is a job of a cluster.
    pub(in crate::engine) lease: Option<Arc<Lease>>,
    /// Messages that were reported, and are not repeated.
    reported: Mutex<BTreeSet<String>>,
}

impl Deref for Workplace {
    type Target = Basis;

    /// A workplace includes the basis of all runs.
    fn deref(&self) -> &Basis {
        &self.basis
    }
}

/// What programs of runs are started with on this machine.
#[derive(Debug)]
pub struct Surroundings {
    /// How the processes of a run are held together.
    pub containment: Containment,
    /// What agents and checks can reach beside their tree.
    pub reach: Reach,
    /// Where agents and checks are held to what they may use of the machine, when they are.
    pub controllers: Option<Controllers>,
    /// The environment of this process, of which a part is passed on to programs.
    pub inherited: BTreeMap<OsString, OsString>,
    /// What must not be written to the disk.
    pub secrets: Secrets,
    /// The gateway to models, where there is one.
    pub gateway: Option<Arc<Gateway>>,
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
    /// What happens when its output exceeds the limit.
    pub(in crate::engine) overflow: Overflow,
    /// Who reads its output while it works.
    pub(in crate::engine) watch: Option<Box<dyn OutputWatch>>,
    /// How the paths of the experiment's folder appear to it.
    pub(in crate::engine) views: Vec<View>,
    /// The way out of a sandbox without network, where it has one.
    pub(in crate::engine) door: Option<Doorway>,
    /// The folder of its own where it is kept in a sandbox; `None` of a program that a person trusts.
    pub(in crate::engine) own: Option<PathBuf>,
}

impl Workplace {
    /// A workplace on this machine for runs with this basis.
    ///
    /// # Errors
    /// When the kernel has no file descriptors left.
    pub(in crate::engine) fn new(basis: Arc<Basis>, surroundings: Surroundings) -> std::io::Result<Self> {
        let Surroundings { containment, reach, controllers, inherited, secrets, gateway } = surroundings;
        Ok(Self {
            setups: Setups { inheritance: Inheritance::of(&basis.config, &basis.fixture), winners: Mutex::default() },
            basis,
            containment,
            reach,
            controllers,
            secrets,
            gateway,
            inherited,
            stop: StopHandle::new()?,
            token: format!("{}-{}", std::process::id(), clock::now().as_millisecond()),
            baseline_checks: BaselineChecks::default(),
            versions: Versions::default(),
            lease: None,
            reported: Mutex::default(),
        })
    }

    /// Whether the worker may still write about its run.
    ///
    /// # Errors
    /// When it has lost the run to another worker.
    pub(in crate::engine) fn must_hold(&self) -> Result<(), Failure> {
        self.lease.as_ref().map_or(Ok(()), |lease| lease.must_hold())
    }

    /// The setup of a run's agent; `None` while a winner that it inherits from is not frozen.
    pub(in crate::engine) fn setup(&self, run: RunId) -> Result<Option<Effective>, StoreError> {
        self.setups.of(&self.basis, run)
    }

    /// How an agent is isolated here that used so much of the machine.
    pub(in crate::engine) fn isolation(&self, used: Option<ResourceUse>) -> Isolation {
        let isolation = self.reach.isolation();
        let limits = self.controllers.as_ref().map(|controllers| *controllers.limits()).unwrap_or_default();
        Isolation { resources: used, ..isolation.limited(&limits) }
    }

    /// Whether a message is reported for the first time.
    pub(in crate::engine) fn is_first_report(&self, what: &str) -> bool {
        locked(&self.reported).insert(what.to_owned())
    }

    /// The [`Task`] for a program of a run.
    pub(in crate::engine) fn task(&self, run: RunId, attempt: AttemptNumber, program: Program) -> Task {
        let run_folder = self.folder.run(run);
        // Nothing is written in the folder of a committed run; programs run for it only under a later grading.
        let is_committed = !matches!(files::kind_of(&run_folder.result()), Ok(None));
        let marked = if is_committed { run_folder.graded(self.grader.number) } else { run_folder.clone() };
        let mut environment = program.environment;
        // A program that removes `.git` finds no repository then, instead of one further up.
        if let Some(above) = program.tree.parent() {
            environment.insert("GIT_CEILING_DIRECTORIES".into(), above.into());
        }
        let controllers = self.controllers.clone().filter(|_| program.own.is_some());
        let sandbox = program.own.and_then(|own| self.reach.sandbox(own));
        let mut views = program.views;
        if sandbox.is_none() {
            // Who could write there could raise its own limits. In a sandbox, nobody can.
            views
                .extend(controllers.iter().flat_map(Controllers::mounts).map(|mount| View::ReadOnly(mount.to_owned())));
        }
        Task {
            argv: program.argv,
            cwd: program.tree,
            environment,
            stdin: program.stdin,
            stdout: program.stdout,
            stderr: program.stderr,
            filter: redacting(&self.secrets),
            watch: program.watch.map(|watch| Arc::new(Mutex::new(watch))),
            limits: ProcessLimits {
                wall: program.wall,
                no_progress: program.no_progress,
                output_bytes: self.config.output_limit_bytes,
                overflow: program.overflow,
                grace: Duration::from_secs(self.config.grace_seconds),
            },
            controllers,
            sandbox,
            door: program.door,
            views,
            mark: marked.mark(),
            token: format!("{}-{}-{}-{}-{}", self.token, run.tier, run.subtest, run.run, attempt.0),
        }
    }
}

/// A filter that redacts secrets in a program's output, also where they span several pieces.
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

/// The known results for a baseline; the worker that determines them holds the lock meanwhile.
pub(in crate::engine) type Known = Arc<Mutex<Option<ChecksResult>>>;

/// The known results for each baseline, by its commit.
#[derive(Debug, Default)]
pub(in crate::engine) struct BaselineChecks(Mutex<BTreeMap<String, Known>>);

impl BaselineChecks {
    /// The known results for the baseline with this commit.
    pub(in crate::engine) fn of(&self, commit: &str) -> Known {
        Arc::clone(locked(&self.0).entry(commit.to_owned()).or_default())
    }
}

/// What a program answered that was asked for its version; whoever asks it holds the lock meanwhile.
pub(in crate::engine) type Answered = Arc<Mutex<Option<Answer>>>;

/// What programs answered in this session, each by its path.
#[derive(Debug, Default)]
pub(in crate::engine) struct Versions(Mutex<BTreeMap<PathBuf, Answered>>);

impl Versions {
    /// What the program at this path answered.
    pub(in crate::engine) fn of(&self, program: PathBuf) -> Answered {
        Arc::clone(locked(&self.0).entry(program).or_default())
    }
}

/// The setups of subtests, as far as the winners that they inherit from are known.
#[derive(Debug)]
struct Setups {
    inheritance: Inheritance,
    /// The frozen winners by tier, as read last.
    winners: Mutex<BTreeMap<TierId, Winners>>,
}

impl Setups {
    /// What is frozen does not change, so the folder is only read for what is not known yet.
    fn of(&self, basis: &Basis, run: RunId) -> Result<Option<Effective>, StoreError> {
        let mut winners = locked(&self.winners);
        let known = self.inheritance.effective(&basis.fixture, &winners, run.tier, run.subtest);
        if known.is_some() || basis.subtest(run).is_none() {
            return Ok(known);
        }
        *winners = frozen_winners(&basis.folder)?;
        Ok(self.inheritance.effective(&basis.fixture, &winners, run.tier, run.subtest))
    }
}

fn frozen_winners(folder: &ExperimentFolder) -> Result<BTreeMap<TierId, Winners>, StoreError> {
    let frozen = inherited::read_all(folder)?;
    Ok(frozen.into_iter().map(|(tier, inherited)| (tier, winners_of(&inherited))).collect())
}

/// Locks a mutex, also after a worker panicked: the value is always replaced as a whole, so it is still right.
pub(in crate::engine) fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
