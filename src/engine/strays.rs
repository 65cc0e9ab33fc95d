//! Processes that a dead coordinator left: found by their marks, ended before anything new starts.

use crate::model::ids::RunId;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::{Problem, ProblemKind, Survey};
use crate::os::files::read_bounded;
use crate::os::process::{StrayMark, end_strays, stray_alive};
use crate::store::layout::ExperimentFolder;
use crate::store::survey::marks;

/// The strays of each unfinished run that has any.
#[must_use]
pub fn find(folder: &ExperimentFolder, survey: &Survey) -> Vec<(RunId, StrayMark)> {
    marks(folder, survey)
        .into_iter()
        .filter_map(|(run, path)| {
            let bytes = read_bounded(&path, MOST_STAGE_FILE_BYTES).ok()??;
            let mark: StrayMark = serde_json::from_slice(&bytes).ok()?;
            stray_alive(&mark).then_some((run, mark))
        })
        .collect()
}

/// Adds the strays to what is wrong with single runs.
pub fn add_to(survey: &mut Survey, folder: &ExperimentFolder, strays: &[(RunId, StrayMark)]) {
    survey.problems.extend(strays.iter().map(|(run, mark)| Problem {
        run: *run,
        kind: ProblemKind::StrayProcess,
        place: folder.relative(&folder.run(*run).mark()),
        found: format!("process {} of a dead coordinator still works on it", mark.pid),
    }));
}

/// Ends strays; how many processes were ended.
///
/// # Errors
/// When a process cannot be ended.
pub fn end(strays: &[(RunId, StrayMark)]) -> Result<u32, std::io::Error> {
    strays.iter().map(|(_, mark)| end_strays(mark)).sum()
}
