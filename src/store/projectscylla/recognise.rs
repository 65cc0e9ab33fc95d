//! Experiments of ProjectScylla's runner: how one is recognised, and what is checked in it beyond what every survey
//! checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;

use crate::model::checkpoint::{Checkpoint, CompletedRuns, ConfigHash};
use crate::model::ids::{RunId, SetupId, TierId};
use crate::model::limits::MOST_CHECKPOINT_BYTES;
use crate::model::outcome::ExperimentStatus;
use crate::model::place::Place;
use crate::model::survey::{MadeBy, Places, Planned, RunSeen, Seen, Signs, Survey};
use crate::os::clock;
use crate::os::files::{self, Kind, ReadError};
use crate::projectscylla::audit::ReadBeside;
use crate::projectscylla::checkpoint::{Document, Refusal};
use crate::projectscylla::config::Config;
use crate::projectscylla::json::Json;
use crate::projectscylla::states::{self, Committed, RunState, StateFacts};
use crate::projectscylla::version::Version;
use crate::store::layout::{Base, ExperimentFolder};
use crate::store::version::{Age, age};
use crate::store::{checkpoint, clipped};

use super::experiment::{Configured, is_config};
use super::planned::{Expected, finished};
use super::reports::Reports;
use super::runner;

/// The tool's name in messages.
const TOOL: &str = "ProjectScylla";

/// What is known before the runs are read.
pub(in crate::store) struct Recognised {
    version: Version,
    configured: Configured,
    /// The checkpoint, or the copy that ProjectScylla keeps of a former one.
    document: Option<Document>,
    checkpoint: Seen<Checkpoint>,
    duplicate_keys: Vec<String>,
    /// The content of that copy, when the checkpoint itself cannot be read.
    former: Option<Box<Checkpoint>>,
    signs: Option<Signs>,
    moved_from: Option<String>,
    /// Whether it has the folders of phases, `in_progress/` and `completed/`.
    phased: bool,
}

/// What was listed before the runs are read.
pub(in crate::store) struct Listed {
    /// The folder in which each run is.
    pub(in crate::store) bases: BTreeMap<RunId, Base>,
    /// Every subtest that has a folder.
    pub(in crate::store) subtests: BTreeSet<SetupId>,
    /// Whether anything is in another folder than the experiment's own.
    pub(in crate::store) has_others: bool,
}

/// Recognises an experiment of ProjectScylla by its config, else by its checkpoint or a copy of it, else by its phases.
/// An experiment of this tool, of any version, never counts as one.
pub(in crate::store) fn recognise(
    folder: &ExperimentFolder,
    survey: &Survey,
    raw: &Result<Option<Vec<u8>>, ReadError>,
) -> Option<Recognised> {
    let ours = matches!(checkpoint::judge(raw).0, Seen::Read(_) | Seen::Newer { .. });
    if ours || matches!(survey.config, Seen::Newer { .. }) {
        return None;
    }
    let bytes = super::experiment::config_bytes(folder).filter(|bytes| is_config(bytes));
    let phased = has_phases(folder);
    let (checkpoint, document) = read(raw);
    let former = if document.is_none() { load_former(folder) } else { None };
    if bytes.is_none() && !phased && document.is_none() && former.is_none() && !names_their_version(raw) {
        return None;
    }
    let duplicate_keys =
        document.as_ref().map(|document| document.reading().duplicate_keys.clone()).unwrap_or_default();
    let of_former = former.as_ref().map(|document| Box::new(document.reading().checkpoint.clone()));
    let document = document.or(former);
    let reading = document.as_ref().map(Document::reading);
    let guessed = if phased { Version::V3_1 } else { Version::V2_0 };
    let version = document.as_ref().map_or(guessed, Document::version);
    let configured = match (&survey.config, bytes) {
        (_, Some(bytes)) => Configured::of(&bytes, version, reading),
        (Seen::Unreadable(reason), None) => Configured::lost(Seen::Unreadable(reason.clone()), reading),
        (_, None) => Configured::lost(Seen::Missing, reading),
    };
    let moved_from = reading.and_then(|reading| reading.experiment_dir.clone()).filter(|dir| is_another(folder, dir));
    let signs = signs_of_runner(folder, document.as_ref(), raw);
    let former = of_former;
    Some(Recognised { version, configured, document, checkpoint, duplicate_keys, former, signs, moved_from, phased })
}

fn has_phases(folder: &ExperimentFolder) -> bool {
    let is_folder = |base| matches!(files::kind_of(&folder.base(base)), Ok(Some(Kind::Folder)));
    is_folder(Base::Completed) || is_folder(Base::InProgress)
}

