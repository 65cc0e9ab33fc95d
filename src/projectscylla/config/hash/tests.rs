use serde_json::{Value, json};

use super::*;

/// The config of ProjectScylla's published dry run.
fn dry_run() -> Value {
    json!({
        "experiment_id": "test-001",
        "task_repo": "https://github.com/mvillmow/Hello-World",
        "task_commit": "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d",
        "task_prompt_file": "tests/fixtures/tests/test-001/prompt.md",
        "language": "python",
        "models": ["claude-sonnet-4-5-20250929"],
        "runs_per_subtest": 1,
        "tiers_to_run": ["T0", "T1", "T2", "T3", "T4", "T5", "T6"],
        "judge_models": ["claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "claude-haiku-4-5"],
        "parallel_subtests": 6,
        "timeout_seconds": 300,
        "max_turns": null,
        "max_subtests": 1,
        "use_containers": false,
    })
}

fn with(config: &Value, more: &Value) -> Value {
    let mut config = config.clone();
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

fn without(config: &Value, keys: &[&str]) -> Value {
    let mut config = config.clone();
    for key in keys {
        config.as_object_mut().unwrap().shift_remove(*key);
    }
    config
}

fn explained(saved: &Value, recorded: &str) -> bool {
    explains(saved.to_string().as_bytes(), recorded)
}

/// The hash of exactly these keys.
fn of(hashed: &Value) -> String {
    let Json::Map(entries) = Json::of(hashed) else { panic!("{hashed}") };
    hash(entries)
}

#[test]
fn the_hashes_of_the_published_experiment_are_found() {
    for config in [dry_run(), with(&dry_run(), &json!({"thinking_mode": "None"}))] {
        for expected in ["8553442b41f0adc8", "83759c4abe4d4859"] {
            assert!(explained(&config, expected), "{expected}");
        }
        assert!(!explained(&config, "8553442b41f0adc9"));
    }
    assert!(explained(&with(&dry_run(), &json!({"max_subtests": 7})), "8553442b41f0adc8"));
    assert_eq!(of_version(Version::V2_0, &Json::of(&dry_run())), "8553442b41f0adc8");
}

/// Computed by Python's own `json` and `hashlib`, not by the code under test.
#[test]
fn the_hashes_of_the_last_period_are_those_that_python_computes() {
    let last = |config: &Value| of_version(Version::V3_1, &Json::of(config));
    assert_eq!(last(&dry_run()), "348ac9ee69d45533");
    assert_eq!(last(&with(&dry_run(), &json!({"thinking_mode": "Höhe — hoch"}))), "6eb803d2cd308bb7");
    let agamemnon = json!({"enabled": false, "failure_type": "default", "failure_duration_seconds": null, "failure_parameters": {}});
    let saved = json!({
        "experiment_id": "test-001",
        "task_repo": "https://example.invalid/hello",
        "task_commit": "6491e610a8a5cf1d236c2ca2950c57d301198f59",
        "task_prompt_file": "tests/fixtures/tests/test-001/prompt.md",
        "language": "python",
        "models": ["claude-sonnet-4-5-20250929"],
        "runs_per_subtest": 2,
        "tiers_to_run": ["T0", "T1"],
        "judge_models": ["claude-opus-4-5-20251101"],
        "timeout_seconds": 180,
        "max_turns": null,
        "max_subtests": null,
        "skip_agent_teams": false,
        "thinking_mode": "None",
        "use_containers": false,
        "agamemnon": agamemnon,
    });
    assert!(explained(&saved, "dc7cad40645770e7"));
    assert!(!explained(&with(&saved, &json!({"timeout_seconds": 181})), "dc7cad40645770e7"));
}

#[test]
fn each_period_hashed_other_keys_beside_those_that_it_saved() {
    let saved = without(&dry_run(), &["max_subtests", "parallel_subtests"]);
    let files = json!({"criteria_file": null, "rubric_file": null});
    let tiers: &[&str] = &["tiers_to_run"];
    let stops = json!({"until_run_state": null, "until_tier_state": null, "until_experiment_state": null});
    for (left_out, beside) in [
        (&[][..], vec![]),
        (&[][..], vec![&files]),
        (&[][..], vec![&files, &stops]),
        (&[][..], vec![&files, &stops, &json!({"until_run_state": "agent_complete"})]),
        (tiers, vec![&files]),
        (tiers, vec![&files, &json!({"maestro": null})]),
        (tiers, vec![&files, &json!({"maestro": null, "off_peak": false})]),
        (tiers, vec![&files, &json!({"agamemnon_url": null, "off_peak": true})]),
        (tiers, vec![&files, &json!({"off_peak": false})]),
    ] {
        let hashed = beside.iter().fold(without(&saved, left_out), |all, more| with(&all, more));
        assert!(explained(&saved, &of(&hashed)), "{hashed:#}");
    }
}

#[test]
fn keys_that_were_hashed_and_not_saved_or_saved_later_are_known_with_every_value() {
    let saved = without(&dry_run(), &["max_subtests", "parallel_subtests", "use_containers"]);
    for more in [
        json!({"thinking_mode": "UltraThink"}),
        json!({"use_containers": true, "thinking_mode": "Low"}),
        json!({"skip_agent_teams": true, "criteria_file": null, "rubric_file": null}),
    ] {
        assert!(explained(&saved, &of(&with(&saved, &more))), "{more}");
        assert!(explained(&with(&saved, &more), &of(&saved)) || more.get("criteria_file").is_some(), "{more}");
    }
}

#[test]
fn an_edit_of_a_value_is_never_taken_for_an_untouched_file() {
    let whole = with(&dry_run(), &json!({"thinking_mode": "Low"}));
    let recorded = of(&without(&whole, &["max_subtests", "parallel_subtests"]));
    assert!(explained(&whole, &recorded));
    for (key, value) in [
        ("timeout_seconds", json!(301)),
        ("models", json!(["other"])),
        ("language", json!("mojo")),
        ("thinking_mode", json!("High")),
        ("use_containers", json!(true)),
    ] {
        assert!(!explained(&with(&whole, &json!({ key: value })), &recorded), "{key}");
    }
    assert!(!explains(b"[]", &recorded));
}

#[test]
fn the_last_hash_leaves_out_what_says_how_and_how_far_and_covers_what_projectscylla_takes_by_itself() {
    let last = |config: &Value| of_version(Version::V3_1, &Json::of(config));
    for (key, value) in [
        ("tiers_to_run", json!(["T0"])),
        ("until_run_state", json!("agent_complete")),
        ("filter_tiers", json!(["T0"])),
        ("from_tier_state", json!(null)),
        ("parallel_high", json!(2)),
        ("max_concurrent_agents", json!(3)),
        ("off_peak", json!(false)),
        ("criteria_file", json!(null)),
        ("skip_agent_teams", json!(false)),
    ] {
        assert_eq!(last(&with(&dry_run(), &json!({ key: value }))), last(&dry_run()), "{key}");
    }
    assert_ne!(last(&with(&dry_run(), &json!({"off_peak": true}))), last(&dry_run()));
}
