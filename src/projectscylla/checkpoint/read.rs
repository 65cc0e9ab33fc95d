//! Reads ProjectScylla's checkpoint into this tool's types.

use std::collections::BTreeSet;
use std::fmt::Display;

use jiff::Timestamp;

use crate::model::checkpoint::{Checkpoint, CompletedRuns, ConfigHash, RateLimit};
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::outcome::{ExperimentStatus, RunStatus};
use crate::projectscylla::json::Json;
use crate::projectscylla::states::{ExperimentState, RunState, States, SubtestState, TierState};
use crate::projectscylla::version::Version;

use super::{Reading, Refusal, read_time};

/// Highest number of a run; this tool's numbers have as many digits.
const MOST_RUN_NUMBER: u32 = 999_999;

/// Keys whose values are used; each of them should occur once.
const READ_KEYS: [&str; 16] = [
    "version",
    "experiment_id",
    "experiment_dir",
    "config_hash",
    "experiment_state",
    "tier_states",
    "subtest_states",
    "run_states",
    "completed_runs",
    "started_at",
    "last_updated_at",
    "status",
    "rate_limit_source",
    "rate_limit_until",
    "pid",
    "pause_count",
];

pub(super) fn read(root: &Json) -> Result<Reading, Refusal> {
    let version = version(root)?;
    let mut notes = Notes::default();
    for key in READ_KEYS {
        if root.entries().iter().filter(|(known, _)| known == key).count() > 1 {
            notes.duplicate_keys.push(key.to_owned());
        }
    }
    let completed_runs = completed_runs(root, version, &mut notes)?;
    let states = if version >= Version::V3_0 { states(root, &mut notes)? } else { States::default() };
    let text = |key: &str| root.get(key).and_then(Json::text);
    let started_at = text("started_at").and_then(read_time);
    let last_updated_at = text("last_updated_at").and_then(read_time);
    let checkpoint = Checkpoint {
        version: version.to_string(),
        experiment_id: known("experiment_id", "the id of an experiment", root.get("experiment_id"), |text| {
            text.parse().ok()
        })?,
        config_hash: ConfigHash::Foreign(text("config_hash").unwrap_or_default().to_owned()),
        status: root.get("status").map_or(Ok(ExperimentStatus::Interrupted), |status| {
            known("status", "a status of an experiment", Some(status), read_status)
        })?,
        completed_runs,
        // It is only shown to people, so a missing time is no reason to reject the entries.
        started_at: started_at.or(last_updated_at).unwrap_or(Timestamp::UNIX_EPOCH),
        last_updated_at: last_updated_at.or(started_at).unwrap_or(Timestamp::UNIX_EPOCH),
        worked_seconds: 0.0,
        rate_limit: rate_limit(root),
        rate_limits: std::collections::BTreeMap::new(),
        rerun: std::collections::BTreeSet::new(),
        rerunning: std::collections::BTreeSet::new(),
        failures: std::collections::BTreeMap::new(),
        graded: std::collections::BTreeMap::new(),
        pid: root.get("pid").and_then(Json::number),
        host: None,
        unknown: serde_json::Map::new(),
    };
    let experiment_dir = text("experiment_dir").map(ToOwned::to_owned);
    let Notes { duplicate_keys, unknown_keys } = notes;
    Ok(Reading { version, checkpoint, states, duplicate_keys, unknown_keys, experiment_dir })
}

/// Notes about keys that are found on the way.
#[derive(Default)]
struct Notes {
    duplicate_keys: Vec<String>,
    unknown_keys: Vec<String>,
}

fn version(root: &Json) -> Result<Version, Refusal> {
    let found = match root.get("version") {
        Some(Json::Text(text) | Json::Number(text)) => text,
        Some(other) => return Err(wrong_shape("version", other, "a text")),
        None => return Err(Refusal::Unreadable("it has no `version`".to_owned())),
    };
    let unknown = || Refusal::Unknown {
        place: "version".to_owned(),
        what: "a version of ProjectScylla's checkpoint",
        found: found.clone(),
    };
    found.parse().map_err(|_| unknown())
}

fn wrong_shape(place: impl Display, found: &Json, wanted: &str) -> Refusal {
    Refusal::Unreadable(format!("`{place}` is {}, not {wanted}", found.kind()))
}

