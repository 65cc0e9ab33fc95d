//! Sessions on experiments: how an experiment is created, opened, extended and graded again, and what a session starts
//! from.

pub mod basis;
pub mod create;
pub mod freeze;
pub mod grader;
pub mod inheritance;
pub mod open;
pub mod orphans;
pub mod progress;
pub mod recordings;
pub mod regrade;
pub mod rerun;
