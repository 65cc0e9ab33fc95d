//! A later grading of finished work: by a fixture that may differ only in rubric, criteria, checks and judges.

use std::path::{Path, PathBuf};

use crate::config::fixture;
use crate::engine::error::EngineError;
use crate::engine::session::freeze::freeze;
use crate::engine::session::open::{Session, go_on, survey};
use crate::engine::session::recordings;
use crate::model::grading::{Grading, GradingNumber};
use crate::model::result::FORMAT_VERSION;
use crate::model::task::{Fixture, Parts, Source};
use crate::os::{clock, files};
use crate::store::evidence::{changes_since_copied, digest_of_parts, digest_of_tree};
use crate::store::layout::ExperimentFolder;
use crate::store::survey::Depth;
use crate::store::{StoreError, gradings, taken_over};
use crate::text::url;

/// The grading by which finished work is to be graded again.
#[derive(Debug)]
pub struct Wanted {
    /// The mended fixture, checked.
    pub fixture: Fixture,
    /// The files that its copy consists of.
    pub parts: Parts,
    /// The reason, as a person wrote it.
    pub reason: Option<String>,
}

/// Freezes the new grading, unless it is the same as the newest one. Nothing is graded yet.
///
/// # Errors
/// When nothing differs, something differs that agents see, or the folder cannot be written.
pub fn begin(session: Session, wanted: Wanted) -> Result<Session, EngineError> {
    let folder = session.locked.folder.clone();
    if taken_over::is(&folder)? {
        return Err(EngineError::NotRegradedForeign);
    }
    if wanted.fixture.id != session.config.experiment_id {
        let (other, own) = (&wanted.fixture.id, &session.config.experiment_id);
        return Err(EngineError::NotRegraded(format!(
            "the fixture is `{other}`, and the experiment is one of `{own}`"
        )));
    }
    let mut wanted = wanted;
    if let Some(named) = &session.config.replay {
        recordings::keep_replayed(&mut wanted.parts, &folder, named);
    }
    let newest = &session.grader;
    let copy = folder.grading_fixture(newest.number);
    if digest_of_parts(&wanted.parts).map_err(StoreError::from)? == digest_of_tree(&copy).map_err(StoreError::from)? {
        return match newest.number {
            GradingNumber::FIRST => {
                Err(EngineError::NotRegraded("nothing in the fixture differs from the one it was graded by".to_owned()))
            }
            _ => Ok(session),
        };
    }
    let places: Vec<PathBuf> = changes_since_copied(&copy, &wanted.parts)
        .map_err(StoreError::from)?
        .into_iter()
        .map(|(place, _)| place)
        .collect();
    refuse(&seen_by_agents(&session.fixture, &wanted.fixture, &places))?;
    let mut changed: Vec<String> = keys_of_grading(&newest.fixture, &wanted.fixture);
    changed.extend(places.iter().map(|place| place.display().to_string()));
    let number = newest.number.next();
    let copy = folder.grading_fixture(number);
    // A former call may have been stopped before the grading was complete.
    files::remove_tree(&copy).map_err(StoreError::from)?;
    files::create_dir_durable(copy.parent().unwrap_or(&copy)).map_err(StoreError::from)?;
    freeze(&wanted.parts, &copy).map_err(StoreError::from)?;
    files::sync_tree(&folder.gradings()).map_err(StoreError::from)?;
    let fixture_digest = digest_of_tree(&copy).map_err(StoreError::from)?;
    let fixture_digest = fixture_digest.ok_or_else(|| StoreError::NotAnExperiment(copy.clone()))?;
    let version = FORMAT_VERSION.to_owned();
    let grading = Grading { version, number, at: clock::now(), reason: wanted.reason, fixture_digest, changed };
    gradings::write(&folder, &grading)?;
    let Session { locked, .. } = session;
    let survey = survey(&locked, Depth::Results)?;
    go_on(locked, survey)
}

/// In what way a fixture would give other results than the one that an experiment keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// Agents would be given something else.
    Measured,
    /// Only the grading of finished work differs: it can be graded again.
    Graded,
    /// Nothing differs that agents are given or that they are graded by.
    Neither,
}

