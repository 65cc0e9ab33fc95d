//! The durable files of a run, one per stage.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agent::ProgramFacts;
use super::allowance::Exceeded;
pub use super::attempt::{AttemptRecord, JudgeAttempt};
use super::changes::NotCaptured;
use super::digest::Digest;
use super::flag::Flag;
use super::grading::GradingNumber;
use super::ids::{AttemptNumber, ExperimentId, JudgeNumber, RunId, RunNumber, SubtestId, TierId};
use super::outcome::AgentEnd;
use super::rubric::ItemScore;
use super::sandbox::Isolation;
use super::score::{Grade, Score};
use super::usage::{self, Cost, Prices, Tokens, Total, Usage};

/// Version of the files that are written. 4.0 was the first of this tool; lower ones belong to another tool. Since 4.1
/// each file carries a digest of itself as its last key, `digest`, and results name what they are based on. Since 4.2 a
/// cost that is not known is `null` and not 0, and its source is beside it.
pub const FORMAT_VERSION: &str = "4.2";

/// `agent/result.json`: the agent is done, and its outcome is known. While this file is whole, the agent is never
/// started again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentResult {
    /// The attempt that did the work.
    pub attempt: AttemptNumber,
    /// How it ended.
    pub end: AgentEnd,
    /// The exit code; `None` when a signal ended the agent or no process was needed.
    pub exit_code: Option<i32>,
    /// What it used, as far as it is known.
    #[serde(flatten)]
    pub usage: Usage,
    /// What its cost was computed with, when it is estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// What the agent itself reports of that, where it does and the usage is metered: beside it, and counted nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Usage>,
    /// Which limit of the run the agent exceeded, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceeded: Option<Exceeded>,
    /// What the agent's program says of itself.
    #[serde(flatten)]
    pub program: ProgramFacts,
    /// The recorded run that was played back, in place of an agent's work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<Replayed>,
    /// When the agent was started.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// How long it worked, by a monotonic clock.
    pub duration_seconds: f64,
    /// For how long of that the gateway held its requests back together, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_seconds: f64,
    /// How the run was contained: `bubblewrap`, `cgroup`, `walk`, or `none` when no process was needed.
    pub containment: String,
    /// How the agent was isolated, and from what not; missing when no process was needed, and in results from before this was recorded.
    #[serde(flatten)]
    pub isolation: Option<Isolation>,
    /// Processes that outlived the agent and were ended before capture.
    pub leftover_processes: u32,
    /// Whether output was cut off at the limit.
    pub output_truncated: bool,
    /// Where the tree is that the agent left, until its changes are captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<WorkPlace>,
    /// What was unusual about what the agent left beside its tree.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub flags: BTreeSet<Flag>,
}

impl AgentResult {
    /// What is recorded of an agent that needs no process, from which everything else differs in what it says.
    #[must_use]
    pub fn begun(attempt: AttemptNumber, program: ProgramFacts, started_at: Timestamp) -> Self {
        Self {
            attempt,
            end: AgentEnd::Finished,
            exit_code: None,
            usage: Usage::NOTHING,
            prices: None,
            reported: None,
            exceeded: None,
            program,
            replayed: None,
            started_at,
            duration_seconds: 0.0,
            held_seconds: 0.0,
            containment: "none".to_owned(),
            isolation: None,
            leftover_processes: 0,
            output_truncated: false,
            work: None,
            flags: BTreeSet::new(),
        }
    }
}

/// A work folder that an agent has left. It is temporary: nothing in it is needed once the changes are captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkPlace {
    /// Its path.
    pub folder: String,
    /// The boot id of the machine when the folder was written.
    pub boot_id: String,
    /// Whether all of it was durable when this was written: only then it is trusted after a restart of the machine.
    pub synced: bool,
}

