//! What workers and their coordinator write for each other when workers are jobs of a batch system that shares the experiment's
//! folder: starts of workers with signs of life and reports, batches of jobs, pauses of models, and variables.
//!
//! Nothing of it is evidence. Results are the truth here as well: a coordinator that finds no report looks at the run's folder.

mod batch;
mod pauses;
mod placements;
mod start;
mod tail;
mod variables;

pub use batch::{Batch, batch_token};
pub use pauses::{Pauses, forget_pauses, pause};
pub use placements::{placements, write_placements};
pub use start::{Start, newest_start};
pub use tail::Tail;
pub use variables::{release_jobs, remove_variables, stop_jobs, variables, write_variables};
