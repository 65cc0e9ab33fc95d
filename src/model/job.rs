//! Jobs of a batch system: where workers run, what a job may use, and where it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::RunId;
use super::resources::Memory;

/// Where workers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// As threads of the coordinator.
    #[default]
    Local,
    /// As jobs of a Slurm cluster, which shares the experiment's folder.
    Slurm,
}

impl BackendChoice {
    /// Whether workers are jobs of a batch system.
    #[must_use]
    pub fn is_cluster(self) -> bool {
        match self {
            Self::Local => false,
            Self::Slurm => true,
        }
    }
}

/// What a job may use. What is `None` is left to the batch system, or to what is asked for elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JobResources {
    /// Processors.
    pub cpus: Option<u32>,
    /// Memory.
    #[schemars(with = "Option<String>")]
    pub memory: Option<Memory>,
    /// Time, in seconds.
    pub time_seconds: Option<u64>,
    /// The part of the cluster.
    pub partition: Option<String>,
    /// Further options of the batch system, as it spells them.
    pub options: Vec<String>,
}

impl JobResources {
    /// The same, and where this says nothing, what `other` says. Options of both hold, these after those.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        Self {
            cpus: self.cpus.or(other.cpus),
            memory: self.memory.or(other.memory),
            time_seconds: self.time_seconds.or(other.time_seconds),
            partition: self.partition.clone().or_else(|| other.partition.clone()),
            options: other.options.iter().chain(&self.options).cloned().collect(),
        }
    }
}

/// What is known of a run whose worker is a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Placement {
    /// It waits for its turn.
    Queued {
        /// The job, as the batch system names it; `None` while it has no name yet.
        job: Option<String>,
        /// Why it waits, in the batch system's word.
        reason: Option<String>,
    },
    /// It runs.
    Running {
        /// The job.
        job: Option<String>,
        /// The machine.
        node: String,
    },
}

/// A run that a job is to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobTask {
    /// The run.
    pub run: RunId,
    /// How many attempts the run may still have.
    pub attempts: u32,
    /// The number of the newest start of a worker for the run before the job was submitted: what the job does has a higher one.
    pub after: u32,
}
