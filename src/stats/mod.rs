//! Floor 1: numbers, derived from results. Pure.

pub mod tiers;
pub mod winner;
