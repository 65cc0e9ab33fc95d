//! Experiments of ProjectScylla in the store: how one is recognised, what its names mean, what a survey concludes from
//! its files, and how one is taken over. Of the general modules, only `store/form` uses this.

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

/// Converts a result as Python writes it to standard JSON.
pub(super) fn strict(bytes: &[u8]) -> Result<Vec<u8>, String> {
    result::strict(bytes)
}

/// Whether an agent did anything, and what it cost; `None` when what it left cannot be read.
pub(super) fn agent(bytes: &[u8]) -> Option<(bool, Total)> {
    Agent::parse(bytes).map(|agent| (agent.is_usable(), agent.cost_usd.into()))
}
