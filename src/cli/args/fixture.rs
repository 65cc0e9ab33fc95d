//! Arguments of the commands about fixtures.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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

/// What is said of a fixture beside its files.
#[derive(Debug, Clone, Default, Args)]
pub struct OverrideFlags {
    /// The folder of subtests and resources that fixtures share [default: `shared` in the fixture, else the nearest `claude-code/shared`]
    #[arg(long, value_name = "DIR")]
    pub shared_dir: Option<PathBuf>,
    /// The agent of every subtest, in place of what the fixture names, such as `codex`, or `codex@0.169.0` where its program must
    /// be this version, or `replay@FOLDER`, which plays the runs in a folder back. A `run` keeps it in the experiment, for each resume
    #[arg(long, value_name = "NAME[@VERSION]", conflicts_with = "agent_command", value_parser = values::agent)]
    pub agent: Option<String>,
    /// Shell line of the agent, for subtests that name none. A `run` keeps it in the experiment, for each resume
    #[arg(long, value_name = "LINE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub agent_command: Option<String>,
    /// Shell line of a judge, in place of the fixture's panel; may be given several times. A `run` keeps it too
    #[arg(long, value_name = "LINE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub judge_command: Vec<String>,
}
