//! Where workers run. A coordinator knows of them only what is in the trait here: it starts a job, stops all, and
//! receives reports. Everything else that a worker needs is in the experiment's folder, so it can be a process of
//! another machine; and what it did is there too, so that reports only make known sooner what the folder says.

pub(in crate::engine) mod elsewhere;
mod local;
pub(in crate::engine) mod slurm;

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::engine::worker::report::{Done, Job};
use crate::model::event::Event;
use crate::model::ids::{ModelName, RunId};
use crate::model::outcome::{Failure, StopLevel, StopSignal};

pub(in crate::engine) use local::Local;

/// A place where workers run.
pub(in crate::engine) trait Backend {
    /// Starts a worker on a job.
    ///
    /// # Errors
    /// When none can be started; then nothing of the run was begun.
    fn start(&mut self, job: Job) -> Result<(), Failure>;

    /// Asks every worker to stop to this degree, including workers that start later.
    fn stop(&mut self, stop_level: StopLevel);

    /// Another coordinator may have the experiment now: workers that nobody else could follow are ended, and others are left to it. Nothing
    /// is started any more.
    fn leave(&mut self);

    /// Takes those of these runs back whose workers have not begun; the others go on.
    fn take_back(&mut self, runs: BTreeSet<RunId>);

    /// Runs on which workers of a former session are at work, or about to be.
    fn at_work(&self) -> Vec<RunId>;

    /// Answers a worker that asked whether its run may ask a model now.
    fn answer(&mut self, run: RunId, may: bool);

    /// The next input, waited for at most `longest`, or for ever when that is `None`; `None` when only time has passed.
    fn poll(&mut self, mailbox: &Mailbox, longest: Option<Duration>) -> Option<Input>;
}

/// Everything that can reach a coordinator; apart from this, only its deadlines wake it.
#[derive(Debug)]
pub(in crate::engine) enum Input {
    /// A worker reports something.
    Report(RunId, Box<Report>),
    /// A signal came.
    Signal(StopSignal),
    /// The provider of a model that agents ask through the gateway asks to wait for so long.
    Limited(ModelName, Duration),
    /// No worker can be started any more, for this reason: whoever would start them refuses.
    Refused(String),
}

/// What a worker reports.
#[derive(Debug)]
pub(in crate::engine) enum Report {
    /// Something happened in the run that changes only what people see.
    Event(Event),
    /// The run needs this model next, and waits to learn whether it may ask it now.
    Asks(ModelName),
    /// The model is not being asked any more.
    Asked {
        /// Whether it has answered.
        answered: bool,
    },
    /// The worker is done with the run.
    Ended(Done),
    /// The worker ended without a report.
    Lost,
}

/// The queue in which all inputs arrive.
#[derive(Debug)]
pub(in crate::engine) struct Mailbox {
    inputs: Receiver<Input>,
    line: Line,
}

/// A sender to a mailbox.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Line(Sender<Input>);

impl Mailbox {
    /// An empty one.
    pub(in crate::engine) fn new() -> Self {
        let (line, inputs) = channel();
        Self { inputs, line: Line(line) }
    }

    /// A sender to it.
    pub(in crate::engine) fn line(&self) -> Line {
        self.line.clone()
    }

    /// The next input, waited for at most `longest`.
    pub(in crate::engine) fn next(&self, longest: Option<Duration>) -> Option<Input> {
        let input = match longest {
            Some(longest) => self.inputs.recv_timeout(longest),
            None => self.inputs.recv().map_err(RecvTimeoutError::from),
        };
        // The mailbox holds a sender to itself, so it is never closed.
        input.ok()
    }
}

impl Line {
    /// Sends an input. It is dropped when the mailbox is gone.
    pub(in crate::engine) fn send(&self, input: Input) {
        let _ = self.0.send(input);
    }
}
