//! The coordinator: hears one mailbox on one thread, decides by pure functions, acts, and owns the checkpoint.

mod budget;
mod counting;
mod events;
pub(in crate::engine) mod inherit;
mod models;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::error::EngineError;
use crate::engine::error::storage;
use crate::engine::session::inheritance::{Taken, stop};
use crate::engine::session::open::{Locked, Session, left_to_you};
use crate::engine::session::progress::Progress;
use crate::engine::worker::excerpt;
use crate::engine::worker::mailbox::{Input, Line, RunEnd};
use crate::engine::worker::workplace::BaselineChecks;
use crate::engine::worker::workplace::{Workplace, frozen};
use crate::engine::worker::{self, Job};
use crate::model::checkpoint::Checkpoint;
use crate::model::event::{Event, ExperimentFinished, ExperimentStarted};
use crate::model::experiment::Config;
use crate::model::ids::{AttemptNumber, RunId};
use crate::model::limits::{self, Limits};
use crate::model::outcome::{ExperimentEnd, ExperimentStatus, Failure, FailureKind, Stage, StopLevel, StopSignal};
use crate::model::task::Fixture;
use crate::model::usage::Total;
use crate::os::clock::{self, Stopwatch};
use crate::os::process::{Containment, StopHandle};
use crate::os::signal::{self, Listening, Signal};
use crate::rules::next::{Action, next};
use crate::rules::pacing::Pacing;
use crate::rules::state::{Consequence, Fact, State};
use crate::store::StoreError;
use crate::store::work::WorkRoot;
use crate::text::words::list;

/// Who is told what happens: an event with its time, or `None` when only time has passed.
pub type Emit<'a> = dyn FnMut(Timestamp, Option<&Event>) + 'a;

/// How a session is to be run, beside what the config says.
#[derive(Debug)]
pub struct SessionOptions {
    /// How the processes of a run are held together.
    pub containment: Containment,
    /// How often `Tell` hears that time has passed; `None` for never.
    pub tick: Option<Duration>,
    /// The folder as people call it.
    pub folder_name: String,
    /// What is told first, as soon as a stop would be heard.
    pub news: Vec<Event>,
    /// What workers share of the coordinator's own environment.
    pub inherited: std::collections::BTreeMap<std::ffi::OsString, std::ffi::OsString>,
    /// What must not reach the disk.
    pub secrets: crate::text::redact::Secrets,
}

/// A save that failed counts as one of this length, so that the next one is tried some seconds later.
const BETWEEN_FAILED_SAVES: Duration = Duration::from_millis(100);

/// The coordinator of a session.
pub(in crate::engine) struct Coordinator<'a> {
    pub(in crate::engine) locked: Locked,
    pub(in crate::engine) checkpoint: Checkpoint,
    pub(in crate::engine) progress: Progress,
    pub(in crate::engine) place: Arc<Workplace>,
    pub(in crate::engine) limits: Limits,
    pub(in crate::engine) state: State,
    pub(in crate::engine) taken: Taken,
    pub(in crate::engine) pacing: Pacing,
    started: Stopwatch,
    mailbox: Receiver<Input>,
    line: Sender<Input>,
    workers: BTreeMap<RunId, JoinHandle<()>>,
    tick: Option<Duration>,
    pub(in crate::engine) folder_name: String,
    pub(in crate::engine) worker_lost: bool,
    /// Checks whose programs are missing, as far as people know of them.
    pub(in crate::engine) not_found: BTreeSet<String>,
    emit: &'a mut Emit<'a>,
}

/// Does what is left of an experiment, until nothing is left or a stop is asked for. Whoever heard signals until now
/// does so until the coordinator hears them.
///
/// # Errors
/// When signals cannot be heard, the checkpoint cannot be written, or a worker is lost. Committed runs are safe in every
/// case.
pub fn conduct<'a>(
    session: Session,
    session_options: SessionOptions,
    former: Listening,
    emit: &'a mut Emit<'a>,
) -> Result<ExperimentFinished, EngineError> {
    let (line, mailbox) = channel();
    let signals = line.clone();
    let _listening = signal::listen(move |signal| {
        let word = match signal {
            Signal::Interrupt => StopSignal::Interrupt,
            Signal::Terminate => StopSignal::Terminate,
            Signal::Hangup => StopSignal::Hangup,
        };
        // A coordinator that is gone needs no signal.
        let _ = signals.send(Input::Signal(word));
    })
    .map_err(EngineError::Signals)?;
    drop(former);
    for event in &session_options.news {
        emit(clock::now(), Some(event));
    }
    let mut coordinator = Coordinator::begin(session, session_options, (line, mailbox), emit)?;
    coordinator.report_grading();
    coordinator.report_surroundings();
    let end = coordinator.work();
    coordinator.finish(end)
}