/// A recorded run that was played back. What it used then was paid for then: it is told, and counts nowhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replayed {
    /// The experiment in which it was recorded.
    pub experiment_id: ExperimentId,
    /// The run.
    pub run: RunId,
    /// The kind of its agent.
    pub agent: String,
    /// What its agent used then.
    #[serde(flatten)]
    pub usage: Usage,
    /// What an estimated cost of it was computed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// How long its agent worked then, in seconds.
    pub duration_seconds: f64,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// The check's name in the fixture.
    pub name: String,
    /// Whether it exited with 0.
    pub passed: bool,
    /// The exit code; `None` when a signal or the time limit ended it.
    pub exit_code: Option<i32>,
    /// Whether the time limit ended it.
    pub timed_out: bool,
    /// How long it took.
    pub duration_seconds: f64,
    /// Why it does not apply to this tree or machine; it has then neither passed nor failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<String>,
    /// Why it no longer applies, though it did to the untouched tree: removing the tests of a check does not pass it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_longer_applies: Option<String>,
    /// Its result for the untouched tree, before any agent worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// Which limit a program of it exceeded, if one did: then it counts as passed or failed, never as not applicable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceeded: Option<Exceeded>,
    /// Whether its log ends at the output limit; what came after that was not kept, and changes nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub output_truncated: bool,
}

/// The result of a check for the untouched tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// It passed.
    Passed,
    /// It failed before any agent worked.
    Failed,
    /// It did not apply.
    NotApplicable,
}

impl Before {
    /// What a result for the untouched tree means.
    #[must_use]
    pub fn of(result: &CheckResult) -> Self {
        match result {
            CheckResult { not_applicable: Some(_), .. } => Self::NotApplicable,
            CheckResult { passed: true, .. } => Self::Passed,
            CheckResult { .. } => Self::Failed,
        }
    }
}

/// `checks/result.json`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ChecksResult {
    /// In the fixture's order.
    pub checks: Vec<CheckResult>,
    /// For checks of an untouched tree: the grading that they belong to, when it is not the first one.
    #[serde(default, skip_serializing_if = "GradingNumber::is_first")]
    pub grading: GradingNumber,
}

/// `judge/judge_NN/judgment.json`: one judge's verdict, computed from its item scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgment {
    /// The judge's number.
    pub judge_number: JudgeNumber,
    /// Its name: a model's or the fixture's.
    pub model: String,
    /// Weighted mean of the items that apply.
    pub score: Score,
    /// Whether the score reaches the rubric's threshold.
    pub passed: bool,
    /// The score's grade.
    pub grade: Grade,
    /// The judge's explanation of the whole.
    #[serde(default)]
    pub reasoning: String,
    /// Item by item.
    #[serde(default)]
    pub criteria_scores: BTreeMap<String, ItemScore>,
    /// Tokens of its model in all of its answers, as far as they are reported.
    #[serde(rename = "token_stats", default, skip_serializing_if = "Tokens::is_unknown")]
    pub tokens: Tokens,
    /// What the judge cost.
    #[serde(flatten, with = "usage::cost")]
    #[schemars(with = "usage::cost::Keys")]
    pub cost: Cost,
    /// What its cost was computed with, when it is estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// How long it took.
    #[serde(default)]
    pub duration_seconds: f64,
}

/// `judge/result.json`: the panel's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Mean of the judges' scores.
    pub score: Score,
    /// Whether more than half of the judges passed the run.
    pub passed: bool,
    /// The mean score's grade.
    pub grade: Grade,
    /// How far apart the judges are: the highest score less the lowest. There is none of a single judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Score>,
    /// How many judges of the panel gave no answer, where `min_judges` allows that.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing_judges: usize,
}

fn is_zero<T: Default + PartialEq>(count: &T) -> bool {
    *count == T::default()
}

impl Judgment {
    /// How far apart judges are: the highest score less the lowest, rounded as scores are; `None` of less than two.
    #[must_use]
    pub fn spread(judgments: &[Self]) -> Option<Score> {
        let scores = || judgments.iter().map(|judgment| judgment.score.get());
        let between = scores().fold(f64::MIN, f64::max) - scores().fold(f64::MAX, f64::min);
        (judgments.len() > 1).then_some(between).and_then(|spread| Score::new((spread * 1e12).round() / 1e12).ok())
    }
}

