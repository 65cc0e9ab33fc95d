//! Why a run did not pass, as far as its agent and its checks show it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{RunId, SubtestId, TierId};
use super::outcome::{AgentEnd, Excerpt};
use super::result::{CheckResult, RunResult};

/// The parts of a result that show why its run did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shortfall {
    /// How the agent ended.
    pub end: AgentEnd,
    /// The agent's exit code.
    pub exit_code: Option<i32>,
    /// Whether the agent left the tree unchanged.
    pub changed_nothing: bool,
    /// Checks that did not pass, in the fixture's order.
    pub checks: Vec<FailedOf>,
}

/// A check that a run did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FailedOf {
    /// The check's name in the fixture.
    pub name: String,
    /// After how many seconds its time limit ended it; `None` when it ended by itself.
    pub timed_out_after: Option<u64>,
}

impl Shortfall {
    /// Why a run did not pass; `None` when nothing shows it.
    #[must_use]
    pub fn of(result: &RunResult) -> Option<Self> {
        let checks = result.checks.iter().filter(|check| check.has_failed());
        let shortfall = Self {
            end: result.agent_end,
            exit_code: result.exit_code,
            changed_nothing: result.changed_nothing == Some(true),
            checks: checks
                .map(|check| FailedOf { name: check.name.clone(), timed_out_after: check.timed_out_after() })
                .collect(),
        };
        shortfall.has_a_reason().then_some(shortfall)
    }

    /// Whether anything shows why the run did not pass.
    #[must_use]
    pub fn has_a_reason(&self) -> bool {
        self.end != AgentEnd::Finished
            || self.exit_code.is_some_and(|code| code != 0)
            || self.changed_nothing
            || !self.checks.is_empty()
    }
}

impl CheckResult {
    /// Whether the check has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        !self.passed && self.not_applicable.is_none()
    }

    /// After how many seconds its time limit ended it.
    #[must_use]
    pub fn timed_out_after(&self) -> Option<u64> {
        self.timed_out.then(|| whole_seconds(self.duration_seconds))
    }
}

/// The whole seconds of a duration, which is a little longer than its limit.
#[must_use]
pub fn whole_seconds(seconds: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(seconds).map_or(0, |duration| duration.as_secs())
}

/// Runs of a setup that did not pass for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetupShortfall {
    /// The tier.
    pub tier: TierId,
    /// The subtest.
    pub subtest: SubtestId,
    /// The reason.
    #[serde(flatten)]
    pub why: Why,
    /// Whether these agents left the tree unchanged.
    pub changed_nothing: bool,
    /// How many runs did not pass for this reason.
    pub runs: usize,
    /// How many runs of the setup are done.
    pub of: usize,
    /// The first of the runs.
    pub first: RunId,
    /// The end of the log of the first run that shows the reason; `None` when the log is empty, or when there are many
    /// lines.
    pub excerpt: Option<Excerpt>,
}

/// Why runs did not pass. The first reason of a run counts: an agent that did nothing passes no check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Why {
    /// The agent did not end by itself, or reported what kept it from its work.
    AgentEnd {
        /// How it ended.
        agent_end: AgentEnd,
    },
    /// The agent ended with an exit code that is not 0.
    Exited {
        /// The exit code.
        exit_code: i32,
    },
    /// The agent left the tree unchanged.
    ChangedNothing,
    /// A check did not pass.
    Check {
        /// Its name in the fixture.
        check: String,
        /// After how many seconds its time limit ended it; `None` when it ended by itself.
        timed_out_after: Option<u64>,
    },
}

impl fmt::Display for Why {
    /// As a row of a single run says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentEnd { agent_end } => write!(f, "agent {}", agent_end.verb()),
            Self::Exited { exit_code } => write!(f, "agent exited with {exit_code}"),
            Self::ChangedNothing => f.write_str("agent changed nothing"),
            Self::Check { check, timed_out_after: Some(seconds) } => {
                write!(f, "check `{check}` timed out after {seconds} s")
            }
            Self::Check { check, timed_out_after: None } => write!(f, "check `{check}` failed"),
        }
    }
}
