//! Workers that begin later than they are started, as jobs of a cluster do: those of former sessions go on, and those that have not begun
//! are taken back when nothing more is to be begun.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::backend::elsewhere::last_attempt;
use crate::engine::backend::slurm::Slurm;
use crate::engine::backend::{Backend, Local, Mailbox};
use crate::engine::coordinator::Coordinator;
use crate::engine::coordinator::holding::Holding;
use crate::engine::error::EngineError;
use crate::engine::session::basis::Basis;
use crate::engine::worker::workplace::{Surroundings, Workplace};
use crate::model::event::{Event, Missing};
use crate::model::ids::{AttemptNumber, RunId};
use crate::model::job::{BackendChoice, Placement};
use crate::text::words::counted;

/// Where the workers of a session run, and what is to be said of jobs of former ones.
pub(super) fn backend(
    (place, is_idle): (&Arc<Basis>, bool),
    surroundings: Surroundings,
    mailbox: &Mailbox,
) -> Result<(Box<dyn Backend>, Option<String>), EngineError> {
    // Where nothing is left to be done, no cluster is asked: there may be none any more.
    if place.config.backend.is_some_and(BackendChoice::is_cluster) && !is_idle {
        return Ok((Box::new(Slurm::open(place, &surroundings.inherited, mailbox.line())?), None));
    }
    let at_work = Slurm::clear_former(place);
    let notice = (at_work > 0).then(|| {
        format!(
            "{} of a former session go on, and their runs are left alone; those that waited are taken back",
            counted(at_work, "job")
        )
    });
    let workplace = Workplace::new(Arc::clone(place), surroundings).map_err(EngineError::Signals)?;
    Ok((Box::new(Local::new(workplace, mailbox.line())), notice))
}

impl Coordinator<'_> {
    /// Follows the workers of a former session that are still at work, before anything else is started.
    pub(super) fn go_on_with_those_at_work(&mut self) {
        // What workers elsewhere spent is counted from the folder in the end: some end without a report.
        self.others_work |= self.place.config.backend.is_some_and(BackendChoice::is_cluster);
        let to_do: BTreeSet<RunId> = self.progress.to_do().collect();
        for run in self.backend.at_work() {
            if to_do.contains(&run) {
                self.start(run);
            }
        }
    }

    /// Leaves nothing behind of jobs of former sessions that have ended meanwhile.
    pub(super) fn clear_former_jobs(&self) {
        let is_ours = self.holding != Holding::Lost && self.locked.writer.glance().is_ok();
        if is_ours && !self.place.config.backend.is_some_and(BackendChoice::is_cluster) {
            let _ = Slurm::clear_former(&self.place);
        }
    }

    /// Why a run is missing that was taken back.
    pub(super) fn missing_as_before(&self, run: RunId) -> Missing {
        let was_begun =
            last_attempt(&self.locked.folder, run) > AttemptNumber(1) || self.locked.folder.run(run).root().exists();
        if was_begun { Missing::Unfinished } else { Missing::NotStarted }
    }

    /// Notes whether a run has begun.
    pub(super) fn note_beginning(&mut self, event: &Event) {
        match event {
            Event::RunPlaced { run, placement: Placement::Queued { .. } } if self.state.is_in_flight(*run) => {
                self.not_begun.insert(*run);
            }
            Event::RunPlaced { run, placement: Placement::Running { .. } } | Event::RunStarted { run, .. } => {
                self.not_begun.remove(run);
            }
            _ => {}
        }
    }

    /// Runs whose jobs wait; a thread of this process never does.
    pub(super) fn waiting_jobs(&self) -> impl Iterator<Item = &RunId> {
        let is_cluster = self.place.config.backend.is_some_and(BackendChoice::is_cluster);
        self.not_begun.iter().filter(move |_| is_cluster)
    }

    /// Ends what may begin yet when the experiment was worked on for as long as it may be: what is submitted begins when a machine is free.
    pub(super) fn keep_time_limit(&mut self) {
        let is_cluster = self.place.config.backend.is_some_and(BackendChoice::is_cluster);
        if !is_cluster || self.not_begun.is_empty() {
            return;
        }
        if let Some(limit) = self.limits.max_time.filter(|limit| self.worked() >= *limit)
            && !self.state.begins_nothing()
        {
            self.reach_time(limit);
        }
        self.take_back_what_is_too_much();
    }

    /// Takes runs back that have not begun, when nothing more is to be begun, or when what is expected of all exceeds the ceiling.
    pub(super) fn take_back_what_is_too_much(&mut self) {
        if self.not_begun.is_empty() {
            return;
        }
        let too_much: BTreeSet<RunId> = if self.state.begins_nothing() {
            self.not_begun.clone()
        } else {
            let stopped = self.not_begun.iter().filter(|run| self.state.is_stopped(run.tier));
            stopped.copied().chain(self.state.beyond_ceiling(&self.not_begun, &self.taken_back, &self.limits)).collect()
        };
        if !too_much.is_empty() {
            self.not_begun.retain(|run| !too_much.contains(run));
            self.taken_back.extend(&too_much);
            self.backend.take_back(too_much);
        }
    }
}
