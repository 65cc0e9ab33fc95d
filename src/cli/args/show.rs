//! Arguments of the commands that look at runs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::args::{Which, values};
use crate::model::ids::RunId;

/// Arguments of `show`.
#[derive(Debug, Args)]
#[command(override_usage = "cargo scylla show [OPTIONS] [DIR] <RUN>")]
pub struct Show {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// A run such as `T0/00/1`, a setup such as `T0/00`, a tier such as `T0`, or the path of its folder
    #[arg(value_name = "RUN")]
    pub what: Option<PathBuf>,
    /// What is shown of a run instead of its screen.
    #[command(flatten)]
    pub view: ViewFlags,
    /// Form of what is printed [default: human; with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ShowFormat>,
    /// Print to a terminal without a pager
    #[arg(long)]
    pub no_pager: bool,
}

/// What is shown of a run instead of its screen.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that can be typed")]
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
#[command(next_help_heading = "One text of a run")]
pub struct ViewFlags {
    /// The patch: what the agent changed
    #[arg(long)]
    pub diff: bool,
    /// What the agent was told
    #[arg(long)]
    pub prompt: bool,
    /// What the agent wrote to its output and error output
    #[arg(long)]
    pub log: bool,
    /// What judge N was asked, what it answered, and how that was understood
    #[arg(long, value_name = "N", value_parser = values::count::<1, 1000>, allow_negative_numbers = true)]
    pub judge: Option<u32>,
    /// The steps that the agent took, where its kind tells them
    #[arg(long)]
    pub steps: bool,
    /// The requests to models that passed through the gateway, of the agent and of each judge: what each took, and what became of it
    #[arg(long)]
    pub exchanges: bool,
}

/// Form of what `show` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// For people
    Human,
    /// For programs: one JSON object
    Json,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(override_usage = "cargo scylla diff [OPTIONS] [DIR] <RUN>")]
pub struct Diff {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// The run, such as `T0/00/1`, or the path of its folder
    #[arg(value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Print to a terminal without a pager
    #[arg(long)]
    pub no_pager: bool,
}

/// Arguments of `checkout`.
#[derive(Debug, Args)]
pub struct Checkout {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// The run, such as `T0/00/1`
    #[arg(long, value_name = "RUN")]
    pub run: RunId,
    /// Where the tree is made: a folder that is not there yet, or is empty
    #[arg(long, value_name = "PATH")]
    pub to: PathBuf,
}

/// The experiment and the word for a part of it, of one or two words: one alone is the part, which the parser, who fills places
/// from the front, takes for the experiment. `None` when nothing was typed.
#[must_use]
pub fn named<'a>(experiment: &'a Which, part: Option<&'a Path>) -> Option<(Which, &'a Path)> {
    match (part, experiment.dir.as_deref()) {
        (Some(part), _) => Some((experiment.clone(), part)),
        (None, Some(alone)) => Some((Which { dir: None, ..experiment.clone() }, alone)),
        (None, None) => None,
    }
}
