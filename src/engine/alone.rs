//! One planned run by itself, without a coordinator: what `cargo scylla worker` does. Everything that it needs is in
//! the experiment's folder; another process may hold the experiment's lock, and the checkpoint is left to that process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::config;
use crate::engine::backend::{Backend, Input, Local, Mailbox, Report};
use crate::engine::coordinator::Emit;
use crate::engine::error::{EngineError, with_causes};
use crate::engine::lease::{self, Lease};
use crate::engine::session::basis::Basis;
use crate::engine::session::grader::Grader;
use crate::engine::session::inheritance::must_be_set_up;
use crate::engine::session::open::{refuse_unfit, this_process};
use crate::engine::worker::report::{Claimant, Done, Job, RunEnd};
use crate::engine::worker::workplace::{Surroundings, Workplace};
use crate::model::event::Event;
use crate::model::experiment::Config;
use crate::model::finding::{Finding, Level};
use crate::model::ids::{ModelName, RunId};
use crate::model::job_line::{JobEnd, JobLine, JobReport};
use crate::model::money::Usd;
use crate::model::outcome::{FailureKind, Stage, StopLevel, StopSignal};
use crate::model::survey::{RunSeen, Seen, Survey};
use crate::model::task::Fixture;
use crate::model::usage::Total;
use crate::os::clock;
use crate::os::signal::{self, Listening};
use crate::rules::audit::audit;
use crate::rules::gradings::to_grade;
use crate::store::claim::Claim;
use crate::store::layout::ExperimentFolder;
use crate::store::{self, StoreError};

/// A run that this process has claimed, and that can be carried out.
#[derive(Debug)]
pub struct ClaimedRun {
    run: RunId,
    folder: ExperimentFolder,
    claim: Claim,
    /// The lease on the run, where this worker is a job of a cluster.
    lease: Option<Lease>,
    /// The saved config. Operational fields may be changed before the work begins; the file on disk stays as it is.
    pub config: Config,
    fixture: Fixture,
    grader: Grader,
}

/// How a run is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claiming {
    /// As a worker beside others: one that has the run already keeps it.
    Beside,
    /// As a job of a cluster that may start a job a second time: a worker that has the run is waited for as long as it gives signs of
    /// life, and then replaced.
    Leased,
}

/// The outcome of claiming a run.
#[derive(Debug)]
pub enum Claimed {
    /// The run has to be carried out.
    ToMake(Box<ClaimedRun>),
    /// The run has its result already: there is nothing to do.
    Committed,
}

/// How the work on the run ended.
#[derive(Debug)]
pub enum End {
    /// The run has its result.
    Committed,
    /// The run has no result, for this reason.
    NotCommitted(String),
    /// A signal stopped it.
    Stopped(StopSignal),
}

/// Claims a run of the plan.
///
/// # Errors
/// When the run is not planned, another worker has it, something is damaged, or the run cannot be carried out yet.
/// Nothing of the experiment is changed then.
pub fn claim(folder: ExperimentFolder, run: RunId, claiming: Claiming) -> Result<Claimed, EngineError> {
    let (seen, _) = store::config::read(&folder);
    let Seen::Read(config) = seen else {
        // Whatever is in the folder, nothing is written into it.
        return Err(refused(&folder, &store::survey::of_run(&folder, run)?, run));
    };
    if !config.plan().contains(run) {
        return Err(EngineError::NotPlanned(vec![run]));
    }
    let (claim, lease) = match claiming {
        Claiming::Beside => (Claim::acquire(&folder, run, &this_process())?, None),
        Claiming::Leased => {
            let (claim, lease) = lease::take(&folder, run)?;
            (claim, Some(lease))
        }
    };
    let report = |end| {
        if let Some(lease) = &lease {
            lease.report(&JobLine::Ended(JobReport { spent: Total::ZERO, end }));
        }
    };
    match found(&folder, run) {
        Ok(Some((config, fixture, grader))) => {
            Ok(Claimed::ToMake(Box::new(ClaimedRun { run, folder, claim, lease, config, fixture, grader })))
        }
        Ok(None) => {
            report(JobEnd::Committed);
            Ok(Claimed::Committed)
        }
        Err(error) => {
            report(JobEnd::Refused(with_causes(&error)));
            Err(error)
        }
    }
}

