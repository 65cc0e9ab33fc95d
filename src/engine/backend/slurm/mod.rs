//! Workers as jobs of a Slurm cluster whose machines share the experiment's folder. Only this module knows of Slurm.
//!
//! What a worker did is in the experiment's folder: that is where the coordinator learns it, and Slurm is asked only to learn earlier that
//! a job waits, runs, or is gone. Jobs are known by the experiment's word and their batch, which are never used again; numbers of jobs
//! are.

mod cluster;
mod fate;
mod flight;
mod pack;
mod queue;
mod script;
mod submit;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::{Backend, Input, Line, Mailbox, Report};
use crate::engine::error::EngineError;
use crate::engine::session::basis::Basis;
use crate::engine::worker::report::Job;
use crate::model::experiment::Config;
use crate::model::ids::RunId;
use crate::model::outcome::{Failure, FailureKind, StopLevel};
use crate::store::jobs::{
    Batch, release_jobs, remove_variables, stop_jobs, variables, write_placements, write_variables,
};
use crate::store::layout::ExperimentFolder;
use crate::text::escape;

use cluster::Cluster;
use queue::JobState;
use script::Frame;
use watch::{Order, Watch};

pub(in crate::engine) use submit::{obstacles, resources_of, script_for};

/// How often it is looked whether the thread that watches the jobs still works.
const LOOK: Duration = Duration::from_secs(1);

/// Why a cluster cannot be used, with what people do about it.
fn unusable(why: String) -> EngineError {
    EngineError::Cluster { why, cure: "`squeue` must work here: load what your cluster needs, or set `SLURM_CONF`" }
}

