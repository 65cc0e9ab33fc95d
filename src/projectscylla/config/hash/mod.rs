//! The hash of a config in ProjectScylla's checkpoint. Its commits left different keys out, and hashed keys that they
//! did not save: the rules for each period here follow ProjectScylla's own functions.

use crate::model::digest::Digest;
use crate::projectscylla::json::{Entries, Json};
use crate::projectscylla::states::{ExperimentState, RunState, TierState};
use crate::projectscylla::version::Version;

/// Hex digits of a config's hash.
const HASH_DIGITS: usize = 16;

/// Left out from the first checkpoint to February 2026.
const UNHASHED_FIRST: [&str; 2] = ["parallel_subtests", "max_subtests"];
/// Left out from the end of February on, when tiers could be added to an experiment.
const UNHASHED_WITH_TIERS: [&str; 3] = ["parallel_subtests", "max_subtests", "tiers_to_run"];
/// Left out from May 2026 on.
const UNHASHED_LAST: [&str; 6] = [
    "max_subtests",
    "tiers_to_run",
    "keep_failed_workspaces",
    "max_concurrent_workspaces",
    "max_concurrent_agents",
    "fail_on_resource_check",
];
/// Prefixes of further keys that are left out.
const UNHASHED_BEGINNINGS: [&str; 4] = ["parallel_", "until_", "from_", "filter_"];

/// Paths of the task's own files: hashed from February 2026 on, but never saved.
const FILES: [&str; 2] = ["criteria_file", "rubric_file"];
/// Those paths when the files are beside the prompt.
const FILES_BESIDE_PROMPT: [&str; 2] = ["expected/criteria.md", "expected/rubric.yaml"];
/// The states at which a call was to stop: hashed for some days of February 2026, but not saved.
const STOPS: [&str; 3] = ["until_run_state", "until_tier_state", "until_experiment_state"];
/// Services that injected failures, in spring 2026: hashed as absent, and saved under other names or not at all.
const SERVICES: [&str; 2] = ["maestro", "agamemnon_url"];
/// Whether work waits for cheap times of day: hashed from the end of March 2026 on, but not saved.
const OFF_PEAK: &str = "off_peak";
/// The modes of thinking.
const THINKING_MODES: [&str; 4] = ["None", "Low", "High", "UltraThink"];

