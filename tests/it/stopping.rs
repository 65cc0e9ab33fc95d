//! Yours to stop: one, two and three interrupts, and SIGTERM.

use std::os::unix::process::CommandExt as _;

use serde_json::Value;

use crate::crash::no_process_is_left;
use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, planned};
use crate::world::{Live, World, kill, steady, wait_until};

const STUBBORN: &str = "trap '' TERM INT";

pub(crate) fn started(agent: &str) -> (World, Live) {
    let world = World::new();
    let fixture =
        TestFixture::new().agent("T0/00-stopped", &agent.replace("GATE", &gated(&world, "agent"))).write(&world);
    let results = world.results().to_str().unwrap().to_owned();
    close(&world, "agent");
    let live = world.start(&["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "3", "--jobs", "1"]);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    (world, live)
}

fn reasons(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["reason"].as_str()).collect()
}

pub(crate) fn resumes_and_verifies(world: &World) {
    let experiment = world.experiment();
    let dir = experiment.to_str().unwrap();
    world.scylla(&["verify", dir]).exits(6);
    world.scylla(&["resume", dir]).exits(0);
    world.scylla(&["verify", dir]).exits(0);
    no_process_is_left(world);
}

#[test]
fn one_interrupt_lets_the_run_in_flight_end_and_starts_nothing_new() {
    let (world, mut live) = started("GATE; touch done");
    live.signal("INT");
    let stopping = live.wait_for_reason("stopping");
    assert_eq!(stopping["stop_level"], "drain");
    open(&world, "agent");
    let (code, events, _) = live.end();
    assert_eq!(code, Some(130));
    assert!(reasons(&events).contains(&"run-committed"), "{events:#?}");
    assert_eq!(world.lines("agent.log"), 1);
    resumes_and_verifies(&world);
    assert_eq!(world.lines("agent.log"), 3);
}

#[test]
fn an_interrupt_is_heard_from_the_first_word_on() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "3"]);
    // Flags that differ are told before anything is done; where only the walk works, that is told even before them.
    let mut live = world.start(&["resume", &dir, "--model", "other", "--max-cost-usd", "9", "--jobs", "1"]);
    live.wait_for("the first word", |_| true);
    live.signal("INT");
    let (code, events, _) = live.end();
    assert_eq!(code, Some(130));
    assert!(reasons(&events).contains(&"experiment-finished"), "{events:#?}");
    world.scylla(&["resume", &dir]).exits(0);
}

#[test]
fn a_stop_while_the_experiment_is_made_ends_git_too_and_names_the_command_that_goes_on() {
    for (signal, name, code) in [("INT", "ctrl-c", 130), ("TERM", "sigterm", 143), ("HUP", "sighup", 129)] {
        let world = World::new();
        let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
        // The first git never ends by itself, as one that clones from afar.
        world.program("bin/git", &format!("#!/bin/sh\n{}\n", gated(&world, "git")));
        close(&world, "git");
        let results = world.results().to_str().unwrap().to_owned();
        let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "1"];
        let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
        let live = Live::start(world.command(&arguments).env("PATH", path));
        wait_until("git works", || world.lines("git.log") == 1);
        live.signal(signal);
        let (ended, events, stderr) = live.end();
        assert_eq!((ended, events), (Some(code), Vec::new()));
        no_process_is_left(&world);
        assert_eq!(nothing_half_made(&world.results()), [] as [std::path::PathBuf; 0]);
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(format!("stopped-before-a-run-{name}"), steady(&stderr, &world)) });
        // What is said last can be typed.
        let (_, command) = stderr.trim_end().trim_end_matches("` goes on").rsplit_once("hint: `cargo scylla ").unwrap();
        assert_eq!(command.split(' ').take(arguments.len()).collect::<Vec<_>>(), arguments);
        world.scylla(&arguments).exits(0);
    }
}

/// What lies in the results' folder but the file that keeps it out of repositories.
fn nothing_half_made(results: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(results).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name() != Some(".gitignore".as_ref())).collect()
}

