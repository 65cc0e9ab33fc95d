//! Experiments of ProjectScylla: taken over, and exported for it.

pub mod export;
pub mod take_over;
