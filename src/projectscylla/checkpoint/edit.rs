//! Edits ProjectScylla's checkpoint, with as few changes as possible.

use std::collections::BTreeMap;

use crate::model::checkpoint::{Checkpoint, CompletedRuns};
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::outcome::{ExperimentStatus, RunStatus};
use crate::projectscylla::json::{Entries, Json};
use crate::projectscylla::states::{ExperimentState, States};
use crate::projectscylla::version::Version;

use super::read::{rate_limit, read_status, run_key, subtest_key, tier_key};
use super::{Header, Reading, read_time, time};

/// The keys of a new checkpoint in ProjectScylla's order.
pub(super) fn new(version: Version, header: &Header<'_>) -> Entries {
    let has_states = version >= Version::V3_0;
    let mut root: Entries = Vec::new();
    let mut add = |key: &str, value: Json| root.push((key.to_owned(), value));
    let nothing = || Json::Map(Vec::new());
    add("version", version.to_string().into());
    add("experiment_id", header.experiment_id.as_str().into());
    add("experiment_dir", header.experiment_dir.into());
    add("config_hash", header.config_hash.into());
    if has_states {
        add("experiment_state", ExperimentState::Interrupted.word().into());
        add("tier_states", nothing());
        add("subtest_states", nothing());
        add("run_states", nothing());
    }
    add("completed_runs", nothing());
    add("started_at", time(header.started_at).into());
    add("last_updated_at", time(header.now).into());
    if has_states {
        add("last_heartbeat", "".into());
    }
    add("status", "interrupted".into());
    add("rate_limit_source", Json::Null);
    add("rate_limit_until", Json::Null);
    add("pause_count", 0_u32.into());
    add("pid", Json::Null);
    root
}

pub(super) fn edited(root: Entries, reading: &Reading, checkpoint: &Checkpoint, states: &States) -> Entries {
    let mut root = root;
    let runs = runs_in_words(&checkpoint.completed_runs, reading.version);
    replace(&mut root, "completed_runs", |former| match reading.version {
        Version::V1_0 => by_subtest(former, runs, list),
        _ => by_subtest(former, runs, |former, runs| settled(former, runs, run_key, leaf)),
    });
    if reading.version >= Version::V3_0 {
        edit_states(&mut root, reading, states);
    }
    edit_header(&mut root, checkpoint);
    root
}

fn edit_states(root: &mut Entries, reading: &Reading, states: &States) {
    if let Some(state) = states.experiment.filter(|state| reading.states.experiment != Some(*state)) {
        set(root, "experiment_state", state.word().into());
    }
    let tiers = states.tiers.iter().map(|(tier, state)| (*tier, state.word())).collect();
    replace(root, "tier_states", |former| settled(former, tiers, tier_key, leaf));
    let mut subtests: BTreeMap<TierId, BTreeMap<SubtestId, &'static str>> = BTreeMap::new();
    for ((tier, subtest), state) in &states.subtests {
        subtests.entry(*tier).or_default().insert(*subtest, state.word());
    }
    replace(root, "subtest_states", |former| {
        settled(former, subtests, tier_key, |former, states| {
            settled(former, states.unwrap_or_default(), subtest_key, leaf)
        })
    });
    let runs = states.runs.iter().map(|(run, state)| (*run, state.word()));
    let runs = tree(runs);
    replace(root, "run_states", |former| by_subtest(former, runs, |former, runs| settled(former, runs, run_key, leaf)));
}

fn edit_header(root: &mut Entries, checkpoint: &Checkpoint) {
    let former = Json::Map(std::mem::take(root));
    let status = former.get("status").and_then(Json::text).and_then(read_status);
    let updated = former.get("last_updated_at").and_then(Json::text).and_then(read_time);
    let limit = rate_limit(&former);
    let pid = former.get("pid").and_then(Json::number::<u32>);
    if let Json::Map(entries) = former {
        *root = entries;
    }
    if status.unwrap_or(ExperimentStatus::Interrupted) != checkpoint.status {
        set(root, "status", word(checkpoint.status).into());
    }
    if updated != Some(checkpoint.last_updated_at) {
        set(root, "last_updated_at", time(checkpoint.last_updated_at).into());
    }
    if limit != checkpoint.rate_limit {
        let limit = checkpoint.rate_limit.as_ref();
        set(root, "rate_limit_source", limit.map(|limit| limit.model.as_str()).into());
        set(root, "rate_limit_until", limit.map(|limit| time(limit.until)).into());
    }
    if pid != checkpoint.pid {
        set(root, "pid", checkpoint.pid.into());
    }
}

/// The word that ProjectScylla uses for a status; it has none for a limit, nor for an end with runs missing.
fn word(status: ExperimentStatus) -> &'static str {
    match status {
        ExperimentStatus::Running => "running",
        ExperimentStatus::Interrupted
        | ExperimentStatus::Incomplete
        | ExperimentStatus::BudgetReached
        | ExperimentStatus::TimeReached => "interrupted",
        ExperimentStatus::PausedRateLimit => "paused_rate_limit",
        ExperimentStatus::Completed => "completed",
    }
}