/// The checkpoint's content, and the document when it is whole.
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

/// Whether the checkpoint names a version below ours, even if something else is wrong with it.
fn names_their_version(raw: &Result<Option<Vec<u8>>, ReadError>) -> bool {
    let Ok(Some(bytes)) = raw else { return false };
    let Ok(json) = Json::parse(bytes) else { return false };
    json.get("version").and_then(Json::text).is_some_and(|version| age(version) == Age::Foreign)
}

/// The copy of a former checkpoint, when it is whole. If the runner is killed between two renames, there is no
/// checkpoint, and this copy is the last state that it wrote.
fn load_former(folder: &ExperimentFolder) -> Option<Document> {
    let bytes = files::read_if_readable(&folder.former_checkpoint(), MOST_CHECKPOINT_BYTES)?;
    Document::parse(&bytes).ok()
}

fn signs_of_runner(
    folder: &ExperimentFolder,
    document: Option<&Document>,
    raw: &Result<Option<Vec<u8>>, ReadError>,
) -> Option<Signs> {
    let checkpoint = document.map(|document| &document.reading().checkpoint);
    let works = |status| matches!(status, ExperimentStatus::Running | ExperimentStatus::PausedRateLimit);
    let last_heartbeat = checkpoint.filter(|checkpoint| works(checkpoint.status)).map(|checkpoint| {
        let beat = raw.as_ref().ok().and_then(Option::as_deref).and_then(heartbeat);
        beat.map_or(checkpoint.last_updated_at, |beat| beat.max(checkpoint.last_updated_at))
    });
    let named = document.and_then(|document| document.reading().experiment_dir.as_deref());
    let is_at_home = named.is_some_and(|named| Path::new(named).is_absolute() && !is_another(folder, named));
    runner::find(folder, checkpoint.and_then(|checkpoint| checkpoint.pid), last_heartbeat, is_at_home)
}

fn heartbeat(raw: &[u8]) -> Option<Timestamp> {
    Json::parse(raw).ok()?.get("last_heartbeat").and_then(Json::text)?.parse().ok()
}

/// Whether a checkpoint names another folder than this one. A relative path starts at the folder in which the runner
/// was started, which is not known.
fn is_another(folder: &ExperimentFolder, named: &str) -> bool {
    let here = fs::canonicalize(folder.root()).unwrap_or_else(|_| folder.root().to_owned());
    !here.ends_with(Path::new(named)) && fs::canonicalize(named).map_or(true, |named| named != here)
}

impl Recognised {
    /// Adds to the survey what is known before the runs are read.
    pub(in crate::store) fn begin(&mut self, survey: &mut Survey) {
        let config = &self.configured.config;
        survey.config = match config {
            Seen::Read(_) => Seen::Translated,
            Seen::Unreadable(reason) => Seen::Unreadable(reason.clone()),
            _ => Seen::Missing,
        };
        // The rest was checked for experiments of this tool.
        survey.config_missing = Vec::new();
        survey.config_fault = None;
        survey.inherited.clear();
        survey.gradings.clear();
        survey.grading_records.clear();
        survey.grading_digests.clear();
        survey.checkpoint = std::mem::take(&mut self.checkpoint);
        survey.duplicate_keys = std::mem::take(&mut self.duplicate_keys);
        survey.made_by = Some(MadeBy {
            tool: TOOL.to_owned(),
            version: self.version.to_string(),
            experiment_id: config.content().map(|config| config.experiment_id.clone()),
        });
        survey.former_checkpoint = self.former.take().or_else(|| self.new_checkpoint());
        survey.is_unsealed = true;
        // Reports are made when every run is done, and only ProjectScylla's runner knows how far it got.
        survey.has_later_step = true;
        if survey.holder.is_none() {
            survey.holder = self.signs.as_ref().map(|signs| signs.holder.clone());
        }
        survey.signs = self.signs.take();
    }

    /// A checkpoint without runs; `None` without a readable config.
    fn new_checkpoint(&self) -> Option<Box<Checkpoint>> {
        let now = clock::now();
        let config = self.configured.config.content()?;
        Some(Box::new(Checkpoint {
            version: self.version.to_string(),
            experiment_id: config.experiment_id.parse().ok()?,
            config_hash: ConfigHash::Foreign(self.configured.hash.clone()),
            status: ExperimentStatus::Running,
            completed_runs: CompletedRuns::default(),
            started_at: now,
            last_updated_at: now,
            worked_seconds: 0.0,
            rate_limit: None,
            rate_limits: BTreeMap::new(),
            rerun: BTreeSet::new(),
            rerunning: BTreeSet::new(),
            failures: BTreeMap::new(),
            graded: BTreeMap::new(),
            pid: None,
            host: None,
            unknown: serde_json::Map::new(),
        }))
    }