/// `run_result.json`: its appearance commits the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    /// [`FORMAT_VERSION`] of the writer.
    pub version: String,
    /// The experiment that the run belongs to.
    pub experiment_id: ExperimentId,
    /// The run's tier.
    pub tier: TierId,
    /// The run's subtest.
    pub subtest: SubtestId,
    /// The run's number.
    #[schemars(with = "u32")]
    #[serde(with = "super::ids::run_number_as_integer")]
    pub run_number: RunNumber,
    /// The number of the attempt.
    pub attempt: AttemptNumber,
    /// `config_hash` of the experiment when the run was made.
    pub config_hash: Digest,
    /// The agent's exit code.
    pub exit_code: Option<i32>,
    /// How the agent ended.
    pub agent_end: AgentEnd,
    /// Whether a limit of time ended the agent.
    pub timed_out: bool,
    /// What the agent used in this attempt.
    #[serde(flatten)]
    pub usage: Usage,
    /// What its cost was computed with, when it is estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// What the agent itself reports of that, where it does and the usage is metered: beside it, and counted nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Usage>,
    /// Which limit of the run the agent exceeded, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceeded: Option<Exceeded>,
    /// What the agent's program says of itself.
    #[serde(flatten)]
    pub program: ProgramFacts,
    /// The recorded run that was played back, in place of an agent's work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<Replayed>,
    /// How the agent was isolated, and from what not; missing when no process was needed, and in results from before this was recorded.
    #[serde(flatten)]
    pub isolation: Option<Isolation>,
    /// Cost of all judges.
    #[serde(flatten, with = "usage::judges")]
    #[schemars(with = "usage::judges::Keys")]
    pub judge_cost: Total,
    /// Cost of the judges' answers that were invalid or cut off; they are kept in `judge/.failed/`.
    #[serde(flatten, with = "usage::failed_judges")]
    #[schemars(with = "usage::failed_judges::Keys")]
    pub failed_judge_cost: Total,
    /// Seconds of agent, checks and judges together.
    pub duration_seconds: f64,
    /// Seconds of the agent alone.
    pub agent_duration_seconds: f64,
    /// Seconds of all judges together.
    pub judge_duration_seconds: f64,
    /// Mean score of the panel.
    pub judge_score: Score,
    /// Whether the run solved the task.
    pub judge_passed: bool,
    /// The score's grade.
    pub judge_grade: Grade,
    /// Every judge's verdict.
    pub judges: Vec<Judgment>,
    /// The results of all checks.
    pub checks: Vec<CheckResult>,
    /// The grading that gave the verdict.
    #[serde(default, skip_serializing_if = "GradingNumber::is_first")]
    pub grading: GradingNumber,
    /// Digest of the record of that grading; the first has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grading_digest: Option<Digest>,
    /// Whether the workspace was to be kept after the commit.
    #[serde(default)]
    pub keeps_workspace: bool,
    /// Digest of what was composed into the baseline from the subtest's resources; `null` when nothing was.
    #[serde(default)]
    pub composed: Option<Digest>,
    /// The winners whose setups are laid below the subtest's own, such as `T0/03`, in the order in which they were
    /// merged.
    #[serde(default)]
    pub inherited_from: Vec<String>,
    /// The commit in `repo.git` from which the agent's tree was made; `null` in results of 4.0.
    #[serde(default)]
    pub baseline_commit: Option<String>,
    /// Number of former attempts of the run in `.failed/`.
    #[serde(default)]
    pub former_attempts: u32,
    /// The cost of those.
    #[serde(flatten, with = "usage::former")]
    #[schemars(with = "usage::former::Keys")]
    pub former_cost: Total,
    /// When the attempt started.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// When the result was committed.
    #[schemars(with = "String")]
    pub committed_at: Timestamp,
    /// What was unusual about what the agent left, including its tree when `not_captured` is there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub flags: BTreeSet<Flag>,
    /// How much of the agent's tree was not captured; missing in results of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_captured: Option<NotCaptured>,
    /// Whether the agent left the tree unchanged; missing in results of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_nothing: Option<bool>,
    /// Digest of `SHA256SUMS`, which seals the run's evidence.
    pub seal: Digest,
}

impl RunResult {
    /// The run of this result.
    #[must_use]
    pub fn run(&self) -> RunId {
        RunId { tier: self.tier, subtest: self.subtest, run: self.run_number }
    }
}

impl RunResult {
    /// What the run cost under the grading that gave the verdict: its agent and these judges.
    #[must_use]
    pub fn cost(&self) -> Total {
        Total::from(self.usage.cost) + self.judge_cost
    }
}
