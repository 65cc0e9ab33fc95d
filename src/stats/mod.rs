//! Floor 1: numbers, derived from results. Pure: random numbers come from a seed. What cannot be said is `None`, never a
//! number that is none.

pub mod agreement;
pub mod analysis;
pub mod bootstrap;
pub mod cliffs_delta;
pub mod comparison;
pub mod controls;
pub mod correlation;
pub mod cost;
pub mod descriptive;
mod distributions;
pub mod drift;
pub mod estimate;
pub mod holm;
pub mod items;
pub mod kruskal_wallis;
pub mod mann_whitney;
mod normal;
pub mod paired;
pub mod passes;
pub mod permutation;
pub mod power;
pub mod proportion;
pub mod random;
pub mod ranks;
pub mod scheirer_ray_hare;
pub mod setups;
pub mod shapiro_wilk;
pub mod shortfalls;
pub mod summaries;
pub mod tiers;
pub mod winner;
