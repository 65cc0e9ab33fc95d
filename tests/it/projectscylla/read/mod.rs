//! Experiments of ProjectScylla's runner, in every version and both layouts, are verified and mended as ours are. What
//! is known of its bugs is made as a folder here, and is done right.

mod counted;
mod dryrun;
mod hostile;
mod incident;
mod live;
mod looking;
pub(crate) mod made;
mod mended;
mod periods;
mod reproduced;
mod trusted;
mod versions;
