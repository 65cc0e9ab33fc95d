//! `config/experiment.json` of the original: what it says, and the hash that its checkpoint may give it.

use std::str::FromStr;

use crate::model::digest::Digest;
use crate::model::ids::TierId;
use crate::model::original::{OriginalConfig, OriginalVersion};

use super::json::{Entries, Json};

/// Hex digits of a config's hash.
const HASH_DIGITS: usize = 16;
/// Most runs of a subtest: numbers of runs have six digits.
const MOST_RUNS: u32 = 999_999;

/// A key that only the later commits write: by it one knows whose defaults hold.
const LATER_KEY: &str = "skip_agent_teams";
/// The key that says whether work waits for the times of day at which it is cheap.
const OFF_PEAK: &str = "off_peak";
/// Default of `models`, in January 2026 and later.
const MODELS: [&str; 2] = ["claude-sonnet-4-5-20250929", "claude-sonnet-4-6"];
/// Default of `judge_models`, in January 2026 and later.
const JUDGE_MODELS: [&str; 2] = ["claude-opus-4-5-20251101", "claude-opus-4-6"];
/// Default of `runs_per_subtest`.
const RUNS_PER_SUBTEST: u32 = 10;
/// Default of `timeout_seconds`.
const TIMEOUT_SECONDS: u64 = 3600;

/// Keys that the hash of January leaves out.
const UNHASHED_IN_JANUARY: [&str; 2] = ["parallel_subtests", "max_subtests"];
/// Keys that later hashes leave out.
const UNHASHED_LATER: [&str; 6] = [
    "max_subtests",
    "tiers_to_run",
    "keep_failed_workspaces",
    "max_concurrent_workspaces",
    "max_concurrent_agents",
    "fail_on_resource_check",
];
/// And those that begin so.
const UNHASHED_BEGINNINGS: [&str; 4] = ["parallel_", "until_", "from_", "filter_"];

/// Reads a config of any version. Values that are no standard JSON, and numbers as text, are understood.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn parse(bytes: &[u8]) -> Result<OriginalConfig, String> {
    let json = Json::parse(bytes).map_err(|error| error.to_string())?;
    if !matches!(json, Json::Map(_)) {
        return Err(format!("it is {}, not an object", json.kind()));
    }
    let later = usize::from(json.get(LATER_KEY).is_some());
    let mut fields = Fields { json: &json, known: Vec::new(), lacks: Vec::new(), wrong: Vec::new() };
    let judge_model = fields.texts("judge_model");
    let mut config = OriginalConfig {
        experiment_id: fields.required("experiment_id"),
        task_repo: fields.required("task_repo"),
        task_commit: fields.required("task_commit"),
        task_prompt_file: fields.required("task_prompt_file"),
        language: fields.required("language"),
        models: fields.texts("models").unwrap_or_else(|| vec![MODELS[later].to_owned()]),
        runs_per_subtest: fields.number("runs_per_subtest").unwrap_or(RUNS_PER_SUBTEST),
        tiers_to_run: fields.tiers("tiers_to_run"),
        judge_models: fields
            .texts("judge_models")
            .or(judge_model)
            .unwrap_or_else(|| vec![JUDGE_MODELS[later].to_owned()]),
        timeout_seconds: fields.number("timeout_seconds").unwrap_or(TIMEOUT_SECONDS),
        max_turns: fields.number("max_turns"),
        max_subtests: fields.number("max_subtests"),
        thinking_mode: fields.text("thinking_mode"),
        parallel_subtests: fields.number("parallel_subtests"),
        use_containers: fields.flag("use_containers"),
        skip_agent_teams: fields.flag(LATER_KEY),
        others: serde_json::Map::new(),
    };
    if config.runs_per_subtest > MOST_RUNS {
        fields
            .wrong
            .push(format!("`runs_per_subtest` is {}, and there are at most {MOST_RUNS}", config.runs_per_subtest));
    }
    let Fields { known, lacks, mut wrong, .. } = fields;
    let unknown = json.entries().iter().filter(|(key, _)| !known.contains(&key.as_str()));
    config.others = unknown.map(|(key, value)| (key.clone(), value.strict())).collect();
    if !lacks.is_empty() {
        wrong.insert(0, format!("it lacks {}", lacks.join(", ")));
    }
    if wrong.is_empty() { Ok(config) } else { Err(wrong.join("; ")) }
}

/// The fields of a config, and what is wrong with those that were asked for.
struct Fields<'a> {
    json: &'a Json,
    known: Vec<&'static str>,
    lacks: Vec<String>,
    wrong: Vec<String>,
}

