//! One run as people see it: a row of a table, of a CSV file, of a report. The filter language asks rows.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::allowance::Exceeded;
use crate::model::control::Control;
use crate::model::event::Missing;
use crate::model::flag::Flag;
use crate::model::grading::GradingNumber;
use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::money::Usd;
use crate::model::outcome::AgentEnd;
use crate::model::score::Grade;
use crate::model::usage::Total;

/// One planned run, whether it has a verdict or not. What is not known is `None`, and never 0.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// The run.
    pub run: RunId,
    /// The name of its setup in the fixture, when that can be read.
    pub name: Option<String>,
    /// The model that its agent is told to use.
    pub model: Option<String>,
    /// What is expected of its setup when that is a control, which measures no agent.
    pub control: Option<Control>,
    /// Where it stands.
    pub status: RowStatus,
    /// The panel's mean score, under the grading that counts.
    pub score: Option<f64>,
    /// The score's grade.
    pub grade: Option<Grade>,
    /// How its agent ended.
    pub end: Option<AgentEnd>,
    /// The exit code of its agent.
    pub exit_code: Option<i32>,
    /// Which limit of the run its agent exceeded, if it did.
    pub exceeded: Option<Exceeded>,
    /// What its agent and the judges that gave the verdict cost; `None` without a verdict.
    pub cost: Option<Total>,
    /// All that was spent on it: former attempts and answers of judges that were not valid, too.
    pub spent: Total,
    /// The tokens that its agent says it used, those of the provider's cache included.
    pub tokens: Option<u64>,
    /// Seconds of agent, checks and judges.
    pub seconds: Option<f64>,
    /// How often its agent was started.
    pub attempts: u32,
    /// What was unusual about what its agent left.
    pub flags: BTreeSet<Flag>,
    /// The grading that gave the verdict.
    pub grading: Option<GradingNumber>,
    /// Why it did not pass, or why it is missing.
    pub reason: Option<String>,
}

impl RunRow {
    /// Whether it has no verdict.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.status.is_missing()
    }

    /// The word of the limit at which its agent ended; `None` when it ended at none.
    #[must_use]
    pub fn limit(&self) -> Option<&'static str> {
        match (self.exceeded, self.end) {
            (Some(exceeded), _) => Some(exceeded.word()),
            (None, Some(AgentEnd::TimedOut)) => Some("time"),
            (None, Some(AgentEnd::NoProgress)) => Some("silence"),
            (None, Some(AgentEnd::OutputLimit)) => Some("output"),
            (None, Some(AgentEnd::OverBudget)) => Some("budget"),
            (None, Some(AgentEnd::Finished | AgentEnd::Refused | AgentEnd::ContextTooLong) | None) => None,
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// The panel says that the task is solved.
    Passed,
    /// The panel says that it is not.
    Failed,
    /// Somebody works on it now.
    Running,
    /// Its agent is done, the judges are not.
    AgentComplete,
    /// Infrastructure failed until the attempts were used up.
    Errored,
    /// It was started and not finished.
    Unfinished,
    /// It was not started yet.
    NotStarted,
    /// It has a result that is damaged, which counts nowhere.
    Damaged,
}

impl RowStatus {
    /// Every one, in their order.
    pub const ALL: [Self; 8] = [
        Self::Passed,
        Self::Failed,
        Self::Running,
        Self::AgentComplete,
        Self::Errored,
        Self::Unfinished,
        Self::NotStarted,
        Self::Damaged,
    ];

    /// The status of a run with a verdict.
    #[must_use]
    pub fn judged(passed: bool) -> Self {
        if passed { Self::Passed } else { Self::Failed }
    }

    /// Whether such a run has no verdict.
    #[must_use]
    pub fn is_missing(self) -> bool {
        !matches!(self, Self::Passed | Self::Failed)
    }

    /// Its word, on screens, in files and in filters.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::AgentComplete => "agent_complete",
            Self::Errored => "errored",
            Self::Unfinished => "unfinished",
            Self::NotStarted => "not_started",
            Self::Damaged => "damaged",
        }
    }
}

