//! How stages, attempts, runs and experiments end: all possibilities as enums.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The exit codes of a shell that could not run a program, or did not find it.
pub const SHELL_NOT_STARTED: [i32; 2] = [126, 127];

/// The stages of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A workspace is made at the subtest's baseline.
    Prepare,
    /// The agent works in it.
    Agent,
    /// What it changed is captured as a patch.
    Capture,
    /// The fixture's commands build, lint and test the tree.
    Checks,
    /// Each judge of the panel grades the run.
    Judge,
    /// The result appears.
    Commit,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Prepare => "prepare",
            Self::Agent => "agent",
            Self::Capture => "capture",
            Self::Checks => "checks",
            Self::Judge => "judge",
            Self::Commit => "commit",
        })
    }
}

/// The status of a run in the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Judged: the panel says that the task is solved.
    Passed,
    /// Judged: the panel says that it is not.
    Failed,
    /// The agent is done, the judges are not.
    AgentComplete,
    /// Infrastructure failed until the attempts were used up; the run is missing, not 0.
    Errored,
    /// Recorded as done without a verdict: some checkpoints of other tools say no more. Kept for a run that was taken
    /// over from one and whose result is lost.
    Done,
}

impl RunStatus {
    /// Whether a run with this status has a result.
    #[must_use]
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Passed | Self::Failed | Self::Done)
    }

    /// Whether an entry with this status agrees with what the run's folder shows.
    #[must_use]
    pub fn agrees_with(self, on_disk: Self) -> bool {
        self == on_disk || (self == Self::Done && on_disk.is_judged())
    }

    /// The status of a judged run.
    #[must_use]
    pub fn judged(passed: bool) -> Self {
        if passed { Self::Passed } else { Self::Failed }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::AgentComplete => "agent_complete",
            Self::Errored => "errored",
            Self::Done => "done",
        })
    }
}

/// The status of the whole experiment in the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExperimentStatus {
    /// A coordinator works on it.
    Running,
    /// A signal stopped it, or nobody knows how it ended.
    Interrupted,
    /// It ended by itself, and planned runs are missing because infrastructure failed.
    Incomplete,
    /// It ended while it waited for a provider's rate limit.
    PausedRateLimit,
    /// The ceiling of `--max-cost-usd` stopped it.
    BudgetReached,
    /// The limit of `--max-time` stopped it.
    TimeReached,
    /// Every planned run is done and judged.
    Completed,
}

impl fmt::Display for ExperimentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Incomplete => "incomplete",
            Self::PausedRateLimit => "paused_rate_limit",
            Self::BudgetReached => "budget_reached",
            Self::TimeReached => "time_reached",
            Self::Completed => "completed",
        })
    }
}

/// How an agent's work ended. Each is an outcome: what the agent left is graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentEnd {
    /// The agent ended by itself, whatever its exit code.
    Finished,
    /// The wall clock limit of the task was reached.
    TimedOut,
    /// Nothing was written for longer than the limit allows.
    NoProgress,
    /// More was written than the limit allows.
    OutputLimit,
    /// The agent says that its own budget is used up.
    OverBudget,
    /// The agent says that the model refused the task.
    Refused,
    /// The agent says that what it asked its model is longer than the model's context. That follows from what the agent
    /// was given and did, so that another attempt would end in the same way.
    ContextTooLong,
}

impl AgentEnd {
    /// Whether a limit of time ended the agent.
    #[must_use]
    pub fn timed_out(self) -> bool {
        matches!(self, Self::TimedOut | Self::NoProgress)
    }

    /// What the agent did, as a sentence about it goes on.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::TimedOut => "timed out",
            Self::NoProgress => "wrote nothing for too long",
            Self::OutputLimit => "wrote more than the output limit allows",
            Self::OverBudget => "ended over budget",
            Self::Refused => "refused the task",
            Self::ContextTooLong => "filled the context of its model",
        }
    }
}

impl fmt::Display for AgentEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Finished => "finished",
            Self::TimedOut => "timed out",
            Self::NoProgress => "no progress",
            Self::OutputLimit => "output limit",
            Self::OverBudget => "over budget",
            Self::Refused => "refused",
            Self::ContextTooLong => "context too long",
        })
    }
}

/// Kinds of infrastructure failure: they say nothing about the agent, so they are retried, and never graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A program could not be started.
    Spawn,
    /// The agent ended without its required final record.
    NoRecord,
    /// The provider refused the credentials.
    Auth,
    /// The workspace could not be made or read.
    Workspace,
    /// The provider failed (5xx, broken stream).
    Provider,
    /// The provider asked to wait.
    RateLimit,
    /// The kernel killed the agent because memory ran out.
    OutOfMemory,
    /// A signal that we did not send ended the agent before it left a final record.
    Killed,
    /// A check could not be carried out.
    Checks,
    /// A judge gave no valid verdict.
    Judge,
    /// The experiment's folder could not be written or read.
    Storage,
    /// A model was asked for what is not in the record that is played.
    Unrecorded,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Spawn => "spawn",
            Self::NoRecord => "no record",
            Self::Auth => "auth",
            Self::Workspace => "workspace",
            Self::Provider => "provider",
            Self::RateLimit => "rate limit",
            Self::OutOfMemory => "out of memory",
            Self::Killed => "killed",
            Self::Checks => "checks",
            Self::Judge => "judge",
            Self::Storage => "storage",
            Self::Unrecorded => "not recorded",
        })
    }
}

