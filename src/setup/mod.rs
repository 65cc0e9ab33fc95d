//! Floor 1: what a subtest is composed of, and what it inherits from the winners of earlier tiers.

pub mod alike;
pub mod compose;
pub mod given;
pub mod inherit;
pub mod vary;
