//! What the coordinator hears: everything comes through one mailbox.

use std::sync::mpsc::{Sender, channel};

use crate::model::event::{Event, FailedCheck};
use crate::model::ids::{AttemptNumber, ModelName, RunId};
use crate::model::outcome::{Failure, Stage, StopSignal};
use crate::model::result::{ChecksResult, RunResult};
use crate::model::usage::Total;

/// Everything that can reach the coordinator; its deadlines are the only other thing that wakes it.
#[derive(Debug)]
pub enum Input {
    /// Something happened in a run that changes nothing but what people see.
    Event(Event),
    /// A worker is done with a run.
    RunEnded {
        /// The run.
        run: RunId,
        /// What was spent on it in this session.
        spent: Total,
        /// How it ended.
        end: RunEnd,
    },
    /// A worker has come to a model, and waits until it knows whether it may ask it now.
    Asks {
        /// The run.
        run: RunId,
        /// The model.
        model: ModelName,
        /// Told whether it may.
        may: Sender<bool>,
    },
    /// A run has its model's answer.
    Answered(RunId),
    /// The checks of an untouched tree are done; the worker waits until they are written.
    BaselineChecks {
        /// The commit of the baseline.
        commit: String,
        /// What the checks said.
        result: ChecksResult,
        /// Told when it is written.
        written: Sender<()>,
    },
    /// A worker's thread ended without a word.
    WorkerLost(RunId),
    /// A signal came.
    Signal(StopSignal),
}

/// How a worker's work on a run ended.
#[derive(Debug)]
pub enum RunEnd {
    /// The result is durable.
    Committed(Box<Committed>),
    /// Infrastructure failed.
    Failed {
        /// Which attempt.
        attempt: AttemptNumber,
        /// The stage that did not end.
        stage: Stage,
        /// What failed.
        failure: Failure,
        /// Whether the agent's result is durable.
        agent_complete: bool,
    },
    /// It has come to a model that may not be asked now.
    Waits {
        /// The model.
        model: ModelName,
        /// The stage that did not begin.
        stage: Stage,
        /// Whether the agent's result is durable.
        agent_complete: bool,
    },
    /// The coordinator is stopping.
    Stopped {
        /// The stage that did not end.
        stage: Stage,
        /// Whether the agent's result is durable.
        agent_complete: bool,
    },
}

/// A committed run, with what explains its verdict.
#[derive(Debug)]
pub struct Committed {
    /// The result.
    pub result: RunResult,
    /// Whether the agent left the tree as it was.
    pub changed_nothing: bool,
    /// Checks that did not pass.
    pub failed_checks: Vec<FailedCheck>,
}

/// A worker's line to the coordinator.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Line(Sender<Input>);

impl Line {
    pub(in crate::engine) fn new(sender: Sender<Input>) -> Self {
        Self(sender)
    }

    /// Whether the run may ask the model now; `None` when the coordinator is gone.
    pub(in crate::engine) fn may_ask(&self, run: RunId, model: &ModelName) -> Option<bool> {
        let (may, answer) = channel();
        self.say(Input::Asks { run, model: model.clone(), may });
        answer.recv().ok()
    }

    /// Says something. A coordinator that is gone has no use for it.
    pub(in crate::engine) fn say(&self, input: Input) {
        let _ = self.0.send(input);
    }
}
