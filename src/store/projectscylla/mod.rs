//! Experiments of ProjectScylla in the store: how one is recognised, what its names mean, what follows from its files for
//! the survey, and how one is taken over. General modules meet it in `store/form` alone.

use crate::model::usage::Total;
use crate::projectscylla::agent::Agent;
use crate::projectscylla::result;

pub(super) mod document;
pub mod experiment;
pub(super) mod layout;
mod planned;
pub(super) mod recognise;
mod reports;
mod runner;
pub mod take_over;

/// Makes standard JSON of a result as Python writes it.
pub(super) fn strict(bytes: &[u8]) -> Result<Vec<u8>, String> {
    result::strict(bytes)
}

/// What an agent left: whether it did anything, and what it cost; `None` when that cannot be read.
pub(super) fn agent(bytes: &[u8]) -> Option<(bool, Total)> {
    Agent::parse(bytes).map(|agent| (agent.is_usable(), agent.cost_usd.into()))
}
