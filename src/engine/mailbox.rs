//! What the coordinator hears: everything comes through one mailbox.

use std::sync::mpsc::Sender;

use crate::model::ids::{AttemptNumber, JudgeNumber, RunId};
use crate::model::money::Usd;
use crate::model::outcome::{Failure, Stage, StopSignal};
use crate::model::result::RunResult;

/// Everything that can reach the coordinator; its deadlines are the only other thing that wakes it.
#[derive(Debug)]
pub enum Input {
    /// A worker has begun a run, behind its last durable stage.
    RunStarted {
        /// The run.
        run: RunId,
        /// Which attempt.
        attempt: AttemptNumber,
        /// The first stage that is to be done.
        from: Stage,
    },
    /// A worker has begun a stage.
    StageStarted {
        /// The run.
        run: RunId,
        /// The stage.
        stage: Stage,
        /// The judge, when the stage is one judge's.
        judge: Option<JudgeNumber>,
    },
    /// Something that a person should know of a run.
    Notice(String),
    /// A worker is done with a run.
    RunEnded {
        /// The run.
        run: RunId,
        /// What was spent on it in this sitting.
        spent: Usd,
        /// How it ended.
        end: RunEnd,
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
    Committed(Box<RunResult>),
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
    /// The coordinator is stopping.
    Stopped {
        /// The stage that did not end.
        stage: Stage,
        /// Whether the agent's result is durable.
        agent_complete: bool,
    },
}

/// A worker's line to the coordinator.
#[derive(Debug, Clone)]
pub(super) struct Line(Sender<Input>);

impl Line {
    pub(super) fn new(sender: Sender<Input>) -> Self {
        Self(sender)
    }

    /// Says something. A coordinator that is gone has no use for it.
    pub(super) fn say(&self, input: Input) {
        let _ = self.0.send(input);
    }
}
