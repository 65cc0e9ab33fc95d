//! A result that was altered counts nowhere: no command calls its experiment complete, and each names the run.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment, json as read, status};
use crate::world::{Output, World};

const RUN: [&str; 7] = ["run", "--tiers-dir", "fixture", "--results-dir", "results", "--runs", "2"];

/// A finished experiment: one setup passes, the other fails.
fn finished(world: &World) -> String {
    TestFixture::new().agent("T0/00-does", AGENT).agent("T0/01-not", "true").check("test -f done").write(world);
    world.scylla(&RUN).exits(0);
    experiment(world)
}

/// A verdict is forged as an editor would.
fn forge(world: &World) {
    let result = world.experiment().join("T0/01/run_01/run_result.json");
    let text = fs::read_to_string(&result).unwrap();
    assert!(text.contains(r#""judge_passed": false"#), "{text}");
    fs::write(&result, text.replace(r#""judge_passed": false"#, r#""judge_passed": true"#)).unwrap();
}

fn last(output: &Output) -> Value {
    output.events().pop().unwrap_or_else(|| panic!("{output}"))
}

/// Of each setup, how many are done and how many passed.
fn counts(of: &Value) -> Vec<[u64; 2]> {
    let number = |setup: &Value, key: &str| setup[key].as_u64().unwrap();
    of["setups"].as_array().unwrap().iter().map(|setup| [number(setup, "done"), number(setup, "passed")]).collect()
}

#[test]
fn an_altered_result_counts_nowhere_and_no_command_calls_its_experiment_complete() {
    let world = World::new();
    let dir = finished(&world);
    forge(&world);
    let before = fs::read(world.experiment().join("checkpoint.json")).unwrap();
    let shown = world.scylla(&["status", &dir]).exits(0);
    let as_json: Value =
        serde_json::from_str(&world.scylla(&["status", &dir, "--message-format", "json"]).stdout).unwrap();
    assert_eq!((counts(&as_json), &as_json["status"]), (vec![[2, 2], [1, 0]], &json!("interrupted")));
    assert_eq!((&as_json["damaged"], &as_json["missing"]), (&json!(["T0/01/run_01"]), &json!({"damaged": 1})));
    let ran = world.scylla(&RUN).exits(5);
    let ran_json = world.scylla(&[&RUN[..], &["--message-format", "json"]].concat()).exits(5);
    assert_eq!(
        (counts(&last(&ran_json)), &last(&ran_json)["damaged"]),
        (vec![[2, 2], [1, 0]], &json!(["T0/01/run_01"]))
    );
    assert_eq!(fs::read(world.experiment().join("checkpoint.json")).unwrap(), before, "nobody wrote");
    let resumed = world.scylla(&["resume", &dir]).exits(5);
    let resumed_json = world.scylla(&["resume", &dir, "--message-format", "json"]).exits(5);
    let end = last(&resumed_json);
    assert_eq!(
        (counts(&end), &end["end"], &end["damaged"]),
        (vec![[2, 2], [1, 0]], &json!("incomplete"), &json!(["T0/01/run_01"]))
    );
    for output in [&shown, &ran, &resumed, &world.scylla(&["status", &dir])] {
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(
            !said.contains("is complete") && !said.contains("completed") && !said.contains("finished and left"),
            "{said}"
        );
        assert!(said.contains("1 damaged result counts nowhere (T0/01/run_01): `cargo scylla verify"), "{said}");
        assert!(!said.contains("To continue"), "a resume does nothing about it: {said}");
    }
    world.scylla(&["verify", &dir, "--quick"]).exits(5);
    // A person can have it made again, and then all is well.
    world.scylla(&["rerun", &dir, "--run", "T0/01/1"]).exits(0);
    assert_eq!(status(&world), "completed");
    world.scylla(&["verify", &dir]).exits(0);
    assert!(world.scylla(&RUN).exits(0).stderr.contains("is finished and left alone"));
}

#[test]
fn an_altered_result_of_an_unfinished_experiment_is_not_made_again_and_the_others_are() {
    let world = World::new();
    let dir = finished(&world);
    forge(&world);
    let grown = world.scylla(&["extend", &dir, "--runs", "3", "--message-format", "json"]).exits(5);
    assert_eq!(counts(&last(&grown)), [[3, 3], [2, 0]]);
    let result = read(&world.experiment().join("T0/01/run_01/run_result.json"));
    assert_eq!(result["judge_passed"], true, "it stays as it was found");
}

#[test]
fn status_calls_nothing_complete_that_verify_does_not_and_names_no_resume_that_would_not_help() {
    type Damage = fn(&std::path::Path);
    let damages: [(&str, Damage); 4] = [
        ("a tier that is a link", |dir| {
            fs::rename(dir.join("T0"), dir.with_extension("aside")).unwrap();
            std::os::unix::fs::symlink(dir.with_extension("aside"), dir.join("T0")).unwrap();
        }),
        ("a fifo for a result", |dir| {
            let result = dir.join("T0/00/run_01/run_result.json");
            fs::remove_file(&result).unwrap();
            let made = std::process::Command::new("mkfifo").arg(&result).status().unwrap();
            assert!(made.success());
        }),
        ("a subtest of another name", |dir| fs::rename(dir.join("T0/00"), dir.join("T0/0")).unwrap()),
        ("no config", |dir| fs::remove_file(dir.join("config/experiment.json")).unwrap()),
    ];
    for (what, damage) in damages {
        let world = World::new();
        let dir = finished(&world);
        damage(&world.experiment());
        let shown = world.scylla(&["status", &dir]).exits(0);
        let head = shown.stdout.lines().next().unwrap();
        assert!(head.ends_with(": damaged"), "{what}: {shown}");
        assert!(shown.stdout.contains("cargo scylla verify"), "{what}: {shown}");
        assert!(!shown.stdout.contains("not started"), "{what}: {shown}");
        let verified = world.scylla(&["verify", &dir]).exits(5);
        let json: Value =
            serde_json::from_str(&world.scylla(&["status", &dir, "--message-format", "json"]).exits(0).stdout).unwrap();
        assert_ne!(json["status"], "completed", "{what}");
        for finding in json["damage"].as_array().unwrap() {
            assert!(verified.stdout.contains(finding["kind"].as_str().unwrap()), "{what}: {finding} {verified}");
        }
        if shown.stdout.contains("cargo scylla resume") {
            world.scylla(&["resume", &dir]).exits(0);
        }
    }
}
