//! Arguments of `list`; alone, for each command has a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// The results folder [default: where `run` puts experiments]
    pub results_dir: Option<PathBuf>,
    /// The results folder; the spelling of other commands
    #[arg(long = "results-dir", value_name = "DIR", conflicts_with = "results_dir")]
    pub named_dir: Option<PathBuf>,
    /// Form of the list [with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: ListFormat,
}

/// Form of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table
    Human,
    /// One JSON array of objects
    Json,
}
