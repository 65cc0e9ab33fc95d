//! `agent/result.json` of ProjectScylla: whether an agent did anything, and what it cost.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::result::strict;
use crate::model::money::Usd;

/// The contents of the file.
#[derive(Debug, Deserialize)]
pub struct Agent {
    exit_code: i64,
    token_stats: BTreeMap<String, f64>,
    /// What the agent cost.
    pub cost_usd: Usd,
}

impl Agent {
    /// Parses one; `None` when it is torn, or lacks required keys.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let loosely = || serde_json::from_slice(&strict(bytes).ok()?).ok();
        serde_json::from_slice(bytes).ok().or_else(loosely)
    }

    /// Whether the agent did anything: such files are also written for agents that crashed or were killed.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.exit_code != -1 || self.token_stats.values().any(|count| *count > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_crashed_before_it_did_anything_is_not_usable() {
        for (json, usable) in [
            (r#"{"exit_code":0,"token_stats":{},"cost_usd":0.5}"#, Some(true)),
            (
                r#"{"exit_code":-1,"token_stats":{"input_tokens":0,"cache_read_input_tokens":7},"cost_usd":0.5}"#,
                Some(true),
            ),
            (r#"{"exit_code":-1,"token_stats":{"input_tokens":0,"output_tokens":0},"cost_usd":0}"#, Some(false)),
            (r#"{"exit_code":0,"cost_usd":0.5}"#, None),
            (r#"{"exit_code":0,"token_stats":{},"cost_usd""#, None),
        ] {
            assert_eq!(Agent::parse(json.as_bytes()).map(|agent| agent.is_usable()), usable, "{json}");
        }
    }
}
