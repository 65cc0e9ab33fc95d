//! Processes that a dead coordinator left behind: found by their marks, ended before anything new starts.

use std::path::PathBuf;

use crate::model::grading::GradingNumber;
use crate::model::ids::RunId;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::{Problem, ProblemKind, Survey};
use crate::os::clock;
use crate::os::files::read_if_readable;
use crate::os::process::{OrphanMark, OrphanState, clear_group, end_orphans, orphan_state};
use crate::store::jobs::newest_start;
use crate::store::layout::ExperimentFolder;
use crate::store::survey::marks;
use crate::text::escape;

/// The processes of an unfinished run that may be alive.
#[derive(Debug, Clone)]
pub struct Orphan {
    /// The run.
    pub run: RunId,
    /// The mark's file.
    pub path: PathBuf,
    /// What identifies the processes.
    pub mark: OrphanMark,
    /// What is known of them.
    pub state: OrphanState,
}

/// The orphans of each unfinished run, including those that cannot be checked from here.
#[must_use]
pub fn find(folder: &ExperimentFolder, survey: &Survey) -> Vec<Orphan> {
    let may_live = marked(folder, survey).filter(|orphan| orphan.state != OrphanState::Dead);
    may_live.filter(|orphan| !is_leased(folder, orphan)).collect()
}

/// Whether an orphan is of a worker elsewhere that kept a lease on its run: whoever takes the run over finds out whether it lives.
fn is_leased(folder: &ExperimentFolder, orphan: &Orphan) -> bool {
    orphan.state == OrphanState::Unknown && newest_start(folder, orphan.run).is_ok_and(|newest| newest > 0)
}

/// The orphans of one run, including those that cannot be checked from here. The caller has claimed the run.
#[must_use]
pub fn of_run(folder: &ExperimentFolder, run: RunId, grading: GradingNumber) -> Vec<Orphan> {
    let own = folder.run(run);
    let marks = [own.mark(), own.graded(grading).mark()];
    let marks = if grading.is_first() { &marks[..1] } else { &marks };
    let found = marks.iter().filter_map(|mark| orphan(run, mark.clone(), None));
    found.filter(|orphan| orphan.state != OrphanState::Dead).collect()
}

/// Removes the empty control groups that dead coordinators left behind.
pub fn clear_groups(folder: &ExperimentFolder, survey: &Survey) {
    for orphan in marked(folder, survey).filter(|orphan| orphan.state == OrphanState::Dead) {
        clear_group(&orphan.mark);
    }
}

fn marked(folder: &ExperimentFolder, survey: &Survey) -> impl Iterator<Item = Orphan> {
    let host = survey.checkpoint.content().and_then(|checkpoint| checkpoint.host.clone());
    let elsewhere = host.filter(|host| *host != clock::host());
    // Processes that a living worker has started are not orphans.
    let marks = marks(folder, survey).into_iter().filter(|(run, _)| !survey.claimed.contains_key(run));
    marks.filter_map(move |(run, path)| orphan(run, path, elsewhere.as_deref()))
}

/// The content of a mark, and what is known of its processes; `None` for a copied mark, whose processes are those of the experiment that
/// was copied. `elsewhere` names the machine for marks that do not.
fn orphan(run: RunId, path: PathBuf, elsewhere: Option<&str>) -> Option<Orphan> {
    let bytes = read_if_readable(&path, MOST_STAGE_FILE_BYTES)?;
    let mut mark: OrphanMark = serde_json::from_slice(&bytes).ok()?;
    if mark.is_copied_to(&path) {
        return None;
    }
    // Earlier versions named the machine only in the checkpoint.
    if let Some(host) = elsewhere
        && mark.host.is_empty()
    {
        host.clone_into(&mut mark.host);
    }
    let state = orphan_state(&mark);
    Some(Orphan { run, path, mark, state })
}

/// Adds the orphans to the survey as findings about their runs.
pub fn add_to(survey: &mut Survey, folder: &ExperimentFolder, orphans: &[Orphan]) {
    survey.problems.extend(orphans.iter().map(|orphan| Problem {
        run: orphan.run,
        kind: ProblemKind::StrayProcess,
        place: folder.relative(&orphan.path),
        found: match orphan.state {
            OrphanState::Unknown => {
                let host = escape::terminal(&orphan.mark.host);
                format!(
                    "process {} on `{host}`, which cannot be looked at from here, may still work on it",
                    orphan.mark.pid
                )
            }
            OrphanState::Alive | OrphanState::Dead => {
                format!("process {} of a dead coordinator still works on it", orphan.mark.pid)
            }
        },
    }));
}

/// Ends orphans; gives how many processes were ended.
///
/// # Errors
/// When a process cannot be ended.
pub fn end(orphans: &[Orphan]) -> Result<u32, std::io::Error> {
    orphans.iter().map(|orphan| end_orphans(&orphan.mark)).sum()
}
