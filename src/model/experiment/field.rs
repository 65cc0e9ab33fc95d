//! What a field of the config means, and which versions of configs have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a field of the config means for a resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldClass {
    /// It can change a result: the saved value wins over any flag, and `config_hash` covers it.
    Result,
    /// It says which runs should exist: only `extend` changes it, and every change is recorded.
    Plan,
    /// It says how the work is done: a flag takes effect on resume.
    Operational,
    /// It is a name for people.
    Label,
}

/// One field of the config by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its key in the file.
    pub name: &'static str,
    /// Its class.
    pub class: FieldClass,
}

impl Field {
    /// Whether configs of version 4.0 had it.
    #[must_use]
    pub fn is_of_4_0(&self) -> bool {
        FIELDS_OF_4_0.contains(&self.name)
    }

    /// Whether there are configs of the present version that do not have it yet: then its empty value holds.
    #[must_use]
    pub fn came_later(&self) -> bool {
        LATER_FIELDS.contains(&self.name)
    }
}

/// Whether a value differs from the empty value of a field that is not used.
pub(super) fn is_used(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// Fields that came when there were configs of the present version already.
const LATER_FIELDS: [&str; 20] = [
    "backend",
    "job_cpus",
    "job_memory",
    "job_seconds",
    "job_partition",
    "job_options",
    "max_run_tokens",
    "max_run_turns",
    "max_run_cost_usd",
    "max_memory",
    "max_processes",
    "max_processors",
    "max_time_seconds",
    "gateway",
    "hold_seconds",
    "prices",
    "sandbox",
    "image_id",
    "replay",
    "record",
];

/// The fields of the first version's config.
const FIELDS_OF_4_0: [&str; 31] = [
    "version",
    "experiment_id",
    "name",
    "description",
    "created_at",
    "created_by",
    "task_repo",
    "task_commit",
    "task_prompt_file",
    "fixture_digest",
    "language",
    "models",
    "judge_models",
    "thinking_mode",
    "timeout_seconds",
    "no_progress_seconds",
    "output_limit_bytes",
    "environment",
    "inherit",
    "subtests",
    "runs_per_subtest",
    "max_subtests",
    "extensions",
    "jobs",
    "attempts",
    "max_cost_usd",
    "keep_workspaces",
    "containment",
    "grace_seconds",
    "systemic_failures",
    "rate_limit_seconds",
];