/// Refuses an experiment that was moved while jobs write into its former folder. Jobs of one that was copied are left to that one.
fn refuse_moved(folder: &ExperimentFolder, cluster: &Cluster, frame: &Frame) -> Result<(), EngineError> {
    for batch in Batch::left(folder)? {
        match batch.written_for()? {
            Some((name, place)) if name != frame.name && place.exists() => batch.end()?,
            Some((name, place)) if name != frame.name => {
                let queue = cluster.queue(&name).map_err(|refusal| unusable(refusal.words().to_owned()))?;
                if queue.iter().any(|job| !job.is_ending && !matches!(job.state, JobState::Ended(_))) {
                    let place = escape::terminal(&place.display().to_string()).into_owned();
                    let why = format!("jobs `{name}` of this experiment wait or run for its former folder `{place}`");
                    return Err(EngineError::Cluster {
                        why,
                        cure: "move it back there, or end them (`scancel --name`)",
                    });
                }
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// Takes jobs back that wait, and with `now` ends those that run, too. The caller holds the experiment.
///
/// # Errors
/// When Slurm cannot be asked, or jobs write into a former folder of the experiment.
pub(in crate::engine) fn end_jobs(folder: &ExperimentFolder, config: &Config, now: bool) -> Result<(), EngineError> {
    let (frame, cluster) = asked_of(folder, config)?;
    refuse_moved(folder, &cluster, &frame)?;
    if now {
        stop_jobs(folder)?;
    }
    let ask = if now { Cluster::end } else { Cluster::take_back_all };
    ask(&cluster, &frame.name).map_err(|refusal| unusable(refusal.words().to_owned()))
}

/// How many jobs of an experiment wait, and how many run.
///
/// # Errors
/// When Slurm cannot be asked.
pub(in crate::engine) fn jobs_left(folder: &ExperimentFolder, config: &Config) -> Result<(usize, usize), EngineError> {
    let (frame, cluster) = asked_of(folder, config)?;
    let queue = cluster.queue(&frame.name).map_err(|refusal| unusable(refusal.words().to_owned()))?;
    let count = |is: fn(&JobState) -> bool| queue.iter().filter(|job| !job.is_ending && is(&job.state)).count();
    Ok((count(|state| matches!(state, JobState::Pending(_))), count(|state| matches!(state, JobState::Running(_)))))
}

/// Removes what remains of jobs when none is left. The caller holds the experiment.
///
/// # Errors
/// When the folder cannot be written.
pub(in crate::engine) fn clear_jobs(folder: &ExperimentFolder) -> Result<(), EngineError> {
    for batch in Batch::left(folder)? {
        batch.end()?;
    }
    remove_variables(folder)?;
    release_jobs(folder)?;
    Ok(write_placements(folder, &BTreeMap::new())?)
}

/// By which name jobs are known, and whom to ask.
fn asked_of(folder: &ExperimentFolder, config: &Config) -> Result<(Frame, Cluster), EngineError> {
    let frame = Frame::of(folder, config, &BTreeMap::new())?;
    let cluster = Cluster { place: frame.folder.clone() };
    Ok((frame, cluster))
}

/// Jobs of a cluster.
pub(in crate::engine) struct Slurm {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    /// Runs whose jobs a former session submitted, and that have not ended.
    adopted: Vec<RunId>,
    in_flight: BTreeSet<RunId>,
}

impl Slurm {
    /// The jobs of an experiment, those that a former session submitted among them. Workers report to the mailbox through this line.
    ///
    /// # Errors
    /// When Slurm cannot be asked which jobs there are, or the experiment's folder cannot be written.
    pub(in crate::engine) fn open(
        basis: &Arc<Basis>,
        given: &BTreeMap<OsString, OsString>,
        line: Line,
    ) -> Result<Self, EngineError> {
        let unreachable = |refusal: cluster::Refusal| unusable(refusal.words().to_owned());
        let frame = Frame::of(&basis.folder, &basis.config, given)?;
        let cluster = Cluster { place: frame.folder.clone() };
        let most = cluster.most_in_array().map_err(unreachable)?;
        let queue = cluster.queue(&frame.name).map_err(unreachable)?;
        refuse_moved(&basis.folder, &cluster, &frame)?;
        // Jobs of a former session may wait for keys that this shell does not have. What others could have written is not passed on.
        let are_left = !Batch::left(&basis.folder)?.is_empty();
        let former = if are_left { variables(&basis.folder).unwrap_or_default() } else { BTreeMap::new() };
        write_variables(&basis.folder, &former.into_iter().chain(submit::variables(basis, given)).collect())?;
        release_jobs(&basis.folder)?;
        let (orders, receiver) = channel();
        let mut watch = Watch::new(Arc::clone(basis), (cluster, frame, most), (line, receiver));
        let adopted = watch.adopt(&queue)?;
        let thread = Builder::new().name("jobs".to_owned()).spawn(move || watch.work());
        let thread = thread.map_err(|error| unusable(format!("no thread can be had: {error}")))?;
        Ok(Self { orders: Some(orders), thread: Some(thread), adopted, in_flight: BTreeSet::new() })
    }

    /// Ends what former sessions left waiting, for a session that starts no jobs, and removes the keys when nobody is left who reads
    /// them. Where Slurm cannot be asked, everything stays. Gives how many jobs still run, as far as that is known.
    pub(in crate::engine) fn clear_former(basis: &Basis) -> usize {
        let are_left = Batch::left(&basis.folder).is_ok_and(|left| !left.is_empty());
        if !are_left && !basis.folder.given_variables().exists() {
            return 0;
        }
        let clear = || -> Result<usize, EngineError> {
            end_jobs(&basis.folder, &basis.config, false)?;
            let (waiting, running) = jobs_left(&basis.folder, &basis.config)?;
            if waiting + running == 0 {
                clear_jobs(&basis.folder)?;
            }
            Ok(running)
        };
        // What cannot be cleared now is found by the next session.
        clear().unwrap_or(0)
    }

    /// Gives an order; gives whether there was somebody to take it.
    fn order(&self, order: Order) -> bool {
        self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok())
    }
}

impl Backend for Slurm {
    fn start(&mut self, job: Job) -> Result<(), Failure> {
        if !self.order(Order::Start(job)) {
            return Err(Failure::new(FailureKind::Spawn, "whoever watches the jobs of the cluster is gone"));
        }
        self.in_flight.insert(job.run);
        Ok(())
    }

    fn stop(&mut self, stop_level: StopLevel) {
        self.order(Order::Stop(stop_level));
    }

    fn leave(&mut self) {
        self.order(Order::Leave);
    }

    fn take_back(&mut self, runs: BTreeSet<RunId>) {
        self.order(Order::TakeBack(runs));
    }

    fn at_work(&self) -> Vec<RunId> {
        self.adopted.clone()
    }

    fn answer(&mut self, _run: RunId, _may: bool) {
        // A worker elsewhere looks itself at what all have been asked to wait for.
    }

    fn poll(&mut self, mailbox: &Mailbox, longest: Option<Duration>) -> Option<Input> {
        let input = mailbox.next(Some(longest.unwrap_or(LOOK).min(LOOK)));
        match &input {
            Some(Input::Report(run, report)) if matches!(**report, Report::Ended(_)) => _ = self.in_flight.remove(run),
            None if self.thread.as_ref().is_none_or(JoinHandle::is_finished) => {
                let lost = self.in_flight.pop_first()?;
                return Some(Input::Report(lost, Box::new(Report::Lost)));
            }
            _ => {}
        }
        input
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // One that panicked has been noticed already.
            let _ = thread.join();
        }
    }
}
