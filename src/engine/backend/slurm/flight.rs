//! A run whose worker is a job: what its worker reports, and where its job is.

use std::time::{Duration, Instant};

use crate::model::ids::RunId;
use crate::model::job::{JobTask, Placement};
use crate::model::job_line::JobLine;
use crate::model::outcome::Stage;
use crate::store::claim::is_claimed;
use crate::store::jobs::Tail;
use crate::store::layout::ExperimentFolder;

use super::fate::{Fate, Known, fate};
use super::queue::{JobState, Listed, Named};

/// Why a job that waits is not to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// The coordinator has taken it back, unless it has begun.
    Taken,
    /// Slurm has put it back into the queue after it had run: another one is submitted in its place.
    Put,
}

/// A run in flight.
#[derive(Debug)]
pub(super) struct Flight {
    /// What the job was given.
    pub(super) task: JobTask,
    /// The number of its batch.
    pub(super) batch: u32,
    /// The number of its job in the batch, from 1.
    pub(super) index: usize,
    /// The name of its job, once the queue has shown it.
    pub(super) job: Option<Named>,
    /// Where the job was when the queue was looked at last; `None` while it was not seen, or is not there any more.
    pub(super) state: Option<JobState>,
    /// Where people were last told that it is.
    pub(super) placed: Option<Placement>,
    /// Whether the coordinator wants to learn of it: of what a former session submitted, it may want nothing any more.
    pub(super) is_followed: bool,
    /// Why its job is not to begin, where that is so.
    pub(super) back: Option<Back>,
    /// Whether its job was gone before this session looked: what ended it is not this session's.
    pub(super) of_former: bool,
    /// Whether its worker has reported things to a former session that are not read here yet.
    pub(super) has_history: bool,
    /// The stage in which its worker was stopped by somebody else, and whether its agent was done then.
    pub(super) interrupted: Option<(Stage, bool)>,
    tail: Tail,
    /// When its worker was first heard of.
    began: Option<Instant>,
    /// When it was first seen not to be in the queue, and how often since.
    gone: Option<(Instant, u32)>,
    /// The last sign of life, and since when it is the last.
    sign: (Vec<u8>, Instant),
}

impl Flight {
    pub(super) fn new(folder: &ExperimentFolder, task: JobTask, (batch, index): (u32, usize)) -> Self {
        Self {
            task,
            batch,
            index,
            job: None,
            state: None,
            placed: None,
            is_followed: true,
            back: None,
            of_former: false,
            has_history: false,
            interrupted: None,
            tail: Tail::after(folder, task.run, task.after),
            began: None,
            gone: None,
            sign: (Vec::new(), Instant::now()),
        }
    }

    /// The run.
    pub(super) fn run(&self) -> RunId {
        self.task.run
    }

    /// The name of its job, once the queue has shown it.
    pub(super) fn id(&self) -> Option<&str> {
        self.job.as_ref().map(|job| job.id.as_str())
    }

    /// Whether a worker has begun on it.
    pub(super) fn has_begun(&self) -> bool {
        self.began.is_some()
    }

    /// For how long its worker has been heard of.
    pub(super) fn worked_for(&self) -> Option<Duration> {
        self.began.map(|began| began.elapsed())
    }

    /// What its worker reports that is new. What cannot be read now is read later.
    pub(super) fn news(&mut self) -> Vec<JobLine> {
        let Ok(Some(mut lines)) = self.tail.read_on() else { return Vec::new() };
        if std::mem::take(&mut self.has_history) {
            // How long somebody was asked to wait then says nothing of now; what still holds is in the checkpoint and the file of pauses.
            lines.retain(|line| !matches!(line, JobLine::Limited(..)));
        }
        self.began.get_or_insert_with(Instant::now);
        lines
    }

    /// Notes under which name its batch was submitted.
    pub(super) fn submitted_as(&mut self, job: &str) {
        let id = format!("{job}_{}", self.index);
        self.job.get_or_insert(Named { number: id.clone(), id });
    }

    /// Notes what the queue shows of its job.
    pub(super) fn seen(&mut self, found: Option<&Listed>) {
        match found {
            Some(Listed { job, state, .. }) if !matches!(state, JobState::Ended(_)) => {
                (self.job, self.state, self.gone) = (Some(job.clone()), Some(state.clone()), None);
            }
            _ => {
                self.state = None;
                let (since, looks) = self.gone.unwrap_or((Instant::now(), 0));
                self.gone = Some((since, looks + 1));
            }
        }
    }

    /// What became of it, as far as that is known.
    pub(super) fn fate(&mut self, folder: &ExperimentFolder) -> Fate {
        let Some((since, looks)) = self.gone else { return Fate::Open };
        let sign = self.tail.beat().unwrap_or_default();
        if sign != self.sign.0 {
            self.sign = (sign, Instant::now());
        }
        let silent_for = if self.has_begun() { self.sign.1.elapsed() } else { Duration::ZERO };
        let is_claimed = is_claimed(folder, self.run()).ok().flatten();
        fate(Known { gone_for: since.elapsed(), looks, has_begun: self.has_begun(), is_claimed, silent_for })
    }

    /// Whether its job waits although it has run, and nobody holds it.
    pub(super) fn note_put_back(&mut self, state: &JobState) {
        // One that was to be taken back and had begun by then is held by this session.
        if self.has_begun() && (!state.is_held() || self.back.is_some()) {
            self.back = Some(Back::Put);
        }
    }

    /// Where people are to be told that it is.
    pub(super) fn placement(&self) -> Placement {
        let job = self.id().map(str::to_owned);
        match &self.state {
            Some(JobState::Running(node)) => Placement::Running { job, node: node.clone() },
            Some(JobState::Pending(reason)) => Placement::Queued { job, reason: Some(reason.clone()) },
            Some(JobState::Ended(_)) | None => match &self.placed {
                Some(placed @ Placement::Running { .. }) => placed.clone(),
                _ => Placement::Queued { job, reason: None },
            },
        }
    }
}
