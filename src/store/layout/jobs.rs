//! Paths of what workers and their coordinator write for each other when workers are jobs of a batch system.

use std::path::PathBuf;

use super::{ExperimentFolder, RunFolder};
use crate::model::ids::RunId;

/// The folder of jobs: nothing in it is evidence, and results do not rest on it.
pub(in crate::store) const JOBS: &str = ".jobs";
/// The log of the job that worked on a run, in the run's folder.
pub(in crate::store) const JOB_LOG: &str = "job.log";

impl ExperimentFolder {
    /// The folder of jobs.
    #[must_use]
    pub fn jobs(&self) -> PathBuf {
        self.root.join(JOBS)
    }

    /// The starts of workers for a run, each a folder named by its number.
    #[must_use]
    pub fn starts(&self, run: RunId) -> PathBuf {
        let place = self.jobs().join("runs").join(run.tier.to_string()).join(run.subtest.to_string());
        place.join(run.run.folder())
    }

    /// The batches of jobs that were submitted, each a folder named by its number.
    #[must_use]
    pub fn batches(&self) -> PathBuf {
        self.jobs().join("batches")
    }

    /// The word by which jobs of this experiment are told from those of every other one.
    #[must_use]
    pub fn job_token(&self) -> PathBuf {
        self.jobs().join("token")
    }

    /// Until when no model may be asked, by whichever worker.
    #[must_use]
    pub fn pauses(&self) -> PathBuf {
        self.jobs().join("pauses.json")
    }

    /// The variables that workers are given, keys among them: only the user can read it.
    #[must_use]
    pub fn given_variables(&self) -> PathBuf {
        self.jobs().join("variables.json")
    }

    /// That no job may begin another run.
    #[must_use]
    pub fn jobs_stopped(&self) -> PathBuf {
        self.jobs().join("stopped")
    }

    /// Where the runs in flight are, as the coordinator saw last.
    #[must_use]
    pub fn placements(&self) -> PathBuf {
        self.jobs().join("placements.json")
    }
}

impl RunFolder {
    /// The log of the job that worked on the run. It is no evidence: what a job writes after the commit may be in it.
    #[must_use]
    pub fn job_log(&self) -> PathBuf {
        self.root.join(JOB_LOG)
    }
}
