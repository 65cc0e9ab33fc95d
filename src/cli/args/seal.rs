//! Arguments of `seal`: alone, as those of every command with arguments of its own.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::Which;

/// Arguments of `seal`: which experiment, and who signs.
#[derive(Debug, Args)]
pub struct Seal {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// Sign the seal with this SSH key: a private key, or the public one of a key that an agent holds
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}
