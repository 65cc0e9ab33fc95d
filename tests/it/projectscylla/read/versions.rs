//! Each version of the checkpoint in its layout: in order, wiped, lost, torn, and mended to the version that it was.

use std::fs;

use scylla::model::finding::FindingKind;
use serde_json::{Value, json};

use super::made::{FORMS, Made, Shape, V1_0, V2_0, V3_1, place};
use crate::verify::folder::{contents, differing, verify};

#[test]
fn a_finished_experiment_of_each_version_agrees_and_nothing_is_found() {
    for form in FORMS {
        let made = Made::finished(form);
        let verified = verify(&made.world, &made.dir).exits(0);
        assert_eq!(verified.findings(), &Vec::<Value>::new(), "{}", form.version);
        assert_eq!((&verified.report["agreeing"], &verified.report["planned"]), (&json!(6), &json!(6)));
        let told = made.repair(0);
        assert!(told.stdout.starts_with("Nothing to repair"), "{told}");
    }
}

#[test]
fn a_wiped_checkpoint_of_each_version_is_mended_and_keeps_its_version() {
    for form in FORMS {
        let made = Made::finished(form);
        let whole = made.index();
        made.wipe();
        let wiped = fs::read(made.at("checkpoint.json")).unwrap();
        let verified = verify(&made.world, &made.dir).exits(4);
        assert_eq!(verified.of("unrecorded-result").len(), 6, "{}: {:#}", form.version, verified.report);
        made.repair(0);
        let mended = made.index();
        for key in ["version", "completed_runs", "run_states", "experiment_dir", "config_hash", "started_at"] {
            assert_eq!(mended.get(key), whole.get(key), "{} of {}", key, form.version);
        }
        assert_eq!((&mended["status"], &mended["pid"]), (&json!("interrupted"), &Value::Null));
        let [backup] = &made.backups()[..] else { panic!("{:?}", made.backups()) };
        assert_eq!(fs::read(backup).unwrap(), wiped, "the backup is the original, byte for byte");
        verify(&made.world, &made.dir).exits(0);
        let once = contents(&made.dir);
        made.repair(0);
        let changed = differing(&once, &contents(&made.dir));
        assert!(changed.is_empty(), "a second repair changed {changed:?}");
    }
}

#[test]
fn a_lost_or_torn_checkpoint_is_made_anew_in_the_dialect_of_the_folder() {
    for form in FORMS {
        for torn in [None, Some(""), Some("{\"version\": \"2.0\", \"comp"), Some("[]")] {
            let made = Made::finished(form);
            made.remove("checkpoint.json");
            if let Some(torn) = torn {
                fs::write(made.at("checkpoint.json"), torn).unwrap();
            }
            let verified = verify(&made.world, &made.dir).exits(4);
            let kind = if torn.is_some() { "checkpoint-unreadable" } else { "checkpoint-missing" };
            assert_eq!(verified.of(kind), ["checkpoint.json"]);
            made.repair(0);
            let index = made.index();
            assert_eq!(index["version"], if form.phased { "3.1" } else { "2.0" });
            assert_eq!(index["completed_runs"], made.made_index(), "{}", form.version);
            assert_eq!(index["started_at"], "2026-01-20T06:50:26.000000+00:00", "the folder is named after its start");
            assert_eq!(verify(&made.world, &made.dir).exits(0).findings(), &Vec::<Value>::new());
        }
    }
}

impl Made {
    /// The entries of every run in a version that has statuses.
    fn made_index(&self) -> Value {
        let of_2_0 = Made { form: V2_0, world: crate::world::World::new(), dir: self.dir.clone() };
        of_2_0.checkpoint(&super::made::SMALL.all(), true)["completed_runs"].clone()
    }
}

#[test]
fn runs_that_are_missing_in_each_version_are_named_where_they_would_lie() {
    for form in FORMS {
        let done = [(0, 0, 1), (0, 0, 2), (0, 1, 1)];
        let made = Made::of(form, &super::made::SMALL, &done);
        let verified = verify(&made.world, &made.dir).exits(6);
        let mut found = verified.of("missing-run");
        found.sort_by_key(|place| place == "T1");
        assert_eq!(found, [made.place((0, 1, 2)), "T1".to_owned()], "{:#}", verified.report);
        assert_eq!(verified.findings().len(), 2);
        let repaired = made.repair(0);
        let told = "Nothing to repair: checkpoint and results say the same, and planned runs are missing.";
        assert!(repaired.stdout.starts_with(told), "{repaired}");
        let status = made.scylla("status", &[], 0);
        assert!(status.stdout.contains("3/4"), "{status}");
        made.scylla("verify", &["--max-missing", "2"], 7);
        made.scylla("verify", &["--max-missing", "3"], 0);
    }
}

#[test]
fn what_an_interrupted_experiment_did_not_start_is_planned_as_far_as_its_config_says() {
    const BEGUN: Shape = Shape { subtests: &[(0, 0), (0, 1), (1, 1)], runs: 1 };
    for form in FORMS {
        let made = Made::of(form, &BEGUN, &[(0, 0, 1), (0, 1, 1)]);
        let most = |most: Value| made.edit("config/experiment.json", |config| config["max_subtests"] = most);
        most(json!(6));
        let verified = verify(&made.world, &made.dir).exits(6);
        assert_eq!((&verified.report["agreeing"], &verified.report["planned"]), (&json!(2), &json!(12)));
        assert_eq!(verified.of("missing-run").len(), 10);
        assert!(made.scylla("verify", &[], 6).stdout.contains("2 of 12 planned runs agree"));
        assert!(made.scylla("status", &[], 0).stdout.contains("2/12"));
        most(Value::Null);
        assert!(made.scylla("verify", &[], 6).stdout.contains("2 of at least 3 planned runs agree"));
    }
}

#[test]
fn an_unknown_version_or_state_is_named_and_never_written_over() {
    let cases: [(&str, Value); 4] = [
        ("version", json!("2.5")),
        ("version", json!("3.2")),
        ("status", json!("sleeping")),
        ("run_states", json!({"T0": {"00": {"1": "dreaming"}}})),
    ];
    for (key, value) in cases {
        let made = Made::finished(V3_1);
        made.edit("checkpoint.json", |checkpoint| checkpoint[key] = value.clone());
        let before = contents(&made.dir);
        let verified = verify(&made.world, &made.dir).exits(5);
        assert_eq!(verified.of(FindingKind::UnknownFormat.name()), ["checkpoint.json"], "{value}");
        made.repair(5);
        let changed: Vec<String> = differing(&before, &contents(&made.dir)).into_iter().collect();
        assert_eq!(changed, ["experiment.lock"]);
    }
}

#[test]
fn a_checkpoint_of_version_1_0_names_runs_without_a_verdict_and_stays_so() {
    let made = Made::finished(V1_0);
    made.edit("checkpoint.json", |checkpoint| {
        drop(checkpoint["completed_runs"]["T0"]["00"].as_array_mut().unwrap().pop());
    });
    let verified = verify(&made.world, &made.dir).exits(4);
    assert_eq!(verified.of("unrecorded-result"), [place("", (0, 0, 2))]);
    made.repair(0);
    assert_eq!(made.index()["completed_runs"], json!({"T0": {"00": [1, 2], "01": [1, 2]}, "T1": {"01": [1, 2]}}));
}
