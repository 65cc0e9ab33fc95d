//! Recorded runs that agents play back, or whose answers of models are given again: found when a fixture is loaded, kept in its copy, and
//! there for every planned run.

use std::collections::BTreeMap;
use std::path::Path;

use crate::agent;
use crate::config::fixture::Loaded;
use crate::config::mistake::Mistake;
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::program::Recording;
use crate::model::task::{Fixture, Parts};
use crate::store::layout::ExperimentFolder;
use crate::store::recorded::{self, Keep, Recorded, Unfit};
use crate::text::words::shell_word;

/// How many runs without a recording are named.
const MOST_NAMED: usize = 3;

/// The fixture with what its agents play back among the files that its copy consists of.
///
/// # Errors
/// Every recording that cannot be played back.
pub fn keep(mut loaded: Loaded) -> Result<Loaded, Vec<Mistake>> {
    let mut found: BTreeMap<String, Result<Recorded, Unfit>> = BTreeMap::new();
    let mut mistakes = Vec::new();
    let agents = loaded.fixture.tiers.values().flat_map(BTreeMap::values).map(|subtest| &subtest.agent);
    for recording in agents.filter_map(|agent| agent.recording()) {
        let Some(folder) = recording.folder.as_ref().filter(|_| !found.contains_key(&recording.named)) else {
            continue;
        };
        let id = agent::id(&recording.named);
        let recorded = recorded::find(folder, &id, Keep::Work);
        if let Err(why) = &recorded {
            let message = format!("`{}` is to be played back, and it is {why}", recording.named);
            mistakes.push(at(recording, &message).hint(cure(why, folder)));
        }
        found.insert(recording.named.clone(), recorded);
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    for recorded in found.into_values().flatten() {
        loaded.parts.laid.extend(recorded.files);
    }
    Ok(loaded)
}

/// What is to be done where nothing in this folder can be played back.
fn cure(why: &Unfit, folder: &Path) -> String {
    match why {
        Unfit::NoRecording(_) => "name the folder of an experiment, or of one finished run of one".to_owned(),
        Unfit::Damaged(_) => format!(
            "`cargo scylla verify {}` says what else is wrong there; take another copy of the recorded experiment, or name one \
             of its other runs",
            shell_word(&folder.to_string_lossy())
        ),
        Unfit::TooLarge => "name the folder of one of its runs, or an experiment with fewer".to_owned(),
    }
}

fn at(recording: &Recording, message: &str) -> Mistake {
    Mistake { line: recording.line, ..Mistake::new(&recording.file, message) }
}

/// What is missing of recordings for these subtests, each with so many runs.
#[must_use]
pub fn missing(
    fixture: &Fixture,
    parts: &Parts,
    subtests: &BTreeMap<TierId, Vec<SubtestId>>,
    runs: u32,
) -> Vec<Mistake> {
    let planned = subtests.iter().flat_map(|(tier, subtests)| subtests.iter().map(|subtest| (*tier, *subtest)));
    planned.filter_map(|setup| missing_of(fixture, parts, setup, runs)).collect()
}

fn missing_of(fixture: &Fixture, parts: &Parts, setup: (TierId, SubtestId), runs: u32) -> Option<Mistake> {
    let (tier, subtest) = setup;
    let agent = &fixture.tiers.get(&tier)?.get(&subtest)?.agent;
    let recording = agent.recording()?;
    let (kept, missing) = runs_of((tier, subtest), runs, parts, (&recording.named, Keep::Work));
    let message = format!("`{}` has no finished run {} to be played back", recording.named, missing?);
    let hint = match kept {
        0 => format!("name an experiment with the setup `{tier}/{subtest}`, or one run for all"),
        kept => format!("`--runs {kept}` plays back what there is"),
    };
    Some(at(recording, &message).hint(hint))
}

/// How many of so many runs of a setup are kept of a recording, and the names of those that are not.
fn runs_of(
    (tier, subtest): (TierId, SubtestId),
    runs: u32,
    parts: &Parts,
    (named, keep): (&str, Keep),
) -> (usize, Option<String>) {
    let id = agent::id(named);
    let all = (1..=runs).filter_map(RunNumber::new).map(|run| RunId { tier, subtest, run });
    let (kept, missing): (Vec<RunId>, Vec<RunId>) = all.partition(|run| recorded::is_kept(parts, &id, *run, keep));
    let first = missing.iter().take(MOST_NAMED).map(|run| format!("`{run}`")).collect::<Vec<_>>().join(", ");
    let more = if missing.len() > MOST_NAMED { ", and more" } else { "" };
    (kept.len(), (!missing.is_empty()).then(|| format!("{first}{more}")))
}

/// The flag that names a folder with answers of models.
const REPLAY: &str = "--replay";

/// Keeps what models answered in the recorded runs of a folder, which a person has `named` so, among the files of a fixture's copy.
///
/// # Errors
/// Why there are no such runs.
pub fn keep_exchanges(parts: &mut Parts, named: &str, folder: &Path) -> Result<(), Mistake> {
    let recorded = recorded::find(folder, &agent::id(named), Keep::Exchanges).map_err(|why| {
        let message = format!("`{named}` is to be replayed, and it is {why}");
        Mistake::new(Path::new(REPLAY), message).hint(cure(&why, folder))
    })?;
    parts.laid.extend(recorded.files);
    Ok(())
}

/// Keeps among the files of a fixture what an experiment replays: a fixture that its work is graded by is given without it.
pub fn keep_replayed(parts: &mut Parts, experiment: &ExperimentFolder, named: &str) {
    let place = recorded::place(&agent::id(named));
    let kept = experiment.fixture().join(&place);
    if kept.is_dir() && !parts.dir.join(&place).exists() {
        parts.laid.insert(place.to_string_lossy().into_owned(), kept);
    }
}

/// What is missing of answers of models for these subtests, each with so many runs, where agents are given those of the recording that is
/// `named` so and are told to use the model that is `configured`.
#[must_use]
pub fn unanswered(
    fixture: &Fixture,
    parts: &Parts,
    (subtests, runs): (&BTreeMap<TierId, Vec<SubtestId>>, u32),
    (named, configured): (&str, Option<&str>),
) -> Vec<Mistake> {
    let planned = subtests.iter().flat_map(|(tier, subtests)| subtests.iter().map(|subtest| (*tier, *subtest)));
    let of_setup = |(tier, subtest): (TierId, SubtestId)| {
        fixture.tiers.get(&tier)?.get(&subtest)?.agent.model(configured)?;
        let (kept, missing) = runs_of((tier, subtest), runs, parts, (named, Keep::Exchanges));
        let message = format!("`{named}` has no recorded exchanges of {} to be replayed", missing?);
        let hint = match kept {
            0 => "`run --record exchanges` records them where agents ask their models through the gateway: a `command` with \
                  `--gateway require`"
                .to_owned(),
            kept => format!("`--runs {kept}` replays what there is"),
        };
        Some(Mistake::new(Path::new(REPLAY), message).hint(hint))
    };
    planned.filter_map(of_setup).collect()
}

/// The files of an experiment's own copy of a fixture.
#[must_use]
pub fn of_copy(copy: &Path) -> Parts {
    Parts { dir: copy.to_owned(), ..Parts::default() }
}