/// What a claimed run is made by; `None` when it has its result already.
fn found(folder: &ExperimentFolder, run: RunId) -> Result<Option<(Config, Fixture, Grader)>, EngineError> {
    let survey = store::survey::of_run(folder, run)?;
    let is_judged = matches!(survey.runs.get(&run), Some(RunSeen::Committed(_))) && !to_grade(&survey).contains(&run);
    let findings = audit(&survey);
    refuse_unfit(folder, &findings)?;
    refuse_damaged(&survey, &findings, run)?;
    if is_judged {
        return Ok(None);
    }
    let Seen::Read(config) = survey.config.clone() else { return Err(refused(folder, &survey, run)) };
    let fixture = config::fixture::load(&folder.fixture()).map_err(EngineError::Fixture)?;
    must_be_set_up(folder, &config, &fixture, run)?;
    let grader = Grader::of(folder, &survey)?;
    Ok(Some((*config, fixture, grader)))
}

/// The reason why nothing can be done in a folder whose config cannot be read.
fn refused(folder: &ExperimentFolder, survey: &Survey, run: RunId) -> EngineError {
    if let Some(made_by) = survey.made_by.clone() {
        return EngineError::OtherForm { folder: folder.root().to_owned(), made_by };
    }
    let why = "the experiment's config cannot be read".to_owned();
    refuse_unfit(folder, &audit(survey)).err().unwrap_or(EngineError::NotMade { run, why, is_damaged: true })
}

/// Refuses what a resume would leave alone too, and what only a coordinator may do first.
fn refuse_damaged(survey: &Survey, findings: &[Finding], run: RunId) -> Result<(), EngineError> {
    let own = findings.iter().filter(|finding| finding.run == Some(run) && finding.kind.level() == Level::Damaged);
    let mut why: Vec<String> = own.map(|finding| format!("{}: {}", finding.kind, finding.message)).collect();
    if why.is_empty() && matches!(survey.runs.get(&run), Some(RunSeen::Unreadable | RunSeen::Unknown)) {
        why.push("what it holds cannot be read".to_owned());
    }
    if !why.is_empty() {
        return Err(EngineError::NotMade { run, why: why.join("; "), is_damaged: true });
    }
    match survey.checkpoint.content() {
        Some(checkpoint) if checkpoint.rerun.contains(&run) => {
            let why = "it is to be made again, and what it holds is not set aside yet".to_owned();
            Err(EngineError::NotMade { run, why, is_damaged: false })
        }
        _ => Ok(()),
    }
}

impl ClaimedRun {
    /// The experiment's folder.
    #[must_use]
    pub fn folder(&self) -> &ExperimentFolder {
        &self.folder
    }

    /// Takes the run through its stages. With `asks_at_once`, rate limits that former sessions recorded are ignored.
    ///
    /// # Errors
    /// When signals cannot be received, there is no place for work folders, the worker is lost, or processes may still
    /// work on the run on a machine that cannot be checked from here.
    pub fn work<'a>(
        self,
        surroundings: Surroundings,
        asks_at_once: bool,
        former: Listening,
        emit: &'a mut Emit<'a>,
    ) -> Result<End, EngineError> {
        let Self { run, folder, claim, lease, config, fixture, grader } = self;
        let mailbox = Mailbox::new();
        let line = mailbox.line();
        let listening = signal::listen(move |signal| line.send(Input::Signal(signal)));
        let _listening = listening.map_err(EngineError::Signals)?;
        drop(former);
        let job = Job { run, attempts: config.attempts };
        let basis = Arc::new(Basis::new(folder, config, fixture, grader)?);
        let mut workplace = Workplace::new(Arc::clone(&basis), surroundings).map_err(EngineError::Signals)?;
        let lease = lease.map(Arc::new);
        if let Some(lease) = &lease {
            lease.guards(&workplace.stop, workplace.gateway.clone());
            if let Some(gateway) = &workplace.gateway {
                let line = mailbox.line();
                let report = move |model, wait| line.send(Input::Limited(model, wait));
                gateway.begin(Usd::ZERO, None, report);
            }
        }
        workplace.lease.clone_from(&lease);
        let backend = Box::new(Local::new(workplace, mailbox.line()).with_claim(run, claim));
        let pauses = (!asks_at_once).then(|| Pauses::of(basis));
        Alone { run, backend, lease, pauses, refused: None, stop: None, emit }.work(job, &mailbox)
    }
}

