//! Versions and config of experiments that the original's runner (`ProjectScylla`) made.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::ids::TierId;

/// Versions of the original's `checkpoint.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginalVersion {
    /// January 2026, for one day: lists of run numbers without a status.
    V1_0,
    /// January 2026: a status per run.
    V2_0,
    /// February 2026: a state per run, subtest, tier and experiment.
    V3_0,
    /// From February 2026 on: finer states of runs; from March on with phase folders.
    V3_1,
}

impl OriginalVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 4] = [Self::V1_0, Self::V2_0, Self::V3_0, Self::V3_1];
}

impl fmt::Display for OriginalVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1_0 => "1.0",
            Self::V2_0 => "2.0",
            Self::V3_0 => "3.0",
            Self::V3_1 => "3.1",
        })
    }
}

impl FromStr for OriginalVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let known = Self::ALL.into_iter().find(|version| version.to_string() == text);
        known.ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

/// A version that the original's runner never wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version `{0}` is none of the original's runner (1.0, 2.0, 3.0, 3.1)")]
pub struct UnknownVersion(pub String);

/// The original's `config/experiment.json`. Keys that only some of its versions write are `None` where they are missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OriginalConfig {
    /// The experiment's name.
    pub experiment_id: String,
    /// URL of the task's repository.
    pub task_repo: String,
    /// The base commit.
    pub task_commit: String,
    /// The prompt's path, often relative to where the runner was started.
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
    /// Most turns of the agent.
    pub max_turns: Option<u32>,
    /// Most subtests of a tier.
    pub max_subtests: Option<u32>,
    /// How much the agent is told to think; the oldest versions did not save it.
    pub thinking_mode: Option<String>,
    /// Subtests in flight at once; January only.
    pub parallel_subtests: Option<u32>,
    /// Whether runs were made in containers.
    pub use_containers: Option<bool>,
    /// Whether subtests with teams of agents are left out.
    pub skip_agent_teams: Option<bool>,
    /// Every other key, as it stands there.
    pub others: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_back_and_others_are_named() {
        for version in OriginalVersion::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        let error = "2.5".parse::<OriginalVersion>().unwrap_err();
        assert_eq!(error.to_string(), "version `2.5` is none of the original's runner (1.0, 2.0, 3.0, 3.1)");
    }
}
