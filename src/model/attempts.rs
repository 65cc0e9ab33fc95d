//! Former attempts of runs: those that lie there, and those that should.

use super::ids::AttemptNumber;
use super::money::Usd;

/// The former attempts that a run should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Former {
    /// How many.
    pub attempts: u32,
    /// What they cost, as the result says.
    pub cost: Option<Usd>,
}

/// The former attempts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttemptsSeen {
    /// How many they are.
    pub count: u32,
    /// Whether they are numbered without a gap since they carry digests.
    pub is_bound: bool,
    /// The highest number.
    pub last: Option<AttemptNumber>,
    /// What all of them cost.
    pub cost: Usd,
    /// Whether the last one used the attempts up.
    pub used_up: bool,
}
