//! The arguments that can be typed, without their meaning.

mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::cli::args::again::{Regrade, Rerun, as_saved};
use crate::cli::args::agents::Agents;
use crate::cli::args::allowance::AllowanceFlags;
use crate::cli::args::compare::Compare;
use crate::cli::args::fixture::{Fixture, OverrideFlags};
use crate::cli::args::judge::{CheckFirst, Judge};
use crate::cli::args::list::List;
use crate::cli::args::operation::OperationFlags;
use crate::cli::args::output::{Completions, TableFlags, Talk};
use crate::cli::args::plan::Planned;
use crate::cli::args::projectscylla::{Export, TakeOverFlags};
use crate::cli::args::publish::Publish;
use crate::cli::args::report::Report;
use crate::cli::args::runs::Runs;
use crate::cli::args::seal::Seal;
use crate::cli::args::show::{Checkout, Diff, Show};
use crate::cli::args::stop::Stop;
use crate::cli::args::verify::{Repair, Verify};
use crate::cli::args::worker::Worker;
use crate::model::experiment::Inherit;
use crate::model::ids::TierId;
use crate::model::limits::MOST_RUNS_PER_SUBTEST;
use crate::model::money::Usd;
use crate::model::sandbox::{Network, SandboxChoice};

pub mod again;
pub mod agents;
pub mod allowance;
pub mod cluster;
pub mod compare;
pub mod fixture;
pub mod judge;
pub mod list;
pub mod operation;
pub mod output;
pub mod plan;
pub mod projectscylla;
pub mod publish;
pub mod report;
pub mod runs;
pub mod seal;
pub mod show;
pub mod stop;
pub mod verify;
pub mod worker;

