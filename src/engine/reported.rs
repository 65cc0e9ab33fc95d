//! An experiment as reports read it: its plan, what became of each run, and everything that is known of those with a verdict.

use crate::config;
use crate::engine::error::EngineError;
use crate::engine::rows::rows;
use crate::model::ids::RunId;
use crate::model::reported::{Reported, ReportedRun};
use crate::store::details::Reading;
use crate::store::layout::ExperimentFolder;
use crate::store::survey::{Depth, survey};
use crate::store::{reported, seal};

/// Reads an experiment for a report; `name` is what the report calls it.
///
/// # Errors
/// When its folder cannot be read.
pub fn reported(folder: &ExperimentFolder, name: String) -> Result<Reported, EngineError> {
    let survey = survey(folder, Depth::Results)?;
    let reading = Reading::of(folder)?;
    let rows = rows(folder, &survey);
    let judged: Vec<RunId> = rows.iter().filter(|row| !row.is_missing()).map(|row| row.run).collect();
    let mut read = reported::runs(&reading, &judged);
    // A fixture that cannot be read costs names, not numbers.
    let fixture = config::fixture::load(&folder.grading_fixture(reading.counting)).ok();
    let runs = rows.into_iter().map(|row| {
        let (details, digest) = read.remove(&row.run).unzip();
        let details = details.map(|mut details| {
            details.name.clone_from(&row.name);
            details.by_items(fixture.as_ref().map(|fixture| &fixture.rubric));
            details
        });
        ReportedRun { row, details, digest }
    });
    Ok(Reported {
        name,
        experiment_id: survey.experiment_id().map(str::to_owned),
        runs: runs.collect(),
        config: survey.config.content().cloned(),
        fixture,
        seal: seal::digest(folder)?,
    })
}
