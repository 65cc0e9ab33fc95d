//! Arguments of `runs`, and the filters of every command that speaks of some runs.

use clap::{Args, ValueEnum};

use crate::cli::args::Which;

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub struct Runs {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// Which runs.
    #[command(flatten)]
    pub filters: FilterFlags,
    /// What rows are sorted by, such as `score` or `-cost,time` [default: by tier, subtest and run]
    ///
    /// Keys: tier, subtest, run, setup, model, status, score, grade, end, cost, spent, tokens, time, attempts, reason. `-KEY` or
    /// `KEY:desc` sorts from the greatest. Runs that have no such value come last either way.
    #[arg(long, value_name = "KEYS", value_delimiter = ',', allow_hyphen_values = true)]
    pub sort: Vec<String>,
    /// Form of the rows [with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: RowsFormat,
}

/// Which runs.
#[derive(Debug, Clone, Default, Args)]
pub struct FilterFlags {
    /// Only runs that fit, such as `tier(T1) & status(failed) & score(<0.5)`; may be given several times: those that fit any
    #[arg(short = 'E', long = "filter", value_name = "EXPR")]
    pub filter: Vec<String>,
}

/// Form of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowsFormat {
    /// A table for people
    #[value(alias = "human")]
    Table,
    /// CSV with a line of titles
    Csv,
    /// One JSON array of objects
    Json,
    /// One JSON object a line
    Jsonl,
}
