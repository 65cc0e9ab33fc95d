//! Experiments of the original's runner: how one is recognised, and what is asked of it beyond what every survey asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::checkpoint::Checkpoint;
use crate::model::ids::{RunId, TierId};
use crate::model::limits::{MOST_CHECKPOINT_BYTES, MOST_STAGE_FILE_BYTES};
use crate::model::original::{OriginalConfig, OriginalVersion};
use crate::model::outcome::ExperimentStatus;
use crate::model::plan::Plan;
use crate::model::survey::{Original, RunSeen, Runner, Seen, Survey};
use crate::os::files::{self, Kind, ReadError};
use crate::projectscylla;
use crate::projectscylla::checkpoint::{Document, Refusal};
use crate::projectscylla::config::hash;
use crate::projectscylla::json::Json;
use crate::projectscylla::states::{self, Committed, RunState, StateFacts};
use crate::store::layout::ExperimentFolder;
use crate::store::layout::original::{COMPLETED, IN_PROGRESS};
use crate::store::version::{Age, age};
use crate::store::{checkpoint, clipped};

use super::phases::Phases;
use super::planned::{Planned, finished};
use super::reports::Reports;
use super::{Depth, runner};

/// What is known before the runs are read.
pub(super) struct Begun {
    original: Original,
    /// The checkpoint, or the copy that the original keeps of a former one.
    document: Option<Document>,
    checkpoint: Seen<Checkpoint>,
    duplicate_keys: Vec<String>,
}

/// Recognises an experiment of the original by its config, else by its checkpoint or a copy of it, else by its phases.
/// What this tool wrote, or a newer one, is never the original's.
pub(super) fn recognise(
    folder: &ExperimentFolder,
    survey: &Survey,
    raw: &Result<Option<Vec<u8>>, ReadError>,
) -> Option<Begun> {
    let ours = matches!(checkpoint::judge(raw).0, Seen::Read(_) | Seen::Newer { .. });
    if ours || matches!(survey.config, Seen::Newer { .. }) {
        return None;
    }
    let bytes = files::read_bounded(&folder.config(), MOST_STAGE_FILE_BYTES).ok().flatten();
    let bytes = bytes.filter(|bytes| is_config(bytes));
    let phased = has_phases(folder);
    let (checkpoint, document) = read(raw);
    let former = if document.is_none() { load_former(folder) } else { None };
    if bytes.is_none() && !phased && document.is_none() && former.is_none() && !names_original(raw) {
        return None;
    }
    let duplicate_keys =
        document.as_ref().map(|document| document.reading().duplicate_keys.clone()).unwrap_or_default();
    let of_former = former.as_ref().map(|document| Box::new(document.reading().checkpoint.clone()));
    let document = document.or(former);
    let reading = document.as_ref().map(Document::reading);
    let guessed = if phased { OriginalVersion::V3_1 } else { OriginalVersion::V2_0 };
    let version = document.as_ref().map_or(guessed, Document::version);
    let recorded_hash =
        reading.map(|reading| reading.checkpoint.config_hash.to_string()).filter(|hash| !hash.is_empty());
    let hash_of = |bytes: &[u8]| Json::parse(bytes).map(|json| hash::of_version(version, &json)).unwrap_or_default();
    let explained = |bytes: &[u8]| recorded_hash.as_ref().is_none_or(|recorded| hash::explains(bytes, recorded));
    let (hash, hash_is_explained) =
        bytes.as_ref().map_or((String::new(), true), |bytes| (hash_of(bytes), explained(bytes)));
    let config = match (&survey.config, bytes) {
        (_, Some(bytes)) => config_of(&bytes),
        (Seen::Unreadable(reason), None) => Seen::Unreadable(reason.clone()),
        (_, None) => Seen::Missing,
    };
    let original = Original {
        version,
        config,
        hash,
        hash_is_explained,
        recorded_hash,
        plan: Plan::default(),
        known_plan: Plan::default(),
        plan_is_open: false,
        tiers_without_subtests: Vec::new(),
        phased,
        in_progress: BTreeSet::new(),
        flat: BTreeSet::new(),
        runner: runner_of(folder, document.as_ref(), raw),
        former: of_former,
        moved_from: reading.and_then(|reading| reading.experiment_dir.clone()).filter(|dir| is_another(folder, dir)),
        stale_states: Vec::new(),
        failed: BTreeSet::new(),
        unknown_keys: reading.map(|reading| reading.unknown_keys.clone()).unwrap_or_default(),
        stale_reports: Vec::new(),
        missing_files: Vec::new(),
    };
    Some(Begun { original, document, checkpoint, duplicate_keys })
}