impl<'a> Fields<'a> {
    /// The value of a key; `null` is the same as nothing.
    fn get(&mut self, key: &'static str) -> Option<&'a Json> {
        self.known.push(key);
        self.json.get(key).filter(|value| **value != Json::Null)
    }

    fn wrong<T>(&mut self, key: &str, found: &Json, wanted: &str) -> Option<T> {
        self.wrong.push(format!("`{key}` is {}, not {wanted}", found.kind()));
        None
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        match self.get(key)? {
            Json::Text(text) => Some(text.clone()),
            other => self.wrong(key, other, "a text"),
        }
    }

    fn required(&mut self, key: &'static str) -> String {
        if self.get(key).is_none() {
            self.lacks.push(format!("`{key}`"));
        }
        self.text(key).unwrap_or_default()
    }

    /// A list of texts, or one text.
    fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let found = self.get(key)?;
        let texts: Option<Vec<String>> = match found {
            Json::Text(text) => Some(vec![text.clone()]),
            Json::List(elements) => elements.iter().map(|element| element.text().map(ToOwned::to_owned)).collect(),
            _ => None,
        };
        if texts.is_none() {
            self.wrong.push(format!("`{key}` is no list of texts"));
        }
        texts
    }

    fn tiers(&mut self, key: &'static str) -> Vec<TierId> {
        let names = self.texts(key).unwrap_or_default();
        let mut tiers = Vec::with_capacity(names.len());
        for name in names {
            match name.parse() {
                Ok(tier) if tiers.contains(&tier) => {}
                Ok(tier) => tiers.push(tier),
                Err(error) => self.wrong.push(format!("`{key}`: {error}")),
            }
        }
        tiers
    }

    /// A whole number, also as text.
    fn number<T: FromStr>(&mut self, key: &'static str) -> Option<T> {
        let found = self.get(key)?;
        let whole = match found {
            // As Python's `int` reads `300.0`.
            Json::Number(text) => text.strip_suffix(".0").unwrap_or(text).parse().ok(),
            other => other.number(),
        };
        if whole.is_none() {
            let shown = found.indented();
            self.wrong.push(format!("`{key}` is {shown}, not a whole number from 0"));
        }
        whole
    }

    fn flag(&mut self, key: &'static str) -> Option<bool> {
        match self.get(key)? {
            Json::Bool(is) => Some(*is),
            other => self.wrong(key, other, "true or false"),
        }
    }
}

/// Every hash that the original may have given the config, by the rules of its commits, the newest rule first; none when
/// the file is no object.
///
/// The rules differ in the keys that they leave out, and in keys that they hashed and did not save, or saved later.
#[must_use]
pub fn hashes(bytes: &[u8]) -> Vec<String> {
    let Ok(Json::Map(saved)) = Json::parse(bytes) else { return Vec::new() };
    let mut hashes = Vec::new();
    for rule in [later, january] {
        for completed in [whole, off_peak, without_unsaved] {
            for thinks in [true, false] {
                let hash = hash(rule(with_thinking(completed(saved.clone()), thinks)));
                if !hashes.contains(&hash) {
                    hashes.push(hash);
                }
            }
        }
    }
    hashes
}

/// The hash that a checkpoint of this version gives a config that is written beside it.
#[must_use]
pub fn hash_for(version: OriginalVersion, config: &Json) -> String {
    let entries = config.entries().to_vec();
    hash(if version >= OriginalVersion::V3_0 { later(entries) } else { january(entries) })
}

/// The hash of a dict.
fn hash(entries: Entries) -> String {
    let line = Json::Map(entries).sorted();
    Digest::of(line.as_bytes()).hex().chars().take(HASH_DIGITS).collect()
}

fn later(mut entries: Entries) -> Entries {
    entries.retain(|(key, _)| {
        !UNHASHED_LATER.contains(&key.as_str())
            && !UNHASHED_BEGINNINGS.iter().any(|beginning| key.starts_with(beginning))
    });
    entries
}

fn january(mut entries: Entries) -> Entries {
    entries.retain(|(key, _)| !UNHASHED_IN_JANUARY.contains(&key.as_str()));
    entries
}

/// The keys as they were saved.
fn without_unsaved(entries: Entries) -> Entries {
    entries
}

/// With those that later commits have and do not save, as they are when nobody says anything.
fn whole(mut entries: Entries) -> Entries {
    let defaults = [
        (LATER_KEY, Json::Bool(false)),
        (OFF_PEAK, Json::Bool(false)),
        ("criteria_file", Json::Null),
        ("rubric_file", Json::Null),
    ];
    for (key, value) in defaults {
        add(&mut entries, key, value);
    }
    entries
}

/// The same of an experiment that was started or resumed with `--off-peak`, which was hashed and not saved either.
fn off_peak(mut entries: Entries) -> Entries {
    add(&mut entries, OFF_PEAK, Json::Bool(true));
    whole(entries)
}

/// January's fix saves `thinking_mode`, the commits before it did not.
fn with_thinking(mut entries: Entries, thinks: bool) -> Entries {
    if thinks {
        add(&mut entries, "thinking_mode", "None".into());
    } else {
        entries.retain(|(key, _)| key != "thinking_mode");
    }
    entries
}

fn add(entries: &mut Entries, key: &str, value: Json) {
    if !entries.iter().any(|(known, _)| known == key) {
        entries.push((key.to_owned(), value));
    }
}

#[cfg(test)]
mod tests;
