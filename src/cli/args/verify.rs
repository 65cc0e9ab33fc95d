//! Arguments of `verify`, of the gate, and of `repair`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::{Which, values};
use crate::model::ids::RunId;
use crate::report::findings::{FORMATS, Format};
use crate::rules::policy::LeastPassRate;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The experiments: folders, files in them, or parts of their names [default: the newest in the results folder]
    pub dirs: Vec<PathBuf>,
    /// Where they are looked for by a part of the name, or the newest one [default: where `run` puts experiments]
    #[arg(long, value_name = "DIR")]
    pub results_dir: Option<PathBuf>,
    /// How closely each is examined; each level does all of the former one [default: recompute]
    #[arg(long, value_name = "LEVEL", conflicts_with = "quick")]
    pub level: Option<Closeness>,
    /// Leave the evidence that seals cover unread; compare results, checkpoint and plan only: `--level counts`
    #[arg(long, conflicts_with_all = ["report", "require_seal", "signer"])]
    pub quick: bool,
    /// Hold the files in `report/` of the experiment against the results, else exit 7; without this flag, when they are stamped
    #[arg(long)]
    pub report: bool,
    /// Form of the report [with `--message-format json`: json]
    #[arg(long, value_name = "FORMAT", default_value = FORMATS[0].name, value_parser = values::report_format())]
    pub format: &'static Format,
    /// What is asked of each of them.
    #[command(flatten)]
    pub gate: Gate,
}

/// How closely an experiment is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Closeness {
    /// Names and forms of files: what is torn, foreign, left over or of an unknown version
    Shape,
    /// Results against plan, checkpoint and config
    Counts,
    /// Evidence against its seals, and files of reports against their stamps
    Content,
    /// Verdicts computed again from what judges and checks left, and reports made again
    Recompute,
}

/// What is asked of an experiment before its numbers are used.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Gate")]
#[expect(clippy::struct_excessive_bools, reason = "each is a requirement of its own")]
pub struct Gate {
    /// So many planned runs may be missing: exit 7 when there are more, 0 instead of 6 when not
    #[arg(long, value_name = "N", value_parser = values::any_count, allow_negative_numbers = true)]
    pub max_missing: Option<usize>,
    /// So many planned runs may have used up their attempts, else exit 7
    #[arg(long, value_name = "N", value_parser = values::any_count, allow_negative_numbers = true)]
    pub max_errored: Option<usize>,
    /// Each subtest must have so many results, else exit 7
    #[arg(long, value_name = "N", value_parser = values::any_count, allow_negative_numbers = true)]
    pub min_runs: Option<usize>,
    /// Each result must rest on the votes of so many judges, else exit 7
    #[arg(long, value_name = "N", value_parser = values::any_count, allow_negative_numbers = true)]
    pub min_judges: Option<usize>,
    /// This share of the results must have passed, from 0 to 1: of all, or of a tier or subtest, as in `T1/02=0.8`; else exit 7
    ///
    /// May be given several times.
    #[arg(long, value_name = "[SETUP=]RATE", allow_negative_numbers = true)]
    pub min_pass_rate: Vec<LeastPassRate>,
    /// No warning may be there, else exit 7
    #[arg(long)]
    pub deny_warnings: bool,
    /// Nothing that would be published may hold the text of a secret, else exit 7
    #[arg(long)]
    pub no_secrets: bool,
    /// There must be a seal over the whole experiment that covers all of it, else exit 7
    #[arg(long, visible_alias = "sealed")]
    pub require_seal: bool,
    /// Agents of the same kind must have said one and the same version in all results, else exit 7
    #[arg(long)]
    pub same_agent_version: bool,
    /// Who may have signed the seal: a file of allowed signers, as `ssh-keygen` reads it; else exit 5, or 7 without a signature
    #[arg(long, value_name = "FILE")]
    pub signer: Option<PathBuf>,
}

/// Arguments of `repair`.
#[derive(Debug, Args)]
pub struct Repair {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// Show what would be done, and do nothing; exit 4 when there is something to do
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Forget entries of the checkpoint of which there is no result; a resume then makes those runs
    #[arg(long)]
    pub drop_phantoms: bool,
    /// Set a run such as `T0/00/1` aside, so that a resume makes it anew; may be given several times
    #[arg(long, value_name = "RUN")]
    pub quarantine: Vec<RunId>,
}
