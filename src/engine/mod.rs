//! Floor 4: sessions on experiments: the coordinator's loop and its workers.
//!
//! One thread, the coordinator, receives all input through one mailbox and is the only one that can write the
//! checkpoint. Each run in flight has a worker, which a backend runs: a thread here, or a process anywhere, which
//! writes only inside of its run's folder.

pub mod alone;
mod backend;
pub mod cluster;
pub mod coordinator;
pub mod error;
pub mod image;
mod lease;
pub mod overview;
pub mod pending;
pub mod projectscylla;
pub mod reach;
pub mod reported;
pub mod rows;
pub mod session;
pub mod version;
pub mod worker;
