//! Arguments of `plan`; alone, for each command has a file.

use clap::{Args, ValueEnum};

use crate::cli::args::Which;

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct Planned {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// Only runs that are to be made yet and that a worker can begin now
    ///
    /// Those that a resume would make: missing ones, and those without a verdict under the newest grading. Left out, which is said, are
    /// runs that are worked on, and tiers that wait for winners.
    #[arg(long)]
    pub pending: bool,
    /// Form of the runs [with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: PlannedFormat,
}

/// Form of planned runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlannedFormat {
    /// One run a line
    Human,
    /// One JSON array of objects
    Json,
}