impl fmt::Display for RowStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl From<Missing> for RowStatus {
    fn from(why: Missing) -> Self {
        match why {
            Missing::NotStarted => Self::NotStarted,
            Missing::Unfinished => Self::Unfinished,
            Missing::AgentComplete => Self::AgentComplete,
            Missing::Errored => Self::Errored,
            Missing::Damaged => Self::Damaged,
        }
    }
}

/// A row in JSON: every key is always there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Written<'a> {
    /// The run, such as `T0/00/1`.
    pub run: RunId,
    /// Its tier.
    pub tier: TierId,
    /// Its subtest.
    pub subtest: SubtestId,
    /// Its number.
    pub run_number: u32,
    /// The name of its setup; `null` when no fixture can be read.
    pub name: Option<&'a str>,
    /// The model that its agent is told to use; `null` when it is told none.
    pub model: Option<&'a str>,
    /// What is expected of its setup when that is a control, which measures no agent; `null` for an agent's.
    pub control: Option<Control>,
    /// Where it stands.
    pub status: RowStatus,
    /// Whether it passed; `null` without a verdict.
    pub passed: Option<bool>,
    /// The panel's mean score; `null` without a verdict.
    pub score: Option<f64>,
    /// The score's grade.
    pub grade: Option<Grade>,
    /// How its agent ended; `null` when that is not known.
    pub end: Option<AgentEnd>,
    /// The exit code of its agent.
    pub exit_code: Option<i32>,
    /// The limit at which its agent ended: `time`, `silence`, `output`, `tokens`, `turns`, `cost`, `memory`, or `budget` where its own
    /// program says no more than that; `null` when it ended at none.
    pub limit: Option<&'a str>,
    /// What its agent and the judges of the verdict cost, as far as that is known; `null` when nothing is.
    pub cost_usd: Option<Usd>,
    /// Of how many parts of it nobody said what they cost.
    pub cost_unknown: u32,
    /// All that was spent on it, former attempts too.
    pub spent: Option<Usd>,
    /// Of how many parts of that nobody said what they cost.
    pub spent_unknown: u32,
    /// Tokens of its agent.
    pub tokens: Option<u64>,
    /// Seconds of agent, checks and judges.
    pub duration_seconds: Option<f64>,
    /// How often its agent was started.
    pub attempts: u32,
    /// What was unusual about what its agent left.
    pub flags: &'a BTreeSet<Flag>,
    /// The grading that gave the verdict.
    pub grading: Option<u32>,
    /// Why it did not pass, or why it is missing.
    pub reason: Option<&'a str>,
}

impl<'a> From<&'a RunRow> for Written<'a> {
    fn from(row: &'a RunRow) -> Self {
        Self {
            run: row.run,
            tier: row.run.tier,
            subtest: row.run.subtest,
            run_number: row.run.run.get(),
            name: row.name.as_deref(),
            model: row.model.as_deref(),
            control: row.control,
            status: row.status,
            passed: (!row.is_missing()).then_some(row.status == RowStatus::Passed),
            score: row.score.filter(|score| score.is_finite()),
            grade: row.grade,
            end: row.end,
            exit_code: row.exit_code,
            limit: row.limit(),
            cost_usd: row.cost.and_then(Total::at_least),
            cost_unknown: row.cost.map_or(0, |cost| cost.unknown),
            spent: row.spent.at_least(),
            spent_unknown: row.spent.unknown,
            tokens: row.tokens,
            duration_seconds: row.seconds.filter(|seconds| seconds.is_finite()),
            attempts: row.attempts,
            flags: &row.flags,
            grading: row.grading.map(|grading| grading.0),
            reason: row.reason.as_deref(),
        }
    }
}

impl Serialize for RunRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written::from(self).serialize(serializer)
    }
}

#[cfg(test)]
pub(crate) mod samples;