/// The work on a run while it goes on.
struct Alone<'a> {
    run: RunId,
    backend: Box<dyn Backend>,
    /// The lease on the run, where there is one: what happens is reported there, too.
    lease: Option<Arc<Lease>>,
    /// Which models may not be asked; `None` when rate limits are ignored.
    pauses: Option<Pauses>,
    /// The time until which the model that was asked for last may not be asked.
    refused: Option<Timestamp>,
    /// How far a stop has been requested, and by which signal first.
    stop: Option<(StopLevel, StopSignal)>,
    emit: &'a mut Emit<'a>,
}

impl Alone<'_> {
    fn work(mut self, job: Job, mailbox: &Mailbox) -> Result<End, EngineError> {
        if let Err(failure) = self.backend.start(job) {
            return Ok(End::NotCommitted(failure.to_string()));
        }
        loop {
            let report = match self.backend.poll(mailbox, None) {
                Some(Input::Signal(signal)) => {
                    self.raise_stop_level(signal);
                    continue;
                }
                Some(Input::Report(_, report)) => *report,
                // A worker alone has no other runs to hold back, but others may be at work elsewhere.
                Some(Input::Limited(model, wait)) => {
                    if let Some(lease) = &self.lease {
                        lease.pause(&model, wait);
                    }
                    continue;
                }
                Some(Input::Refused(_)) | None => continue,
            };
            match report {
                Report::Event(event) => self.emit(&event),
                Report::Asks(model) => {
                    let elsewhere = self.lease.as_ref().filter(|_| self.pauses.is_some());
                    let elsewhere = elsewhere.and_then(|lease| lease.paused(&model));
                    self.refused = self.pauses.as_ref().and_then(|pauses| pauses.until(&model)).max(elsewhere);
                    self.backend.answer(self.run, self.refused.is_none());
                    self.report(&match self.refused.and_then(clock::until) {
                        Some(wait) => JobLine::Limited(model.to_string(), wait.as_secs_f64()),
                        None => JobLine::Asks(model.to_string()),
                    });
                }
                Report::Asked { answered } => self.report(&JobLine::Asked(answered)),
                Report::Ended(Done { spent, end }) => {
                    let end = self.stopped_together(end, mailbox);
                    if !matches!(end, RunEnd::Committed(_)) && self.lease.as_ref().is_some_and(|lease| lease.is_lost())
                    {
                        return Ok(End::NotCommitted(LOST.to_owned()));
                    }
                    self.report(&JobLine::Ended(JobReport { spent, end: job_end(&end) }));
                    return self.end(spent, end);
                }
                Report::Lost => return Err(EngineError::WorkerLost),
            }
        }
    }

    /// The end of a run whose agent was ended by a signal that this worker was sent as well, as a batch system does: it was stopped.
    fn stopped_together(&mut self, end: RunEnd, mailbox: &Mailbox) -> RunEnd {
        match end {
            RunEnd::Failed { attempt, stage, failure, agent_complete }
                if self.lease.is_some() && failure.kind == FailureKind::Killed =>
            {
                if self.stop.is_none()
                    && let Some(Input::Signal(signal)) = self.backend.poll(mailbox, Some(TOGETHER))
                {
                    self.raise_stop_level(signal);
                }
                if self.stop.is_some() {
                    return RunEnd::Stopped { stage, agent_complete };
                }
                RunEnd::Failed { attempt, stage, failure, agent_complete }
            }
            end => end,
        }
    }

    fn emit(&mut self, event: &Event) {
        self.report(&JobLine::Event(Box::new(event.clone())));
        (self.emit)(clock::now(), Some(event));
    }

    /// Reports something to a coordinator elsewhere, where there may be one.
    fn report(&self, line: &JobLine) {
        if let Some(lease) = &self.lease {
            lease.report(line);
        }
    }

    /// Raises the stop level, as a coordinator does.
    fn raise_stop_level(&mut self, signal: StopSignal) {
        let stop_level = StopLevel::next(self.stop.map(|(stop_level, _)| stop_level), signal);
        self.stop = Some((stop_level, self.stop.map_or(signal, |(_, first)| first)));
        if stop_level >= StopLevel::Terminate {
            self.backend.stop(stop_level);
        }
        self.emit(&Event::Stopping { signal, stop_level, in_flight: 1 });
    }

    fn end(&mut self, spent: Total, end: RunEnd) -> Result<End, EngineError> {
        let run = self.run;
        match end {
            RunEnd::Committed(committed) => {
                self.emit(&committed.event(run, spent));
                Ok(End::Committed)
            }
            RunEnd::Failed { attempt, stage, failure, .. } => {
                let why = failure.to_string();
                self.emit(&Event::AttemptFailed { run, attempt, stage, failure, retry: false, spent });
                Ok(End::NotCommitted(why))
            }
            RunEnd::Waits { model, stage, .. } => {
                let until = self.refused.map_or_else(String::new, |until| format!(" before {until}"));
                let why = format!("{model} may not be asked{until}");
                self.emit(&Event::RunWaits { run, stage, model: model.to_string(), spent });
                Ok(End::NotCommitted(why))
            }
            RunEnd::Withdrawn { .. } => Ok(End::NotCommitted("it was not begun".to_owned())),
            RunEnd::Stopped { stage, .. } => {
                self.emit(&Event::RunStopped { run, stage, spent });
                let (_, signal) = self.stop.unwrap_or((StopLevel::Terminate, StopSignal::Terminate));
                Ok(End::Stopped(signal))
            }
            RunEnd::Claimed(Claimant::Worker(holder)) => Err(StoreError::Claimed { run, holder }.into()),
            RunEnd::Claimed(Claimant::MayLive { host, mark }) => Err(EngineError::Elsewhere { run, host, mark }),
        }
    }
}