    /// Adds to the survey what follows from the runs: the plan, the places of the runs, and how states and reports
    /// compare.
    pub(in crate::store) fn finish(
        self,
        folder: &ExperimentFolder,
        evidence: bool,
        listed: Listed,
        survey: &mut Survey,
    ) {
        let phased = self.phased || listed.has_others;
        survey.places = places(phased, &listed.bases);
        // Its files do not name an experiment or a config in the way that results of this tool do.
        survey.experiment_ids.clear();
        survey.inheritance.clear();
        let recorded = self.document.as_ref().map(Document::reading);
        let mut known = listed.subtests;
        if let Some(reading) = recorded {
            known.extend(reading.checkpoint.completed_runs.entries().map(|(run, _)| (run.tier, run.subtest)));
            known.extend(reading.states.subtests.keys());
            known.extend(reading.states.runs.keys().map(|run| (run.tier, run.subtest)));
        }
        let config = self.configured.config.content();
        let planned = config.map(|config| config.tiers_to_run.clone()).unwrap_or_default();
        let tiers: BTreeSet<TierId> = known.iter().map(|(tier, _)| *tier).chain(planned).collect();
        let reports = Reports::read(folder, phased, &tiers);
        known.extend(reports.subtests());
        let planned = config.map(|config| planned_of(config, &known, &finished(folder, recorded, &tiers)));
        let none = Planned::default();
        let Planned { plan, unknown_tiers, .. } = planned.as_ref().unwrap_or(&none);
        let mut stale_states = Vec::new();
        if let Some(reading) = recorded {
            let failed = reading.states.runs.iter();
            let failed = failed.filter(|(_, state)| matches!(state, RunState::Failed | RunState::RateLimited));
            survey.recorded_failures = failed.map(|(run, _)| *run).filter(|run| !is_committed(survey, *run)).collect();
            let facts = StateFacts {
                version: reading.version,
                plan,
                tiers_without_subtests: unknown_tiers,
                committed: &committed(survey),
                unknown: &unknown(survey),
            };
            // A copy of a former checkpoint is always out of date.
            if survey.checkpoint.content().is_some() {
                stale_states = states::stale(&reading.states, &reading.checkpoint.completed_runs, &facts);
            }
        }
        let facts = ReadBeside {
            checkpoint: &survey.spelled(Place::Checkpoint),
            config: &survey.spelled(Place::Config),
            unexplained_hash: self.configured.unexplained_hash(),
            moved_from: self.moved_from.as_deref(),
            unknown_keys: recorded.map(|reading| reading.unknown_keys.as_slice()).unwrap_or_default(),
            stale_states: &stale_states,
            stale_reports: &if evidence { reports.stale(survey) } else { Vec::new() },
            unknown_tiers,
        };
        survey.ready = facts.findings();
        survey.planned = planned.map(Box::new);
    }
}

fn planned_of(config: &Config, known: &BTreeSet<SetupId>, finished: &BTreeSet<TierId>) -> Planned {
    let expected = Expected::of(config, known, finished);
    Planned {
        runs_of_unknown_tiers: expected.without.len() * config.runs_per_subtest as usize,
        plan: expected.plan,
        known: expected.known,
        is_open: expected.is_open,
        unknown_tiers: expected.without,
    }
}

/// The expected places: finished runs are in `completed/` in an experiment with phases, though older runners left them
/// outside.
fn places(phased: bool, bases: &BTreeMap<RunId, Base>) -> Places {
    let usual = if phased { Base::Completed } else { Base::Root };
    let others = bases.iter().filter(|(_, base)| **base != usual);
    Places { usual: usual.place(""), others: others.map(|(run, base)| (*run, base.place(&run.to_string()))).collect() }
}

fn is_committed(survey: &Survey, run: RunId) -> bool {
    matches!(survey.runs.get(&run), Some(RunSeen::Committed(_)))
}

/// Every committed run. The rest of its folder does not matter for contradictions.
fn committed(survey: &Survey) -> BTreeMap<RunId, Committed> {
    let runs = survey.runs.keys().filter(|run| is_committed(survey, **run));
    runs.map(|run| (*run, Committed { report: true, workspace: false })).collect()
}

/// Runs of which it is not known whether they are committed.
fn unknown(survey: &Survey) -> BTreeSet<RunId> {
    let hidden = |seen: &RunSeen| matches!(seen, RunSeen::Unknown);
    survey.runs.iter().filter(|(_, seen)| hidden(seen)).map(|(run, _)| *run).collect()
}
