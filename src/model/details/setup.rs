//! What is known about the runs of a setup together.

use schemars::JsonSchema;
use serde::Serialize;

use super::RunState;
use crate::model::control::Control;
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
    /// Its name; `None` when no fixture names it.
    pub name: Option<String>,
    /// What is expected of it when it is a control, which measures no agent; `None` for an agent's.
    pub control: Option<Control>,
    /// The runs, in order.
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
    /// Its state.
    pub state: RunState,
    /// Its score.
    pub score: Option<Score>,
}

/// Something that happened in a number of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counted {
    /// What happened.
    pub what: String,
    /// In how many runs it happened.
    pub runs: usize,
    /// In how many runs it could have happened.
    pub of: usize,
}

/// An item of the rubric over the runs of a setup.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MeanOfItem {
    /// Its id.
    pub id: String,
    /// What must be true; `None` when no rubric is known.
    pub description: Option<String>,
    /// The mean over runs of the mean over judges; `None` when it never applied.
    pub mean_score: Option<f64>,
    /// In how many runs it applied.
    pub runs: usize,
}
