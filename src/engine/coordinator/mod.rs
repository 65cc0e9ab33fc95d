//! The coordinator: receives all input through one mailbox on one thread, decides by pure functions, acts, and owns the
//! checkpoint.

mod ceilings;
mod counting;
mod elsewhere;
mod events;
mod holding;
pub(in crate::engine) mod inherit;
mod models;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::backend::{Backend, Input, Mailbox};
use crate::engine::coordinator::holding::Holding;
use crate::engine::error::EngineError;
use crate::engine::session::basis::Basis;
use crate::engine::session::inheritance::{TierInheritance, stop};
use crate::engine::session::open::{Locked, Session, damage_message};
use crate::engine::session::progress::Progress;
use crate::engine::worker::excerpt;
use crate::engine::worker::report::{Done, Job, RunEnd};
use crate::engine::worker::workplace::Surroundings;
use crate::gateway::Gateway;
use crate::model::checkpoint::Checkpoint;
use crate::model::event::{Event, ExperimentFinished, ExperimentStarted};
use crate::model::experiment::Config;
use crate::model::ids::RunId;
use crate::model::limits::{self, Limits};
use crate::model::outcome::{ExperimentEnd, ExperimentStatus};
use crate::model::task::Fixture;
use crate::model::usage::Total;
use crate::os::clock::{self, Stopwatch};
use crate::os::signal::{self, Listening};
use crate::rules::facts::{Consequence, Fact};
use crate::rules::next::{Action, next};
use crate::rules::pacing::Pacing;
use crate::rules::retry::attempts_left;
use crate::rules::state::State;
use crate::store;
use crate::text::words::list;

/// Called with each event and its time, and with `None` when only time has passed.
pub type Emit<'a> = dyn FnMut(Timestamp, Option<&Event>) + 'a;

/// How a session is run, apart from what the config says.
#[derive(Debug)]
pub struct SessionOptions {
    /// What programs of runs are started with on this machine.
    pub surroundings: Surroundings,
    /// How often [`Emit`] is called to show that time has passed; `None` for never.
    pub tick: Option<Duration>,
    /// The folder's name for messages.
    pub folder_name: String,
    /// Events that are emitted first, as soon as signals are received.
    pub news: Vec<Event>,
}

/// The coordinator of a session.
pub(in crate::engine) struct Coordinator<'a> {
    /// It ends before the experiment is released: what it leaves behind is not another coordinator's yet.
    pub(in crate::engine) backend: Box<dyn Backend>,
    pub(in crate::engine) locked: Locked,
    pub(in crate::engine) checkpoint: Checkpoint,
    pub(in crate::engine) progress: Progress,
    pub(in crate::engine) place: Arc<Basis>,
    pub(in crate::engine) limits: Limits,
    pub(in crate::engine) state: State,
    pub(in crate::engine) tier_inheritance: TierInheritance,
    pub(in crate::engine) pacing: Pacing,
    holding: Holding,
    started: Stopwatch,
    /// For how long former sessions worked on the experiment.
    worked_before: Duration,
    mailbox: Mailbox,
    /// Runs in flight whose workers have not begun, as far as that is known.
    pub(in crate::engine) not_begun: BTreeSet<RunId>,
    /// Those of them that are being taken back.
    pub(in crate::engine) taken_back: BTreeSet<RunId>,
    /// The gateway to models, where there is one.
    pub(in crate::engine) gateway: Option<Arc<Gateway>>,
    tick: Option<Duration>,
    pub(in crate::engine) folder_name: String,
    pub(in crate::engine) worker_lost: bool,
    /// Whether workers that this coordinator did not start did something meanwhile.
    pub(in crate::engine) others_work: bool,
    /// Whether it was reported how unknown costs count for the ceiling.
    pub(in crate::engine) ceiling_reported: bool,
    emit: &'a mut Emit<'a>,
}

/// Does what is left to do of an experiment, until nothing is left or a stop is requested. Whoever received signals
/// until now goes on doing so until the coordinator receives them.
///
/// # Errors
/// When signals cannot be received, the checkpoint cannot be written, or a worker is lost. Committed runs are safe in
/// every case.
pub fn conduct<'a>(
    session: Session,
    session_options: SessionOptions,
    former: Listening,
    emit: &'a mut Emit<'a>,
) -> Result<ExperimentFinished, EngineError> {
    let mailbox = Mailbox::new();
    let line = mailbox.line();
    let listening = signal::listen(move |signal| line.send(Input::Signal(signal)));
    let _listening = listening.map_err(EngineError::Signals)?;
    drop(former);
    for event in &session_options.news {
        emit(clock::now(), Some(event));
    }
    let mut coordinator = Coordinator::begin(session, session_options, mailbox, emit)?;
    coordinator.report_grading();
    coordinator.report_surroundings();
    let end = coordinator.work();
    coordinator.finish(end)
}

