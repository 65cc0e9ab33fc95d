//! Workers as threads of this process: they share what was read of the experiment, and what one of them found out.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::{Backend, Input, Line, Mailbox, Report};
use crate::engine::worker;
use crate::engine::worker::report::{Job, Link, Permission};
use crate::engine::worker::workplace::Workplace;
use crate::model::event::Event;
use crate::model::ids::{ModelName, RunId};
use crate::model::outcome::{Failure, FailureKind, StopLevel};
use crate::store::claim::Claim;

/// Threads of this process.
pub(in crate::engine) struct Local {
    place: Arc<Workplace>,
    line: Line,
    workers: BTreeMap<RunId, Worker>,
    /// Runs that were claimed for their workers before the workers are started.
    claims: BTreeMap<RunId, Claim>,
}

/// A thread that works on a run.
struct Worker {
    thread: JoinHandle<()>,
    answers: Sender<bool>,
}

/// Connects such a thread to its mailbox.
struct Wire {
    run: RunId,
    line: Line,
    answers: Receiver<bool>,
}

impl Local {
    /// A backend without workers yet. Workers report to the mailbox through this line.
    pub(in crate::engine) fn new(place: Workplace, line: Line) -> Self {
        Self { place: Arc::new(place), line, workers: BTreeMap::new(), claims: BTreeMap::new() }
    }

    /// The same, for a run that is claimed already for its worker.
    pub(in crate::engine) fn with_claim(mut self, run: RunId, claim: Claim) -> Self {
        self.claims.insert(run, claim);
        self
    }
}

impl Backend for Local {
    fn start(&mut self, job: Job) -> Result<(), Failure> {
        let (answers, receiver) = channel();
        let wire = Wire { run: job.run, line: self.line.clone(), answers: receiver };
        let place = Arc::clone(&self.place);
        let claim = self.claims.remove(&job.run);
        let spawned = Builder::new().name(job.run.to_string()).spawn(move || work(&place, job, claim, &wire));
        let thread = spawned.map_err(|error| {
            Failure::new(FailureKind::Spawn, format!("a worker's thread cannot be started: {error}"))
        })?;
        self.workers.insert(job.run, Worker { thread, answers });
        Ok(())
    }

    fn stop(&mut self, stop_level: StopLevel) {
        self.place.stop.raise(stop_level);
    }

    fn leave(&mut self) {
        self.stop(StopLevel::Terminate);
    }

    fn take_back(&mut self, _runs: BTreeSet<RunId>) {
        // A thread begins at once.
    }

    fn at_work(&self) -> Vec<RunId> {
        Vec::new()
    }

    fn answer(&mut self, run: RunId, may: bool) {
        if let Some(worker) = self.workers.get(&run) {
            // A worker that has ended needs no answer.
            let _ = worker.answers.send(may);
        }
    }

    fn poll(&mut self, mailbox: &Mailbox, longest: Option<Duration>) -> Option<Input> {
        let input = mailbox.next(longest)?;
        if let Input::Report(run, report) = &input
            && matches!(**report, Report::Ended(_) | Report::Lost)
            && let Some(worker) = self.workers.remove(run)
        {
            // A worker that panicked has reported that already, by its last report.
            let _ = worker.thread.join();
        }
        Some(input)
    }
}

/// Does the job; the last report is sent even if the work panics.
fn work(place: &Workplace, job: Job, claim: Option<Claim>, wire: &Wire) {
    let done = catch_unwind(AssertUnwindSafe(|| worker::work(place, job, claim, wire)));
    wire.send(done.map_or(Report::Lost, Report::Ended));
}

impl Wire {
    fn send(&self, report: Report) {
        self.line.send(Input::Report(self.run, Box::new(report)));
    }
}

impl Link for Wire {
    fn event(&self, event: Event) {
        self.send(Report::Event(event));
    }

    fn may_ask(&self, model: &ModelName) -> Permission {
        self.send(Report::Asks(model.clone()));
        match self.answers.recv() {
            Ok(true) => Permission::Granted,
            Ok(false) => Permission::Later,
            Err(_) => Permission::Gone,
        }
    }

    fn asked(&self, answered: bool) {
        self.send(Report::Asked { answered });
    }
}
