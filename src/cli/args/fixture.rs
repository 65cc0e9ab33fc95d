//! What can be typed about fixtures.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::original::OverrideFlags;
use crate::cli::args::values;

/// Commands on fixtures.
#[derive(Debug, Subcommand)]
pub enum Fixture {
    /// Report every mistake of a fixture at once, with file and line
    ///
    /// The solution must apply to the task's tree, and commands may name only files that are there. For a folder that holds
    /// fixtures, one table of them comes first. `--run` tries the fixture too: the solution must pass every check, an agent that
    /// does nothing must fail, and the judges must answer on both.
    Check(Check),
    /// Write a commented fixture that works as it stands
    New {
        /// The folder to make; its name becomes the fixture's id
        dir: PathBuf,
    },
    /// List the fixtures in a folder, with their mistakes
    List {
        /// The folder [default: the folder in which `tiers-dir` of the settings lies, else the current one]
        dir: Option<PathBuf>,
    },
}

/// Arguments of `fixture check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The fixture's folder, or a folder that holds fixtures
    pub dir: PathBuf,
    /// Run checks and judges too, on the untouched tree and on the solution; judges may cost money
    #[arg(long)]
    pub run: bool,
    /// Do so N times each, and name what is not the same each time
    #[arg(long, value_name = "N", requires = "run", default_value = "1", value_parser = values::count::<1, 1000>, allow_negative_numbers = true)]
    pub repeat: u32,
    /// What is said of the fixture.
    #[command(flatten)]
    pub overrides: OverrideFlags,
}
