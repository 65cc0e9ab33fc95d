//! What can be typed: the arguments, and nothing of what they mean.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::model::experiment::{ContainmentChoice, KeepWorkspaces};
use crate::model::ids::{RunId, TierId};
use crate::model::money::Usd;

/// Measures which setup of a coding agent solves your tasks, how often, and at what cost, and never loses a run.
#[derive(Debug, Parser)]
#[command(name = "cargo scylla", bin_name = "cargo scylla", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 all is done and agrees, 2 usage, 3 held by another coordinator, 4 repair can mend \
it, 5 evidence is damaged, 6 planned runs are missing, 7 a policy is not met, 130 and 143 stopped."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What applies to every command.
    #[command(flatten)]
    pub talk: Talk,
}

/// How much is said, and in which form.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub struct Talk {
    /// Say more: stages of runs too
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say only what went wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print events and results for people or as one JSON object per line
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    pub message_format: MessageFormat,
    /// Use color
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
    /// For people.
    Human,
    /// One JSON object per line.
    Json,
}

/// When color is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start an experiment, or go on with the unfinished one of the same fixture
    Run(Run),
    /// Go on with an experiment
    Resume(Resume),
    /// Add runs, tiers or subtests to an experiment, and make them
    Extend(Extend),
    /// Show where an experiment stands
    Status(Status),
    /// Check that results, checkpoint and plan agree; writes nothing
    Verify(Verify),
    /// Mend what `verify` finds; deletes nothing and invents nothing
    Repair(Repair),
    /// Rebuild the tree of a run as it was graded
    Checkout(Checkout),
    /// Check, make or list fixtures
    #[command(subcommand)]
    Fixture(Fixture),
    /// Print completions for a shell
    Completions(Completions),
    /// Print the manual page
    Man,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The fixture: a folder with `test.yaml` [default: `tiers-dir` of the settings]
    #[arg(long, value_name = "DIR")]
    pub tiers_dir: Option<PathBuf>,
    /// Where experiments lie [default: `scylla` below the target directory]
    #[arg(long, value_name = "DIR")]
    pub results_dir: Option<PathBuf>,
    /// Tiers to run, such as `T0,T1` [default: all of the fixture]
    #[arg(long, value_name = "TIERS", value_delimiter = ',', num_args = 1..)]
    pub tiers: Option<Vec<TierId>>,
    /// Runs of each subtest [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub runs: Option<u32>,
    /// Most subtests of a tier
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_subtests: Option<u32>,
    /// Start anew even if an unfinished experiment of this fixture exists
    #[arg(long)]
    pub fresh: bool,
    /// What can be said again on resume.
    #[command(flatten)]
    pub config: ConfigFlags,
}

/// Flags that name fields of the config. On resume the saved result fields win, and each differing flag is told.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Measurement")]
pub struct ConfigFlags {
    /// Model that agents are told to use
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Model that judges are told to use; may be given several times
    #[arg(long, value_name = "MODEL")]
    pub judge_model: Vec<String>,
    /// How much agents are told to think
    #[arg(long, value_name = "MODE", value_parser = ["None", "Low", "High", "UltraThink"], ignore_case = true)]
    pub thinking: Option<String>,
    /// Wall clock limit of an agent, in seconds [default: the fixture's, else 3600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub timeout: Option<u64>,
    /// Flags that take effect on resume too.
    #[command(flatten)]
    pub operation: OperationFlags,
}

/// Flags of how the work is done; they take effect on resume.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Operation")]
pub struct OperationFlags {
    /// Runs in flight at once [default: the number of cores]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub jobs: Option<u32>,
    /// Attempts of a run when infrastructure fails [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub attempts: Option<u32>,
    /// Start nothing more when this cost could be exceeded: every attempt and judge counts
    #[arg(long, value_name = "USD")]
    pub max_cost_usd: Option<Usd>,
    /// Which workspaces stay after their run [default: none]
    #[arg(long, value_name = "WHICH")]
    pub keep_workspaces: Option<KeepWorkspaces>,
    /// How the processes of a run are held together [default: auto]
    #[arg(long, value_name = "HOW")]
    pub containment: Option<ContainmentChoice>,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The experiment's folder
    pub dir: PathBuf,
    /// Flags to compare or to take.
    #[command(flatten)]
    pub config: ConfigFlags,
}

