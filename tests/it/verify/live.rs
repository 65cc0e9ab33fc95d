//! A live experiment is told to be live, and what is in flight is not judged.

use std::fs;
use std::path::{Path, PathBuf};

use super::folder::{Verified, contents, differing, json};
use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::world::{Live, World, wait_until};

/// An experiment in which agent and judge wait at gates, and its coordinator.
fn started(gate: &str) -> (World, Live, PathBuf) {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-gated", &format!("{}; touch done", gated(&world, "agent")))
        .judge(&format!("{}; {FULL_SCORE}", gated(&world, "judge")))
        .write(&world);
    let results = world.results().to_str().unwrap().to_owned();
    close(&world, gate);
    let live = world.start(&["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "3", "--jobs", "1"]);
    wait_until("the gate is reached", || world.lines(&format!("{gate}.log")) == 1);
    let dir = world.experiment();
    (world, live, dir)
}

/// Verifies a folder in which somebody works.
#[track_caller]
fn verify(world: &World, dir: &Path) -> Verified {
    let output = world.scylla(&["verify", dir.to_str().unwrap(), "--format", "json"]);
    Verified { code: output.code.unwrap(), report: serde_json::from_str(&output.stdout).unwrap() }
}

#[track_caller]
fn ends_well(world: &World, live: Live, dir: &Path, gate: &str) {
    open(world, gate);
    let (code, events, stderr) = live.end();
    assert_eq!(code, Some(0), "{events:#?}\n{stderr}");
    assert_eq!(verify(world, dir).exits(0).findings().len(), 0);
}

#[test]
fn a_live_experiment_is_told_to_be_live_and_nothing_else_is_found() {
    for gate in ["agent", "judge"] {
        let (world, live, dir) = started(gate);
        let verified = verify(&world, &dir).exits(3);
        assert_eq!(verified.of("live-experiment"), ["experiment.lock"]);
        assert_eq!(verified.findings().len(), 1, "{:#}", verified.report);
        assert_eq!(verified.report["verdict"], "live");
        assert_eq!(verified.report["live"]["pid"], live.pid());
        // A run in flight may say yet what it costs.
        let status = world.scylla(&["status", dir.to_str().unwrap()]).exits(0);
        let told = status.stdout.lines().find(|line| line.contains("spent  ")).unwrap();
        assert_eq!(told.trim(), "spent    $0.00; 1 unfinished run is not counted yet", "{status}");
        let listed = world.scylla(&["list", dir.parent().unwrap().to_str().unwrap()]).exits(0);
        assert!(listed.stdout.contains("$0.00 so far"), "{listed}");
        let human = world.scylla(&["verify", dir.to_str().unwrap()]).exits(3);
        assert!(human.stdout.contains(&format!("process {}", live.pid())), "{human}");
        ends_well(&world, live, &dir, gate);
    }
}

#[test]
fn verify_keeps_finding_nothing_while_runs_are_made() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-quick", "touch done").write(&world);
    let results = world.results().to_str().unwrap().to_owned();
    let words = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "12", "--jobs", "2"];
    let mut live = world.start(&words);
    live.wait_for_reason("experiment-started");
    let dir = world.experiment();
    let mut seen_live = 0;
    let last = loop {
        let verified = verify(&world, &dir);
        if verified.code != 3 {
            break verified;
        }
        assert_eq!(verified.places().len(), 1, "{:#}", verified.report);
        seen_live += 1;
    };
    let (code, events, stderr) = live.end();
    assert_eq!(code, Some(0), "a verify must not disturb the coordinator: {events:#?}\n{stderr}");
    assert!(seen_live > 0);
    assert_eq!(last.exits(0).findings().len(), 0);
}

#[test]
fn damage_in_a_live_experiment_is_damage() {
    let (world, live, dir) = started("judge");
    let config = dir.join("config/experiment.json");
    let whole = fs::read_to_string(&config).unwrap();
    fs::write(&config, whole.replace("\"timeout_seconds\": 100", "\"timeout_seconds\": 700")).unwrap();
    let verified = verify(&world, &dir).exits(5);
    assert_eq!(verified.of("config-changed"), ["config/experiment.json"]);
    fs::write(&config, whole).unwrap();
    ends_well(&world, live, &dir, "judge");
}

#[test]
fn nobody_else_works_on_a_live_experiment_and_nobody_changes_it() {
    let (world, live, dir) = started("agent");
    let before = contents(&dir);
    let holder = json(&dir.join("experiment.lock"));
    assert_eq!(holder["pid"], live.pid());
    for command in [
        vec!["resume"],
        vec!["repair"],
        vec!["repair", "--dry-run"],
        vec!["repair", "--drop-phantoms"],
        vec!["extend", "--runs", "5"],
    ] {
        let words: Vec<&str> =
            [command[0], dir.to_str().unwrap()].into_iter().chain(command[1..].iter().copied()).collect();
        let refused = world.scylla(&words).exits(3);
        assert!(refused.stderr.contains(&format!("process {}", live.pid())), "{refused}");
        assert!(refused.stderr.contains("hint:"), "{refused}");
    }
    let touched = differing(&before, &contents(&dir));
    assert!(touched.is_empty(), "{touched:?}");
    ends_well(&world, live, &dir, "agent");
}
