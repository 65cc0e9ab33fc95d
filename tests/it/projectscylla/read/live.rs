//! While ProjectScylla's runner works on an experiment, nothing is written.

use std::fs;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::made::{FORMS, Made, SMALL, V2_0, V3_1};
use crate::verify::folder::{contents, differing, verify};
use crate::world::{Output, steady};

/// A process that looks like a program of this name, until its input ends.
fn process(program: &str) -> Child {
    Command::new("sh").args(["-c", "read line", program]).stdin(Stdio::piped()).spawn().unwrap()
}

/// An interrupted experiment whose checkpoint says that it is running and which lacks its entries.
fn running(form: super::made::Form) -> Made {
    let made = Made::of(form, &SMALL, &[(0, 0, 1)]);
    made.wipe();
    made.edit("checkpoint.json", |checkpoint| checkpoint["status"] = json!("running"));
    made
}

#[track_caller]
fn is_refused(made: &Made) -> Output {
    let before = contents(&made.dir);
    let refused = made.scylla("repair", &[], 3);
    let changed: Vec<String> = differing(&before, &contents(&made.dir)).into_iter().collect();
    assert!(changed.is_empty() || changed == ["experiment.lock"], "{changed:?}");
    refused
}

#[test]
fn a_repair_while_projectscyllas_runner_works_is_refused_and_goes_on_when_it_is_dead() {
    for form in FORMS {
        let made = running(form);
        let mut runner = process("scripts/manage_experiment.py");
        fs::write(made.at("experiment.pid"), runner.id().to_string()).unwrap();
        let refused = is_refused(&made);
        assert!(refused.stderr.contains(&format!("process {} of ProjectScylla's runner", runner.id())), "{refused}");
        let verified = verify(&made.world, &made.dir).exits(3);
        assert_eq!(verified.of("live-experiment"), ["experiment.pid"]);
        assert_eq!(verified.of("missing-run"), [""; 0], "what is in flight is not judged");
        made.scylla("resume", &[], 3);
        made.scylla("status", &[], 0);
        runner.kill().unwrap();
        runner.wait().unwrap();
        made.repair(0);
        assert_eq!(made.index()["status"], "interrupted");
    }
}

#[test]
fn a_process_that_only_has_the_number_of_the_runner_holds_nothing() {
    let made = running(V2_0);
    let mut other = process("cargo test");
    fs::write(made.at("experiment.pid"), other.id().to_string()).unwrap();
    made.edit("checkpoint.json", |checkpoint| checkpoint["pid"] = json!(std::process::id()));
    assert_eq!(verify(&made.world, &made.dir).exits(4).of("stale-running"), ["checkpoint.json"]);
    made.repair(0);
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_runner_that_died_on_this_machine_a_moment_ago_holds_nothing() {
    for form in [V2_0, V3_1] {
        let made = running(form);
        let mut runner = process("scripts/manage_experiment.py");
        fs::write(made.at("experiment.pid"), runner.id().to_string()).unwrap();
        runner.kill().unwrap();
        runner.wait().unwrap();
        let now = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.000000+00:00"]).output().unwrap().stdout;
        let now = String::from_utf8(now).unwrap().trim().to_owned();
        made.edit("checkpoint.json", |checkpoint| {
            checkpoint["pid"] = json!(runner.id());
            checkpoint["last_updated_at"] = json!(now);
        });
        assert_eq!(verify(&made.world, &made.dir).exits(4).of("stale-running"), ["checkpoint.json"]);
        made.repair(0);
        assert_eq!(made.index()["status"], "interrupted");
    }
}

#[test]
fn a_runner_that_was_heard_of_a_moment_ago_may_work_on_another_machine() {
    let made = running(V3_1);
    let now = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.000000+00:00"]).output().unwrap().stdout;
    let now = String::from_utf8(now).unwrap().trim().to_owned();
    made.edit("checkpoint.json", |checkpoint| checkpoint["last_heartbeat"] = json!(now));
    let refused = is_refused(&made);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/repair"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("refused_while_projectscylla_runs", steady(&refused.stderr, &made.world)); });
    made.edit("checkpoint.json", |checkpoint| checkpoint["last_heartbeat"] = json!("2026-01-22T06:23:00.000000+00:00"));
    made.repair(0);
}
