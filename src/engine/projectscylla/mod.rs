//! Experiments of ProjectScylla: taken over, and given back to it.

pub mod export;
pub mod take_over;
