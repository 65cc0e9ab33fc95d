//! Arguments of `publish`; alone, for each command has a file.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::Which;
use crate::cli::args::verify::Gate;

/// Arguments of `publish`.
#[derive(Debug, Args)]
pub struct Publish {
    /// Which experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// The bundle, a new file whose name ends with `.tar.zst`
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What is asked of it.
    #[command(flatten)]
    pub gate: Gate,
}
