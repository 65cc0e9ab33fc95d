//! `config/inherited/T1.json`: the winners that a tier's subtests take over, frozen before its first run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::ids::{SubtestId, TierId};

/// The winners that a tier takes over. Once written, a source is never chosen again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inherited {
    /// Version of the writer's files.
    pub version: String,
    /// The tier that takes them over.
    pub tier: TierId,
    /// Each source with its winner.
    #[schemars(with = "BTreeMap<String, Winner>")]
    pub sources: BTreeMap<TierId, Winner>,
}

/// The winner of a tier, and what it won by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Winner {
    /// The subtest that won.
    pub subtest: SubtestId,
    /// Median score of its runs.
    pub median_score: f64,
    /// Tokens of its runs, cache included.
    pub tokens: u64,
    /// How far the second median lies below the highest; 1 when there is no second subtest.
    pub margin: f64,
    /// Whether the margin was so small that tokens decided.
    pub tie_break: bool,
    /// Committed runs of the tier that were compared.
    pub runs: usize,
    /// Runs of the tier that were planned then.
    pub planned: usize,
    /// Digest of what was composed for the winner, which is what is taken over; `null` when nothing was.
    pub composed: Option<Digest>,
    /// When it was chosen.
    #[schemars(with = "String")]
    pub at: Timestamp,
}