impl<'a> Coordinator<'a> {
    /// Says what lies above the work folders and may reach agents, checks and judges.
    fn report_surroundings(&mut self) {
        let found: Vec<String> =
            self.place.work.surroundings().iter().map(|path| format!("`{}`", path.display())).collect();
        if !found.is_empty() {
            let message = format!(
                "above the folder that agents work in, {} may change what they do; `--work-dir` names another place",
                list(&found)
            );
            self.emit(&Event::Notice { message });
        }
    }

    fn begin(
        session: Session,
        session_options: SessionOptions,
        (line, mailbox): (Sender<Input>, Receiver<Input>),
        emit: &'a mut Emit<'a>,
    ) -> Result<Self, EngineError> {
        let Session { locked, config, fixture, grader, checkpoint, mut progress, damage, mended, left, resumed } =
            session;
        let limits = limits_of(&config);
        let started = Event::ExperimentStarted(ExperimentStarted {
            experiment_id: config.experiment_id.clone(),
            folder: session_options.folder_name.clone(),
            resumed,
            jobs: config.jobs,
            containment: session_options.containment.name().to_owned(),
            tiers: progress.tiers(),
            setups: progress.setups(Some(&fixture)),
            spent: progress.spent().total(),
            max_cost_usd: config.max_cost_usd,
        });
        let taken = Taken::open(&locked.folder, &config, &fixture)?;
        let stops = hold_back(&taken, &fixture, &config.thinking_mode, &mut progress);
        let waiting = taken.waiting_with_sources(|tier| !progress.to_do().any(|run| run.tier == tier));
        let work = WorkRoot::open(&locked.folder, config.work_dir.as_deref())?;
        let frozen = frozen(&locked.folder, &config, &grader)?;
        let place = Workplace {
            folder: locked.folder.clone(),
            work,
            config_hash: config.hash(),
            token: format!("{}-{}", std::process::id(), clock::now().as_millisecond()),
            config,
            fixture,
            grader,
            frozen,
            baseline_checks: BaselineChecks::default(),
            containment: session_options.containment,
            stop: StopHandle::new().map_err(EngineError::Signals)?,
            secrets: session_options.secrets,
            inherited: session_options.inherited,
        };
        let mut coordinator = Self {
            state: models::first_state(&progress, &place).waiting(waiting),
            taken,
            locked,
            checkpoint,
            progress,
            place: Arc::new(place),
            limits,
            pacing: Pacing::default(),
            started: Stopwatch::start(),
            mailbox,
            line,
            workers: BTreeMap::new(),
            tick: session_options.tick,
            folder_name: session_options.folder_name,
            worker_lost: false,
            not_found: BTreeSet::new(),
            emit,
        };
        coordinator.emit(&started);
        let notices = stops.into_iter().chain(damage.into_iter().map(left_to_you)).chain(left);
        let notices = notices.map(|message| Event::Notice { message });
        for event in mended.into_iter().map(|message| Event::Mended { message }).chain(notices) {
            coordinator.emit(&event);
        }
        coordinator.tell_what_is_not_held();
        coordinator.go()?;
        Ok(coordinator)
    }

    /// Says on disk that the experiment is at work.
    fn go(&mut self) -> Result<(), EngineError> {
        self.checkpoint.status = ExperimentStatus::Running;
        self.wait_as_former_sessions_do();
        self.checkpoint.pid = Some(std::process::id());
        self.checkpoint.host = Some(clock::host());
        self.save()
    }

    /// The loop: decide, act, save, hear.
    fn work(&mut self) -> ExperimentEnd {
        loop {
            self.let_time_pass();
            let now = self.now();
            let (mut wake, mut decide_again) = (None, false);
            for action in next(&self.state, &self.limits, now) {
                match action {
                    Action::Start(run) => self.start(run),
                    Action::Inherit(tier) => {
                        self.inherit(tier);
                        decide_again = true;
                    }
                    Action::ReachBudget { expected, ceiling } => {
                        self.reach_budget(expected, ceiling);
                        decide_again = true;
                    }
                    Action::Wait(time) => wake = Some(time),
                    Action::Finish(end) => return end,
                }
            }
            self.say_whether_it_waits();
            if self.pacing.due().is_some_and(|due| due <= self.now()) {
                self.save_or_halt();
            }
            // The ceiling may be met while no worker is busy: nobody would ever say a word.
            if !decide_again {
                self.wait(wake);
            }
        }
    }

    /// Hears the next word, or lets time pass until something is due.
    fn wait(&mut self, wake: Option<Duration>) {
        let now = self.now();
        let tick = self.tick.map(|tick| now + tick);
        let heard = match [wake, self.pacing.due(), tick].into_iter().flatten().min() {
            Some(due) => self.mailbox.recv_timeout(due.saturating_sub(now)),
            None => self.mailbox.recv().map_err(RecvTimeoutError::from),
        };
        match heard {
            Ok(input) => self.handle(input),
            // The coordinator holds a line to its own mailbox, so it is never closed.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => (self.emit)(clock::now(), None),
        }
    }

