//! A worker in another process, as its coordinator sees it: what it reports, and what the experiment's folder says of it when it says
//! nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::engine::backend::Report;
use crate::engine::session::basis::Basis;
use crate::engine::session::open::this_process;
use crate::engine::worker::excerpt::{end_of, explained_result};
use crate::engine::worker::report::{Claimant, Done, RunEnd};
use crate::model::event::Event;
use crate::model::ids::{AttemptNumber, ModelName, RunId};
use crate::model::job_line::{JobEnd, JobLine, JobReport};
use crate::model::outcome::{AttemptEnd, Excerpt, Failure, FailureKind, Stage};
use crate::model::result::AttemptRecord;
use crate::model::usage::Total;
use crate::os::clock;
use crate::store::StoreError;
use crate::store::claim::Claim;
use crate::store::layout::ExperimentFolder;
use crate::store::stages::RunStore;

/// What a line of a worker means to its coordinator.
pub(in crate::engine) enum Elsewhere {
    /// It has begun, on this machine.
    Began(String),
    /// It reports something.
    Reports(Report),
    /// The provider of a model asks to wait for so long.
    Limited(String, Duration),
    /// It is done with the run.
    Ended(Done),
    /// Nothing that the coordinator does not know.
    Nothing,
}

/// Reads a line of a worker.
pub(in crate::engine) fn read(basis: &Basis, run: RunId, line: JobLine) -> Elsewhere {
    match line {
        JobLine::Began(holder) => Elsewhere::Began(holder.host),
        JobLine::Event(event) => match *event {
            // The coordinator says itself how runs end, and who stops.
            Event::RunCommitted(_)
            | Event::AttemptFailed { .. }
            | Event::RunWaits { .. }
            | Event::RunStopped { .. }
            | Event::Stopping { .. } => Elsewhere::Nothing,
            event => Elsewhere::Reports(Report::Event(event)),
        },
        JobLine::Asks(model) => Elsewhere::Reports(Report::Asks(ModelName::new(&model))),
        JobLine::Asked(answered) => Elsewhere::Reports(Report::Asked { answered }),
        JobLine::Limited(model, seconds) => {
            Elsewhere::Limited(model, Duration::try_from_secs_f64(seconds).unwrap_or_default())
        }
        JobLine::Ended(JobReport { spent, end }) => Elsewhere::Ended(done(basis, run, spent, end)),
    }
}

fn done(basis: &Basis, run: RunId, spent: Total, end: JobEnd) -> Done {
    let end = match end {
        JobEnd::Committed => {
            return committed(basis, run).map_or_else(
                || {
                    let message = "its worker says that it is committed, and its result cannot be read";
                    Done { spent, end: RunEnd::not_begun(Failure::new(FailureKind::Storage, message)) }
                },
                |done| Done { spent, ..done },
            );
        }
        JobEnd::Unfinished(unfinished) => RunEnd::Unfinished(unfinished),
        JobEnd::Claimed(holder) => RunEnd::Claimed(Claimant::Worker(holder)),
        JobEnd::Refused(why) => RunEnd::not_begun(Failure::new(FailureKind::Workspace, why)),
    };
    Done { spent, end }
}

/// The result of a run, when it is committed under the newest grading; what was spent is not known to be more than nothing.
pub(in crate::engine) fn committed(basis: &Basis, run: RunId) -> Option<Done> {
    let number = basis.grader.number;
    let store = RunStore::new(&basis.folder, run).graded(number);
    let result = store.read_result().ok().flatten()?;
    let committed = explained_result(&basis.folder, run, number, result);
    Some(Done { spent: Total::ZERO, end: RunEnd::Committed(Box::new(committed)) })
}

/// Whether the agent's result is durable.
pub(in crate::engine) fn is_agent_complete(folder: &ExperimentFolder, run: RunId) -> bool {
    RunStore::new(folder, run).whole_agent_result().is_ok_and(|result| result.is_some())
}

/// The number of the attempt that a worker left: one that it set aside, or the one that lies in the run's folder.
pub(in crate::engine) fn last_attempt(folder: &ExperimentFolder, run: RunId) -> AttemptNumber {
    let next = RunStore::new(folder, run).next_attempt().map_or(0, |next| next.0);
    let is_there = folder.run(run).root().exists();
    AttemptNumber(if is_there { next } else { next.saturating_sub(1) })
}

/// Records why the attempt of a run failed whose worker is gone: as the worker does, when it can. What cannot be recorded is known to this
/// session alone.
pub(in crate::engine) fn record_failure(folder: &ExperimentFolder, run: RunId, stage: Stage, end: AttemptEnd) {
    let record = || -> Result<(), StoreError> {
        // A worker that has the run may live where nobody sees it: the next one parts from it.
        let _claim = Claim::acquire(folder, run, &this_process())?;
        let store = RunStore::new(folder, run);
        if store.whole_agent_result()?.is_some() {
            return Ok(());
        }
        let attempt = store.next_attempt()?;
        let is_there = store.folder().root().exists();
        if !is_there && stage > Stage::Prepare {
            return store.explain(AttemptNumber(attempt.0.saturating_sub(1)), end);
        }
        store.begin()?;
        let cost = if is_there { store.spent(None)? } else { Total::ZERO };
        store.set_aside(&AttemptRecord { attempt, stage, end, cost, at: clock::now() }).map(drop)
    };
    let _ = record();
}

/// The stage in which a worker left the run, and whether the agent's result is durable.
pub(in crate::engine) fn left_at(folder: &ExperimentFolder, run: RunId) -> (Stage, bool) {
    let agent_complete = is_agent_complete(folder, run);
    let stage = if agent_complete {
        Stage::Judge
    } else if folder.run(run).command().exists() {
        Stage::Agent
    } else {
        Stage::Prepare
    };
    (stage, agent_complete)
}

/// The end of what its job wrote.
pub(in crate::engine) fn end_of_log(folder: &ExperimentFolder, log: PathBuf) -> Option<Excerpt> {
    end_of(folder, &[log])
}
