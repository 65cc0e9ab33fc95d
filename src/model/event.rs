//! The one vocabulary of events: the engine emits them, the screens show them, `--message-format json` prints them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::changes::{NotCaptured, Remainder};
use super::control::BrokenControl;
use super::experiment::FieldClass;
use super::flag::Flag;
use super::ids::{AttemptNumber, ExperimentId, JudgeNumber, RunId, TierId};
use super::inherited::Winner;
use super::job::Placement;
use super::money::Usd;
use super::outcome::{AgentEnd, Excerpt, ExperimentEnd, Failure, FailureKind, RunStatus, Stage, StopLevel, StopSignal};
use super::score::{Grade, Score};
use super::shortfall::SetupShortfall;
pub use super::totals::{SetupTotals, TierTotals, Totals};
use super::usage::{self, Total};

/// Something happened. In JSON, `reason` names which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Event {
    /// The coordinator holds the experiment and begins.
    ExperimentStarted(ExperimentStarted),
    /// A flag of this call differs from the saved config.
    FlagDiffers {
        /// The config's field.
        field: String,
        /// The saved value.
        saved: Value,
        /// The value that this call asks for.
        given: Value,
        /// Operational flags take effect, others do not.
        class: FieldClass,
    },
    /// Something was mended before the start.
    Mended {
        /// In a sentence.
        message: String,
    },
    /// Something that a person should know.
    Notice {
        /// In a sentence.
        message: String,
    },
    /// The winners that a tier inherits from are chosen for good, and its runs may begin.
    TierInherits {
        /// The tier.
        tier: TierId,
        /// The winner of each tier that it inherits from.
        #[schemars(with = "BTreeMap<String, Winner>")]
        sources: BTreeMap<TierId, Winner>,
    },
    /// An attempt of a run begins, or continues after its last durable stage.
    RunStarted {
        /// The run.
        run: RunId,
        /// The number of the attempt.
        attempt: AttemptNumber,
        /// The first stage that has to be done.
        from: Stage,
    },
    /// The worker of a run is a job, which waits for its turn or runs on a machine of the cluster.
    RunPlaced {
        /// The run.
        run: RunId,
        /// Where it is.
        placement: Placement,
    },
    /// A run was taken back before a worker began on it.
    RunWithdrawn {
        /// The run.
        run: RunId,
    },
    /// A stage of a run begins.
    StageStarted {
        /// The run.
        run: RunId,
        /// The stage.
        stage: Stage,
        /// The judge, when it is the stage of one judge.
        judge: Option<JudgeNumber>,
    },
    /// A run is committed: from now on it cannot be lost.
    RunCommitted(RunCommitted),
    /// An attempt failed because of infrastructure.
    AttemptFailed {
        /// The run.
        run: RunId,
        /// The number of the attempt.
        attempt: AttemptNumber,
        /// The stage that failed.
        stage: Stage,
        /// What failed.
        failure: Failure,
        /// Whether the run is tried again in this session.
        retry: bool,
        /// Spent so far on every attempt and on judges. A worker without a coordinator counts only what it spent
        /// itself.
        #[serde(flatten, with = "usage::spent")]
        #[schemars(with = "usage::spent::Keys")]
        spent: Total,
    },
    /// The attempts of a run are used up: it is missing.
    RunErrored {
        /// The run.
        run: RunId,
        /// How many attempts there were in this session.
        attempts: u32,
        /// The last failure.
        failure: Failure,
    },
    /// A run was stopped together with the coordinator; it has no result.
    RunStopped {
        /// The run.
        run: RunId,
        /// The stage that was interrupted.
        stage: Stage,
        /// Spent so far on every attempt and on judges. A worker without a coordinator counts only what it spent
        /// itself.
        #[serde(flatten, with = "usage::spent")]
        #[schemars(with = "usage::spent::Keys")]
        spent: Total,
    },
    /// The same failure occurred so often in a row that nothing more of the tier is started in this session.
    TierPaused {
        /// The tier.
        tier: TierId,
        /// The failure's kind.
        kind: FailureKind,
        /// How many times in a row.
        times: u32,
        /// Planned runs of the tier that stay missing.
        left: usize,
    },
    /// A run needs a model that may not be asked now. It goes on when the model may be asked, and uses no job until
    /// then.
    RunWaits {
        /// The run.
        run: RunId,
        /// The stage that was not begun.
        stage: Stage,
        /// The model.
        model: String,
        /// Spent so far on every attempt and on judges. A worker without a coordinator counts only what it spent
        /// itself.
        #[serde(flatten, with = "usage::spent")]
        #[schemars(with = "usage::spent::Keys")]
        spent: Total,
    },
    /// A provider asked to wait; no attempt is used up.
    RateLimited {
        /// The model that waits.
        model: String,
        /// Until when.
        #[schemars(with = "String")]
        until: Timestamp,
    },
    /// The wait is over.
    RateLimitOver {
        /// The model.
        model: String,
    },
    /// The number of runs that may ask a model at once changed: it falls after a rate limit and rises after answers.
    ConcurrencyChanged {
        /// The model.
        model: String,
        /// How many before.
        from: usize,
        /// How many from now on.
        to: usize,
    },
    /// Starting one more run could exceed the ceiling: nothing new is started.
    BudgetReached {
        /// Spent so far on all attempts and judges.
        #[serde(flatten, with = "usage::spent")]
        #[schemars(with = "usage::spent::Keys")]
        spent: Total,
        /// What the attempts count for whose cost is not fully known.
        #[serde(default)]
        assumed: Usd,
        /// Expected for runs in flight and one more.
        expected: Usd,
        /// The ceiling.
        ceiling: Usd,
    },
    /// The experiment was worked on for as long as it may be: nothing new is started.
    TimeReached {
        /// Seconds worked on it, in all sessions.
        worked_seconds: f64,
        /// The limit.
        max_time_seconds: u64,
        /// Runs in flight, which may end.
        in_flight: usize,
    },
    /// A signal requested a stop.
    Stopping {
        /// Which signal.
        signal: StopSignal,
        /// How far the stop goes.
        stop_level: StopLevel,
        /// Runs in flight.
        in_flight: usize,
    },
    /// The coordinator is done.
    ExperimentFinished(ExperimentFinished),
}