    fn start(&mut self, run: RunId) {
        // A tier begins when the winners that it takes over are known; a subtest that is gone is told by its worker.
        let setup = self.taken.effective(&self.place.fixture, run.tier, run.subtest).unwrap_or_default();
        let job = Job { run, setup, failures: self.state.failures(run), limits: self.limits };
        self.apply(Fact::Started(run));
        self.progress.begin(run);
        self.checkpoint.failures.remove(&run);
        let (place, line) = (Arc::clone(&self.place), Line::new(self.line.clone()));
        let spawned =
            std::thread::Builder::new().name(run.to_string()).spawn(move || worker::work(&place, &job, &line));
        match spawned {
            Ok(worker) => {
                self.workers.insert(run, worker);
            }
            Err(error) => self.handle(Input::RunEnded {
                run,
                spent: Total::ZERO,
                end: RunEnd::Failed {
                    attempt: AttemptNumber(0),
                    stage: Stage::Prepare,
                    failure: Failure::new(FailureKind::Spawn, format!("a worker's thread cannot be started: {error}")),
                    agent_complete: false,
                },
            }),
        }
    }

    /// The worker of a run has said its last word.
    pub(in crate::engine) fn dismiss(&mut self, run: RunId) {
        if let Some(worker) = self.workers.remove(&run) {
            // A worker that panicked has said so through its last word already.
            let _ = worker.join();
        }
    }

    /// Takes a fact into the state.
    pub(in crate::engine) fn apply(&mut self, fact: Fact) -> Consequence {
        let now = self.now();
        self.state.apply(fact, &self.limits, now)
    }

    /// Time since the start, by a monotonic clock.
    pub(in crate::engine) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Tells an event.
    pub(in crate::engine) fn emit(&mut self, event: &Event) {
        (self.emit)(clock::now(), Some(event));
    }

    /// Writes the checkpoint. When it cannot be written, results are still safe, but nothing new is begun; when the
    /// experiment may be somebody else's by now, runs in flight are ended too.
    fn save_or_halt(&mut self) {
        let Err(error) = self.save() else { return };
        if matches!(error, EngineError::Store(StoreError::Lock(_))) {
            self.place.stop.raise(StopLevel::Terminate);
        }
        self.halt(&storage(&error).message);
        let now = self.now();
        self.pacing.saved(now, BETWEEN_FAILED_SAVES);
        self.pacing.changed();
    }

    /// Writes the checkpoint.
    fn save(&mut self) -> Result<(), EngineError> {
        self.checkpoint.last_updated_at = clock::now();
        let took = self.locked.writer.save(&self.checkpoint)?;
        let now = self.now();
        self.pacing.saved(now, took);
        Ok(())
    }

    fn finish(mut self, end: ExperimentEnd) -> Result<ExperimentFinished, EngineError> {
        self.checkpoint.status = end.status();
        self.checkpoint.pid = None;
        self.checkpoint.host = None;
        self.recount(end)?;
        if self.checkpoint.rerunning.iter().all(|run| self.progress.is_committed(*run)) {
            self.checkpoint.rerunning.clear();
        }
        // A stop changes nothing about the time that a provider named.
        if end == ExperimentEnd::Completed {
            self.checkpoint.end_limits();
        }
        self.save()?;
        let finished = ExperimentFinished {
            end,
            spent: self.state.spent(),
            duration_seconds: self.now().as_secs_f64(),
            shortfalls: excerpt::explained(&self.locked.folder, self.progress.counting(), self.progress.shortfalls()),
            waiting: self.state.tiers_in_wait().map(|(tier, sources)| (tier, sources.clone())).collect(),
            ..self.progress.finished(&self.folder_name, Some(&self.place.fixture))
        };
        self.emit(&Event::ExperimentFinished(finished.clone()));
        match self.place.altered_copy() {
            Some(copy) => Err(EngineError::Altered(copy)),
            None if self.worker_lost => Err(EngineError::WorkerLost),
            None => Ok(finished),
        }
    }
}

/// Holds the runs of subtests back that cannot be composed, and says of each why.
fn hold_back(taken: &Taken, fixture: &Fixture, thinking_mode: &str, progress: &mut Progress) -> Vec<String> {
    let stopped = taken.stopped(fixture, thinking_mode);
    let held_back = progress.withhold_stopped(&stopped.keys().copied().collect());
    held_back.into_iter().filter_map(|place| Some(stop(place, stopped.get(&place)?))).collect()
}

fn limits_of(config: &Config) -> Limits {
    Limits {
        jobs: config.jobs.min(limits::MOST_JOBS) as usize,
        attempts: config.attempts,
        max_cost: config.max_cost_usd,
        systemic_failures: config.systemic_failures,
        rate_limit: Duration::from_secs(config.rate_limit_seconds),
    }
}
