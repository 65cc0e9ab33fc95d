//! Arguments of `worker`: the run, and what differs from the saved config on this machine.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::again::as_saved;
use crate::cli::args::{Which, values};
use crate::model::experiment::ContainmentChoice;
use crate::model::ids::RunId;
use crate::model::limits::MOST_ATTEMPTS;

/// Arguments of `worker`.
#[derive(Debug, Args)]
#[command(mut_args = as_saved)]
pub struct Worker {
    /// The experiment.
    #[command(flatten)]
    pub experiment: Which,
    /// The run to make, such as `T0/00/3`
    #[arg(long, value_name = "RUN")]
    pub run: RunId,
    /// Keep to the rules of a cluster that may start a job a second time
    ///
    /// Another worker that has the run is waited for as long as it gives signs of life in the experiment's folder, and replaced when it
    /// gives none. This one gives such signs, and stops its agent when the folder is out of reach.
    #[arg(long)]
    pub lease: bool,
    /// The file into which the output of this worker goes: it is also put into the run's folder, as `job.log`
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// What differs here.
    #[command(flatten)]
    pub operation: WorkerFlags,
}

/// What differs from the saved config for one worker, and is not saved.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Operation")]
pub struct WorkerFlags {
    /// How often the run is tried yet, this time included; when the last time fails, the run counts as errored [default: 3]
    #[arg(long, value_name = "N", value_parser = values::count::<1, MOST_ATTEMPTS>, allow_negative_numbers = true)]
    pub attempts: Option<u32>,
    /// Ask at once, although a provider named a later time when it was asked last
    #[arg(long)]
    pub ignore_rate_limit: bool,
    /// How the processes of the run are held together, so that none outlives it [default: auto]
    #[arg(long, value_name = "HOW")]
    pub containment: Option<ContainmentChoice>,
    /// Where agent, checks and judges work, such as scratch space of this machine [default: /var/tmp]
    #[arg(long, value_name = "DIR", value_parser = values::absolute_folder)]
    pub work_dir: Option<String>,
}