/// The start of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentStarted {
    /// The experiment.
    pub experiment_id: ExperimentId,
    /// Its folder, as it was given or made.
    pub folder: String,
    /// Whether it continues a former session's work.
    pub resumed: bool,
    /// Runs in flight at once.
    pub jobs: u32,
    /// The containment of runs.
    pub containment: String,
    /// What agents and checks are kept in.
    pub sandbox: super::sandbox::IsolatedBy,
    /// What they reach of the network.
    pub network: super::sandbox::Network,
    /// The totals of each tier at the start.
    pub tiers: Vec<TierTotals>,
    /// The totals of each setup at the start.
    #[serde(default)]
    pub setups: Vec<SetupTotals>,
    /// Spent before this session.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// The ceiling.
    pub max_cost_usd: Option<Usd>,
    /// Seconds worked on it before this session.
    #[serde(default)]
    pub worked_seconds: f64,
    /// How many seconds it may be worked on, in all sessions.
    #[serde(default)]
    pub max_time_seconds: Option<u64>,
}

/// A run that is committed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunCommitted {
    /// The run.
    pub run: RunId,
    /// Passed or failed.
    pub status: RunStatus,
    /// Mean score of the panel.
    pub score: Score,
    /// The score's grade.
    pub grade: Grade,
    /// How the agent ended.
    pub agent_end: AgentEnd,
    /// The agent's exit code; `None` when a signal ended it.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// Cost of agent and judges.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub cost: Total,
    /// Spent so far on every attempt and on judges. A worker without a coordinator counts only what it spent itself.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// Seconds of agent, checks and judges.
    pub duration_seconds: f64,
    /// Whether the agent left the tree unchanged.
    #[serde(default)]
    pub changed_nothing: bool,
    /// Checks that did not pass.
    #[serde(default)]
    pub failed_checks: Vec<FailedCheck>,
    /// How much of what the agent left was not captured.
    #[serde(default)]
    pub not_captured: NotCaptured,
    /// What was unusual about what the agent left.
    #[serde(default)]
    pub flags: BTreeSet<Flag>,
}

/// A check that a run did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedCheck {
    /// The check's name in the fixture.
    pub name: String,
    /// After how many seconds its time limit ended it; `None` when it ended by itself.
    #[serde(default)]
    pub timed_out_after: Option<u64>,
    /// The end of its output; `None` when it wrote nothing.
    pub excerpt: Option<Excerpt>,
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentFinished {
    /// How it ended.
    #[serde(flatten)]
    pub end: ExperimentEnd,
    /// The experiment's folder.
    pub folder: String,
    /// The totals of each tier.
    pub tiers: Vec<TierTotals>,
    /// The totals of each setup.
    #[serde(default)]
    pub setups: Vec<SetupTotals>,
    /// Spent in total on every attempt and on judges.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// How long this session took.
    pub duration_seconds: f64,
    /// Seconds worked on it, in all sessions.
    #[serde(default)]
    pub worked_seconds: f64,
    /// Runs that are missing because something failed, grouped by their last failure.
    #[serde(default)]
    pub errored: Vec<Errored>,
    /// Committed runs whose agents left something that was not captured, or something unusual.
    #[serde(default)]
    pub remainders: Vec<Remainder>,
    /// Why runs did not pass, counted for each setup.
    #[serde(default)]
    pub shortfalls: Vec<SetupShortfall>,
    /// Controls that did not do what is expected: nothing measured on the task can be trusted.
    #[serde(default)]
    pub broken_controls: Vec<BrokenControl>,
    /// How many planned runs are missing, for each reason.
    pub missing: BTreeMap<Missing, usize>,
    /// Runs whose results are damaged: they are not counted, and not repeated unless a person asks for it.
    #[serde(default)]
    pub damaged: Vec<RunId>,
    /// Tiers that have not begun because they inherit from the winners of these.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub waiting: BTreeMap<TierId, BTreeSet<TierId>>,
}

/// Why a planned run is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It was not started yet.
    NotStarted,
    /// It was started and not finished.
    Unfinished,
    /// Its agent is done, the judges are not.
    AgentComplete,
    /// Infrastructure failed until the attempts were used up.
    Errored,
    /// Its result is damaged, and not counted.
    Damaged,
}

impl Missing {
    /// Why, as people read it.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotStarted => "not started",
            Self::Unfinished => "started and not finished",
            Self::AgentComplete => "not judged: the agent is done, the judges are not",
            Self::Damaged => "damaged: the result is not what was committed, or is gone",
            Self::Errored => "errored: infrastructure failed until the attempts were used up",
        }
    }
}

/// Runs that are missing because the same failure ended their last attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Errored {
    /// The last failure.
    pub failure: Failure,
    /// The runs.
    pub runs: Vec<RunId>,
}
