//! Bugs of ProjectScylla's `repair_checkpoint.py`, as folders.

use std::fs;

use serde_json::{Value, json};

use super::made::{Made, SMALL, V2_0, V3_1, place};
use crate::verify::folder::{contents, copy, differing, fifo, verify};

const RUN: &str = "T0/00/run_01";

#[test]
fn each_backup_is_what_was_there_before_and_stays() {
    let made = Made::finished(V2_0);
    let mut wiped = Vec::new();
    for note in ["first", "second"] {
        made.wipe();
        made.edit("checkpoint.json", |checkpoint| checkpoint["note"] = json!(note));
        wiped.push(fs::read(made.at("checkpoint.json")).unwrap());
        made.repair(0);
    }
    let mut kept: Vec<Vec<u8>> = made.backups().iter().map(|path| fs::read(path).unwrap()).collect();
    kept.sort_by_key(|bytes| wiped.iter().position(|wiped| wiped == bytes));
    assert_eq!(kept, wiped);
}

#[test]
fn a_checkpoint_that_a_crash_cut_in_half_is_made_anew() {
    let made = Made::finished(V2_0);
    let whole = fs::read(made.at("checkpoint.json")).unwrap();
    for cut in (0..whole.len()).step_by(97) {
        fs::write(made.at("checkpoint.json"), &whole[..cut]).unwrap();
        let verified = made.scylla("verify", &["--format", "json", "--quick"], 4);
        assert!(verified.stdout.contains("checkpoint-unreadable"), "cut at {cut}");
    }
    made.repair(0);
    assert_eq!(made.index()["completed_runs"].as_object().unwrap().len(), 2);
    verify(&made.world, &made.dir).exits(0);
}

#[test]
fn only_results_at_their_depth_and_with_their_names_count() {
    for form in [V2_0, V3_1] {
        let made = Made::of(form, &SMALL, &[(0, 0, 1)]);
        made.wipe();
        let phase = if form.phased { "completed/" } else { "" };
        let from = made.world.path("a run");
        copy(&made.at(&format!("{phase}{RUN}")), &from);
        for planted in [
            format!("{phase}{RUN}/workspace/T0/00/run_05"),
            format!("{phase}weird/00/run_01"),
            format!("{phase}T0/00/.failed/run_02_attempt_01"),
            format!("{phase}T0/00/.failed/run_01"),
            format!("{phase}T0/00/.failed/run_01_failed_2"),
            format!("{phase}T0/0/run_01"),
            format!("T0/00/elsewhere/{RUN}"),
        ] {
            copy(&from, &made.at(&planted));
        }
        let told = made.repair(0);
        assert!(told.stdout.contains("after       1 run\n"), "{told}");
        assert_eq!(made.index()["completed_runs"], json!({"T0": {"00": {"1": "passed"}}}));
        let verified = verify(&made.world, &made.dir).exits(6);
        assert_eq!(verified.of("foreign-file").len(), 3, "{:?}", verified.places());
        assert_eq!(verified.of("unreadable-result"), [""; 0]);
    }
}

#[test]
fn what_is_no_result_hangs_nothing_and_ends_nothing() {
    let texts: [&[u8]; 6] = [b"[]", b"7", b"null", b"\xff\xfe", b"", b"{\"judge_passed\": \"yes\"}"];
    for text in texts {
        let made = Made::finished(V2_0);
        fs::write(made.at("T0/00/run_01/run_result.json"), text).unwrap();
        assert_eq!(verify(&made.world, &made.dir).exits(5).of("unreadable-result"), [RUN]);
        made.repair(0);
        assert_eq!(made.index()["completed_runs"]["T0"]["00"], json!({"2": "passed"}));
    }
    let made = Made::finished(V2_0);
    made.remove("T0/00/run_01/run_result.json");
    fifo(&made.at("T0/00/run_01/run_result.json"));
    assert_eq!(verify(&made.world, &made.dir).exits(5).of("unreadable-result"), [RUN]);
}

#[test]
fn entries_without_any_result_are_named() {
    let made = Made::finished(V2_0);
    for tier in ["T0", "T1"] {
        made.remove(tier);
    }
    let verified = verify(&made.world, &made.dir).exits(5);
    assert_eq!((verified.of("phantom-entry").len(), &verified.report["agreeing"]), (6, &json!(0)));
    made.repair(5);
    made.scylla("repair", &["--drop-phantoms"], 0);
    assert_eq!(made.index()["completed_runs"], json!({}));
}

#[test]
fn an_agent_that_is_done_and_not_judged_stays_so() {
    let made = Made::of(V2_0, &SMALL, &[(0, 0, 1)]);
    made.agent(&place("", (0, 0, 2)));
    made.edit("checkpoint.json", |checkpoint| {
        checkpoint["completed_runs"] = json!({"T0": {"00": {"2": "agent_complete"}}});
    });
    made.repair(0);
    assert_eq!(made.index()["completed_runs"], json!({"T0": {"00": {"1": "passed", "2": "agent_complete"}}}));
}

#[test]
fn a_result_of_another_run_is_not_counted_and_one_without_a_verdict_is_not_failed() {
    let made = Made::finished(V2_0);
    made.edit("T0/00/run_01/run_result.json", |result| result["run_number"] = json!(7));
    made.edit("T0/00/run_02/run_result.json", |result| {
        result.as_object_mut().unwrap().shift_remove("judge_passed").unwrap();
    });
    let verified = verify(&made.world, &made.dir).exits(5);
    assert_eq!(verified.of("misplaced-result"), [RUN]);
    assert_eq!(verified.of("contradictory-result"), ["T0/00/run_02"]);
    made.repair(5);
    let index = made.index();
    assert_eq!(
        index["completed_runs"]["T0"]["00"],
        json!({"1": "passed", "2": "passed"}),
        "no verdict is invented, and none forgotten"
    );
}

#[test]
fn a_repair_says_that_nothing_runs() {
    for status in ["interrupted", "running", "rerunning"] {
        let made = Made::finished(V2_0);
        made.wipe();
        made.edit("checkpoint.json", |checkpoint| checkpoint["status"] = json!(status));
        made.repair(0);
        assert_eq!((&made.index()["status"], &made.index()["pid"]), (&json!("interrupted"), &Value::Null), "{status}");
    }
}

#[test]
fn a_dry_run_tells_all_in_both_layouts_and_changes_nothing() {
    for form in [V2_0, V3_1] {
        let made = Made::finished(form);
        made.wipe();
        let before = contents(&made.dir);
        let told = made.scylla("repair", &["--dry-run"], 4);
        assert!(told.stdout.contains("found       6 result files"), "{told}");
        assert!(told.stdout.contains("difference  +6"), "{told}");
        let changed: Vec<String> = differing(&before, &contents(&made.dir)).into_iter().collect();
        assert_eq!(changed, [] as [String; 0]);
    }
}
