//! Follows what workers report in the experiment's folder.

use std::ops::Bound;
use std::time::{Duration, Instant};

use super::Watch;
use crate::engine::backend::Input;
use crate::engine::backend::elsewhere::{self, Elsewhere};
use crate::engine::backend::slurm::flight::Flight;
use crate::engine::backend::slurm::queue::JobState;
use crate::engine::worker::report::{Done, RunEnd};
use crate::model::ids::{ModelName, RunId};
use crate::model::job::Placement;
use crate::model::job_line::JobLine;
use crate::model::outcome::FailureKind;
use crate::model::unfinished::{Unfinished, WhyLeft};

/// Most reports that are read at a time.
const MOST_FOLLOWED: usize = 200;
/// A pause that ends so much later is not another one: workers say what is left of it, and are read later.
const SAME_PAUSE: Duration = Duration::from_secs(5);

impl Watch {
    /// Reads what workers report: of so many at once that the file system is not asked too often.
    pub(super) fn follow(&mut self) {
        let after = self.followed.map_or(Bound::Unbounded, Bound::Excluded);
        let mut runs: Vec<RunId> = self.flights.range((after, Bound::Unbounded)).map(|(run, _)| *run).collect();
        runs.truncate(MOST_FOLLOWED);
        self.followed = runs.last().copied().filter(|_| runs.len() == MOST_FOLLOWED);
        for run in runs {
            let waits = |flight: &Flight| matches!(flight.state, Some(JobState::Pending(_))) && !flight.has_begun();
            // A job that waits has nothing to report.
            if !self.flights.get(&run).is_none_or(waits) {
                self.follow_one(run);
            }
        }
    }

    /// Reads what the worker of a run reports.
    pub(super) fn follow_one(&mut self, run: RunId) {
        let lines = match self.flights.get_mut(&run) {
            Some(flight) if flight.is_followed => flight.news(),
            Some(_) | None => return,
        };
        for line in lines {
            // The run may be over with what was reported before.
            if self.flights.contains_key(&run) {
                self.report(run, line);
            }
        }
    }

    fn report(&mut self, run: RunId, line: JobLine) {
        match elsewhere::read(&self.basis, run, line) {
            Elsewhere::Began(host) => {
                let Some(flight) = self.flights.get(&run) else { return };
                let is_placed = matches!(flight.placed, Some(Placement::Running { .. }));
                let placement = Placement::Running { job: flight.id().map(str::to_owned), node: host };
                if !is_placed {
                    self.place(run, placement);
                }
            }
            Elsewhere::Reports(report) => self.line.send(Input::Report(run, Box::new(report))),
            Elsewhere::Limited(model, wait) => self.limited(model, wait),
            Elsewhere::Ended(Done { spent, end }) => {
                let RunEnd::Unfinished(Unfinished { stage, agent_complete, why }) = end else {
                    return self.done(run, Done { spent, end });
                };
                let why = match (why, self.flights.get_mut(&run)) {
                    // Nobody here has asked it to stop: if Slurm has put its job back into the queue, it goes on there.
                    (WhyLeft::Stopped, Some(flight)) if self.stop.is_none() => {
                        flight.interrupted = Some((stage, agent_complete));
                        *self.carried.entry(run).or_default() += spent;
                        return;
                    }
                    // The signal that ended its agent is ours.
                    (WhyLeft::Failed { failure, .. }, _)
                        if failure.kind == FailureKind::Killed && self.stop.is_some() =>
                    {
                        WhyLeft::Stopped
                    }
                    (why, _) => why,
                };
                self.done(run, Done { spent, end: RunEnd::Unfinished(Unfinished { stage, agent_complete, why }) });
            }
            Elsewhere::Nothing => {}
        }
    }

    /// A worker reports a pause: most repeat one that is known.
    fn limited(&mut self, model: String, wait: Duration) {
        let until = Instant::now() + wait;
        let known = self.limited.get(&model).is_some_and(|known| until < *known + SAME_PAUSE);
        if !known {
            self.line.send(Input::Limited(ModelName::new(&model), wait));
            self.limited.insert(model, until);
        }
    }
}
