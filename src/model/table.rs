//! Rows of tables of results, one column each: runs, judgments, items, setups. What is not known is `None`.
//!
//! A table may come from several experiments, with tiers and subtests under names that are not ours: they are kept as
//! written, so that `00` stays `00`.

use serde::{Deserialize, Serialize};

use super::score::Grade;

/// Which run a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowRun {
    /// The experiment.
    pub experiment: String,
    /// The model that agents asked.
    pub agent_model: String,
    /// The tier, such as `T0`.
    pub tier: String,
    /// The subtest, such as `00`.
    pub subtest: String,
    /// The run's number, from 1 on.
    pub run_number: u32,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableRun {
    /// Which run.
    #[serde(flatten)]
    pub run: RowRun,
    /// Mean score of its judges, 0 to 1.
    pub score: Option<f64>,
    /// Median implementation rate of its judges.
    pub impl_rate: Option<f64>,
    /// Whether it passed.
    pub passed: Option<bool>,
    /// The score's grade.
    pub grade: Option<Grade>,
    /// What its agent cost, in US dollars.
    pub cost_usd: Option<f64>,
    /// Agent and judges together, in seconds.
    pub duration_seconds: Option<f64>,
    /// The agent alone.
    pub agent_duration_seconds: Option<f64>,
    /// The judges alone.
    pub judge_duration_seconds: Option<f64>,
    /// Tokens read anew.
    pub input_tokens: Option<f64>,
    /// Tokens written.
    pub output_tokens: Option<f64>,
    /// Tokens written to the provider's cache.
    pub cache_creation_tokens: Option<f64>,
    /// Tokens read from the provider's cache.
    pub cache_read_tokens: Option<f64>,
    /// All of these together.
    pub total_tokens: Option<f64>,
    /// The agent's exit code.
    pub exit_code: Option<f64>,
    /// How often its agent asked a model.
    pub api_calls: Option<f64>,
    /// Share of the expected steps that were made, weighted.
    pub r_prog: Option<f64>,
    /// How far the steps led away from the goal.
    pub strategic_drift: Option<f64>,
    /// Share of changes that broke something.
    pub cfp: Option<f64>,
    /// Share of changes that were taken back.
    pub pr_revert_rate: Option<f64>,
}

/// What one judge said of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeRow {
    /// Which run.
    #[serde(flatten)]
    pub run: RowRun,
    /// The judge's model or name.
    pub judge_model: String,
    /// Its number in the panel, from 1 on.
    pub judge_number: u32,
    /// Its score, 0 to 1.
    pub judge_score: Option<f64>,
    /// Points it gave of the points to be had.
    pub judge_impl_rate: Option<f64>,
    /// Whether it passed the run.
    pub judge_passed: Option<bool>,
    /// The score's grade.
    pub judge_grade: Option<Grade>,
    /// Whether its answer could be read.
    pub judge_is_valid: Option<bool>,
    /// Its words on the whole.
    pub judge_reasoning: String,
}

/// What one judge said of one item of the rubric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriterionRow {
    /// Which run.
    #[serde(flatten)]
    pub run: RowRun,
    /// The judge's model or name.
    pub judge_model: String,
    /// Its number in the panel, from 1 on.
    pub judge_number: u32,
    /// The item.
    pub criterion: String,
    /// Its score, 0 to 1.
    pub criterion_score: Option<f64>,
    /// Points given; `None` where the item does not apply.
    pub criterion_achieved: Option<f64>,
    /// Points to be had.
    pub criterion_max: Option<f64>,
}