/// Keys that only the original's config has, or lacks.
fn is_config(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Keys {
        task_repo: Option<IgnoredAny>,
        version: Option<IgnoredAny>,
        fixture_digest: Option<IgnoredAny>,
    }
    serde_json::from_slice(bytes).is_ok_and(|Keys { task_repo, version, fixture_digest }| {
        task_repo.is_some() && version.is_none() && fixture_digest.is_none()
    })
}

fn config_of(bytes: &[u8]) -> Seen<OriginalConfig> {
    match projectscylla::config::parse(bytes) {
        Ok(config) => Seen::Read(Box::new(config)),
        Err(error) => Seen::Unreadable(clipped(error)),
    }
}

pub(super) fn has_phases(folder: &ExperimentFolder) -> bool {
    let is_folder = |name| matches!(files::kind_of(&folder.root().join(name)), Ok(Some(Kind::Folder)));
    is_folder(COMPLETED) || is_folder(IN_PROGRESS)
}

/// What the checkpoint is, and the document when it is whole.
fn read(raw: &Result<Option<Vec<u8>>, ReadError>) -> (Seen<Checkpoint>, Option<Document>) {
    let bytes = match raw {
        Ok(None) => return (Seen::Missing, None),
        Ok(Some(bytes)) => bytes,
        Err(error) => return (Seen::Unreadable(clipped(error.to_string())), None),
    };
    match Document::parse(bytes) {
        Ok(document) => (Seen::Read(Box::new(document.reading().checkpoint.clone())), Some(document)),
        Err(error @ Refusal::Unreadable(_)) => (Seen::Unreadable(clipped(error.to_string())), None),
        Err(Refusal::Unknown { place, what, found }) => {
            let reason = format!("`{place}` is `{found}`, and that is not {what} that this cargo-scylla knows");
            (Seen::UnknownFormat(clipped(reason)), None)
        }
    }
}

/// Whether the checkpoint names a version below ours, whatever else is wrong with it.
fn names_original(raw: &Result<Option<Vec<u8>>, ReadError>) -> bool {
    let Ok(Some(bytes)) = raw else { return false };
    let Ok(json) = Json::parse(bytes) else { return false };
    json.get("version").and_then(Json::text).is_some_and(|version| age(version) == Age::Original)
}

/// The copy of a former checkpoint, when it is whole. The original loses its checkpoint when it is killed between two
/// renames, and then this one is the last that it wrote.
fn load_former(folder: &ExperimentFolder) -> Option<Document> {
    let bytes = files::read_bounded(&folder.former_checkpoint(), MOST_CHECKPOINT_BYTES).ok().flatten()?;
    Document::parse(&bytes).ok()
}

fn runner_of(
    folder: &ExperimentFolder,
    document: Option<&Document>,
    raw: &Result<Option<Vec<u8>>, ReadError>,
) -> Option<Runner> {
    let checkpoint = document.map(|document| &document.reading().checkpoint);
    let works = |status| matches!(status, ExperimentStatus::Running | ExperimentStatus::PausedRateLimit);
    let heard = checkpoint.filter(|checkpoint| works(checkpoint.status)).map(|checkpoint| {
        let beat = raw.as_ref().ok().and_then(Option::as_deref).and_then(heartbeat);
        beat.map_or(checkpoint.last_updated_at, |beat| beat.max(checkpoint.last_updated_at))
    });
    let named = document.and_then(|document| document.reading().experiment_dir.as_deref());
    let is_at_home = named.is_some_and(|named| Path::new(named).is_absolute() && !is_another(folder, named));
    runner::find(folder, checkpoint.and_then(|checkpoint| checkpoint.pid), heard, is_at_home)
}

