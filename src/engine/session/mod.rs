//! Sessions on experiments: how one is created, opened, extended, graded again, and what it goes on from.

pub mod basis;
pub mod create;
pub mod freeze;
pub mod grader;
pub mod inheritance;
pub mod open;
pub mod orphans;
pub mod progress;
pub mod regrade;
pub mod rerun;