/// Reads a word of a known set.
fn known<T>(
    place: impl Display,
    what: &'static str,
    json: Option<&Json>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, Refusal> {
    let Some(json) = json else { return Err(Refusal::Unreadable(format!("it has no `{place}`"))) };
    let Json::Text(found) = json else { return Err(wrong_shape(place, json, "a text")) };
    read(found).ok_or_else(|| Refusal::Unknown { place: place.to_string(), what, found: found.clone() })
}

pub(super) fn read_status(word: &str) -> Option<ExperimentStatus> {
    match word {
        "running" | "rerunning" => Some(ExperimentStatus::Running),
        "paused_rate_limit" => Some(ExperimentStatus::PausedRateLimit),
        "completed" => Some(ExperimentStatus::Completed),
        "failed" | "interrupted" => Some(ExperimentStatus::Interrupted),
        _ => None,
    }
}

fn read_run_status(word: &str) -> Option<RunStatus> {
    [RunStatus::Passed, RunStatus::Failed, RunStatus::AgentComplete]
        .into_iter()
        .find(|status| status.to_string() == word)
}

pub(super) fn rate_limit(root: &Json) -> Option<RateLimit> {
    let until = root.get("rate_limit_until").and_then(Json::text).and_then(read_time)?;
    let model = root.get("rate_limit_source").and_then(Json::text).unwrap_or("unknown").to_owned();
    Some(RateLimit { model, until })
}

pub(super) fn tier_key(key: &str) -> Option<TierId> {
    key.parse().ok()
}

pub(super) fn subtest_key(key: &str) -> Option<SubtestId> {
    key.parse().ok()
}

/// Python reads `01` as `1`.
pub(super) fn run_key(key: &str) -> Option<RunNumber> {
    let digits = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    let number = key.parse().ok().filter(|number| digits && *number <= MOST_RUN_NUMBER)?;
    RunNumber::new(number)
}

/// Reads the entries of a level whose keys are ids.
fn level<K: Ord + Copy + Display>(
    json: &Json,
    place: &str,
    notes: &mut Notes,
    id: fn(&str) -> Option<K>,
    mut below: impl FnMut(K, &Json, &mut Notes) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if !matches!(json, Json::Map(_)) {
        return Err(wrong_shape(place, json, "an object"));
    }
    let mut met = BTreeSet::new();
    for (key, value) in json.entries() {
        let Some(id) = id(key) else {
            notes.unknown_keys.push(format!("{place}.{key}"));
            continue;
        };
        if !met.insert(id) {
            // Runs of the index are named in this tool's notation.
            let place = format!("{place}.{id}");
            notes.duplicate_keys.push(match place.strip_prefix("completed_runs.") {
                Some(run) => run.replace('.', "/"),
                None => place,
            });
        }
        below(id, value, notes)?;
    }
    Ok(())
}

fn completed_runs(root: &Json, version: Version, notes: &mut Notes) -> Result<CompletedRuns, Refusal> {
    const INDEX: &str = "completed_runs";
    let mut runs = CompletedRuns::default();
    let Some(index) = root.get(INDEX) else { return Ok(runs) };
    level(index, INDEX, notes, tier_key, |tier, subtests, notes| {
        let place = format!("{INDEX}.{tier}");
        level(subtests, &place, notes, subtest_key, |subtest, entries, notes| {
            let place = format!("{place}.{subtest}");
            if version == Version::V1_0 {
                return list(entries, &place, |run| {
                    if runs.set(RunId { tier, subtest, run }, RunStatus::Done).is_some() {
                        notes.duplicate_keys.push(format!("{tier}/{subtest}/{run}"));
                    }
                });
            }
            level(entries, &place, notes, run_key, |run, status, _| {
                let read = known(format_args!("{place}.{run}"), "a status of a run", Some(status), read_run_status)?;
                runs.set(RunId { tier, subtest, run }, read);
                Ok(())
            })
        })
    })?;
    Ok(runs)
}

/// The runs of a subtest in version 1.0.
fn list(json: &Json, place: &str, mut each: impl FnMut(RunNumber)) -> Result<(), Refusal> {
    let Json::List(elements) = json else { return Err(wrong_shape(place, json, "a list")) };
    for element in elements {
        let number = match element {
            Json::Number(text) | Json::Text(text) => run_key(text),
            _ => None,
        };
        let no_run = || Refusal::Unreadable(format!("`{place}` holds `{element}`, which is no number of a run"));
        each(number.ok_or_else(no_run)?);
    }
    Ok(())
}

fn states(root: &Json, notes: &mut Notes) -> Result<States, Refusal> {
    let mut states = States::default();
    if let Some(state) = root.get("experiment_state") {
        let place = "experiment_state";
        states.experiment = Some(known(place, "a state of an experiment", Some(state), ExperimentState::read)?);
    }
    if let Some(tiers) = root.get("tier_states") {
        level(tiers, "tier_states", notes, tier_key, |tier, state, _| {
            let place = format_args!("tier_states.{tier}").to_string();
            states.tiers.insert(tier, known(place, "a state of a tier", Some(state), TierState::read)?);
            Ok(())
        })?;
    }
    if let Some(tiers) = root.get("subtest_states") {
        level(tiers, "subtest_states", notes, tier_key, |tier, subtests, notes| {
            let place = format!("subtest_states.{tier}");
            level(subtests, &place, notes, subtest_key, |subtest, state, _| {
                let place = format_args!("{place}.{subtest}").to_string();
                let state = known(place, "a state of a subtest", Some(state), SubtestState::read)?;
                states.subtests.insert((tier, subtest), state);
                Ok(())
            })
        })?;
    }
    if let Some(tiers) = root.get("run_states") {
        level(tiers, "run_states", notes, tier_key, |tier, subtests, notes| {
            let place = format!("run_states.{tier}");
            level(subtests, &place, notes, subtest_key, |subtest, runs, notes| {
                let place = format!("{place}.{subtest}");
                level(runs, &place, notes, run_key, |run, state, _| {
                    let state = known(format_args!("{place}.{run}"), "a state of a run", Some(state), RunState::read)?;
                    states.runs.insert(RunId { tier, subtest, run }, state);
                    Ok(())
                })
            })
        })?;
    }
    Ok(states)
}
