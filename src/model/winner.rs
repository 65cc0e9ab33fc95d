//! The winner of a tier, as plain values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::SubtestId;

/// What the committed runs of a subtest say, as far as the winner's rule looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// The subtest.
    pub subtest: SubtestId,
    /// Median score of its committed runs.
    pub median: f64,
    /// How many committed runs it has.
    pub runs: usize,
    /// Tokens of their agents in all, those of the provider's cache included.
    pub tokens: u64,
}

/// The subtest that won a tier, and against whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Winner {
    /// The winner.
    pub subtest: SubtestId,
    /// Its median score.
    pub median: f64,
    /// How far the highest median lies above the second; 1 when there is no second.
    pub margin: f64,
    /// Whether the two best were so near to each other that their tokens were asked.
    pub by_tokens: bool,
    /// Every candidate, the highest median first.
    pub ranked: Vec<Candidate>,
}