/// A signal that is sent to a worker and its agent comes to both within this time.
const TOGETHER: Duration = Duration::from_millis(500);
/// Why a worker that lost its lease says nothing of its run.
const LOST: &str = "another worker may have the run, and this one has written nothing more about it";

/// How the run ended, for a coordinator elsewhere.
fn job_end(end: &RunEnd) -> JobEnd {
    match end {
        RunEnd::Committed(_) => JobEnd::Committed,
        RunEnd::Failed { attempt, stage, failure, agent_complete } => JobEnd::Failed {
            attempt: *attempt,
            stage: *stage,
            failure: failure.clone(),
            agent_complete: *agent_complete,
        },
        RunEnd::Waits { model, stage, agent_complete } => {
            JobEnd::Waits { model: model.to_string(), stage: *stage, agent_complete: *agent_complete }
        }
        RunEnd::Stopped { stage, agent_complete } => JobEnd::Stopped { stage: *stage, agent_complete: *agent_complete },
        RunEnd::Withdrawn { agent_complete } => {
            JobEnd::Stopped { stage: Stage::Prepare, agent_complete: *agent_complete }
        }
        RunEnd::Claimed(Claimant::Worker(holder)) => JobEnd::Claimed(holder.clone()),
        RunEnd::Claimed(claimant @ Claimant::MayLive { .. }) => JobEnd::Refused(claimant.to_string()),
    }
}

/// The rate limits that coordinators recorded in the checkpoint.
struct Pauses {
    basis: Arc<Basis>,
    /// All models that runs of the plan use.
    models: BTreeSet<ModelName>,
}

impl Pauses {
    fn of(basis: Arc<Basis>) -> Self {
        let plan = basis.config.plan();
        let models = plan.runs().filter_map(|run| basis.agent_model(run)).chain(basis.judge_models()).collect();
        Self { basis, models }
    }

    /// The time until which a model may not be asked; `None` when it may. A limit recorded under a name that no run
    /// uses applies to all models.
    fn until(&self, model: &ModelName) -> Option<Timestamp> {
        let (seen, ..) = store::checkpoint::read(&self.basis.folder);
        let limits = seen.content()?.limits();
        let holds = |name: &ModelName| name == model || !self.models.contains(name);
        let held = limits.into_iter().filter(|limit| holds(&ModelName::new(&limit.model)));
        held.map(|limit| limit.until)
            .filter(|until| clock::until(*until).is_some_and(|wait| wait > Duration::ZERO))
            .max()
    }
}
