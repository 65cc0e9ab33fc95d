//! Arguments of `seal`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::Which;

/// Arguments of `seal`: which experiment, and who signs; alone, as the arguments of every command that has its own.
#[derive(Debug, Args)]
pub struct Seal {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// Sign the seal with this SSH key: a private key, or the public one of a key that an agent holds
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}
