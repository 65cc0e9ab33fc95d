//! Floor 4: sessions on experiments: the coordinator's loop and its workers.
//!
//! One thread, the coordinator, hears one mailbox and is the only one that can see the checkpoint. Each run in flight has
//! a thread, its worker, that writes only inside of its run's folder.

pub mod coordinator;
pub mod error;
pub mod projectscylla;
pub mod session;
pub mod worker;
