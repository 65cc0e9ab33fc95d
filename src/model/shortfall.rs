//! Why a run did not pass, as far as its agent and its checks say it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{RunId, SubtestId, TierId};
use super::outcome::{AgentEnd, Excerpt};
use super::result::{CheckResult, RunResult};

/// What of a result speaks against its run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shortfall {
    /// How the agent ended.
    pub end: AgentEnd,
    /// The agent's exit code.
    pub exit_code: Option<i32>,
    /// Whether the agent left the tree as it was.
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
    /// What speaks against a run; `None` when nothing does.
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
        shortfall.says_anything().then_some(shortfall)
    }

    /// Whether anything is there that speaks against the run.
    #[must_use]
    pub fn says_anything(&self) -> bool {
        self.end != AgentEnd::Finished
            || self.exit_code.is_some_and(|code| code != 0)
            || self.changed_nothing
            || !self.checks.is_empty()
    }
}

impl CheckResult {
    /// Whether it speaks against the run.
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

/// The whole seconds of a duration, which ends a little after its limit.
#[must_use]
pub fn whole_seconds(seconds: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(seconds).map_or(0, |duration| duration.as_secs())
}

/// Runs of a setup that did not pass for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetupShortfall {
    /// The tier.
    pub tier: TierId,
    /// The subtest.
    pub subtest: SubtestId,
    /// The reason.
    #[serde(flatten)]
    pub why: Why,
    /// Whether these agents left the tree as it was.
    pub changed_nothing: bool,
    /// How many runs did not pass for it.
    pub runs: usize,
    /// How many runs of the setup are done.
    pub of: usize,
    /// The first of the runs.
    pub first: RunId,
    /// How the log of the first one ends that shows the reason; `None` when it says nothing, or where lines are many.
    pub excerpt: Option<Excerpt>,
}

/// Why runs did not pass. What came first in a run counts: an agent that did nothing passes no check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Why {
    /// The agent did not end by itself, or says what kept it from its work.
    AgentEnd {
        /// How it ended.
        agent_end: AgentEnd,
    },
    /// The agent ended with an exit code that is not 0.
    Exited {
        /// The exit code.
        exit_code: i32,
    },
    /// The agent left the tree as it was.
    ChangedNothing,
    /// A check did not pass.
    Check {
        /// Its name in the fixture.
        check: String,
        /// After how many seconds its time limit ended it; `None` when it ended by itself.
        timed_out_after: Option<u64>,
    },
}
