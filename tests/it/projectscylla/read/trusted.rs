//! Bugs that are open in the newest version of ProjectScylla, as folders.

use std::fs;

use serde_json::{Value, json};

use super::made::{Made, SMALL, V2_0, V3_1, hash};
use crate::verify::folder::{json, verify};

#[test]
fn a_wrong_verdict_a_phantom_and_a_broken_file_are_all_told() {
    let made = Made::finished(V3_1);
    made.edit("checkpoint.json", |checkpoint| checkpoint["completed_runs"]["T0"]["00"]["1"] = json!("failed"));
    made.remove("completed/T0/00/run_02/run_result.json");
    fs::write(made.at("completed/T0/01/run_01/run_result.json"), "{").unwrap();
    let verified = verify(&made.world, &made.dir).exits(5);
    assert_eq!(verified.of("wrong-status"), [made.place((0, 0, 1))]);
    assert_eq!(verified.of("phantom-entry"), [made.place((0, 0, 2))]);
    assert_eq!(verified.of("unreadable-result"), [made.place((0, 1, 1))]);
    made.repair(5);
    assert_eq!(
        made.index()["completed_runs"]["T0"],
        json!({"00": {"1": "passed", "2": "passed"}, "01": {"2": "failed"}})
    );
}

#[test]
fn a_repair_from_the_good_copy_keeps_the_good_copy_and_the_bad_checkpoint() {
    let made = Made::finished(V3_1);
    fs::copy(made.at("checkpoint.json"), made.at("checkpoint.json.bak")).unwrap();
    let good = fs::read(made.at("checkpoint.json.bak")).unwrap();
    fs::write(made.at("checkpoint.json"), "{\"version\": \"3.1\", \"completed").unwrap();
    made.repair(0);
    assert_eq!(fs::read(made.at("checkpoint.json.bak")).unwrap(), good);
    assert_eq!(fs::read_to_string(&made.backups()[0]).unwrap(), "{\"version\": \"3.1\", \"completed");
    verify(&made.world, &made.dir).exits(0);
}

#[test]
fn a_value_of_the_wrong_type_is_mended_from_the_copy() {
    for (key, wrong) in [("completed_runs", json!([])), ("status", json!(7)), ("run_states", json!("none"))] {
        let made = Made::finished(V3_1);
        made.edit("checkpoint.json", |checkpoint| checkpoint["note"] = json!("of the former"));
        fs::copy(made.at("checkpoint.json"), made.at("checkpoint.json.bak")).unwrap();
        made.edit("checkpoint.json", |checkpoint| checkpoint[key] = wrong.clone());
        assert_eq!(verify(&made.world, &made.dir).exits(4).of("checkpoint-unreadable"), ["checkpoint.json"], "{key}");
        made.repair(0);
        assert_eq!(made.index()["note"], "of the former");
        verify(&made.world, &made.dir).exits(0);
    }
}

#[test]
fn a_state_of_a_newer_version_is_not_to_be_made_again() {
    let made = Made::finished(V3_1);
    made.edit("checkpoint.json", |checkpoint| {
        checkpoint["run_states"]["T0"]["00"]["1"] = json!("judged_by_maestro");
    });
    let verified = verify(&made.world, &made.dir).exits(5);
    assert_eq!(verified.of("unknown-format"), ["checkpoint.json"]);
    let message = verified.findings()[0]["message"].as_str().unwrap();
    assert!(message.contains("run_states.T0.00.1") && message.contains("judged_by_maestro"), "{message}");
    assert_eq!(verified.of("missing-run"), [""; 0]);
}

#[test]
fn the_runs_of_a_flat_folder_are_seen_beside_those_of_later_phases() {
    let made = Made::finished(V3_1);
    // January's runner made the first tier, a later one the second.
    fs::rename(made.at("completed/T0"), made.at("T0")).unwrap();
    let verified = verify(&made.world, &made.dir).exits(0);
    assert_eq!((verified.findings(), &verified.report["agreeing"]), (&Vec::<Value>::new(), &json!(6)));
    made.wipe();
    made.repair(0);
    assert_eq!(made.index()["completed_runs"], Made::finished(V3_1).index()["completed_runs"]);
}

