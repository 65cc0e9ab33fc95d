use serde_json::{Value, json};

use super::*;
use crate::projectscylla::version::Version;

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

fn with(key: &str, value: Value) -> Value {
    let mut config = dry_run();
    config[key] = value;
    config
}

fn without(key: &str) -> Value {
    let mut config = dry_run();
    config.as_object_mut().unwrap().shift_remove(key);
    config
}

fn read(config: &Value) -> Config {
    parse(config.to_string().as_bytes()).unwrap()
}

#[test]
fn a_config_of_each_version_is_read() {
    let config = read(&dry_run());
    assert_eq!((config.experiment_id.as_str(), config.language.as_deref()), ("test-001", Some("python")));
    assert_eq!((config.runs_per_subtest, config.timeout_seconds, config.max_turns), (1, 300, None));
    assert_eq!((config.max_subtests, config.parallel_subtests), (Some(1), Some(6)));
    assert_eq!((config.use_containers, config.skip_agent_teams, config.thinking_mode), (Some(false), None, None));
    assert_eq!(config.tiers_to_run, (0..7).map(TierId).collect::<Vec<_>>());
    assert_eq!(config.judge_models.len(), 3);
    assert!(config.others.is_empty());
    let later = read(&with("skip_agent_teams", json!(true)));
    assert_eq!(later.skip_agent_teams, Some(true));
    let dump = read(&with("agamemnon_url", json!("http://localhost")));
    assert_eq!(Value::Object(dump.others), json!({"agamemnon_url": "http://localhost"}));
}

#[test]
fn what_is_missing_is_what_projectscylla_takes_when_it_loads() {
    let required = json!({"experiment_id": "e", "task_repo": "r", "task_commit": "c", "task_prompt_file": "p",
        "language": "mojo"});
    let config = read(&required);
    assert_eq!((config.runs_per_subtest, config.timeout_seconds), (10, 3600));
    assert_eq!((config.models, config.judge_models), (vec![MODELS[0].to_owned()], vec![JUDGE_MODELS[0].to_owned()]));
    assert_eq!(config.tiers_to_run, []);
    let mut later = required;
    later["skip_agent_teams"] = json!(false);
    assert_eq!(read(&later).models, [MODELS[1]]);
}

#[test]
fn a_config_of_the_first_days_names_no_language_and_one_judge() {
    let first = json!({
        "experiment_id": "e", "task_repo": "r", "task_commit": "c", "task_prompt_file": "p", "models": ["m"],
        "runs_per_subtest": 2, "tiers_to_run": ["T0"], "judge_model": "opus", "tiebreaker_model": "opus",
        "parallel_subtests": 4, "timeout_seconds": 180, "max_turns": null, "max_subtests": null,
    });
    let config = read(&first);
    assert_eq!((config.language, config.judge_models), (None, vec!["opus".to_owned()]));
    assert_eq!(Value::Object(config.others), json!({ "tiebreaker_model": "opus" }));
}

#[test]
fn the_old_judge_model_is_a_panel_of_one() {
    let mut old = without("judge_models");
    old["judge_model"] = json!("claude-opus-4-5-20251101");
    assert_eq!(read(&old).judge_models, ["claude-opus-4-5-20251101"]);
    assert!(read(&old).others.is_empty());
    assert_eq!(read(&with("judge_model", json!("x"))).judge_models.len(), 3);
}

#[test]
fn numbers_as_text_and_values_that_are_no_json_are_understood() {
    assert_eq!(read(&with("timeout_seconds", json!("300"))).timeout_seconds, 300);
    assert_eq!(read(&with("timeout_seconds", json!(300.0))).timeout_seconds, 300);
    let bare = dry_run().to_string().replacen('{', "{\"max_cost_usd\": Infinity, ", 1);
    assert_eq!(parse(bare.as_bytes()).unwrap().others["max_cost_usd"], Value::Null);
    let given = hash::of_version(Version::V3_1, &Json::parse(bare.as_bytes()).unwrap());
    assert!(hash::explains(bare.as_bytes(), &given));
}

#[test]
fn every_mistake_is_told_at_once() {
    let wrong = json!({"experiment_id": 7, "task_repo": null, "task_commit": "c", "task_prompt_file": "p",
        "models": [1], "tiers_to_run": ["T0", "t1"], "runs_per_subtest": -1, "max_turns": 1.5, "use_containers": "no"});
    insta::assert_snapshot!(parse(wrong.to_string().as_bytes()).unwrap_err().replace("; ", "\n"), @r"
    it lacks `task_repo`
    `experiment_id` is a number, not a text
    `models` is no list of texts
    `runs_per_subtest` is -1, not a whole number from 0
    `tiers_to_run`: `t1` is not a tier (`T` and a number, such as `T0`)
    `max_turns` is 1.5, not a whole number from 0
    `use_containers` is a text, not true or false
    ");
    assert!(parse(with("runs_per_subtest", json!(1_000_000)).to_string().as_bytes()).unwrap_err().contains("at most"));
    assert_eq!(parse(b"[]").unwrap_err(), "it is a list, not an object");
    assert!(parse(b"{").unwrap_err().starts_with("line 1, column 2"));
}