impl<'a> Coordinator<'a> {
    /// Reports files above the work folders that may affect agents, checks and judges.
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
        mailbox: Mailbox,
        emit: &'a mut Emit<'a>,
    ) -> Result<Self, EngineError> {
        let Session {
            locked, config, fixture, grader, checkpoint, mut progress, damage, mended, left, resumed, ..
        } = session;
        let (limits, worked_before) = (limits_of(&config), checkpoint.worked());
        let isolation = session_options.surroundings.reach.isolation();
        let started = Event::ExperimentStarted(ExperimentStarted {
            experiment_id: config.experiment_id.clone(),
            folder: session_options.folder_name.clone(),
            resumed,
            jobs: config.jobs,
            containment: session_options.surroundings.containment.name().to_owned(),
            sandbox: isolation.sandbox,
            network: isolation.network,
            tiers: progress.tiers(),
            setups: progress.setups(Some(&fixture)),
            spent: progress.spent().total(),
            max_cost_usd: config.max_cost_usd,
            worked_seconds: checkpoint.worked_seconds,
            max_time_seconds: config.max_time_seconds,
        });
        let tier_inheritance = TierInheritance::open(&locked.folder, &config, &fixture)?;
        let stops = hold_back(&tier_inheritance, &fixture, &config.thinking_mode, &mut progress);
        let waiting = tier_inheritance.waiting_with_sources(|tier| !progress.to_do().any(|run| run.tier == tier));
        let subtests = progress.to_do().map(|run| (run.tier, run.subtest));
        let altered = store::baseline_checks::set_damaged_aside(&locked.folder, subtests, clock::now())?;
        let place = Arc::new(Basis::new(locked.folder.clone(), config, fixture, grader)?);
        let gateway = session_options.surroundings.gateway.clone();
        if let Some(gateway) = &gateway {
            let line = mailbox.line();
            let tell = move |model, wait| line.send(Input::Limited(model, wait));
            gateway.begin(progress.spent().total().known, limits.max_cost, tell);
        }
        let inherited = session_options.surroundings.inherited.clone();
        let is_idle = progress.to_do().next().is_none();
        let (backend, of_jobs) = elsewhere::backend((&place, is_idle), session_options.surroundings, &mailbox)?;
        let mut coordinator = Self {
            state: models::first_state(&progress, &place).waiting(waiting),
            tier_inheritance,
            locked,
            checkpoint,
            progress,
            backend,
            not_begun: BTreeSet::new(),
            taken_back: BTreeSet::new(),
            place,
            limits,
            pacing: Pacing::default(),
            holding: Holding::Held(Duration::ZERO),
            started: Stopwatch::start(),
            worked_before,
            mailbox,
            gateway,
            tick: session_options.tick,
            folder_name: session_options.folder_name,
            worker_lost: false,
            others_work: false,
            ceiling_reported: false,
            emit,
        };
        coordinator.emit(&started);
        let notices = stops.into_iter().chain(damage.into_iter().map(damage_message)).chain(left).chain(of_jobs);
        let notices = notices.map(|message| Event::Notice { message });
        let altered =
            altered.into_iter().map(|place| format!("{place}: it was altered or torn, and is found out anew"));
        for event in mended.into_iter().chain(altered).map(|message| Event::Mended { message }).chain(notices) {
            coordinator.emit(&event);
        }
        coordinator.report_what_is_not_limited(&inherited);
        coordinator.go()?;
        Ok(coordinator)
    }

    /// Records in the checkpoint that work is going on, and follows those who are at work already.
    fn go(&mut self) -> Result<(), EngineError> {
        self.checkpoint.status = ExperimentStatus::Running;
        self.wait_as_former_sessions_do();
        self.checkpoint.pid = Some(std::process::id());
        self.checkpoint.host = Some(clock::host());
        self.save_or_leave()?;
        self.go_on_with_those_at_work();
        Ok(())
    }

    /// The loop: decide, act, save, wait for input.
    fn work(&mut self) -> ExperimentEnd {
        loop {
            self.let_time_pass();
            self.keep_time_limit();
            self.look_at_lock();
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
                    Action::ReachTime { limit } => {
                        self.reach_time(limit);
                        decide_again = true;
                    }
                    Action::Wait(time) => wake = Some(time),
                    Action::Finish(end) => return end,
                }
            }
            self.record_whether_it_waits();
            if self.pacing.due().is_some_and(|due| due <= self.now()) {
                self.save_or_halt();
            }
            // A limit may be reached while no worker is busy: then no report would ever end the wait.
            if !decide_again {
                self.wait(wake);
            }
        }
    }

    /// Waits for the next input, or until something is due.
    fn wait(&mut self, wake: Option<Duration>) {
        let now = self.now();
        let tick = self.tick.map(|tick| now + tick);
        let due = [wake, self.pacing.due(), tick, self.next_look()].into_iter().flatten().min();
        match self.backend.poll(&self.mailbox, due.map(|due| due.saturating_sub(now))) {
            Some(input) => {
                self.handle(input);
                self.take_back_what_is_too_much();
            }
            None => (self.emit)(clock::now(), None),
        }
    }

    fn start(&mut self, run: RunId) {
        let job = Job { run, attempts: attempts_left(self.state.failures(run), &self.limits) };
        self.apply(Fact::Started(run));
        self.progress.begin(run);
        self.not_begun.insert(run);
        self.checkpoint.failures.remove(&run);
        if let Err(failure) = self.backend.start(job) {
            self.end(run, Done { spent: Total::ZERO, end: RunEnd::not_begun(failure) });
        }
    }

    /// Applies a fact to the state.
    pub(in crate::engine) fn apply(&mut self, fact: Fact) -> Consequence {
        let now = self.now();
        self.state.apply(fact, &self.limits, now)
    }

    /// Time since the start, by a monotonic clock.
    pub(in crate::engine) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// For how long the experiment has been worked on, in all sessions: pauses by Ctrl-Z do not count.
    pub(in crate::engine) fn worked(&self) -> Duration {
        self.worked_before.saturating_add(self.started.worked())
    }

    /// Emits an event with the present time.
    pub(in crate::engine) fn emit(&mut self, event: &Event) {
        (self.emit)(clock::now(), Some(event));
    }

    fn finish(mut self, end: ExperimentEnd) -> Result<ExperimentFinished, EngineError> {
        self.clear_former_jobs();
        let end = self.count_work_of_others(end)?;
        self.checkpoint.status = end.status();
        self.checkpoint.pid = None;
        self.checkpoint.host = None;
        self.recount(end)?;
        if self.checkpoint.rerunning.iter().all(|run| self.progress.is_committed(*run)) {
            self.checkpoint.rerunning.clear();
        }
        // A stop does not change the time that a provider named.
        if end == ExperimentEnd::Completed {
            self.checkpoint.end_limits();
        }
        self.save_or_leave()?;
        let finished = ExperimentFinished {
            end,
            spent: if self.others_work { self.progress.spent().total() } else { self.state.spent() },
            duration_seconds: self.now().as_secs_f64(),
            worked_seconds: self.checkpoint.worked_seconds,
            shortfalls: excerpt::explained(
                &self.locked.folder,
                self.progress.counting(),
                self.progress.shortfalls(Some(&self.place.fixture)),
            ),
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

/// Holds back the runs of subtests that cannot be composed, and gives the reason for each.
fn hold_back(
    tier_inheritance: &TierInheritance,
    fixture: &Fixture,
    thinking_mode: &str,
    progress: &mut Progress,
) -> Vec<String> {
    let stopped = tier_inheritance.stopped(fixture, thinking_mode);
    let held_back = progress.withhold_stopped(&stopped.keys().copied().collect());
    held_back.into_iter().filter_map(|place| Some(stop(place, stopped.get(&place)?))).collect()
}

fn limits_of(config: &Config) -> Limits {
    Limits {
        jobs: config.jobs.min(limits::MOST_JOBS) as usize,
        attempts: config.attempts,
        max_cost: config.max_cost_usd,
        max_time: config.max_time_seconds.map(Duration::from_secs),
        systemic_failures: config.systemic_failures,
        rate_limit: Duration::from_secs(config.rate_limit_seconds),
    }
}
