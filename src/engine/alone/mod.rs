//! One planned run by itself, without a coordinator: what `cargo scylla worker` does. Everything that it needs is in
//! the experiment's folder; another process may hold the experiment's lock, and the checkpoint is left to that process.

mod claiming;
mod pauses;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::pauses::Pauses;
use crate::engine::backend::{Backend, Input, Local, Mailbox, Report};
use crate::engine::coordinator::Emit;
use crate::engine::error::EngineError;
use crate::engine::lease::Lease;
use crate::engine::session::basis::Basis;
use crate::engine::session::grader::Grader;
use crate::engine::worker::report::{Claimant, Done, Job, RunEnd};
use crate::engine::worker::workplace::{Surroundings, Workplace};
use crate::model::event::Event;
use crate::model::experiment::Config;
use crate::model::ids::RunId;
use crate::model::job_line::{JobEnd, JobLine, JobReport};
use crate::model::money::Usd;
use crate::model::outcome::{FailureKind, Stage, StopLevel, StopSignal};
use crate::model::task::Fixture;
use crate::model::unfinished::{Unfinished, WhyLeft};
use crate::model::usage::Total;
use crate::os::clock;
use crate::os::lock::CardWatch;
use crate::os::signal::{self, Listening};
use crate::store::StoreError;
use crate::store::claim::Claim;
use crate::store::layout::ExperimentFolder;

pub use self::claiming::{Claimed, Claiming, claim};

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
        let card = claim.watch();
        let backend = Box::new(Local::new(workplace, mailbox.line()).with_claim(run, claim));
        let pauses = (!asks_at_once).then(|| Pauses::of(basis));
        Alone { run, backend, lease, card, lost: false, pauses, refused: None, stop: None, emit }.work(job, &mailbox)
    }
}

/// The work on a run while it goes on.
struct Alone<'a> {
    run: RunId,
    backend: Box<dyn Backend>,
    /// The lease on the run, where there is one: what happens is reported there, too.
    lease: Option<Arc<Lease>>,
    /// The claim of the run, where it can be lost while the agent works.
    card: Option<CardWatch>,
    /// Whether it is lost.
    lost: bool,
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
            self.look_at_claim();
            let longest = self.card.as_ref().map(|_| BETWEEN_LOOKS);
            let report = match self.backend.poll(mailbox, longest) {
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
                    if !matches!(end, RunEnd::Committed(_)) && self.is_lost() {
                        return Ok(End::NotCommitted(LOST.to_owned()));
                    }
                    self.report(&JobLine::Ended(JobReport { spent, end: job_end(&end) }));
                    return self.end(spent, end);
                }
                Report::Lost => return Err(EngineError::WorkerLost),
            }
        }
    }

    /// Ends everything when the claim is lost: another worker may have the run.
    fn look_at_claim(&mut self) {
        if self.card.as_ref().is_some_and(|card| card.glance().is_err()) {
            self.card = None;
            self.lost = true;
            self.backend.stop(StopLevel::Kill);
        }
    }

    fn is_lost(&self) -> bool {
        self.lost || self.lease.as_ref().is_some_and(|lease| lease.is_lost())
    }

    /// The end of a run whose agent was ended by a signal that this worker was sent as well, as a batch system does: it was stopped.
    fn stopped_together(&mut self, end: RunEnd, mailbox: &Mailbox) -> RunEnd {
        let RunEnd::Unfinished(unfinished) = end else { return end };
        let is_killed =
            matches!(&unfinished.why, WhyLeft::Failed { failure, .. } if failure.kind == FailureKind::Killed);
        if self.lease.is_none() || !is_killed {
            return RunEnd::Unfinished(unfinished);
        }
        if self.stop.is_none()
            && let Some(Input::Signal(signal)) = self.backend.poll(mailbox, Some(TOGETHER))
        {
            self.raise_stop_level(signal);
        }
        let why = if self.stop.is_some() { WhyLeft::Stopped } else { unfinished.why };
        RunEnd::Unfinished(Unfinished { why, ..unfinished })
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
            RunEnd::Unfinished(unfinished) => Ok(self.left(spent, unfinished)),
            RunEnd::Withdrawn { .. } => Ok(End::NotCommitted("it was not begun".to_owned())),
            RunEnd::Claimed(Claimant::Worker(holder)) => Err(StoreError::Claimed { run, holder }.into()),
            RunEnd::Claimed(Claimant::MayLive { host, mark }) => Err(EngineError::Elsewhere { run, host, mark }),
        }
    }

    fn left(&mut self, spent: Total, Unfinished { stage, why, .. }: Unfinished) -> End {
        let run = self.run;
        match why {
            WhyLeft::Failed { attempt, failure } => {
                let why = failure.to_string();
                self.emit(&Event::AttemptFailed { run, attempt, stage, failure, retry: false, spent });
                End::NotCommitted(why)
            }
            WhyLeft::Waits(model) => {
                let until = self.refused.map_or_else(String::new, |until| format!(" before {until}"));
                let why = format!("{model} may not be asked{until}");
                self.emit(&Event::RunWaits { run, stage, model: model.to_string(), spent });
                End::NotCommitted(why)
            }
            WhyLeft::Stopped => {
                self.emit(&Event::RunStopped { run, stage, spent });
                let (_, signal) = self.stop.unwrap_or((StopLevel::Terminate, StopSignal::Terminate));
                End::Stopped(signal)
            }
        }
    }
}

/// A signal that is sent to a worker and its agent comes to both within this time.
const TOGETHER: Duration = Duration::from_millis(500);
/// How often it is looked whether the claim is still held, where it can be lost.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Why a worker that lost its claim or lease says nothing of its run.
const LOST: &str = "another worker may have the run, and this one has written nothing more about it";

/// How the run ended, for a coordinator elsewhere.
fn job_end(end: &RunEnd) -> JobEnd {
    match end {
        RunEnd::Committed(_) => JobEnd::Committed,
        RunEnd::Unfinished(unfinished) => JobEnd::Unfinished(unfinished.clone()),
        RunEnd::Withdrawn { agent_complete } => {
            JobEnd::Unfinished(Unfinished::stopped(Stage::Prepare, *agent_complete))
        }
        RunEnd::Claimed(Claimant::Worker(holder)) => JobEnd::Claimed(holder.clone()),
        RunEnd::Claimed(claimant @ Claimant::MayLive { .. }) => JobEnd::Refused(claimant.to_string()),
    }
}
