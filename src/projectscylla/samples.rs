//! Checkpoints for tests, one for each format, as ProjectScylla writes them.

use serde_json::{Value, json};

use super::json::Json;

/// The formats: 1.0, 2.0, 3.0, and 3.1 with the states of February, March and August 2026.
pub(super) const DIALECTS: [&str; 6] = ["1.0", "2.0", "3.0", "3.1-february", "3.1-march", "3.1-august"];

/// The checkpoint in a format, as a value: tiers in the order in which they ended.
pub(super) fn value(dialect: &str) -> Value {
    let version = dialect.split('-').next().unwrap_or_default();
    let mut checkpoint = json!({
        "version": version,
        "experiment_id": "test-001",
        "experiment_dir": "/home/somebody/results/2026-01-20T06-13-07-test-001",
        "config_hash": "8553442b41f0adc8",
        "completed_runs": {
            "T3": {"01": {"1": "passed", "2": "agent_complete"}},
            "T0": {"00": {"1": "passed", "2": "failed", "10": "passed"}, "01": {}},
        },
        "started_at": "2026-01-20T06:13:07.515053+00:00",
        "last_updated_at": "2026-01-20T06:22:17.394618+00:00",
        "status": "running",
        "rate_limit_source": null,
        "rate_limit_until": null,
        "pause_count": 0,
        "pid": 275_043,
    });
    if version == "1.0" {
        checkpoint["completed_runs"] = json!({"T3": {"01": [1]}, "T0": {"00": [2, 1, 10], "01": []}});
    }
    if version >= "3.0" {
        for (key, states) in states(dialect) {
            checkpoint[key] = states;
        }
        checkpoint["last_heartbeat"] = json!("");
    }
    checkpoint
}

fn states(dialect: &str) -> [(&'static str, Value); 4] {
    let (done, doing) = match dialect {
        "3.0" => ("run_complete", "judge_ready"),
        "3.1-february" => ("worktree_cleaned", "judge_prompt_built"),
        "3.1-march" => ("report_written", "failure_cleared"),
        _ => ("worktree_cleaned", "promoted_to_completed"),
    };
    [
        ("experiment_state", json!("tiers_running")),
        ("tier_states", json!({"T3": "config_loaded", "T0": "config_loaded"})),
        (
            "subtest_states",
            json!({"T3": {"01": "runs_in_progress"}, "T0": {"00": "runs_in_progress", "01": "pending"}}),
        ),
        (
            "run_states",
            json!({
                "T3": {"01": {"1": done, "2": doing}},
                "T0": {"00": {"1": done, "2": "checkpointed", "10": "worktree_cleaned", "3": "rate_limited"}},
            }),
        ),
    ]
}

/// The file as Python writes it.
pub(super) fn file(value: &Value) -> String {
    Json::of(value).indented()
}