/// Measures which setup of a coding agent solves your tasks, how often, and at what cost, and never loses a run.
///
/// A fixture is a task with several setups of an agent. An experiment makes many runs of each setup, checks and judges
/// every run, and is a folder: it can be stopped at any moment, resumed, moved, verified and repaired.
#[derive(Debug, Parser)]
#[command(name = "cargo scylla", bin_name = "cargo scylla", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 all that was planned is done and agrees, 1 internal error, 2 usage or configuration, 3 \
held by another coordinator or worker, 4 `repair` can mend it, 5 evidence is damaged, 6 planned runs are missing, 7 a policy of \
`verify` is not met, 129, 130 and 143 stopped and to be resumed.\n\nBegin with `cargo scylla fixture new my-task`, then \
`cargo scylla run my-task`."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What applies to every command.
    #[command(flatten)]
    pub talk: Talk,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start an experiment, or go on with the unfinished one of the same fixture
    ///
    /// If the results folder has an experiment of this fixture's id, the newest one counts. An unfinished one is continued
    /// under its saved config, unless the fixture was edited since. A finished one that is what is asked for is left alone; one
    /// that only has fewer runs is for `extend`, one that was only graded otherwise for `regrade`; beside any other one a new
    /// experiment begins. `--fresh` starts anew always.
    Run(Run),
    /// Go on with an experiment, from its folder alone
    ///
    /// What can be mended is mended first. No committed run is made again, and no finished agent or judge of an unfinished
    /// one is asked again. The saved config holds: of the flags, those below Operation take effect, and each other one that
    /// differs is told. What is not given stays as it was saved. A resume never turns into a new experiment.
    ///
    /// An experiment of ProjectScylla (checkpoint 1.0 to 3.1) with missing runs is taken over: it says what will be done, keeps
    /// checkpoint and config in `config/original/`, keeps every committed run, and makes those that are missing. A complete one
    /// is left as it is.
    Resume(Resume),
    /// Add runs, tiers or subtests to an experiment, and make them
    ///
    /// A plan only grows, and each growth is recorded in the config. Committed runs stay what they are, and a flag that is not
    /// given stays as it was saved.
    Extend(Extend),
    /// Make runs again that are named; their former attempts are kept
    ///
    /// What a named run holds moves to `.failed/`, and what it cost still counts. Nothing else is made: a `resume` makes what is
    /// missing beside.
    Rerun(Rerun),
    /// Grade again what agents have done, by a mended rubric, criteria, checks or judges
    ///
    /// The mended fixture becomes a grading of its own beside the former ones, whose verdicts stay. No agent is asked. Numbers
    /// follow the newest grading under which every committed run has a verdict.
    Regrade(Regrade),
    /// Print the runs of an experiment, one a line, as `worker --run` takes them
    ///
    /// With `--pending` those that are to be made yet, for GNU parallel or any batch system. It takes no lock and writes nothing,
    /// and works while others work on the experiment.
    Plan(Planned),
    /// Make one planned run in this process, without a coordinator
    ///
    /// Takes the run through its stages, behind the last one that is durable, and commits it. Several workers may work on one
    /// experiment at once, on several machines that share its folder, also beside a coordinator: each claims its run, and no
    /// run has two. A worker tries its run once and knows no ceiling of the cost. It writes no checkpoint: a `resume` or `repair`
    /// adds the result to it.
    ///
    /// Exits with 0 when the run is committed, also when it was before; with 6 when it is not, and says why; with 2 when it is
    /// not planned; with 3 when another worker has it.
    Worker(Worker),
    /// Tell the coordinator of an experiment to stop, from another terminal, and wait until it has
    ///
    /// As the first Ctrl-C at its own terminal does: nothing new is started, and runs in flight come to their end. With `--now`
    /// they are ended. Asking twice is the same as asking once. It signals the process that holds the experiment's lock here,
    /// and never another one. Exits with 0 when it has ended, or nobody was at work; with 3 when it is another machine's, or
    /// workers without a coordinator are at work.
    Stop(Stop),
    /// Show where an experiment stands, also while it runs
    Status(Status),
    /// Show one run on one screen: why it failed, what it cost, where its files are
    ///
    /// The verdict and who voted how, each item of the rubric with each judge's score and reason, checks with the end of what
    /// failed, how the agent ended, what it used, former attempts, gradings and files. Of a run that is missing, what is there
    /// and what to type. A setup such as `T0/00` is shown by its runs in a row and by what failed how often, a tier by its setups.
    Show(Show),
    /// Print what the agent of a run changed, as a patch
    ///
    /// Byte for byte where standard output is no terminal, so that `git apply` takes it; colored, and with everything shown that
    /// a terminal would obey, on one.
    Diff(Diff),
    /// List the experiments of the results folder, the newest first
    List(List),
    /// Show a row for each run of an experiment, also of those that are missing
    ///
    /// Runs can be chosen by filters, such as `status(failed) & cost(>0.10)`, and sorted.
    Runs(Runs),
    /// Compare setups, tiers or whole experiments: which solves its task more often, by how much, and how sure that is
    ///
    /// Shows first what differs between what they were given, then their numbers beside each other, each with how many runs it
    /// rests on, and a plain sentence for each difference: with its 95 % interval, and whether it may be chance.
    Compare(Compare),
    /// Write one file with all that others need to check an experiment, when it is in order and holds no secret
    ///
    /// Where a policy is not met, nothing is written, and the exit code is that of `verify`, which checks bundles, too.
    Publish(Publish),
    /// Report experiments: which setup solves its task, how often, at what cost, and how sure that is
    ///
    /// Answers in plain sentences, the setups in a table with intervals, the judges and how far they agree. Beside every mean
    /// stands how many runs it rests on; a run without a verdict is missing, and never a failure. The same results give the same
    /// bytes. What is written to a folder is stamped there with the digest of its results, so that `verify` finds what is out of
    /// date or edited.
    Report(Report),
    /// Check that results, checkpoint and plan agree; writes nothing
    ///
    /// Reads every result and the evidence that its seal covers, and reports each disagreement with its cure.
    Verify(Verify),
    /// Mend what `verify` finds; deletes nothing and invents nothing
    ///
    /// The checkpoint's bytes are copied to a new name first, and what is broken moves to `.quarantine/`. What needs a person
    /// is told. The second repair changes nothing.
    Repair(Repair),
    /// Seal a whole experiment by one digest, and sign it
    ///
    /// Writes `SHA256SUMS` at its top, over config, fixture and all that runs have left, which `sha256sum -c` checks without
    /// this tool. Its digest stands for the whole. `verify` holds a sealed experiment against it.
    Seal(Seal),
    /// Rebuild the tree of a run as it was graded
    ///
    /// Makes a git repository with the subtest's baseline as its commit, and the agent's changes on top, not committed.
    Checkout(Checkout),
    /// Write an experiment anew in the form of ProjectScylla's runner
    ///
    /// Makes a folder with checkpoint, config, results and reports that ProjectScylla's readers understand. The experiment
    /// itself is only read. Runs without a result are left out, and the status is then `interrupted`.
    Export(Export),
    /// Check, make or list fixtures
    #[command(subcommand)]
    Fixture(Fixture),
    /// Show every kind of agent: where its program is, its version, and its keys; or try one
    Agents(Agents),
    /// Check judges against gold examples
    #[command(subcommand)]
    Judge(Judge),
    /// Print completions of `cargo-scylla` and `cargo scylla` for a shell
    ///
    /// In `~/.bashrc`: `source <(cargo-scylla completions bash)`. In `~/.zshrc`, behind `compinit`: `source <(cargo-scylla
    /// completions zsh)`. In `~/.config/fish/config.fish`: `cargo-scylla completions fish | source`.
    Completions(Completions),
    /// Print the manual page of `cargo-scylla`
    Man,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The fixture: a folder with `test.yaml` [default: `tiers-dir` of the settings]
    pub fixture: Option<PathBuf>,
    /// The fixture; the spelling of ProjectScylla
    #[arg(long, value_name = "DIR", conflicts_with = "fixture")]
    pub tiers_dir: Option<PathBuf>,
    /// Where experiments lie [default: `scylla-results` at the root of the workspace, or in the current folder outside of one]
    #[arg(long, value_name = "DIR")]
    pub results_dir: Option<PathBuf>,
    /// Tiers to run, such as `T0,T1` [default: all of the fixture]
    #[arg(long, value_name = "TIERS", value_delimiter = ',', num_args = 1.., value_parser = values::tier)]
    pub tiers: Option<Vec<TierId>>,
    /// How many runs of each subtest the experiment has [default: 10]
    #[arg(long, value_name = "N", value_parser = values::count::<1, MOST_RUNS_PER_SUBTEST>, allow_negative_numbers = true)]
    pub runs: Option<u32>,
    /// Take only the first N subtests of each tier
    #[arg(long, value_name = "N", value_parser = values::count::<1, MOST_RUNS_PER_SUBTEST>, allow_negative_numbers = true)]
    pub max_subtests: Option<u32>,
    /// Start a new experiment even if there is one of this fixture
    #[arg(long)]
    pub fresh: bool,
    /// Make the experiment and start nothing; `resume`, or workers, make the runs
    #[arg(long, conflicts_with = "dry_run")]
    pub plan_only: bool,
    /// Show the whole plan, what each subtest composes, and what is missing for it here; start no agent and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// What a run is expected to cost, in US dollars, for the estimate of `--dry-run`
    #[arg(long, value_name = "USD", requires = "dry_run", value_parser = values::dollars, allow_negative_numbers = true)]
    pub price_per_run: Option<Usd>,
    /// What is said of the fixture.
    #[command(flatten)]
    pub overrides: OverrideFlags,
    /// What can be said again on resume.
    #[command(flatten)]
    pub config: ConfigFlags,
    /// Whether judges are checked first.
    #[command(flatten)]
    pub judges: CheckFirst,
    /// The table of results.
    #[command(flatten)]
    pub table: TableFlags,
}

