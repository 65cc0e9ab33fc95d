//! `config/inherited/T1.json`: the winners that a tier's subtests inherit from, frozen before its first run, and how
//! they won.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::ids::{SubtestId, TierId};
use super::score::Score;

/// The winners that a tier inherits from. Once written, the winner of a source tier is never chosen again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inherited {
    /// Version of the writer's files.
    pub version: String,
    /// The tier that inherits.
    pub tier: TierId,
    /// Each source tier with its winner.
    #[schemars(with = "BTreeMap<String, TakenOver>")]
    pub sources: BTreeMap<TierId, TakenOver>,
}

/// The winner of a tier when it was frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TakenOver {
    /// When it was chosen.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The winner, and the candidates that it was compared with.
    #[serde(flatten)]
    pub winner: Winner,
    /// Number of runs of the source tier that were planned then; runs without a result at that time are not waited for.
    pub planned: usize,
    /// Digest of what was composed for the winner, which is what is inherited; `null` when nothing was.
    pub composed: Option<Digest>,
}

/// The values of a committed run by which the winner is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// The run's subtest.
    pub subtest: SubtestId,
    /// Its score.
    pub score: Score,
    /// Tokens that its agent used; `None` when they were not reported.
    pub tokens: Option<u64>,
}

/// The values of a subtest's committed runs by which the winner is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// The subtest.
    pub subtest: SubtestId,
    /// Median score of its committed runs.
    pub median: f64,
    /// How many committed runs it has.
    pub runs: usize,
    /// Total tokens of their agents, with those of the provider's cache; `None` when one agent did not report them.
    pub tokens: Option<u64>,
}

/// The subtest that won a tier, and the candidates that it was compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Winner {
    /// The winner.
    pub subtest: SubtestId,
    /// Its median score.
    pub median: f64,
    /// The difference between the highest and the second highest median; 1 when there is only one.
    pub margin: f64,
    /// Whether the two best were so close that their tokens, which both reported, decided.
    pub by_tokens: bool,
    /// Every candidate, the highest median first.
    pub ranked: Vec<Candidate>,
}
