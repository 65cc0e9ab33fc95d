//! An experiment as reports read it: its plan, what became of each run, and everything that is known of those with a verdict.

use std::collections::BTreeMap;

use crate::agent;
use crate::config;
use crate::engine::error::EngineError;
use crate::engine::rows::rows_beyond;
use crate::model::agent::StepsIn;
use crate::model::flag::Flag;
use crate::model::ids::RunId;
use crate::model::reported::{Reported, ReportedRun, RunTexts};
use crate::model::row::RowStatus;
use crate::store::details::Reading;
use crate::store::layout::ExperimentFolder;
use crate::store::survey::{Depth, survey};
use crate::store::{judge_checks, reported, seal};

/// So many bytes of texts are read of an experiment: more is more than one reads, and than a browser opens at once.
const MOST_TEXT_BYTES: usize = 24 << 20;
/// Of so many runs everything is read: the folder of one takes longer than a hundred results.
const MOST_WHOLE: usize = 1_000;
/// So many runs are read at once: their texts are in memory together before they are counted.
const AT_ONCE: usize = 512;

/// Reads an experiment for a report; `name` is what the report calls it.
///
/// # Errors
/// When its folder cannot be read.
pub fn reported(folder: &ExperimentFolder, name: String) -> Result<Reported, EngineError> {
    let survey = survey(folder, Depth::Results)?;
    let mut reading = Reading::of(folder)?;
    // A fixture that cannot be read costs names, not numbers.
    let fixture = config::fixture::load(&folder.grading_fixture(reading.counting)).ok();
    reading.may_lack_judges = fixture.as_ref().is_none_or(|fixture| fixture.min_judges.is_some());
    let mut read = BTreeMap::new();
    let rows = rows_beyond(folder, &survey, |committed| {
        read = reported::runs(&reading, committed);
        read.iter_mut().filter_map(|(run, counted)| Some((*run, counted.beyond.take()?))).collect()
    });
    let runs = rows.into_iter().map(|row| {
        let counted = read.remove(&row.run).filter(|_| !row.is_missing());
        let (details, digest) = counted.and_then(|counted| Some((counted.details, counted.digest?))).unzip();
        let details = details.map(|mut details| {
            details.name.clone_from(&row.name);
            details.by_items(fixture.as_ref().map(|fixture| &fixture.rubric));
            details
        });
        ReportedRun { row, details, digest, whole: None }
    });
    Ok(Reported {
        name,
        experiment_id: survey.experiment_id().map(str::to_owned),
        runs: runs.collect(),
        config: survey.config.content().cloned(),
        fixture,
        seal: seal::digest(folder)?,
        judge_check: judge_checks::newest(folder)?,
    })
}

/// Reads all that the folders of its runs tell, of so many as one looks at, and their texts until there is no more room for them: those of runs
/// that did not pass come first, in the order of the plan. A patch that holds a secret is withheld: reports are made to be given away. The same
/// results give the same texts.
///
/// # Errors
/// When its folder cannot be read.
pub fn add_whole(folder: &ExperimentFolder, experiment: &mut Reported) -> Result<(), EngineError> {
    let reading = Reading::of(folder)?;
    let rubric = experiment.fixture.as_ref().map(|fixture| &fixture.rubric);
    let mut places: Vec<usize> = (0..experiment.runs.len()).collect();
    places.retain(|place| experiment.runs[*place].row.status != RowStatus::NotStarted);
    places.sort_by_key(|place| experiment.runs[*place].row.status == RowStatus::Passed);
    places.truncate(MOST_WHOLE);
    let mut room = Some(MOST_TEXT_BYTES);
    for part in places.chunks(AT_ONCE) {
        let runs = part.iter().map(|place| &experiment.runs[*place]);
        let known = runs.map(|run| (run.row.run, (run.details.as_deref(), steps_in(experiment, run)))).collect();
        let mut read = reported::whole(&reading, &known, room.is_some());
        for place in part {
            let run = &mut experiment.runs[*place];
            let Some(mut whole) = read.remove(&run.row.run) else { continue };
            whole.details.name.clone_from(&run.row.name);
            whole.details.by_items(rubric);
            if let Some(patch) = whole.texts.as_mut().and_then(|texts| texts.patch.as_mut())
                && run.row.flags.contains(&Flag::SecretInPatch)
            {
                patch.withhold();
            }
            let bytes = whole.texts.as_ref().map_or(0, RunTexts::bytes);
            room = room.and_then(|room| room.checked_sub(bytes));
            if room.is_none() {
                whole.texts = None;
            }
            run.whole = Some(Box::new(whole));
        }
    }
    Ok(())
}

/// Where the agent of a run tells its steps.
fn steps_in(experiment: &Reported, run: &ReportedRun) -> Option<StepsIn> {
    let RunId { tier, subtest, .. } = run.row.run;
    let agent = &experiment.fixture.as_ref()?.tiers.get(&tier)?.get(&subtest)?.agent;
    agent::steps_of(agent, run.details.as_deref())
}
