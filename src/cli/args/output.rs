//! How much is printed, in which format, and which rows tables of results have.

use clap::{Args, ValueEnum};

use crate::cli::args::Command;
use crate::ui::Rows;

/// How much is said, and in which form.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub struct Talk {
    /// Say more: each stage of each run too
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say only what went wrong, and how to go on
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Form of events and results; JSON goes to standard output
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    pub message_format: MessageFormat,
    /// When to use color
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "CARGO_TERM_COLOR",
        hide_env_values = true
    )]
    pub color: ColorWhen,
}

/// Form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// For people: bars on a terminal, lines elsewhere
    Human,
    /// For programs: one JSON object per event
    Json,
}

/// When color is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Flags of tables of results.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct TableFlags {
    /// What the table of results has a row for [default: each setup; above 30 setups each tier]
    #[arg(long, value_name = "ROWS")]
    pub by: Option<By>,
}

impl Default for Talk {
    fn default() -> Self {
        Self { verbose: false, quiet: false, message_format: MessageFormat::Human, color: ColorWhen::Auto }
    }
}

impl TableFlags {
    /// The chosen rows.
    #[must_use]
    pub fn rows(self) -> Option<Rows> {
        self.by.map(|by| match by {
            By::Subtest => Rows::Subtests,
            By::Tier => Rows::Tiers,
        })
    }
}

/// Rows of a table of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Each setup
    Subtest,
    /// Each tier
    Tier,
}

impl Command {
    /// The rows of the command's table of results, when a person chose them.
    #[must_use]
    pub fn rows(&self) -> Option<Rows> {
        match self {
            Self::Run(args) => args.table,
            Self::Resume(args) => args.table,
            Self::Extend(args) => args.table,
            Self::Rerun(args) => args.table,
            Self::Regrade(args) => args.table,
            Self::Status(args) => args.table,
            _ => TableFlags::default(),
        }
        .rows()
    }
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}
