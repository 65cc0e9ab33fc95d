//! `config/inherited/T1.json`: the winners that a tier's subtests take over, frozen before its first run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::ids::TierId;
use super::winner::Winner;

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
