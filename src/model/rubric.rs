//! The rubric: what is scored, how much each item weighs, and the score from which on a run has passed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::score::{GradeScale, Score};

/// A rubric in one form, whichever of the two forms its file has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rubric {
    /// The items, in the file's order; ids are unique.
    pub items: Vec<RubricItem>,
    /// The least score of a run that passed.
    pub pass_threshold: Score,
    /// The least score of each grade.
    pub grade_scale: GradeScale,
}

/// One item of a rubric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RubricItem {
    /// Its name, unique in the rubric.
    pub id: String,
    /// What must be true for the full score.
    pub description: String,
    /// Its share, relative to the other items; above 0.
    pub weight: f64,
    /// Which scores are allowed.
    pub evaluation: Evaluation,
    /// The check whose exit code determines the item.
    #[serde(default)]
    pub rests_on: Option<String>,
    /// When the item may be left out of the score; `None` when it never may.
    #[serde(default)]
    pub na_condition: Option<String>,
}

/// Which scores an item may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evaluation {
    /// 0 or 1.
    Binary,
    /// Anything between 0 and 1.
    Scaled,
}

/// A judge's score of one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ItemScore {
    /// The score; `None` when the item does not apply.
    pub score: Option<Score>,
    /// The reason, in the judge's words.
    #[serde(default)]
    pub explanation: String,
}