/// One infrastructure failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{}{}", self.words(), shown(excerpt.as_ref()))]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened, in a sentence for people.
    pub message: String,
    /// For a rate limit: the time that the provider named for trying again.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub retry_at: Option<Timestamp>,
    /// The end of the output of what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
}

impl Failure {
    /// A failure without a time to wait for.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_at: None, excerpt: None }
    }

    /// The message with the kind of failure, unless the message already names it.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { kind, message, .. } = self;
        let said = match kind {
            FailureKind::Checks => message.starts_with("check `"),
            FailureKind::Judge => message.starts_with("judge `"),
            FailureKind::NoRecord => message.starts_with("unreadable record: "),
            _ => false,
        };
        if said { message.clone() } else { format!("{kind}: {message}") }
    }

    /// The same in a sentence that names no log, for whoever does not have the experiment's folder.
    #[must_use]
    pub fn without_log(&self) -> String {
        let words = self.words();
        let end = |excerpt: &Excerpt| format!("{words}; its output ends with `{}`", excerpt.on_one_line());
        self.excerpt.as_ref().map(end).unwrap_or(words.clone())
    }

    /// Whether another failure is the same; the path of its log does not matter.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let words = |failure: &Self| failure.excerpt.as_ref().map(|excerpt| excerpt.text.clone());
        // What a provider answered is in the message; its program's own words may name an address of one attempt.
        let is_of_provider = matches!(self.kind, FailureKind::Auth | FailureKind::Provider);
        let is_said = (self.kind, &self.message) == (other.kind, &other.message);
        is_said && (is_of_provider || words(self) == words(other))
    }
}

/// The end of a log, for a report that shows a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excerpt {
    /// The log, below the experiment's folder.
    pub file: String,
    /// Its last lines that are not empty.
    pub text: String,
}

impl Excerpt {
    fn on_one_line(&self) -> String {
        self.text.replace('\n', " | ")
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ends with `{}`", self.file, self.on_one_line())
    }
}

fn shown(excerpt: Option<&Excerpt>) -> String {
    excerpt.map_or_else(String::new, |excerpt| format!("; {excerpt}"))
}

/// Why an attempt was moved to `.failed/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum AttemptEnd {
    /// Infrastructure failed.
    Failed {
        /// What failed.
        failure: Failure,
        /// Whether this was the last attempt that the cap allows.
        last: bool,
    },
    /// The coordinator was stopped or killed while the agent worked.
    Interrupted,
    /// A person asked for another attempt.
    Rerun,
}

/// How far a stop was requested; it only rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopLevel {
    /// Start nothing new; let runs in flight end.
    Drain,
    /// TERM to every run, grace, KILL.
    Terminate,
    /// KILL now.
    Kill,
}

impl StopLevel {
    /// The level after one more signal. Stop levels only rise; SIGTERM and SIGHUP start at the second one.
    #[must_use]
    pub fn next(stop_level: Option<Self>, signal: StopSignal) -> Self {
        match (stop_level, signal) {
            (None, StopSignal::Interrupt) => Self::Drain,
            (None, StopSignal::Terminate | StopSignal::Hangup) | (Some(Self::Drain), _) => Self::Terminate,
            (Some(Self::Terminate | Self::Kill), _) => Self::Kill,
        }
    }
}

/// The signal that asked for the stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopSignal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP, which requests the same.
    Hangup,
}

/// How the coordinator's work on an experiment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "end")]
pub enum ExperimentEnd {
    /// Every planned run is done and judged.
    Completed,
    /// Planned runs are missing because infrastructure failed.
    Incomplete,
    /// The budget's ceiling was reached.
    BudgetReached,
    /// It was worked on for as long as it may be.
    TimeReached,
    /// A rate limit outlasted the longest wait.
    RateLimited,
    /// A signal stopped it.
    Stopped {
        /// The signal.
        signal: StopSignal,
    },
}

impl ExperimentEnd {
    /// The status in the checkpoint after such an end.
    #[must_use]
    pub fn status(self) -> ExperimentStatus {
        match self {
            Self::Completed => ExperimentStatus::Completed,
            Self::Incomplete => ExperimentStatus::Incomplete,
            Self::Stopped { .. } => ExperimentStatus::Interrupted,
            Self::BudgetReached => ExperimentStatus::BudgetReached,
            Self::TimeReached => ExperimentStatus::TimeReached,
            Self::RateLimited => ExperimentStatus::PausedRateLimit,
        }
    }
}