#[test]
fn the_existence_of_a_torn_result_proves_nothing() {
    let made = Made::of(V3_1, &SMALL, &[(0, 0, 1)]);
    made.edit("checkpoint.json", |checkpoint| {
        for states in ["completed_runs", "run_states", "subtest_states", "tier_states"] {
            checkpoint[states] = json!({});
        }
    });
    fs::write(made.at("completed/T0/00/run_01/run_result.json"), "{\"judge_passed\": tr").unwrap();
    made.repair(0);
    let index = made.index();
    assert_eq!((&index["completed_runs"], &index["run_states"]), (&json!({}), &json!({})));
    let verified = verify(&made.world, &made.dir).exits(6);
    assert!(verified.of("missing-run").contains(&made.place((0, 0, 1))), "{:#}", verified.report);
}

#[test]
fn a_promotion_that_was_killed_loses_neither_folder() {
    // The plain move across file systems: the copy is whole and what it was copied from is there still.
    let made = Made::finished(V3_1);
    let (done, former) = (made.at("completed/T0/00/run_01"), made.at("in_progress/T0/00/run_01"));
    crate::verify::folder::copy(&done, &former);
    made.remove("completed/T0/00/run_01/run_result.json");
    let verified = verify(&made.world, &made.dir).exits(5);
    assert_eq!(verified.of("duplicate-run"), ["completed/T0/00/run_01"], "the folder with the result counts");
    assert_eq!(verified.report["agreeing"], 6);
    made.repair(0);
    verify(&made.world, &made.dir).exits(0);
    assert!(former.join("run_result.json").is_file() && !done.exists());
}

#[test]
fn a_flag_that_was_hashed_and_not_saved_makes_no_other_experiment() {
    let made = Made::of(V3_1, &SMALL, &[(0, 0, 1)]);
    let mut whole = json(&made.at("config/experiment.json"));
    let unsaved = [("skip_agent_teams", json!(false)), ("criteria_file", Value::Null), ("rubric_file", Value::Null)];
    whole.as_object_mut().unwrap().extend(unsaved.map(|(key, value)| (key.to_owned(), value)));
    let with = |off_peak: bool| {
        let mut whole = whole.clone();
        whole["off_peak"] = json!(off_peak);
        // What later commits left out beside January's two keys.
        whole.as_object_mut().unwrap().shift_remove("tiers_to_run");
        hash(&whole)
    };
    assert_ne!(with(true), with(false), "the original says that the config has changed");
    for recorded in [with(true), with(false)] {
        made.edit("checkpoint.json", |checkpoint| checkpoint["config_hash"] = json!(recorded));
        assert_eq!(verify(&made.world, &made.dir).exits(6).of("config-hash-unexplained"), [""; 0]);
    }
}

#[test]
fn a_run_that_a_rate_limit_stopped_is_missing_and_neither_failed_nor_damage() {
    let made = Made::of(V3_1, &SMALL, &[(0, 0, 1)]);
    fs::create_dir_all(made.at("in_progress/T0/00/run_02/agent")).unwrap();
    made.edit("checkpoint.json", |checkpoint| {
        checkpoint["run_states"]["T0"]["00"]["2"] = json!("rate_limited");
        checkpoint["completed_runs"]["T0"]["00"]["2"] = json!("failed");
        checkpoint["subtest_states"]["T0"]["00"] = json!("failed");
        checkpoint["tier_states"]["T0"] = json!("failed");
    });
    let verified = verify(&made.world, &made.dir).exits(4);
    assert_eq!(verified.of("phantom-entry"), [""; 0]);
    assert_eq!(verified.of("missing-run"), ["T1", "in_progress/T0/00/run_02"]);
    assert_eq!(verified.of("status-contradicted"), ["checkpoint.json"]);
    made.repair(0);
    let index = made.index();
    assert_eq!(index["run_states"]["T0"]["00"]["2"], "rate_limited", "what is true stays");
    assert_eq!(index["subtest_states"]["T0"]["00"], "runs_in_progress", "it has a result, and misses one");
    let status = made.scylla("status", &[], 0);
    assert!(status.stdout.contains("1/2"), "{status}");
    verify(&made.world, &made.dir).exits(6);
}

#[test]
fn former_attempts_are_known_by_each_of_their_names_and_their_cost_counts() {
    let made = Made::of(V2_0, &SMALL, &[(0, 0, 1)]);
    for name in ["run_01_attempt_01", "run_02", "run_02_failed_1"] {
        made.agent(&format!("T0/00/.failed/{name}"));
    }
    let verified = verify(&made.world, &made.dir).exits(6);
    assert_eq!(verified.findings().len(), verified.of("missing-run").len(), "{:#}", verified.report);
    let status = made.scylla("status", &["--message-format", "json"], 0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["spent"], json!(2.0));
}
