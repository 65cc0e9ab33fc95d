//! What can be typed about fixtures and experiments of the original's runner.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::Which;

/// What is said of a fixture beside its files.
#[derive(Debug, Clone, Default, Args)]
pub struct OverrideFlags {
    /// The folder of subtests and resources that fixtures share [default: `shared` in the fixture, else the nearest `claude-code/shared`]
    #[arg(long, value_name = "DIR")]
    pub shared_dir: Option<PathBuf>,
    /// Shell line of the agent, for subtests that name none. A `run` keeps it in the experiment, for each resume
    #[arg(long, value_name = "LINE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub agent_command: Option<String>,
    /// Shell line of a judge, in place of the fixture's panel; may be given several times. A `run` keeps it too
    #[arg(long, value_name = "LINE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub judge_command: Vec<String>,
}

/// Flags that have an effect when an experiment of the original's runner is taken over, and no other time.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Taking over from ProjectScylla")]
pub struct AdoptionFlags {
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
    /// Which of the original's formats
    #[arg(long, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// Where it is written: a folder that is not there yet, or is empty
    #[arg(long, value_name = "PATH")]
    pub to: PathBuf,
}

/// Formats of the original's runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Checkpoint 3.1, runs in `completed/`: since March 2026
    #[value(name = "scylla-3.1")]
    Scylla31,
    /// Checkpoint 2.0, tiers in the experiment's own folder: January 2026
    #[value(name = "scylla-2.0")]
    Scylla20,
}
