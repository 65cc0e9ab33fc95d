//! A config for tests, and another value for each of its fields.

use serde_json::{Value, json};

use super::Config;

/// A config in which every optional field is set.
pub(crate) fn config() -> Config {
    let mut config = json!({
        "version": "4.2",
        "experiment_id": "sample",
        "name": "Sample",
        "description": "A sample.",
        "created_at": "2026-11-23T10:00:00Z",
        "created_after": "2027-11-23T10:00:00Z",
        "created_by": "cargo-scylla 0.1.0",
        "task_repo": "source/",
        "task_commit": "5f0a1e6c1f4e4b1f0d4f3a1b2c3d4e5f60718293",
        "task_prompt_file": "prompt.md",
        "fixture_digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "language": "rust",
        "models": ["opus"],
        "judge_models": ["opus", "sonnet"],
        "thinking_mode": "Low",
        "timeout_seconds": 60,
        "no_progress_seconds": 30,
        "output_limit_bytes": 1024,
        "max_run_tokens": 1_000_000,
        "max_run_turns": 50,
        "max_run_cost_usd": 1.5,
        "max_memory": "4GiB",
        "max_processes": 512,
        "max_processors": 0.5,
        "environment": ["API_KEY"],
        "inherit": "as-declared",
        "subtests": { "T0": ["00", "01"], "T1": ["00"] },
        "runs_per_subtest": 3,
        "max_subtests": 2,
        "extensions": [
            { "at": "2026-11-24T10:00:00Z", "runs_per_subtest": 3, "added_tiers": ["T1"], "max_subtests": 2 }
        ],
        "jobs": 2,
        "attempts": 3,
        "max_cost_usd": 12.5,
        "max_time_seconds": 7200,
        "prices": { "mine": { "input": 3.0, "output": 15.0, "cache_read": 0.3, "cache_write": null } },
        "keep_workspaces": "failed",
        "containment": "bubblewrap",
        "work_dir": "/scratch",
        "grace_seconds": 10,
        "systemic_failures": 5,
        "rate_limit_seconds": 3600
    });
    // The macro takes no more keys.
    config["gateway"] = json!("require");
    config["hold_seconds"] = json!(60);
    config["record"] = json!("exchanges");
    config["replay"] = json!("results/recorded");
    config["backend"] = json!("slurm");
    config["job_cpus"] = json!(4);
    config["job_memory"] = json!("8GiB");
    config["job_seconds"] = json!(3600);
    config["job_partition"] = json!("long");
    config["job_options"] = json!(["--gres=gpu:1"]);
    serde_json::from_value(config).expect("the sample is whole")
}

/// For each field another valid value; a new field has to be added here.
pub(super) fn other_values() -> Vec<(&'static str, Value)> {
    vec![
        ("version", json!("4.3")),
        ("experiment_id", json!("other")),
        ("name", json!("Other \u{1f980} \"name\"\n")),
        ("description", json!("")),
        ("created_at", json!("2027-01-01T00:00:00.5Z")),
        ("created_after", json!(null)),
        ("created_by", json!("cargo-scylla 9.9.9")),
        ("task_repo", json!("https://example.invalid/repo.git")),
        ("task_commit", json!("0000000000000000000000000000000000000000")),
        ("task_prompt_file", json!("other.md")),
        ("fixture_digest", json!(format!("sha256:{}", "0".repeat(64)))),
        ("language", json!("shell")),
        ("models", json!([])),
        ("judge_models", json!(["haiku"])),
        ("thinking_mode", json!("UltraThink")),
        ("timeout_seconds", json!(u64::MAX)),
        ("no_progress_seconds", json!(null)),
        ("max_run_tokens", json!(null)),
        ("max_run_turns", json!(u64::MAX)),
        ("max_run_cost_usd", json!(null)),
        ("max_memory", json!("1536MiB")),
        ("max_processes", json!(null)),
        ("max_processors", json!(2.0)),
        ("output_limit_bytes", json!(1)),
        ("environment", json!([])),
        ("inherit", json!("previous-best")),
        ("sandbox", json!({"use": "auto", "network": "open"})),
        ("image_id", json!("4f1c".repeat(16))),
        ("subtests", json!({ "T6": ["100"] })),
        ("runs_per_subtest", json!(100)),
        ("max_subtests", json!(null)),
        ("extensions", json!([])),
        ("jobs", json!(64)),
        ("attempts", json!(1)),
        ("max_cost_usd", json!(null)),
        ("max_time_seconds", json!(null)),
        ("prices", json!({})),
        ("keep_workspaces", json!("all")),
        ("gateway", json!("off")),
        ("hold_seconds", json!(null)),
        ("record", json!("none")),
        ("replay", json!(null)),
        ("containment", json!("walk")),
        ("backend", json!(null)),
        ("job_cpus", json!(null)),
        ("job_memory", json!("64MiB")),
        ("job_seconds", json!(null)),
        ("job_partition", json!(null)),
        ("job_options", json!([])),
        ("work_dir", json!(null)),
        ("grace_seconds", json!(0)),
        ("systemic_failures", json!(1)),
        ("rate_limit_seconds", json!(0)),
    ]
}
