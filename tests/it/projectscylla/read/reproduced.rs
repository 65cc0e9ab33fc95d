//! What the newest version of ProjectScylla's runner was seen to do (U1 to U7), as folders.

use std::fs;

use serde_json::{Value, json};

use super::made::{Made, SMALL, V2_0, V3_1, place};
use crate::verify::folder::{contents, copy, differing, remove, verify};

#[test]
fn a_wiped_index_is_rebuilt_from_the_disk_and_not_from_itself() {
    let made = Made::finished(V3_1);
    made.wipe();
    let told = made.repair(0);
    assert!(told.stdout.contains("difference  +6"), "{told}");
    assert_eq!(verify(&made.world, &made.dir).exits(0).report["agreeing"], 6);
}

#[test]
fn a_run_that_a_heartbeat_took_out_of_the_checkpoint_is_back() {
    let made = Made::finished(V3_1);
    made.edit("checkpoint.json", |checkpoint| {
        checkpoint["last_heartbeat"] = json!("2026-01-22T06:23:00.000000+00:00");
        checkpoint["status"] = json!("interrupted");
        for states in ["completed_runs", "run_states"] {
            checkpoint[states]["T1"]["01"].as_object_mut().unwrap().shift_remove("2").unwrap();
        }
    });
    assert_eq!(verify(&made.world, &made.dir).exits(4).of("unrecorded-result"), [made.place((1, 1, 2))]);
    made.repair(0);
    let index = made.index();
    assert_eq!(index["completed_runs"]["T1"]["01"]["2"], "passed");
    assert_eq!(index["run_states"]["T1"]["01"]["2"], "worktree_cleaned");
    assert_eq!(index["last_heartbeat"], "2026-01-22T06:23:00.000000+00:00", "what is true stays as it is written");
}

#[test]
fn a_save_that_was_killed_between_two_renames_costs_neither_the_runs_nor_the_header() {
    let made = Made::finished(V3_1);
    made.edit("checkpoint.json", |checkpoint| {
        checkpoint["future_key"] = json!({"kept": 1.50});
        checkpoint["completed_runs"]["T1"]["01"].as_object_mut().unwrap().shift_remove("2").unwrap();
    });
    fs::rename(made.at("checkpoint.json"), made.at("checkpoint.json.bak")).unwrap();
    fs::write(made.at("checkpoint.tmp.4711.140.json"), "{\"version\": \"3.1\"").unwrap();
    let former = fs::read(made.at("checkpoint.json.bak")).unwrap();
    let verified = verify(&made.world, &made.dir).exits(4);
    assert_eq!(verified.of("checkpoint-missing"), ["checkpoint.json"]);
    assert_eq!(verified.of("leftover-temporary"), ["checkpoint.tmp.4711.140.json"]);
    made.repair(0);
    let (index, whole) = (made.index(), Made::finished(V3_1).index());
    assert_eq!(index["completed_runs"], whole["completed_runs"]);
    assert_eq!((&index["future_key"], &index["started_at"]), (&json!({"kept": 1.50}), &whole["started_at"]));
    assert_eq!(fs::read(made.at("checkpoint.json.bak")).unwrap(), former, "the copy that saved the header stays");
    assert_eq!(verify(&made.world, &made.dir).exits(0).findings(), &Vec::<Value>::new());
}

#[test]
fn a_moved_experiment_is_mended_where_it_lies() {
    for form in [V2_0, V3_1] {
        let mut made = Made::finished(form);
        made.wipe();
        let there = made.world.path("elsewhere/experiment");
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        // What lies at the former place is another experiment by now.
        let former = std::mem::replace(&mut made.dir, there.clone());
        copy(&former, &there);
        remove(&former.join("config"));
        let before = contents(&former);
        let told = made.repair(0);
        assert!(told.stdout.contains("difference  +6"), "{told}");
        let verified = verify(&made.world, &made.dir).exits(0);
        assert_eq!(verified.of("moved-experiment"), ["checkpoint.json"]);
        assert_eq!(verified.findings().len(), 1);
        assert!(differing(&before, &contents(&former)).is_empty(), "the path in the checkpoint was followed");
        assert_eq!(made.index()["experiment_dir"], former.to_str().unwrap(), "what is harmless is not changed");
    }
}