/// Keys that some commits saved and did not hash, or hashed and did not save, each with its possible values.
fn unsaved_fields() -> [(&'static str, Vec<Json>); 3] {
    [
        ("thinking_mode", THINKING_MODES.map(Json::from).to_vec()),
        ("skip_agent_teams", vec![Json::Bool(false), Json::Bool(true)]),
        ("use_containers", vec![Json::Bool(false), Json::Bool(true)]),
    ]
}

/// The keys that a period leaves out.
#[derive(Clone, Copy)]
enum Unhashed {
    First,
    WithTiers,
    Last,
}

/// Whether some commit of ProjectScylla gives the saved config this hash.
///
/// A key in the file is hashed with its value there or not at all. Values are guessed only for keys that are not in the
/// file, so that an edited value is never taken for an unchanged file.
#[must_use]
pub fn explains(bytes: &[u8], recorded: &str) -> bool {
    let Ok(Json::Map(saved)) = Json::parse(bytes) else { return false };
    variants(&saved).iter().any(|saved| {
        let beside = beside(saved);
        beside.iter().any(|(unhashed, beside)| {
            let mut entries = saved.clone();
            for (key, value) in beside {
                add(&mut entries, key, value.clone());
            }
            hash(without(entries, *unhashed)) == recorded
        })
    })
}

/// The hash that a checkpoint of this version should name for a config written beside it: that of the version's last
/// commit, which reads the file, fills in its own defaults, and hashes both.
#[must_use]
pub fn of_version(version: Version, config: &Json) -> String {
    let mut entries = config.entries().to_vec();
    if version < Version::V3_0 {
        return hash(without(entries, Unhashed::First));
    }
    for key in FILES {
        add(&mut entries, key, Json::Null);
    }
    if version == Version::V3_0 {
        return hash(without(entries, Unhashed::First));
    }
    add(&mut entries, "skip_agent_teams", Json::Bool(false));
    add(&mut entries, OFF_PEAK, Json::Bool(false));
    hash(without(entries, Unhashed::Last))
}

/// The hash of a dict.
fn hash(entries: Entries) -> String {
    let line = Json::Map(entries).sorted();
    Digest::of(line.as_bytes()).hex().chars().take(HASH_DIGITS).collect()
}

fn without(mut entries: Entries, unhashed: Unhashed) -> Entries {
    entries.retain(|(key, _)| {
        let key = key.as_str();
        match unhashed {
            Unhashed::First => !UNHASHED_FIRST.contains(&key),
            Unhashed::WithTiers => !UNHASHED_WITH_TIERS.contains(&key),
            Unhashed::Last => {
                !UNHASHED_LAST.contains(&key) && !UNHASHED_BEGINNINGS.iter().any(|beginning| key.starts_with(beginning))
            }
        }
    });
    entries
}

/// The possible keys that a commit hashed for this file: each field that was not always saved, with its value in the
/// file, left out, or with a possible value when the file does not have it.
fn variants(saved: &Entries) -> Vec<Entries> {
    let mut variants = vec![saved.clone()];
    for (key, values) in unsaved_fields() {
        let is_saved = saved.iter().any(|(known, _)| known == key);
        let others: Vec<Entries> = variants
            .iter()
            .flat_map(|entries| {
                if is_saved {
                    vec![entries.iter().filter(|(known, _)| known != key).cloned().collect()]
                } else {
                    values.iter().map(|value| with(entries, key, value.clone())).collect::<Vec<Entries>>()
                }
            })
            .collect();
        variants.extend(others);
    }
    variants
}

fn with(entries: &Entries, key: &str, value: Json) -> Entries {
    let mut entries = entries.clone();
    add(&mut entries, key, value);
    entries
}

/// Keys with values.
type Beside = Vec<(&'static str, Json)>;

/// The keys that each period hashed in addition to the saved ones, and the keys that it left out.
fn beside(saved: &Entries) -> Vec<(Unhashed, Beside)> {
    let mut all = vec![(Unhashed::First, Beside::new())];
    for files in files(saved) {
        all.push((Unhashed::First, files.clone()));
        all.extend(stops().into_iter().map(|stops| (Unhashed::First, [files.clone(), stops].concat())));
        let services = SERVICES.map(|service| vec![(service, Json::Null)]);
        for service in [Beside::new()].into_iter().chain(services) {
            let off_peak = [false, true].map(|is| vec![(OFF_PEAK, Json::Bool(is))]);
            for off_peak in [Beside::new()].into_iter().chain(off_peak) {
                let beside = [files.clone(), service.clone(), off_peak].concat();
                all.extend([Unhashed::WithTiers, Unhashed::Last].map(|unhashed| (unhashed, beside.clone())));
            }
        }
    }
    all
}

/// The task's files: not named, or beside its prompt.
fn files(saved: &Entries) -> Vec<Beside> {
    let prompt = saved.iter().find(|(key, _)| key == "task_prompt_file").and_then(|(_, value)| value.text());
    let folder = prompt.and_then(|prompt| prompt.rsplit_once('/')).map(|(folder, _)| folder);
    let unnamed = FILES.map(|key| (key, Json::Null)).to_vec();
    let named = folder.map(|folder| {
        let path = |below: &str| Json::from(format!("{folder}/{below}"));
        FILES.into_iter().zip(FILES_BESIDE_PROMPT.map(path)).collect()
    });
    [unnamed].into_iter().chain(named).collect()
}

/// The stop states: none, or each of the states.
fn stops() -> Vec<Beside> {
    let [run, tier, experiment] = STOPS;
    let at = |key: &str, word: &str| {
        STOPS.map(|stop| (stop, if stop == key { Json::from(word) } else { Json::Null })).to_vec()
    };
    let mut all = vec![STOPS.map(|stop| (stop, Json::Null)).to_vec()];
    all.extend(RunState::ALL.iter().map(|state| at(run, state.word())));
    all.extend(TierState::ALL.iter().map(|state| at(tier, state.word())));
    all.extend(ExperimentState::ALL.iter().map(|state| at(experiment, state.word())));
    all
}

fn add(entries: &mut Entries, key: &str, value: Json) {
    if !entries.iter().any(|(known, _)| known == key) {
        entries.push((key.to_owned(), value));
    }
}

#[cfg(test)]
mod tests;
