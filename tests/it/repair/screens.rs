//! What `repair` shows and what it asks of a person.

use std::fs;

use serde_json::json;

use crate::verify::folder::{contents, copy, differing, edit, json, remove, verify};
use crate::verify::originals::{Copied, finished, interrupted};
use crate::world::{Output, steady};

fn repair(experiment: &Copied, more: &[&str]) -> Output {
    let words: Vec<&str> = ["repair", "results/experiment"].into_iter().chain(more.iter().copied()).collect();
    experiment.world.scylla(&words)
}

#[track_caller]
fn snapshot(name: &str, experiment: &Copied, output: &Output) {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/repair"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, steady(&output.to_string(), &experiment.world)); });
}

/// Something for each thing that a repair does, and for each that it leaves to a person.
fn damaged() -> Copied {
    let experiment = interrupted();
    fs::write(experiment.at("T0/00/run_01/agent/stdout.log"), "forged").unwrap();
    fs::write(experiment.at("T0/01/run_02/run_result.json"), "{").unwrap();
    fs::write(experiment.at(".tmp-x81"), "").unwrap();
    fs::create_dir(experiment.at("T0/01/run_01/workspace")).unwrap();
    copy(&experiment.at("T0/00/run_02"), &experiment.at("T0/00/run_2"));
    edit(&experiment.at("checkpoint.json"), |checkpoint| {
        checkpoint["completed_runs"]["T0"]["00"] = json!({});
        checkpoint["completed_runs"]["T1"]["00"] = json!({"2": "passed"});
    });
    experiment
}

#[test]
fn a_repair_shows_its_plan_does_it_and_says_what_is_left() {
    let experiment = damaged();
    snapshot("dry_run", &experiment, &repair(&experiment, &["--dry-run"]).exits(5));
    snapshot("repair", &experiment, &repair(&experiment, &[]).exits(5));
    let once = contents(&experiment.dir);
    snapshot("again", &experiment, &repair(&experiment, &[]).exits(5));
    let changed = differing(&once, &contents(&experiment.dir));
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
fn an_experiment_in_order_has_nothing_to_repair() {
    let experiment = finished();
    snapshot("nothing", &experiment, &repair(&experiment, &[]).exits(0));
}

#[test]
fn everything_that_is_damaged_is_mended_by_what_the_screens_say() {
    let experiment = damaged();
    repair(&experiment, &["--drop-phantoms", "--quarantine", "T0/00/1"]).exits(0);
    verify(&experiment.world, &experiment.dir).exits(6);
    experiment.world.scylla(&["resume", experiment.dir()]).exits(0);
    assert!(verify(&experiment.world, &experiment.dir).exits(0).findings().is_empty());
}

#[test]
fn phantoms_are_kept_and_never_paid_for_again_until_a_person_gives_them_up() {
    let experiment = interrupted();
    edit(&experiment.at("checkpoint.json"), |index| index["completed_runs"]["T1"]["00"] = json!({"2": "passed"}));
    repair(&experiment, &[]).exits(5);
    assert_eq!(json(&experiment.at("checkpoint.json"))["completed_runs"]["T1"]["00"]["2"], "passed");
    experiment.world.scylla(&["resume", experiment.dir()]).exits(5);
    assert!(!experiment.at("T1/00/run_02").exists(), "it was made again without being asked");
    repair(&experiment, &["--drop-phantoms"]).exits(0);
    experiment.world.scylla(&["resume", experiment.dir()]).exits(0);
    verify(&experiment.world, &experiment.dir).exits(0);
}

#[test]
fn a_backup_is_made_under_a_new_name_each_time_and_none_is_ever_written_over() {
    let experiment = finished();
    let mut kept = Vec::new();
    for round in 0..4 {
        edit(&experiment.at("checkpoint.json"), |checkpoint| {
            checkpoint["round"] = json!(round);
            checkpoint["completed_runs"]["T0"] = json!({});
        });
        kept.push(fs::read(experiment.at("checkpoint.json")).unwrap());
        repair(&experiment, &[]).exits(0);
    }
    let mut backups: Vec<Vec<u8>> = contents(&experiment.dir)
        .into_iter()
        .filter(|(place, _)| place.starts_with("checkpoint.json.backup-"))
        .map(|(_, (_, _, bytes))| bytes)
        .collect();
    backups.sort();
    kept.sort();
    assert!(backups == kept, "{} backups of {} checkpoints", backups.len(), kept.len());
}

#[test]
fn a_run_that_is_not_there_cannot_be_set_aside() {
    let experiment = finished();
    let before = contents(&experiment.dir);
    for (run, said) in [("T0/00/9", "T0/00/run_09"), ("T7/00/1", "T7/00/run_01")] {
        let refused = repair(&experiment, &["--quarantine", run]).exits(2);
        assert!(refused.stderr.contains(said), "{refused}");
    }
    repair(&experiment, &["--quarantine", "../../etc"]).exits(2);
    assert!(differing(&before, &contents(&experiment.dir)).is_empty());
}

#[test]
fn a_repair_ends_by_what_verify_says() {
    let experiment = finished();
    remove(&experiment.at("config/experiment.json"));
    edit(&experiment.at("checkpoint.json"), |checkpoint| checkpoint["completed_runs"] = json!({}));
    let repaired = repair(&experiment, &[]).exits(5);
    assert!(repaired.stdout.contains("config-missing"), "{repaired}");
    let verified = verify(&experiment.world, &experiment.dir).exits(5);
    assert_eq!(verified.findings().len(), 1, "what can be mended without the config is mended: {:#}", verified.report);
}
