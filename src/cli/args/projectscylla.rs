//! Arguments about experiments of ProjectScylla: how one is taken over, and how one is exported.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::Which;
use crate::cli::args::fixture::OverrideFlags;

/// Flags that have an effect when an experiment of ProjectScylla is taken over, and no other time.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Taking over from ProjectScylla")]
pub struct TakeOverFlags {
    /// The fixture from which missing runs are made [default: the folder of its prompt, from the current one]
    #[arg(long, value_name = "DIR")]
    pub tiers_dir: Option<PathBuf>,
    /// Make runs anew whose agent is done and whose judges are not: their agents are paid again
    #[arg(long)]
    pub redo_unjudged: bool,
    /// What is said of the fixture.
    #[command(flatten)]
    pub overrides: OverrideFlags,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// The format of another tool
    #[arg(long, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// Where it is written: a folder that is not there yet, or is empty
    #[arg(long, value_name = "PATH")]
    pub to: PathBuf,
}

/// Formats of ProjectScylla's runner, and one of what agents did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Checkpoint 3.1, runs in `completed/`: since March 2026
    #[value(name = "scylla-3.1")]
    Scylla31,
    /// Checkpoint 2.0, tiers in the experiment's own folder: January 2026
    #[value(name = "scylla-2.0")]
    Scylla20,
    /// What each agent did, step by step: a file for each run in the Agent Trajectory Interchange Format 1.8
    #[value(name = "atif")]
    Atif,
}
