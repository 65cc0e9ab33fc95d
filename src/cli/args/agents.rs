//! Arguments of the commands about the programs of agents; alone, for each command has a file.

use clap::Args;

use crate::cli::args::show::ShowFormat;

/// Arguments of `agents`.
#[derive(Debug, Args)]
pub struct Agents {
    /// Form of the table [default: human; with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ShowFormat>,
}
