//! Floor 1: numbers, derived from results. Pure.

pub mod setups;
pub mod shortfalls;
pub mod tiers;
pub mod winner;