/// Flags that name fields of the config. On resume the saved result fields win, and each differing flag is told.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Measurement")]
pub struct ConfigFlags {
    /// Model that agents are told to use, as `$SCYLLA_MODEL`
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Model of judges that leave it open; several make a judge of each
    #[arg(long, value_name = "MODEL")]
    pub judge_model: Vec<String>,
    /// How much agents are told to think, by a word before the prompt [default: None]
    #[arg(long, value_name = "MODE", value_parser = ["None", "Low", "High", "UltraThink"], ignore_case = true)]
    pub thinking: Option<String>,
    /// How long an agent may work, such as `600` (seconds), `10m` or `1h30m`; then what is there is graded [default: the fixture's, else 1h]
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    pub timeout: Option<u64>,
    /// What keeps agents and checks to their tree [default: the fixture's, else none]
    ///
    /// `bubblewrap`: they write only their tree, have a home and temporary folders of their own, and see of yours only programs and toolchains.
    /// `auto` takes it where it works. `podman`: the same with the files of the fixture's image in place of this machine's. `none`: they
    /// reach what you reach.
    #[arg(long, value_name = "HOW")]
    pub sandbox: Option<SandboxChoice>,
    /// What agents and checks in a sandbox reach of the network [default: the fixture's, else open]
    ///
    /// `open`: all that this machine reaches. `model`: an agent its model, by the gateway, and agents and checks the hosts that the
    /// fixture names (`network: {allow: [HOST]}`). `none`: nothing, not even a model.
    #[arg(long, value_name = "WHAT")]
    pub network: Option<Network>,
    /// What the agent of one run may use.
    #[command(flatten)]
    pub allowance: AllowanceFlags,
    /// What subtests take over from the winners of earlier tiers [default: as-declared]
    ///
    /// `as-declared`: what the fixture says, by `extends_previous` and `inherit_best_from`. `previous-best`: who
    /// declares nothing takes the winner of the nearest earlier tier. `none`: each subtest stands alone.
    #[arg(long, value_name = "HOW")]
    pub inherit: Option<Inherit>,
    /// Give agents and judges the answers of recorded runs again; ask no model, and spend nothing
    ///
    /// A folder of an experiment, each of whose runs answers the run of the same setup and number, or of one run, which answers all. It was
    /// made with `--record exchanges`. A request that was not recorded fails its attempt, and the difference is told.
    #[arg(long, value_name = "DIR")]
    pub replay: Option<String>,
    /// Flags that take effect on resume too.
    #[command(flatten)]
    pub operation: OperationFlags,
}