/// In what way a fixture differs from the one that an experiment was last graded by, when its files differ.
///
/// # Errors
/// When either cannot be read.
pub fn otherwise(folder: &ExperimentFolder, wanted: &Fixture, parts: &Parts) -> Result<Otherwise, StoreError> {
    let copy = folder.grading_fixture(gradings::newest(folder)?);
    let places: Vec<PathBuf> = changes_since_copied(&copy, parts)?.into_iter().map(|(place, _)| place).collect();
    let (Ok(begun), Ok(newest)) = (fixture::load(&folder.fixture()), fixture::load(&copy)) else {
        return Ok(Otherwise::Measured);
    };
    let is_foreign = taken_over::is(folder)?;
    let only_named = places.iter().all(|place| place == Path::new("test.yaml"));
    Ok(match seen_by_agents(&begun, wanted, &places).is_empty() {
        true if only_named && keys_of_grading(&newest, wanted).is_empty() => Otherwise::Neither,
        true if !is_foreign => Otherwise::Graded,
        _ => Otherwise::Measured,
    })
}

fn refuse(differing: &[String]) -> Result<(), EngineError> {
    if differing.is_empty() {
        return Ok(());
    }
    Err(EngineError::NotRegraded(format!(
        "a grading changes rubric, criteria, checks and judges alone, and this fixture differs in what agents are given: {}",
        differing.join(", ")
    )))
}

/// The keys in which a grading differs from another one.
fn keys_of_grading(before: &Fixture, after: &Fixture) -> Vec<String> {
    named(&differing_keys(before, after).grading)
}

/// Whether two fixtures differ in each of their keys, by what the key says.
struct Keys {
    /// How work is graded.
    grading: Vec<(&'static str, bool)>,
    /// What agents are given, and what holds them.
    given: Vec<(&'static str, bool)>,
}

fn differing_keys(before: &Fixture, after: &Fixture) -> Keys {
    // Every field is named here, so that a new one is classed before it compiles.
    let Fixture {
        criteria,
        rubric,
        checks,
        judges,
        min_judges,
        language,
        source,
        prompt,
        timeout_seconds,
        no_progress_seconds,
        sandbox,
        resources,
        allowance,
        environment,
        capture_include,
        solution_file,
        stores,
        // Compared setup by setup, and file by file.
        tiers: _,
        prompt_file: _,
        validation_files: _,
        gold: _,
        limits: _,
        // What they say changes neither what agents do nor how that is graded.
        id: _,
        name: _,
        description: _,
        vary: _,
        prices: _,
        cluster: _,
    } = before;
    Keys {
        grading: vec![
            ("criteria", *criteria != after.criteria),
            ("rubric", *rubric != after.rubric),
            ("checks", *checks != after.checks),
            ("judges", *judges != after.judges),
            ("min_judges", *min_judges != after.min_judges),
        ],
        given: vec![
            ("language", *language != after.language),
            ("source", named_source(source) != named_source(&after.source)),
            ("prompt", *prompt != after.prompt),
            ("timeout_seconds", *timeout_seconds != after.timeout_seconds),
            ("no_progress_seconds", *no_progress_seconds != after.no_progress_seconds),
            ("sandbox", *sandbox != after.sandbox || *resources != after.resources),
            ("limits", *allowance != after.allowance),
            ("environment", *environment != after.environment),
            ("capture.include", *capture_include != after.capture_include),
            ("solution_file", *solution_file != after.solution_file),
            ("stores", *stores != after.stores),
        ],
    }
}

fn named(keys: &[(&str, bool)]) -> Vec<String> {
    keys.iter().filter(|(_, differs)| *differs).map(|(key, _)| format!("`{key}`")).collect()
}

/// A source as the copy names it: without credentials.
fn named_source(source: &Source) -> Source {
    match source {
        Source::Folder => Source::Folder,
        Source::Repository { repo, hash } => {
            Source::Repository { repo: url::without_credentials(repo), hash: hash.clone() }
        }
    }
}

/// What agents are given and that differs: keys, and files.
fn seen_by_agents(before: &Fixture, after: &Fixture, places: &[PathBuf]) -> Vec<String> {
    let mut differing = named(&differing_keys(before, after).given);
    for (tier, subtests) in &before.tiers {
        let now = after.tiers.get(tier);
        let changed = subtests.iter().filter(|(id, was)| now.and_then(|now| now.get(id)) != Some(was));
        differing.extend(changed.map(|(id, _)| format!("`{tier}/{id}`")));
    }
    for (tier, subtests) in &after.tiers {
        let former = before.tiers.get(tier);
        let new = subtests.keys().filter(|id| former.is_none_or(|former| !former.contains_key(id)));
        differing.extend(new.map(|id| format!("`{tier}/{id}`")));
    }
    let seen = places.iter().filter(|place| given::is_given([before, after], place));
    differing.extend(seen.map(|place| format!("`{}`", place.display())));
    differing
}

mod given;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_by_its_key() {
        assert_eq!(named(&[("rubric", true), ("checks", false), ("judges", true)]), ["`rubric`", "`judges`"]);
    }
}