/// Arguments of `extend`.
#[derive(Debug, Args)]
pub struct Extend {
    /// The experiment's folder
    pub dir: PathBuf,
    /// Runs of each subtest from now on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub runs: Option<u32>,
    /// Tiers to add
    #[arg(long, value_name = "TIERS", value_delimiter = ',', num_args = 1..)]
    pub tiers: Vec<TierId>,
    /// Most subtests of a tier from now on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_subtests: Option<u32>,
    /// Record the growth, start nothing
    #[arg(long)]
    pub plan_only: bool,
    /// Flags that take effect.
    #[command(flatten)]
    pub operation: OperationFlags,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The experiment's folder
    pub dir: PathBuf,
    /// Show it again every two seconds, until the experiment ends
    #[arg(short, long)]
    pub watch: bool,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The experiment's folder, or its checkpoint.json
    pub dir: PathBuf,
    /// Compare results and checkpoint only; do not read the evidence that seals cover
    #[arg(long)]
    pub quick: bool,
    /// Form of the report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: VerifyFormat,
    /// At most so many planned runs may be missing
    #[arg(long, value_name = "N", help_heading = "Gate")]
    pub max_missing: Option<usize>,
    /// Every subtest must have so many results
    #[arg(long, value_name = "N", help_heading = "Gate")]
    pub min_runs: Option<usize>,
    /// Warnings fail too
    #[arg(long, help_heading = "Gate")]
    pub deny_warnings: bool,
}

/// Form of the report of `verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// For people.
    Human,
    /// One JSON document.
    Json,
    /// `JUnit` XML.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0.
    Sarif,
}

/// Arguments of `repair`.
#[derive(Debug, Args)]
pub struct Repair {
    /// The experiment's folder, or its checkpoint.json
    pub dir: PathBuf,
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Forget entries of which there is no result
    #[arg(long)]
    pub drop_phantoms: bool,
    /// Set a run aside, so that a resume makes it anew; may be given several times
    #[arg(long, value_name = "RUN")]
    pub quarantine: Vec<RunId>,
}

/// Arguments of `checkout`.
#[derive(Debug, Args)]
pub struct Checkout {
    /// The experiment's folder
    pub dir: PathBuf,
    /// The run, such as `T0/00/1`
    #[arg(long, value_name = "RUN")]
    pub run: RunId,
    /// Where the tree is made; must not exist or be empty
    #[arg(long, value_name = "PATH")]
    pub to: PathBuf,
}

/// Commands on fixtures.
#[derive(Debug, Subcommand)]
pub enum Fixture {
    /// Report every mistake of a fixture at once, with file and line
    Check {
        /// The fixture's folder
        dir: PathBuf,
    },
    /// Write a commented, working fixture
    New {
        /// The folder to make
        dir: PathBuf,
    },
    /// List the fixtures in a folder
    List {
        /// The folder [default: the folder in which `tiers-dir` of the settings lies, else the current one]
        dir: Option<PathBuf>,
    },
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

impl ValueEnum for KeepWorkspaces {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::None, Self::Failed, Self::All]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::None => "none",
            Self::Failed => "failed",
            Self::All => "all",
        }))
    }
}

impl ValueEnum for ContainmentChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Bubblewrap, Self::Cgroup, Self::Walk]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Auto => "auto",
            Self::Bubblewrap => "bubblewrap",
            Self::Cgroup => "cgroup",
            Self::Walk => "walk",
        }))
    }
}
