//! Experiments and fixtures of ProjectScylla: read, verified, repaired, taken over, resumed and given back.

mod export;
mod files;
pub(crate) mod fixture;
mod fixtures;
mod plan;
pub(crate) mod read;
mod taken_over;
