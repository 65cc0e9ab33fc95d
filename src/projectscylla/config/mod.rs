//! `config/experiment.json` of ProjectScylla: its fields, and the hash that its checkpoint may name for it.

pub mod hash;

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::model::ids::TierId;
use crate::model::limits::MOST_FOREIGN_RUNS;

use super::json::Json;

/// A key that only the later commits write: it shows which defaults apply.
const LATER_KEY: &str = "skip_agent_teams";
/// Default of `models`, in January 2026 and later.
const MODELS: [&str; 2] = ["claude-sonnet-4-5-20250929", "claude-sonnet-4-6"];
/// Default of `judge_models`, in January 2026 and later.
const JUDGE_MODELS: [&str; 2] = ["claude-opus-4-5-20251101", "claude-opus-4-6"];
/// Default of `runs_per_subtest`.
const RUNS_PER_SUBTEST: u32 = 10;
/// Default of `timeout_seconds`.
const TIMEOUT_SECONDS: u64 = 3600;

/// ProjectScylla's `config/experiment.json`. Keys that only some of its versions write are `None` where they are missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// The experiment's name.
    pub experiment_id: String,
    /// URL of the task's repository.
    pub task_repo: String,
    /// The base commit.
    pub task_commit: String,
    /// The prompt's path, often relative to the folder in which the runner was started.
    pub task_prompt_file: String,
    /// `python` or `mojo`; before 10 January 2026 it was not saved.
    pub language: Option<String>,
    /// Models of the agent; only the first one is used.
    pub models: Vec<String>,
    /// Runs of each subtest.
    pub runs_per_subtest: u32,
    /// The planned tiers.
    pub tiers_to_run: Vec<TierId>,
    /// Models of the judges; the old singular key is read as a list of one.
    pub judge_models: Vec<String>,
    /// Wall clock limit of the agent, in seconds.
    pub timeout_seconds: u64,
    /// Maximum number of turns of the agent.
    pub max_turns: Option<u32>,
    /// Maximum number of subtests of a tier.
    pub max_subtests: Option<u32>,
    /// How much the agent is told to think; the oldest versions did not save it.
    pub thinking_mode: Option<String>,
    /// Subtests in flight at once; January only.
    pub parallel_subtests: Option<u32>,
    /// Whether runs were made in containers.
    pub use_containers: Option<bool>,
    /// Whether subtests with teams of agents are left out.
    pub skip_agent_teams: Option<bool>,
    /// Every other key, unchanged.
    pub others: Map<String, Value>,
}

/// Reads a config of any version. Non-standard JSON values, and numbers as text, are accepted.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn parse(bytes: &[u8]) -> Result<Config, String> {
    let json = Json::parse(bytes).map_err(|error| error.to_string())?;
    if !matches!(json, Json::Map(_)) {
        return Err(format!("it is {}, not an object", json.kind()));
    }
    let later = usize::from(json.get(LATER_KEY).is_some());
    let mut fields = Fields { json: &json, known: Vec::new(), missing: Vec::new(), wrong: Vec::new() };
    let judge_model = fields.texts("judge_model");
    let mut config = Config {
        experiment_id: fields.required("experiment_id"),
        task_repo: fields.required("task_repo"),
        task_commit: fields.required("task_commit"),
        task_prompt_file: fields.required("task_prompt_file"),
        language: fields.text("language"),
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
        others: Map::new(),
    };
    if config.runs_per_subtest > MOST_FOREIGN_RUNS {
        fields.wrong.push(format!(
            "`runs_per_subtest` is {}, and there are at most {MOST_FOREIGN_RUNS}",
            config.runs_per_subtest
        ));
    }
    let Fields { known, missing, mut wrong, .. } = fields;
    let unknown = json.entries().iter().filter(|(key, _)| !known.contains(&key.as_str()));
    config.others = unknown.map(|(key, value)| (key.clone(), value.strict())).collect();
    if !missing.is_empty() {
        wrong.insert(0, format!("it lacks {}", missing.join(", ")));
    }
    if wrong.is_empty() { Ok(config) } else { Err(wrong.join("; ")) }
}

/// The fields of a config, and the mistakes in those that were read.
struct Fields<'a> {
    json: &'a Json,
    known: Vec<&'static str>,
    missing: Vec<String>,
    wrong: Vec<String>,
}

impl<'a> Fields<'a> {
    /// The value of a key; `null` counts as missing.
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
            self.missing.push(format!("`{key}`"));
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

#[cfg(test)]
mod tests;
