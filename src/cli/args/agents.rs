//! Arguments of the commands about the programs of agents.

use clap::{Args, Subcommand};

use crate::cli::args::show::ShowFormat;
use crate::cli::args::values;

/// Arguments of `agents`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Agents {
    /// What to do in place of the table.
    #[command(subcommand)]
    pub command: Option<AgentsCommand>,
    /// Form of the table [default: human; with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ShowFormat>,
}

/// Commands on agents.
#[derive(Debug, Subcommand)]
pub enum AgentsCommand {
    /// Let an agent do one tiny task, and say what came of it: how it ended, what it used, and what to do about a failure
    ///
    /// The agent is to write a word into a file, in a folder of its own that is gone afterwards, started, contained and limited
    /// as in any run. It asks its model, which costs a little. Exits with 0 when it did the task, else with 6.
    Doctor(Doctor),
}

/// Arguments of `agents doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The kind of agent, such as `codex`, or with a version that it must be, as `codex@0.169.0`
    pub agent: String,
    /// Model that it is told to use [default: the program's own]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// How long it may work, such as `90` (seconds) or `5m`
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = values::seconds, allow_negative_numbers = true)]
    pub timeout: u64,
    /// Form of what is printed [default: human; with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ShowFormat>,
}
