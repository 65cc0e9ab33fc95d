//! Arguments of the commands that repeat what is done, and the help texts of those that continue an experiment.

use std::path::PathBuf;

use clap::{Arg, Args};

use crate::cli::args::Which;
use crate::cli::args::operation::OperationFlags;
use crate::cli::args::output::TableFlags;
use crate::cli::args::runs::FilterFlags;
use crate::model::ids::RunId;

/// Arguments of `rerun`.
#[derive(Debug, Args)]
#[command(mut_args = as_saved)]
pub struct Rerun {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// A run to make again, such as `T0/00/1`, whatever it holds; may be given several times
    #[arg(long, value_name = "RUN")]
    pub run: Vec<RunId>,
    /// Which runs.
    #[command(flatten)]
    pub filters: FilterFlags,
    /// Make every run again that is missing because infrastructure failed; agents that are done are not asked again
    #[arg(long, conflicts_with = "filter")]
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
#[command(mut_args = as_saved)]
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
    /// Which runs.
    #[command(flatten)]
    pub filters: FilterFlags,
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

/// Flags whose values an experiment saves.
const SAVED: [&str; 25] = [
    "backend",
    "cpus",
    "memory",
    "time_seconds",
    "partition",
    "thinking",
    "timeout",
    "sandbox",
    "network",
    "max_run_tokens",
    "max_run_turns",
    "max_run_cost_usd",
    "max_memory",
    "max_processes",
    "max_processors",
    "inherit",
    "jobs",
    "attempts",
    "max_pause",
    "keep_workspaces",
    "containment",
    "gateway",
    "hold",
    "record",
    "work_dir",
];
/// The beginning of a default in a help text.
const DEFAULT: &str = " [default: ";

/// The flag with a help text for when it is not given: the saved value applies, not the default of a new experiment.
pub(super) fn as_saved(arg: Arg) -> Arg {
    if !SAVED.contains(&arg.get_id().as_str()) {
        return arg;
    }
    let help = arg.get_help().map(|help| saved(&help.to_string()));
    let long = arg.get_long_help().map(|help| saved(&help.to_string()));
    let arg = if let Some(help) = help { arg.help(help) } else { arg };
    if let Some(long) = long { arg.long_help(long) } else { arg }
}

/// A help text with the default that applies here.
fn saved(help: &str) -> String {
    let default = help.split_once(DEFAULT).and_then(|(before, rest)| Some((before, rest.split_once(']')?.1)));
    default.map_or_else(|| help.to_owned(), |(before, after)| format!("{before}{DEFAULT}as saved]{after}"))
}
