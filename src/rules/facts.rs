//! What happens in a session, as the state is told it, and what follows beyond the state.

use std::time::Duration;

use crate::model::ids::{ModelName, RunId, TierId};
use crate::model::outcome::{StopLevel, StopSignal};
use crate::model::usage::Total;
use crate::rules::limiter::Concurrency;
use crate::rules::retry::{Failed, ForRun};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A worker has started on the run.
    Started(RunId),
    /// The run is committed.
    Committed {
        /// The run.
        run: RunId,
        /// What was spent on it in this session.
        spent: Total,
        /// Cost of agent and judges, in whichever session.
        cost: Total,
    },
    /// Infrastructure failed in the run.
    Failed {
        /// The run.
        run: RunId,
        /// What failed.
        failed: Failed,
        /// What the attempt cost.
        cost: Total,
        /// The model that its agent asks, when the agent will be asked again; else the run asks the same model as
        /// before.
        agent: Option<ModelName>,
    },
    /// The run's model is not being asked any more.
    Asked {
        /// The run.
        run: RunId,
        /// Whether the model has answered: else it failed, and not by a rate limit.
        answered: bool,
    },
    /// The run needs a model that may not be asked now.
    Waits {
        /// The run.
        run: RunId,
        /// What was spent on it in this session.
        spent: Total,
        /// The model.
        model: ModelName,
    },
    /// A rate limit from a former session still lasts for so long from now on.
    StillLimited(ModelName, Duration),
    /// The run was stopped together with the coordinator; with its cost as far as it is known.
    Stopped(RunId, Total),
    /// Another worker has the run: it is left alone in this session.
    Claimed(RunId),
    /// A signal came.
    Signal(StopSignal),
    /// Another run could exceed the cost ceiling.
    BudgetReached,
    /// For how long the experiment has been worked on until now, in all sessions.
    Worked(Duration),
    /// The experiment was worked on for as long as it may be.
    TimeReached,
    /// A wait is over.
    WaitOver,
    /// The winners that a tier inherits from are known and its baselines are made: it may begin.
    Inherited(TierId),
    /// A source tier of this tier has no result, so this tier cannot begin.
    Blocked(TierId),
    /// The experiment's folder cannot be written: runs in flight may end, nothing more is begun.
    Halt,
}

/// The consequences of a fact beyond the state itself, for the caller to act on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Consequence {
    /// For the run that failed.
    pub run: Option<ForRun>,
    /// For what runs share.
    pub changes: Vec<Change>,
}

/// Something that runs share has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The provider of a model asks to wait until this time.
    RateLimited(ModelName, Duration),
    /// The provider of a model asks to wait until this time, which is longer than allowed.
    RateLimitExhausted(ModelName, Duration),
    /// The wait for a model is over.
    RateLimitOver(ModelName),
    /// The number of runs that may ask a model at once changed.
    Concurrency(ModelName, Concurrency),
    /// Nothing more of the tier is started in this session, after this many runs in a row failed.
    TierStopped(u32),
    /// Nothing more is started in this session, because of a failure.
    SessionStopped,
    /// The stop level rose to this one.
    StopLevelRaised(StopLevel),
}

impl FromIterator<Change> for Consequence {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self { run: None, changes: changes.into_iter().collect() }
    }
}
