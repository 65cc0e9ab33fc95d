//! The one vocabulary of what happens: the engine says it, the reporters show it, `--message-format json` prints it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::changes::{NotCaptured, Remainder};
use super::experiment::FieldClass;
use super::flag::Flag;
use super::ids::{AttemptNumber, ExperimentId, JudgeNumber, RunId, SubtestId, TierId};
use super::inherited::Winner;
use super::money::Usd;
use super::outcome::{AgentEnd, Excerpt, ExperimentEnd, Failure, FailureKind, RunStatus, Stage, StopLevel, StopSignal};
use super::score::{Grade, Score};
use super::shortfall::SetupShortfall;
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
        /// What the experiment was started with.
        saved: Value,
        /// What this call asks for.
        given: Value,
        /// Operational flags take effect, others do not.
        class: FieldClass,
    },
    /// Something was mended before the start: what.
    Mended {
        /// In a sentence.
        message: String,
    },
    /// Something that a person should know.
    Notice {
        /// In a sentence.
        message: String,
    },
    /// The winners that a tier takes over are chosen for good, and its runs may begin.
    TierInherits {
        /// The tier.
        tier: TierId,
        /// The winner of each tier that it takes over.
        #[schemars(with = "BTreeMap<String, Winner>")]
        sources: BTreeMap<TierId, Winner>,
    },
    /// An attempt of a run begins, or goes on behind its last durable stage.
    RunStarted {
        /// The run.
        run: RunId,
        /// Which attempt.
        attempt: AttemptNumber,
        /// The first stage that is to be done.
        from: Stage,
    },
    /// A stage of a run begins.
    StageStarted {
        /// The run.
        run: RunId,
        /// The stage.
        stage: Stage,
        /// The judge, when the stage is one judge's.
        judge: Option<JudgeNumber>,
    },
    /// A run is committed: from now on it cannot be lost.
    RunCommitted(RunCommitted),
    /// An attempt failed for infrastructure.
    AttemptFailed {
        /// The run.
        run: RunId,
        /// Which attempt.
        attempt: AttemptNumber,
        /// The stage that did not end.
        stage: Stage,
        /// What failed.
        failure: Failure,
        /// Whether the run is tried again in this session.
        retry: bool,
        /// Spent so far: every attempt, judges too. A worker alone counts what it spent itself.
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
        /// What failed last.
        failure: Failure,
    },
    /// A run was stopped with the coordinator; it is not a result.
    RunStopped {
        /// The run.
        run: RunId,
        /// The stage that did not end.
        stage: Stage,
        /// Spent so far: every attempt, judges too. A worker alone counts what it spent itself.
        #[serde(flatten, with = "usage::spent")]
        #[schemars(with = "usage::spent::Keys")]
        spent: Total,
    },
    /// The same failure came so often in a row that nothing more of the tier is started in this session.
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
    /// A run has come to a model that may not be asked now. It goes on when it may be, and holds no job until then.
    RunWaits {
        /// The run.
        run: RunId,
        /// The stage that did not begin.
        stage: Stage,
        /// The model.
        model: String,
        /// Spent so far: every attempt, judges too. A worker alone counts what it spent itself.
        #[serde(flatten, with = "usage::spent")]
        #[schemars(with = "usage::spent::Keys")]
        spent: Total,
    },
    /// A provider asks to wait; no attempt is burnt.
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
    /// So many runs may ask a model at once: fewer after a rate limit of its provider, more after answers.
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
        /// Spent so far, all attempts and judges.
        #[serde(flatten, with = "usage::spent")]
        #[schemars(with = "usage::spent::Keys")]
        spent: Total,
        /// What the attempts count for of which something is not known.
        #[serde(default)]
        assumed: Usd,
        /// Expected for runs in flight and one more.
        expected: Usd,
        /// The ceiling.
        ceiling: Usd,
    },
    /// A signal asks to stop.
    Stopping {
        /// Which signal.
        signal: StopSignal,
        /// How far.
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
    /// Whether it goes on with a former session's work.
    pub resumed: bool,
    /// Runs in flight at once.
    pub jobs: u32,
    /// How runs are contained.
    pub containment: String,
    /// The tiers as they stand.
    pub tiers: Vec<TierTotals>,
    /// The setups as they stand.
    #[serde(default)]
    pub setups: Vec<SetupTotals>,
    /// Spent before this session.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// The ceiling.
    pub max_cost_usd: Option<Usd>,
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
    /// Spent so far: every attempt, judges too. A worker alone counts what it spent itself.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// Seconds of agent, checks and judges.
    pub duration_seconds: f64,
    /// Whether the agent left the tree as it was.
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
    /// How what it wrote ends; `None` when it wrote nothing.
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
    /// The tiers as they stand.
    pub tiers: Vec<TierTotals>,
    /// The setups as they stand.
    #[serde(default)]
    pub setups: Vec<SetupTotals>,
    /// Spent in all: every attempt, judges too.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// How long this session took.
    pub duration_seconds: f64,
    /// Runs that are missing because something failed, those with the same last failure together.
    #[serde(default)]
    pub errored: Vec<Errored>,
    /// Committed runs whose agents left more than was captured, or something unusual.
    #[serde(default)]
    pub remainders: Vec<Remainder>,
    /// Why runs did not pass, counted for each setup.
    #[serde(default)]
    pub shortfalls: Vec<SetupShortfall>,
    /// Planned runs that are missing, by why.
    pub missing: BTreeMap<Missing, usize>,
    /// Runs whose results are damaged: they count nowhere, and are not made again without being asked.
    #[serde(default)]
    pub damaged: Vec<RunId>,
    /// Tiers that have not begun because they take over the winners of these.
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
    /// It has a result that is damaged, which counts nowhere.
    Damaged,
}

/// Runs that are missing because the same failure ended their last attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Errored {
    /// What failed last.
    pub failure: Failure,
    /// The runs.
    pub runs: Vec<RunId>,
}

/// One tier's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TierTotals {
    /// The tier.
    pub tier: TierId,
    /// Its numbers.
    #[serde(flatten)]
    pub totals: Totals,
}

/// One setup's numbers: those of a subtest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetupTotals {
    /// The tier.
    pub tier: TierId,
    /// The subtest.
    pub subtest: SubtestId,
    /// Its name in the fixture; `None` when no fixture can be read.
    pub name: Option<String>,
    /// Its numbers.
    #[serde(flatten)]
    pub totals: Totals,
}

/// The numbers of a group of runs, derived from the results.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Planned runs.
    pub planned: usize,
    /// Committed runs of the plan.
    pub done: usize,
    /// Those that passed.
    pub passed: usize,
    /// Share of committed runs that passed; `None` without runs.
    pub pass_rate: Option<f64>,
    /// Mean score of committed runs; `None` without runs.
    pub mean_score: Option<f64>,
    /// Cost of committed runs.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub cost: Total,
    /// Mean cost of committed runs, where `cost_unknown` is not 0 the least that it can be; `None` without runs, and when
    /// nothing is known.
    #[serde(default)]
    pub mean_cost_usd: Option<Usd>,
    /// Seconds of committed runs, added up.
    pub seconds: f64,
    /// Mean seconds of committed runs; `None` without runs.
    #[serde(default)]
    pub mean_seconds: Option<f64>,
}
