//! Arguments of the commands that do again what is done.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::output::TableFlags;
use crate::cli::args::{OperationFlags, Which};
use crate::model::ids::RunId;

/// Arguments of `rerun`.
#[derive(Debug, Args)]
#[command(mut_args = super::saved::as_saved)]
pub struct Rerun {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// A run to make again, such as `T0/00/1`, whatever it holds; may be given several times
    #[arg(long, value_name = "RUN")]
    pub run: Vec<RunId>,
    /// Make every run again that is missing because infrastructure failed; agents that are done are not asked again
    #[arg(long)]
    pub errored: bool,
    /// Flags that take effect.
    #[command(flatten)]
    pub operation: OperationFlags,
    /// The table of results.
    #[command(flatten)]
    pub table: TableFlags,
}

/// Arguments of `regrade`.
#[derive(Debug, Args)]
#[command(mut_args = super::saved::as_saved)]
pub struct Regrade {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// The mended fixture [default: `tiers-dir` of the settings, when it is the experiment's]
    #[arg(long, value_name = "FIXTURE")]
    pub from: Option<PathBuf>,
    /// A run to grade, such as `T0/00/1`; may be given several times [default: every run whose agent is done]
    #[arg(long, value_name = "RUN")]
    pub run: Vec<RunId>,
    /// Why, in a sentence that is kept with the grading
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Flags that take effect.
    #[command(flatten)]
    pub operation: OperationFlags,
    /// The table of results.
    #[command(flatten)]
    pub table: TableFlags,
}
