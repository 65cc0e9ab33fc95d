//! Arguments of `stop`; alone, for no other command speaks to a coordinator.

use clap::Args;

use crate::cli::args::Which;
use crate::cli::args::show::ShowFormat;

/// Arguments of `stop`.
#[derive(Debug, Args)]
pub struct Stop {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// End the runs in flight too, which are then no results, instead of letting them come to their end
    #[arg(long)]
    pub now: bool,
    /// Form of what is printed [default: human; with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ShowFormat>,
}
