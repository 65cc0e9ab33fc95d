//! Flags of where workers run, and of what their jobs may use.

use clap::Args;

use crate::cli::args::values;
use crate::model::job::{BackendChoice, JobResources};
use crate::model::resources::Memory;

/// Most processors of a job.
const MOST_CPUS: u32 = 1_000_000;

/// Flags of where workers run; they take effect on resume.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterFlags {
    /// Where workers run [default: local]
    ///
    /// `local`: as threads of this process. `slurm`: as jobs of a Slurm cluster whose machines share the results folder; `docs/cluster.md`
    /// says how. Where a resume changes it, a saved `--jobs` that is only the default of the former one becomes that of the new one.
    #[arg(long, value_name = "WHERE")]
    pub backend: Option<BackendChoice>,
    /// Processors of each job [default: as the fixture says, else as the cluster does]
    #[arg(long, value_name = "N", value_parser = values::count::<1, MOST_CPUS>, allow_negative_numbers = true)]
    pub cpus: Option<u32>,
    /// Memory of each job, such as `4G` [default: as the fixture says, else as the cluster does]
    #[arg(long = "mem", value_name = "SIZE", value_parser = values::job_memory, allow_negative_numbers = true)]
    pub memory: Option<Memory>,
    /// Time of each job, such as `90m` or `02:00:00` [default: as the fixture says, else as the cluster does]
    ///
    /// Agent, checks and judges of a run must fit into it: what is not done by then is tried again as another attempt.
    #[arg(long = "time", value_name = "TIME", value_parser = values::job_seconds, allow_negative_numbers = true)]
    pub time_seconds: Option<u64>,
    /// The part of the cluster [default: as the fixture says, else as the cluster does]
    #[arg(long, value_name = "NAME", value_parser = values::one_line)]
    pub partition: Option<String>,
    /// An option of `sbatch` for each job, such as `--sbatch=--gres=gpu:1`; may be given several times
    #[arg(long = "sbatch", value_name = "OPTION", value_parser = values::option, allow_hyphen_values = true)]
    pub options: Vec<String>,
}

impl ClusterFlags {
    /// What jobs may use, as far as flags say it.
    #[must_use]
    pub fn resources(&self) -> JobResources {
        JobResources {
            cpus: self.cpus,
            memory: self.memory,
            time_seconds: self.time_seconds,
            partition: self.partition.clone(),
            options: self.options.clone(),
        }
    }
}
