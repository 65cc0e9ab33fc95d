//! The mistakes that a newcomer makes first: each says what is wrong and what to type, with the exit code of its kind.

use std::fs;

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, experiment, planned};
use crate::world::{Output, World, shipped, steady, wait_until};

/// A mistake is told with the exit code of its kind: nothing on stdout, and what to do.
#[track_caller]
fn mistake(name: &str, world: &World, output: Output, code: i32) {
    let output = output.exits(code);
    assert_eq!(output.stdout, "", "{name}");
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(format!("mistake-{name}"), steady(&format!("{output}"), world)) });
}

fn world() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    (world, fixture)
}

#[test]
fn what_is_typed_wrongly_is_told() {
    let (world, fixture) = world();
    let run = |more: &[&str]| world.scylla(&[&["run", "--tiers-dir", &fixture], more].concat());
    mistake("no_fixture", &world, world.scylla(&["run"]), 2);
    mistake("fixture_is_elsewhere", &world, world.scylla(&["run", "--tiers-dir", "fixtrue"]), 2);
    mistake("no_experiment", &world, world.scylla(&["resume", "fixture"]), 2);
    mistake("experiment_is_elsewhere", &world, world.scylla(&["status", "results/mine"]), 2);
    mistake("bad_tier", &world, run(&["--tiers", "tier0"]), 2);
    mistake("unknown_tier", &world, run(&["--tiers", "T0,T5"]), 2);
    mistake("unknown_flag", &world, run(&["--run", "3"]), 2);
    mistake("unknown_command", &world, world.scylla(&["restart"]), 2);
    mistake("no_runs", &world, run(&["--runs", "0"]), 2);
    mistake("bad_cost", &world, run(&["--max-cost-usd", "cheap"]), 2);
    mistake("no_command", &world, world.scylla(&[]), 2);
}

#[test]
fn mistakes_in_yaml_are_told_all_at_once() {
    let (world, fixture) = world();
    let path = world.path("fixture/test.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("timeout_seconds: 100", "timeout_secnds: 100").replace("tiers: [T0]", "tiers: [T0, T1]");
    fs::write(path, text.replace("checks:\n", "checks:\n  - name: lint\n")).unwrap();
    mistake("yaml", &world, world.scylla(&["run", "--tiers-dir", &fixture]), 2);
    fs::write(world.path("fixture/test.yaml"), "id: [tested\n").unwrap();
    mistake("no_yaml", &world, world.scylla(&["run", "--tiers-dir", &fixture]), 2);
}

#[test]
fn a_repository_that_is_not_there_is_told_and_a_later_run_works() {
    let (world, fixture) = world();
    let path = world.path("fixture/test.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let hash = "0123456789012345678901234567890123456789";
    fs::write(&path, format!("{text}source:\n  repo: ../elsewhere\n  hash: {hash}\n")).unwrap();
    fs::rename(world.path("fixture/source"), world.path("source")).unwrap();
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    mistake("no_repository", &world, world.scylla(&run), 2);
    fs::write(&path, text).unwrap();
    fs::rename(world.path("source"), world.path("fixture/source")).unwrap();
    world.scylla(&run).exits(0);
}

#[test]
fn an_experiment_that_is_held_says_by_whom() {
    let (world, fixture) = world();
    close(&world, "agent");
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    let live = world.start(&run);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    mistake("held", &world, world.scylla(&run), 3);
    open(&world, "agent");
    assert_eq!(live.end().0, Some(0));
}

#[test]
fn a_containment_that_does_not_work_here_is_told_and_nothing_is_started() {
    let (world, fixture) = world();
    let mut command = world.command(&["run", "--tiers-dir", &fixture, "--results-dir", "results"]);
    // Without a PATH there is no bubblewrap, and git is found by its own folder.
    let tools = world.path("tools");
    fs::create_dir(&tools).unwrap();
    for tool in ["git", "sh"] {
        let found = std::process::Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        std::os::unix::fs::symlink(found.trim(), tools.join(tool)).unwrap();
    }
    let output = crate::scenes::output(command.args(["--containment", "bubblewrap"]).env("PATH", tools));
    mistake("containment", &world, output, 2);
    assert_eq!(world.lines("agent.log"), 0);
}

#[test]
fn a_run_that_is_named_wrongly_or_a_place_that_is_taken_is_told() {
    let world = World::new();
    let fixture = shipped("hello-script");
    let dir = planned(&world, &fixture, &["--runs", "1", "--tiers", "T1"]);
    world.scylla(&["resume", &dir, "--max-cost-usd", "9"]).exits(0);
    let checkout = |run: &str, to: &str| world.scylla(&["checkout", &dir, "--run", run, "--to", to]);
    mistake("bad_run", &world, checkout("T1-00-1", "tree"), 2);
    mistake("absent_run", &world, checkout("T1/00/7", "tree"), 2);
    world.write("taken/mine.txt", "mine");
    mistake("place_is_taken", &world, checkout("T1/00/1", "taken"), 2);
    assert_eq!(fs::read_dir(world.path("taken")).unwrap().count(), 1);
    assert!(!world.path("tree").exists());
    mistake("nothing_to_add", &world, world.scylla(&["extend", &dir]), 2);
    mistake("plan_shrinks", &world, world.scylla(&["extend", &dir, "--max-subtests", "1"]), 2);
    assert_eq!(experiment(&world), dir);
}
