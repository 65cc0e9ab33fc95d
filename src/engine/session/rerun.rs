//! A new attempt of runs that a person named: the former one is kept, and a stop at any moment loses nothing of it.

use std::collections::BTreeSet;

use crate::engine::error::EngineError;
use crate::engine::session::open::{Session, go_on, survey};
use crate::model::ids::RunId;
use crate::model::outcome::ExperimentStatus;
use crate::os::clock;
use crate::store::StoreError;
use crate::store::claim::claimed_by;
use crate::store::survey::Depth;

/// Sets the named runs aside, whatever they hold, so that each is repeated. If the same was requested before and was
/// stopped halfway, it is finished.
///
/// # Errors
/// When a run is not planned, a worker has one of them, or the folder cannot be written.
pub fn rerun(session: Session, runs: &BTreeSet<RunId>) -> Result<Session, EngineError> {
    let plan = session.config.plan();
    let unknown: Vec<RunId> = runs.iter().copied().filter(|run| !plan.contains(*run)).collect();
    if !unknown.is_empty() {
        return Err(EngineError::NotPlanned(unknown));
    }
    if session.checkpoint.rerunning == *runs {
        // The same was requested before and stopped halfway: runs that were repeated since are not repeated again.
        return Ok(session);
    }
    for run in runs {
        if let Some(holder) = claimed_by(&session.locked.folder, *run)? {
            return Err(StoreError::Claimed { run: *run, holder }.into());
        }
    }
    let Session { mut locked, mut checkpoint, mended, .. } = session;
    // Recorded before the first run moves: entries without results would look like results that were lost.
    checkpoint.rerun.clone_from(runs);
    checkpoint.rerunning.clone_from(runs);
    for run in runs {
        checkpoint.completed_runs.remove(*run);
    }
    checkpoint.status = ExperimentStatus::Interrupted;
    checkpoint.last_updated_at = clock::now();
    locked.writer.save(&checkpoint)?;
    let survey = survey(&locked, Depth::Results)?;
    let session = go_on(locked, survey)?;
    Ok(Session { mended: mended.into_iter().chain(session.mended).collect(), ..session })
}
