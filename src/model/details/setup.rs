//! What is known of the runs of a setup together.

use schemars::JsonSchema;
use serde::Serialize;

use super::RunState;
use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::score::Score;
use crate::model::usage::{self, Total};

/// The runs of a setup together.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SetupDetails {
    /// The tier.
    pub tier: TierId,
    /// The subtest.
    pub subtest: SubtestId,
    /// Its name; `None` where no fixture tells it.
    pub name: Option<String>,
    /// The runs in a row.
    pub runs: Vec<RunOfSetup>,
    /// How many have a verdict.
    pub judged: usize,
    /// How many of those passed.
    pub passed: usize,
    /// Their mean score.
    pub mean_score: Option<f64>,
    /// What all attempts and judges cost.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// How agents ended, most frequent first.
    pub ends: Vec<Counted>,
    /// How often each check failed.
    pub checks: Vec<Counted>,
    /// The items of the rubric with their mean scores over runs and judges.
    pub items: Vec<MeanOfItem>,
}

/// A run of a setup.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunOfSetup {
    /// The run.
    pub run: RunId,
    /// What it is.
    pub state: RunState,
    /// Its score.
    pub score: Option<Score>,
}

/// Something that happened in some of the runs in which it could.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counted {
    /// What.
    pub what: String,
    /// In how many runs.
    pub runs: usize,
    /// Of how many.
    pub of: usize,
}

/// An item of the rubric over the runs of a setup.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MeanOfItem {
    /// Its id.
    pub id: String,
    /// What must be true; `None` where no rubric tells it.
    pub description: Option<String>,
    /// The mean over runs of the mean over judges; `None` where it never applied.
    pub mean_score: Option<f64>,
    /// In how many runs it applied.
    pub runs: usize,
}