#[test]
fn a_stop_while_a_tree_is_rebuilt_or_a_fixture_tried_ends_git_and_leaves_nothing_half_made() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    let results = world.results().to_str().unwrap().to_owned();
    let first = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "1"];
    world.scylla(&first).exits(0);
    let dir = world.experiment().to_str().unwrap().to_owned();
    world.program("bin/git", &format!("#!/bin/sh\n{}\n", gated(&world, "git")));
    close(&world, "git");
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    std::fs::create_dir(world.path("temporary")).unwrap();
    let fresh = [&first[..], &["--fresh"]].concat();
    let commands = [
        vec!["checkout", &dir, "--run", "T0/00/1", "--to", "tree"],
        vec!["fixture", "check", "--run", &fixture],
        fresh,
    ];
    for (number, arguments) in commands.into_iter().enumerate() {
        let mut command = world.command(&arguments);
        command.env("PATH", &path).env("TMPDIR", world.path("temporary")).process_group(0);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        wait_until("git works", || world.lines("git.log") > number);
        kill("INT", child.id());
        let ended = crate::world::finish(child).exits(130);
        assert!(ended.stderr.contains("stopped by Ctrl-C before "), "{ended}");
        no_process_is_left(&world);
        assert!(!world.path("tree").exists(), "{ended}");
        assert_eq!(nothing_half_made(&world.path("temporary")), [] as [std::path::PathBuf; 0], "{ended}");
        assert_eq!(nothing_half_made(&world.results()), [world.experiment()], "{ended}");
    }
}

#[test]
fn two_interrupts_end_the_run_which_is_then_no_result() {
    let (world, mut live) = started("GATE; touch done");
    live.signal("INT");
    live.wait_for("drain", |event| event["stop_level"] == "drain");
    live.signal("INT");
    let (code, events, _) = live.end();
    assert_eq!(code, Some(130));
    assert!(reasons(&events).contains(&"run-stopped"), "{events:#?}");
    assert!(!reasons(&events).contains(&"run-committed"), "{events:#?}");
    open(&world, "agent");
    resumes_and_verifies(&world);
    assert_eq!(world.lines("agent.log"), 4);
}

#[test]
fn three_interrupts_end_a_run_that_does_not_listen() {
    let (world, mut live) = started(&format!("{STUBBORN}; GATE; touch done"));
    for stop_level in ["drain", "terminate", "kill"] {
        live.signal("INT");
        live.wait_for(stop_level, |event| event["stop_level"] == stop_level);
    }
    let (code, ..) = live.end();
    assert_eq!(code, Some(130));
    open(&world, "agent");
    resumes_and_verifies(&world);
}

#[test]
fn sigterm_begins_at_the_second_stop_level_and_exits_143() {
    let (world, mut live) = started("GATE; touch done");
    live.signal("TERM");
    assert_eq!(live.wait_for_reason("stopping")["stop_level"], "terminate");
    let (code, ..) = live.end();
    assert_eq!(code, Some(143));
    open(&world, "agent");
    resumes_and_verifies(&world);
}

#[test]
fn a_hangup_is_called_so_and_exits_129() {
    let (world, mut live) = started("GATE; touch done");
    live.signal("HUP");
    let stopping = live.wait_for_reason("stopping");
    assert_eq!((&stopping["signal"], &stopping["stop_level"]), (&"hangup".into(), &"terminate".into()));
    let (code, ..) = live.end();
    assert_eq!(code, Some(129));
    open(&world, "agent");
    resumes_and_verifies(&world);
}

#[test]
fn the_last_line_of_a_stopped_experiment_is_the_command_that_continues() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-slow", &gated(&world, "agent")).write(&world);
    close(&world, "agent");
    let mut child = world
        .command(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--jobs", "1"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("the agent works", || world.lines("agent.log") == 1);
    kill("TERM", child.id());
    child.stdin.take();
    let output = crate::world::finish(child).exits(143);
    let name = world.experiment();
    let command = format!("cargo scylla resume results/{}", name.file_name().unwrap().to_str().unwrap());
    assert!(output.stdout.trim_end().ends_with(&command), "{output}");
}