type Runs = BTreeMap<RunNumber, &'static str>;
type Tree = BTreeMap<TierId, BTreeMap<SubtestId, Runs>>;

fn tree(runs: impl Iterator<Item = (RunId, &'static str)>) -> Tree {
    let mut tree = Tree::new();
    for (run, word) in runs {
        tree.entry(run.tier).or_default().entry(run.subtest).or_default().insert(run.run, word);
    }
    tree
}

/// The entries that can be expressed in the version.
fn runs_in_words(runs: &CompletedRuns, version: Version) -> Tree {
    tree(runs.entries().filter_map(|(run, status)| {
        let word = match status {
            RunStatus::Passed => "passed",
            RunStatus::Failed => "failed",
            RunStatus::Done if version == Version::V1_0 => "done",
            RunStatus::AgentComplete if version != Version::V1_0 => "agent_complete",
            RunStatus::AgentComplete | RunStatus::Errored | RunStatus::Done => return None,
        };
        Some((run, word))
    }))
}

/// Sets the value of a key; a new key is added at the end.
fn set(root: &mut Entries, key: &str, value: Json) {
    match root.iter_mut().rev().find(|(known, _)| known == key) {
        Some((_, former)) => *former = value,
        None => root.push((key.to_owned(), value)),
    }
}

/// Replaces the object of a key, made from its last value, in the place of its first one. An existing key is never
/// removed, and a new one is added only when it has a value.
fn replace(root: &mut Entries, key: &str, anew: impl FnOnce(Option<Json>) -> Option<Json>) {
    let mut former = None;
    let mut place = None;
    let mut index = 0;
    root.retain_mut(|(known, value)| {
        let is = known == key;
        if is {
            former = Some(std::mem::replace(value, Json::Null));
        }
        let stays = !is || place.is_none();
        if is && place.is_none() {
            place = Some(index);
        }
        index += usize::from(stays);
        stays
    });
    let made = anew(former);
    match (place, made) {
        (Some(place), made) => root[place].1 = made.unwrap_or_else(|| Json::Map(Vec::new())),
        (None, Some(made)) => root.push((key.to_owned(), made)),
        (None, None) => {}
    }
}

fn by_subtest(former: Option<Json>, tree: Tree, runs: impl Fn(Option<Json>, Runs) -> Option<Json>) -> Option<Json> {
    settled(former, tree, tier_key, |former, subtests| {
        settled(former, subtests.unwrap_or_default(), subtest_key, |former, wanted| {
            runs(former, wanted.unwrap_or_default())
        })
    })
}

fn leaf(_former: Option<Json>, word: Option<&'static str>) -> Option<Json> {
    word.map(Json::from)
}

/// Sets the entries whose keys are ids to what they should be; every other entry stays. `None` when an object has no
/// entries any more.
fn settled<K: Ord + std::fmt::Display, T>(
    former: Option<Json>,
    mut wanted: BTreeMap<K, T>,
    id: fn(&str) -> Option<K>,
    below: impl Fn(Option<Json>, Option<T>) -> Option<Json>,
) -> Option<Json> {
    let was_empty = matches!(&former, Some(Json::Map(entries)) if entries.is_empty());
    let entries = if let Some(Json::Map(entries)) = former { entries } else { Vec::new() };
    let mut met: BTreeMap<K, usize> = BTreeMap::new();
    let mut joined: Entries = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match id(&key).map(|id| met.entry(id).or_insert(joined.len())) {
            Some(place) if *place < joined.len() => join(&mut joined[*place].1, value),
            _ => joined.push((key, value)),
        }
    }
    let mut settled: Entries = Vec::with_capacity(joined.len());
    for (key, value) in joined {
        match id(&key) {
            None => settled.push((key, value)),
            Some(id) => settled.extend(below(Some(value), wanted.remove(&id)).map(|value| (key, value))),
        }
    }
    for (id, wanted) in wanted {
        settled.extend(below(None, Some(wanted)).map(|value| (id.to_string(), value)));
    }
    (was_empty || !settled.is_empty()).then_some(Json::Map(settled))
}

/// Merges two values of the same key: objects and lists are joined, else the later one is used.
fn join(former: &mut Json, later: Json) {
    match (former, later) {
        (Json::Map(former), Json::Map(later)) => former.extend(later),
        (Json::List(former), Json::List(later)) => former.extend(later),
        (former, later) => *former = later,
    }
}

/// The runs of a subtest in version 1.0.
fn list(former: Option<Json>, mut wanted: Runs) -> Option<Json> {
    let elements = if let Some(Json::List(elements)) = former { elements } else { Vec::new() };
    let was_empty = elements.is_empty();
    let asked_for = !wanted.is_empty();
    let number = |element: &Json| match element {
        Json::Number(text) | Json::Text(text) => run_key(text),
        _ => None,
    };
    let mut kept: Vec<Json> = Vec::with_capacity(elements.len());
    for element in elements {
        if number(&element).is_some_and(|run| wanted.remove(&run).is_some()) {
            kept.push(element);
        }
    }
    kept.extend(wanted.into_keys().map(|run| Json::from(run.get())));
    (was_empty || asked_for).then_some(Json::List(kept))
}