/// Which experiment a command is about.
#[derive(Debug, Clone, Default, Args)]
pub struct Which {
    /// The experiment: its folder, a file in it, or a part of its name [default: the newest in the results folder]
    pub dir: Option<PathBuf>,
    /// Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]
    #[arg(long, value_name = "DIR")]
    pub results_dir: Option<PathBuf>,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
#[command(mut_args = as_saved)]
pub struct Resume {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// What an experiment of ProjectScylla needs beside its folder.
    #[command(flatten)]
    pub take_over: TakeOverFlags,
    /// Flags to compare or to take.
    #[command(flatten)]
    pub config: ConfigFlags,
    /// Whether judges are checked first.
    #[command(flatten)]
    pub judges: CheckFirst,
    /// The table of results.
    #[command(flatten)]
    pub table: TableFlags,
}

/// Arguments of `extend`.
#[derive(Debug, Args)]
#[command(mut_args = as_saved)]
pub struct Extend {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// How many runs each subtest has from now on, those that are there included
    #[arg(long, value_name = "N", value_parser = values::count::<1, MOST_RUNS_PER_SUBTEST>, allow_negative_numbers = true)]
    pub runs: Option<u32>,
    /// Tiers of the fixture to add, such as `T2,T3`
    #[arg(long, value_name = "TIERS", value_delimiter = ',', num_args = 1.., value_parser = values::tier)]
    pub tiers: Vec<TierId>,
    /// Take the first N subtests of each tier from now on
    #[arg(long, value_name = "N", value_parser = values::count::<1, MOST_RUNS_PER_SUBTEST>, allow_negative_numbers = true)]
    pub max_subtests: Option<u32>,
    /// Record the growth and start nothing; `resume` makes the runs
    #[arg(long)]
    pub plan_only: bool,
    /// Flags that take effect.
    #[command(flatten)]
    pub operation: OperationFlags,
    /// The table of results.
    #[command(flatten)]
    pub table: TableFlags,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// Show it again every two seconds, until nobody is at work on it
    #[arg(short, long)]
    pub watch: bool,
    /// The table of results.
    #[command(flatten)]
    pub table: TableFlags,
}
