//! Floor 4: the coordinator's loop and its workers.
//!
//! One thread, the coordinator, hears one mailbox and is the only one that can see the checkpoint. Each run in flight has
//! a thread, its worker, that writes only inside of its run's folder.

pub mod adopt;
pub mod coordinator;
mod counting;
pub mod create;
pub mod error;
pub mod excerpt;
pub mod export;
mod failure;
pub mod freeze;
pub mod grader;
mod hearing;
mod inherit;
pub mod mailbox;
pub mod open;
pub mod regrade;
pub mod rerun;
pub mod standing;
pub mod strays;
pub mod taken;
pub mod workplace;

mod stages;
mod untouched;
mod worker;
