//! Where workers run. A coordinator knows nothing of that but what stands here: it starts a job, stops all, and hears what
//! came. What a worker needs beside its job lies in the experiment's folder, so it can be a process of another machine; and
//! what it did lies there too, so that words of workers only make faster what the folder says.

mod local;

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
    /// When none can be started; nothing of the run was begun then.
    fn start(&mut self, job: Job) -> Result<(), Failure>;

    /// Asks every worker to stop as far as this; later ones too.
    fn stop(&mut self, stop_level: StopLevel);

    /// Answers a worker that has asked whether its run may ask a model now.
    fn answer(&mut self, run: RunId, may: bool);

    /// What came next, waited for at most so long, or as long as it takes; `None` when only time has passed.
    fn poll(&mut self, mailbox: &Mailbox, longest: Option<Duration>) -> Option<Input>;
}

/// Everything that can reach a coordinator; its deadlines are the only other thing that wakes it.
#[derive(Debug)]
pub(in crate::engine) enum Input {
    /// A worker says something.
    Report(RunId, Box<Report>),
    /// A signal came.
    Signal(StopSignal),
}

/// What is heard of a worker.
#[derive(Debug)]
pub(in crate::engine) enum Report {
    /// Something happened in the run that changes nothing but what people see.
    Event(Event),
    /// It has come to this model, and waits until it knows whether it may ask it now.
    Asks(ModelName),
    /// It has its model's answer.
    Answered,
    /// It is done with the run.
    Ended(Done),
    /// It ended without a word.
    Lost,
}

/// Where everything arrives.
#[derive(Debug)]
pub(in crate::engine) struct Mailbox {
    inputs: Receiver<Input>,
    line: Line,
}

/// A line to a mailbox.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Line(Sender<Input>);

impl Mailbox {
    /// An empty one.
    pub(in crate::engine) fn new() -> Self {
        let (line, inputs) = channel();
        Self { inputs, line: Line(line) }
    }

    /// A line to it.
    pub(in crate::engine) fn line(&self) -> Line {
        self.line.clone()
    }

    /// What arrives next, waited for at most so long.
    pub(in crate::engine) fn next(&self, longest: Option<Duration>) -> Option<Input> {
        let heard = match longest {
            Some(longest) => self.inputs.recv_timeout(longest),
            None => self.inputs.recv().map_err(RecvTimeoutError::from),
        };
        // It holds a line to itself, so it is never closed.
        heard.ok()
    }
}

impl Line {
    /// Sends something. A mailbox that is gone has no use for it.
    pub(in crate::engine) fn send(&self, input: Input) {
        let _ = self.0.send(input);
    }
}