#[test]
fn a_state_that_claims_more_than_there_is_gives_no_run_a_verdict() {
    let made = Made::finished(V3_1);
    made.remove("completed/T0/00/run_01/run_result.json");
    made.remove("completed/T0/00/run_01/judge");
    let verified = verify(&made.world, &made.dir).exits(5);
    assert_eq!(verified.of("phantom-entry"), [made.place((0, 0, 1))]);
    assert_eq!(verified.report["agreeing"], 5);
    made.repair(5);
    assert_eq!(made.index()["completed_runs"]["T0"]["00"]["1"], "passed", "a backup may bring the result back");
    made.scylla("repair", &["--drop-phantoms"], 0);
    let index = made.index();
    assert_eq!(index["completed_runs"]["T0"]["00"]["1"], "agent_complete", "so much is true");
    assert_eq!(index["run_states"]["T0"]["00"].get("1"), None);
    assert_eq!(index["subtest_states"]["T0"]["00"], "runs_in_progress");
    assert_eq!(
        (&index["tier_states"]["T0"], &index["experiment_state"]),
        (&json!("config_loaded"), &json!("interrupted"))
    );
    assert_eq!(verify(&made.world, &made.dir).exits(6).of("missing-run"), [made.place((0, 0, 1))]);
}

#[test]
fn keys_of_other_versions_survive_a_repair_which_keeps_a_copy_of_its_own() {
    let made = Made::finished(V3_1);
    made.wipe();
    made.edit("checkpoint.json", |checkpoint| {
        checkpoint["future_key"] = json!([1, {"deep": null}]);
        checkpoint["completed_runs"] = json!({"note": "of another tool"});
    });
    let text = fs::read_to_string(made.at("checkpoint.json")).unwrap();
    // A spelling that a number loses when it is read and printed.
    fs::write(made.at("checkpoint.json"), text.replace("\"pause_count\": 0", "\"pause_count\": 0.10e1")).unwrap();
    let before = fs::read(made.at("checkpoint.json")).unwrap();
    made.repair(0);
    let after = fs::read_to_string(made.at("checkpoint.json")).unwrap();
    assert!(after.contains("\"pause_count\": 0.10e1"), "{after}");
    assert_eq!(made.index()["future_key"], json!([1, {"deep": null}]));
    assert_eq!(made.index()["completed_runs"]["note"], "of another tool");
    assert_eq!(fs::read(&made.backups()[0]).unwrap(), before);
}

#[test]
fn a_torn_result_is_named_and_made_anew_and_never_skipped() {
    let made = Made::finished(V3_1);
    let result = made.at("completed/T0/00/run_01/run_result.json");
    let whole = fs::read(&result).unwrap();
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&result, &whole[..cut]).unwrap();
        let verified = verify(&made.world, &made.dir).exits(5);
        assert_eq!(verified.of("unreadable-result"), [made.place((0, 0, 1))], "cut at {cut}");
        assert_eq!(verified.report["agreeing"], 5);
    }
    made.repair(0);
    let index = made.index();
    for states in ["completed_runs", "run_states"] {
        assert_eq!(index[states]["T0"]["00"].get("1"), None, "{states}");
    }
    let aside = fs::read_dir(made.at(".quarantine")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read(aside.join(made.place((0, 0, 1))).join("run_result.json")).unwrap(), whole[..whole.len() - 1]);
    assert_eq!(verify(&made.world, &made.dir).exits(6).of("missing-run"), [made.place((0, 0, 1))]);
}

#[test]
fn a_result_in_an_agents_workspace_is_never_counted() {
    let made = Made::of(V3_1, &SMALL, &[(0, 0, 1)]);
    let result = made.at("completed/T0/00/run_01/run_result.json");
    for below in ["workspace", "workspace/T0/00/run_02", "agent", "commands/T0/01/run_01"] {
        let folder = made.at("completed/T0/00/run_01").join(below);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(&result, folder.join("run_result.json")).unwrap();
    }
    let verified = verify(&made.world, &made.dir).exits(6);
    assert_eq!((verified.findings().len(), verified.of("missing-run").len()), (2, 2), "{:#}", verified.report);
    assert_eq!(verified.report["agreeing"], 1);
    let old = place("completed/", (0, 0, 2));
    assert!(verified.of("missing-run").contains(&old));
}
