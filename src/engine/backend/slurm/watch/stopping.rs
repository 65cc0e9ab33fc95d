//! Ends jobs when a stop is requested, and leaves nothing behind that nobody needs any more.

use std::thread;
use std::time::{Duration, Instant};

use super::{Closed, LOOKS, TICK, Watch};
use crate::engine::backend::elsewhere;
use crate::engine::backend::slurm::cluster::Refusal;
use crate::engine::worker::report::RunEnd;
use crate::model::outcome::StopLevel;
use crate::model::unfinished::Unfinished;
use crate::store::jobs::{release_jobs, remove_variables};

/// Jobs that are not needed any more are waited for at most so long.
const CLEARED: Duration = Duration::from_secs(20);

impl Watch {
    /// Leaves nothing behind that nobody needs any more.
    pub(super) fn leave(&mut self) {
        if self.closed == Some(Closed::Left) {
            return;
        }
        self.close_batches();
        self.show();
        if self.flights.is_empty() {
            self.clear_queue();
        }
        if self.batches.is_empty() {
            // If it cannot be removed, only its user can read it.
            let _ = remove_variables(&self.basis.folder);
            let _ = release_jobs(&self.basis.folder);
        }
    }

    /// Waits until no job is left in the queue, and ends those that nobody waits for any more: what they were to do was done by another one.
    fn clear_queue(&self) {
        let began = Instant::now();
        let mut is_told = false;
        while began.elapsed() < CLEARED {
            let Ok(queue) = self.cluster.queue(&self.frame.name) else { return };
            if queue.iter().all(|one| one.is_ending) {
                return;
            }
            if began.elapsed() > LOOKS.0 && !is_told {
                is_told = self.cluster.end(&self.frame.name).is_ok();
            }
            thread::sleep(TICK);
        }
    }

    /// Slurm cannot be asked to end jobs: that is said, and whoever wants to go at once goes. The next session finds the jobs.
    pub(super) fn go_without_cluster(&mut self, stop_level: StopLevel) {
        if stop_level < StopLevel::Kill {
            return self.notice("Slurm cannot be asked to end jobs now, and is asked again until it answers");
        }
        self.notice("Slurm cannot be asked to end jobs: they are left, and the next session finds them");
        self.show();
        self.let_go();
    }

    /// Another coordinator may have the experiment: jobs go on, and that one follows them. Nothing of theirs is touched any more.
    pub(super) fn detach(&mut self) {
        if self.closed != Some(Closed::Left) {
            self.notice("jobs go on, and whoever has the experiment now follows them");
            self.let_go();
        }
    }

    /// Follows nothing any more, and touches nothing.
    fn let_go(&mut self) {
        self.closed = Some(Closed::Left);
        self.unheard = false;
        for job in std::mem::take(&mut self.waiting) {
            self.end(job.run, self.withdrawn(job.run));
        }
        for run in self.flights.keys().copied().collect::<Vec<_>>() {
            let folder = &self.basis.folder;
            let end = match self.flights.get(&run) {
                Some(flight) if flight.has_begun() => {
                    let (stage, agent_complete) = elsewhere::left_at(folder, run);
                    RunEnd::Unfinished(Unfinished::stopped(stage, agent_complete))
                }
                Some(_) | None => self.withdrawn(run),
            };
            self.end(run, end);
        }
    }

    pub(super) fn pass_stop_on(&mut self) {
        let passed = match self.stop {
            Some(StopLevel::Kill) => self.cluster.kill(&self.frame.name),
            Some(StopLevel::Terminate | StopLevel::Drain) => self.cluster.end(&self.frame.name),
            None => Ok(()),
        };
        self.unheard = matches!(passed, Err(Refusal::Passing(_)));
    }
}
