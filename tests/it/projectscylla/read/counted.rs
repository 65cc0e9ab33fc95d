//! Bugs of ProjectScylla in January 2026 and what its fix left, as folders.

use std::fs;

use serde_json::{Value, json};

use super::made::{Made, SMALL, V2_0, hash};
use crate::verify::folder::{contents, differing, json, verify};

#[test]
fn a_config_that_no_hash_explains_is_a_warning_and_never_damage() {
    let made = Made::finished(V2_0);
    made.edit("config/experiment.json", |config| config["timeout_seconds"] = json!(301));
    let verified = verify(&made.world, &made.dir).exits(0);
    assert_eq!(verified.of("config-hash-unexplained"), ["config/experiment.json"]);
    assert_eq!(verified.findings().len(), 1);
    made.scylla("verify", &["--deny-warnings"], 7);
}

#[test]
fn a_config_from_before_the_thinking_mode_was_saved_is_the_same_config() {
    let made = Made::finished(V2_0);
    let with = hash(&json(&made.at("config/experiment.json")));
    made.edit("config/experiment.json", |config| {
        config.as_object_mut().unwrap().shift_remove("thinking_mode").unwrap();
    });
    let without = hash(&json(&made.at("config/experiment.json")));
    assert_ne!(with, without, "the original says that the config has changed");
    for recorded in [with, without] {
        made.edit("checkpoint.json", |checkpoint| checkpoint["config_hash"] = json!(recorded));
        verify(&made.world, &made.dir).exits(0);
    }
}

#[test]
fn a_run_that_is_recorded_twice_counts_once() {
    let made = Made::finished(V2_0);
    let text = fs::read_to_string(made.at("checkpoint.json")).unwrap();
    let twice = text.replacen("\"1\": \"passed\"", "\"1\": \"failed\",\n \"1\": \"passed\"", 1);
    fs::write(made.at("checkpoint.json"), &twice).unwrap();
    assert_ne!(text, twice);
    let verified = verify(&made.world, &made.dir).exits(4);
    assert_eq!(verified.of("duplicate-entry"), ["checkpoint.json"]);
    assert_eq!(verified.report["agreeing"], 6, "keys are numbers, however they are written");
    made.repair(0);
    let mended = fs::read_to_string(made.at("checkpoint.json")).unwrap();
    assert_eq!(mended.matches("\"1\": ").count(), 3, "{mended}");
    verify(&made.world, &made.dir).exits(0);
}

#[test]
fn a_normal_end_that_wiped_the_entries_and_said_completed_is_mended() {
    let made = Made::finished(V2_0);
    made.edit("checkpoint.json", |checkpoint| checkpoint["completed_runs"] = json!({}));
    verify(&made.world, &made.dir).exits(4);
    made.repair(0);
    assert_eq!(made.index()["status"], "completed", "now it is true");
    let made = Made::of(V2_0, &SMALL, &[(0, 0, 1)]);
    made.edit("checkpoint.json", |checkpoint| checkpoint["status"] = json!("completed"));
    assert_eq!(verify(&made.world, &made.dir).exits(4).of("status-contradicted"), ["checkpoint.json"]);
    made.repair(0);
    assert_eq!(made.index()["status"], "interrupted");
}

#[test]
fn a_result_without_a_usable_judge_is_read_and_is_no_pass() {
    let made = Made::finished(V2_0);
    // One judge gave nothing, the other one's score was made up: neither has a vote.
    made.edit("T0/00/run_01/run_result.json", |result| {
        result["judge_score"] = Value::Null;
        result["judge_passed"] = json!(false);
        result["judge_grade"] = Value::Null;
        result["judges"] = json!([
            {"model": "a", "score": null, "passed": null, "judge_number": 1, "is_valid": false},
            {"model": "b", "score": 0.7, "passed": true, "grade": "C", "judge_number": 2, "fallback": true},
        ]);
    });
    let verified = verify(&made.world, &made.dir).exits(4);
    assert_eq!(verified.of("wrong-status"), ["T0/00/run_01"]);
    assert_eq!(verified.findings().len(), 1);
    made.repair(0);
    assert_eq!(made.index()["completed_runs"]["T0"]["00"]["1"], "failed");
    let status = made.scylla("status", &[], 0);
    assert!(status.stdout.contains("6/6"), "{status}");
}

#[test]
fn bare_infinity_and_nan_are_read_and_never_written() {
    let made = Made::finished(V2_0);
    let result = made.at("T0/00/run_01/run_result.json");
    let text = fs::read_to_string(&result).unwrap();
    fs::write(&result, text.replacen("\"cost_usd\": 0.5", "\"cost_usd\": \"0.5\", \"cost_of_pass\": Infinity", 1))
        .unwrap();
    fs::write(made.at("T0/result.json"), "{\"subtest_results\": {}, \"cost_of_pass\": Infinity, \"x\": NaN}").unwrap();
    let verified = verify(&made.world, &made.dir).exits(0);
    assert_eq!(verified.of("stale-report"), ["T0/result.json"], "{:#}", verified.report);
    assert_eq!(verified.findings().len(), 1);
    let before = contents(&made.dir);
    made.repair(0);
    let changed: Vec<String> = differing(&before, &contents(&made.dir)).into_iter().collect();
    assert_eq!(changed, ["experiment.lock"]);
}
