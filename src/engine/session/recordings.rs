//! Recorded runs that agents play back: found when a fixture is loaded, kept in its copy, and there for every planned run.

use std::collections::BTreeMap;
use std::path::Path;

use crate::agent;
use crate::config::fixture::Loaded;
use crate::config::mistake::Mistake;
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::program::Recording;
use crate::model::task::{Fixture, Parts};
use crate::store::recorded::{self, Recorded};

/// How many runs without a recording are named.
const MOST_NAMED: usize = 3;

/// The fixture with what its agents play back among the files that its copy consists of.
///
/// # Errors
/// Every recording that cannot be played back.
pub fn keep(mut loaded: Loaded) -> Result<Loaded, Vec<Mistake>> {
    let mut found: BTreeMap<String, Result<Recorded, String>> = BTreeMap::new();
    let mut mistakes = Vec::new();
    let agents = loaded.fixture.tiers.values().flat_map(BTreeMap::values).map(|subtest| &subtest.agent);
    for recording in agents.filter_map(|agent| agent.recording()) {
        let Some(folder) = recording.folder.as_ref().filter(|_| !found.contains_key(&recording.named)) else {
            continue;
        };
        let id = agent::id(&recording.named);
        let recorded = if folder.is_dir() { recorded::find(folder, &id) } else { Err("no folder".to_owned()) };
        if let Err(why) = &recorded {
            let message = format!("`{}` is to be played back, and it is {why}", recording.named);
            let hint = "name the folder of an experiment, or of one finished run of one";
            mistakes.push(at(recording, &message).hint(hint));
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
    let id = agent::id(&recording.named);
    let all = (1..=runs).filter_map(RunNumber::new).map(|run| RunId { tier, subtest, run });
    let (kept, missing): (Vec<RunId>, Vec<RunId>) = all.partition(|run| recorded::is_kept(parts, &id, *run));
    let first = missing.iter().take(MOST_NAMED).map(|run| format!("`{run}`")).collect::<Vec<_>>().join(", ");
    let more = if missing.len() > MOST_NAMED { ", and more" } else { "" };
    let message = format!("`{}` has no finished run {first}{more} to be played back", recording.named);
    let hint = match kept.len() {
        0 => format!("name an experiment with the setup `{tier}/{subtest}`, or one run for all"),
        kept => format!("`--runs {kept}` plays back what there is"),
    };
    (!missing.is_empty()).then(|| at(recording, &message).hint(hint))
}

/// The files of an experiment's own copy of a fixture.
#[must_use]
pub fn of_copy(copy: &Path) -> Parts {
    Parts { dir: copy.to_owned(), ..Parts::default() }
}
