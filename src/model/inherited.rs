//! `config/inherited/T1.json`: the winners that a tier's subtests take over, frozen before its first run, and how they won.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::ids::{SubtestId, TierId};
use super::score::Score;

/// The winners that a tier takes over. Once written, a source is never chosen again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inherited {
    /// Version of the writer's files.
    pub version: String,
    /// The tier that takes them over.
    pub tier: TierId,
    /// Each source with its winner.
    #[schemars(with = "BTreeMap<String, TakenOver>")]
    pub sources: BTreeMap<TierId, TakenOver>,
}

/// The winner of a tier, as it was taken over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TakenOver {
    /// When it was chosen.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who won, and against whom.
    #[serde(flatten)]
    pub winner: Winner,
    /// Runs of the source that were planned then; those that had no result were given up.
    pub planned: usize,
    /// Digest of what was composed for the winner, which is what is taken over; `null` when nothing was.
    pub composed: Option<Digest>,
}

/// What the winner's rule compares of a committed run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// Whose run it is.
    pub subtest: SubtestId,
    /// Its score.
    pub score: Score,
    /// Tokens of its agent; `None` when it does not say them.
    pub tokens: Option<u64>,
}

/// What the committed runs of a subtest say, as far as the winner's rule looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// The subtest.
    pub subtest: SubtestId,
    /// Median score of its committed runs.
    pub median: f64,
    /// How many committed runs it has.
    pub runs: usize,
    /// Tokens of their agents in all, those of the provider's cache included; `None` where one agent did not say them.
    pub tokens: Option<u64>,
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
    /// Whether the two best were so near to each other that their tokens, which both said, were asked.
    pub by_tokens: bool,
    /// Every candidate, the highest median first.
    pub ranked: Vec<Candidate>,
}
