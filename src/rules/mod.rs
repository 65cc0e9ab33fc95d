//! Floor 1: what may happen next, what is wrong and how it is mended. Pure: no I/O, no clock.

pub mod audit;
pub mod costs;
pub mod facts;
pub mod filter;
pub mod gradings;
pub mod index;
pub mod limiter;
pub mod mend;
pub mod next;
pub mod pacing;
pub mod policy;
pub mod prices;
mod queue;
pub mod recompute;
pub mod retry;
pub mod rows;
pub mod sort;
pub mod stage;
pub mod state;
pub mod status;
pub mod unanswered;
mod weigh;
