//! Experiments of the original's runner, in every version and both layouts, are verified and mended as ours are.

mod dryrun;
mod incident;
pub(crate) mod made;
mod versions;
