//! Arguments of the commands that do again what is done.

use clap::Args;

use crate::cli::args::{OperationFlags, Which};
use crate::model::ids::RunId;

/// Arguments of `rerun`.
#[derive(Debug, Args)]
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
}