fn heartbeat(raw: &[u8]) -> Option<Timestamp> {
    Json::parse(raw).ok()?.get("last_heartbeat").and_then(Json::text)?.parse().ok()
}

/// Whether a checkpoint names another folder than this one. A path that is not absolute is meant from where the runner
/// was started, which nobody knows.
fn is_another(folder: &ExperimentFolder, named: &str) -> bool {
    let here = fs::canonicalize(folder.root()).unwrap_or_else(|_| folder.root().to_owned());
    !here.ends_with(Path::new(named)) && fs::canonicalize(named).map_or(true, |named| named != here)
}

impl Begun {
    /// Tells the survey what is known before the runs are read.
    pub(super) fn report(&mut self, survey: &mut Survey) {
        survey.config = Seen::Missing;
        survey.config_missing = Vec::new();
        survey.checkpoint = std::mem::take(&mut self.checkpoint);
        survey.duplicate_keys = std::mem::take(&mut self.duplicate_keys);
        survey.original = Some(Box::new(self.original.clone()));
        if survey.holder.is_none() {
            survey.holder = self.original.runner.as_ref().map(Runner::holder);
        }
    }

    /// Tells what follows from the runs: the plan, and what states and reports have to do with it.
    pub(super) fn finish(self, folder: &ExperimentFolder, depth: Depth, phases: Phases, survey: &mut Survey) {
        let Some(mut original) = survey.original.take() else { return };
        original.phased |= phases.phased;
        original.in_progress = phases.in_progress;
        original.flat = phases.flat;
        let recorded = self.document.as_ref().map(Document::reading);
        let mut known = phases.subtests;
        if let Some(reading) = recorded {
            known.extend(reading.checkpoint.completed_runs.entries().map(|(run, _)| (run.tier, run.subtest)));
            known.extend(reading.states.subtests.keys());
            known.extend(reading.states.runs.keys().map(|run| (run.tier, run.subtest)));
        }
        let planned = original.config.content().map(|config| config.tiers_to_run.clone()).unwrap_or_default();
        let tiers: BTreeSet<TierId> = known.iter().map(|(tier, _)| *tier).chain(planned).collect();
        let reports = Reports::read(folder, original.phased, &tiers);
        known.extend(reports.subtests());
        if let Some(config) = original.config.content() {
            let finished = finished(folder, recorded, &tiers);
            let planned = Planned::of(config, &known, &finished);
            original.tiers_without_subtests = planned.without;
            original.plan_is_open = planned.is_open;
            (original.plan, original.known_plan) = (planned.plan, planned.known);
        }
        if let Some(reading) = recorded {
            let failed = reading.states.runs.iter();
            let failed = failed.filter(|(_, state)| matches!(state, RunState::Failed | RunState::RateLimited));
            original.failed = failed.map(|(run, _)| *run).filter(|run| !is_committed(survey, *run)).collect();
            let facts = StateFacts {
                version: reading.version,
                plan: &original.plan,
                tiers_without_subtests: &original.tiers_without_subtests,
                committed: &committed(survey),
                unknown: &unknown(survey),
            };
            // What a copy of a former checkpoint says is out of date by its nature.
            if survey.checkpoint.content().is_some() {
                original.stale_states = states::stale(&reading.states, &reading.checkpoint.completed_runs, &facts);
            }
        }
        if depth == Depth::Evidence {
            original.stale_reports = reports.stale(survey);
        }
        survey.original = Some(original);
    }
}

fn is_committed(survey: &Survey, run: RunId) -> bool {
    matches!(survey.runs.get(&run), Some(RunSeen::Committed(_)))
}

/// Every committed run. What else lies in its folder plays no part in what contradicts it.
fn committed(survey: &Survey) -> BTreeMap<RunId, Committed> {
    let runs = survey.runs.keys().filter(|run| is_committed(survey, **run));
    runs.map(|run| (*run, Committed { report: true, workspace: false })).collect()
}

/// Runs of which nobody can say whether they are committed.
fn unknown(survey: &Survey) -> BTreeSet<RunId> {
    let hidden = |seen: &RunSeen| matches!(seen, RunSeen::Unknown);
    survey.runs.iter().filter(|(_, seen)| hidden(seen)).map(|(run, _)| *run).collect()
}
