//! What an agent left beside what was captured is shown wherever a run is looked at, and follows from `changes.json`.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::verify::folder::{edit, verify};
use crate::world::World;

/// Leaves an ignored file, and something that no patch can hold.
const AGENT: &str = "echo '*.log' > .gitignore; head -c 2048 /dev/zero > a.log; mkfifo pipe; touch done";

/// What somebody does to a result.
type Change = fn(&mut Value);

const RUN: [&str; 5] = ["run", "--results-dir", "results", "--runs", "1"];

#[test]
fn what_was_not_captured_is_shown_where_a_run_is_looked_at() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).agent("T0/01-two", "touch done").write(&world);
    let ended = world.scylla(&[&RUN[..], &["--tiers-dir", &fixture]].concat()).exits(0);
    let (file, flag) = ("1 ignored file (2.0 KiB)", "not all of the agent's tree could be captured");
    assert!(ended.stderr.contains(&format!("; {file} not captured; {flag}")), "{ended}");
    let dir = world.experiment();
    let dir = dir.to_str().unwrap();
    let status = world.scylla(&["status", dir]).exits(0);
    for screen in [&ended.stdout, &status.stdout] {
        assert!(screen.contains(&format!("  {file} of 1 run not captured; `changes.json`")), "{screen}");
        assert!(screen.contains(&format!("  T0/00/run_01: {flag}\n")), "{screen}");
    }
    let left = json!([{
        "run": "T0/00/run_01", "ignored_files": 1, "ignored_bytes": 2048, "left_out": 1, "flags": ["tree_left_out"]
    }]);
    let status = world.scylla(&["status", dir, "--message-format", "json"]).exits(0);
    assert_eq!(serde_json::from_str::<Value>(&status.stdout).unwrap()["remainders"], left);
    let again = [&RUN[..], &["--tiers-dir", &fixture, "--fresh", "--message-format", "json"]].concat();
    let events = world.scylla(&again).exits(0).events();
    assert_eq!(events.last().unwrap()["remainders"], left);
    let committed = events.iter().find(|event| event["run"] == "T0/00/run_01" && event["reason"] == "run-committed");
    assert_eq!(committed.unwrap()["flags"], json!(["tree_left_out"]));
    assert_eq!(committed.unwrap()["not_captured"]["ignored_bytes"], 2048);
}

#[test]
fn what_a_result_says_of_its_tree_follows_from_what_was_captured() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    world.scylla(&[&RUN[..], &["--tiers-dir", &fixture]].concat()).exits(0);
    let dir = world.experiment();
    let path = dir.join("T0/00/run_01/run_result.json");
    let whole = fs::read(&path).unwrap();
    verify(&world, &dir).exits(0);
    let wrong: [(&str, Change); 4] = [
        ("not_captured", |result| result["not_captured"]["ignored_files"] = 7.into()),
        ("flags", |result| result["flags"] = json!([])),
        ("flags", |result| result["flags"] = json!(["tree_gone", "tree_left_out"])),
        // Without the one, an earlier writer would have written none of the other.
        ("flags", |result| drop(result.as_object_mut().unwrap().shift_remove("not_captured"))),
    ];
    for (key, change) in wrong {
        edit(&path, change);
        let found = verify(&world, &dir).exits(5);
        assert_eq!(found.of("altered-result"), ["T0/00/run_01"], "{key}");
        assert!(found.report.to_string().contains(&format!("`{key}` does not follow")), "{key}: {:#}", found.report);
        fs::write(&path, &whole).unwrap();
    }
    // As a result of 4.1 was before it said what was not captured.
    edit(&path, |result| {
        for key in ["not_captured", "flags"] {
            result.as_object_mut().unwrap().shift_remove(key);
        }
    });
    verify(&world, &dir).exits(0);
}
