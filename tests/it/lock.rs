//! One coordinator at a time, by a lock of the kernel: a second one is sent away with the holder's name, and the lock
//! dies with its process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use crate::crash::no_process_is_left;
use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, experiment, status};
use crate::world::{Live, World, finish, wait_until};

fn held() -> (World, String, Live) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-held", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    close(&world, "agent");
    let live = world.start(&run(&fixture));
    wait_until("the agent works", || world.lines("agent.log") == 1);
    (world, fixture, live)
}

fn run(fixture: &str) -> [&str; 9] {
    ["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", "2", "--jobs", "1"]
}

#[test]
fn a_second_coordinator_is_sent_away_with_the_name_of_the_first() {
    let (world, fixture, live) = held();
    let dir = experiment(&world);
    let checkpoint = format!("{dir}/checkpoint.json");
    let seconds: [&[&str]; 6] = [
        &run(&fixture),
        &["resume", &dir],
        &["extend", &dir, "--runs", "9"],
        &["extend", &dir, "--runs", "9", "--plan-only"],
        &["repair", &dir],
        &["repair", &checkpoint, "--dry-run"],
    ];
    // The gate stays closed: whoever waited for the first one would wait for ever.
    for second in seconds {
        let output = world.scylla(second).exits(3);
        let holder = format!("held by process {} on ", live.pid());
        assert!(output.stderr.contains(&holder), "{second:?}: {output}");
        assert!(output.stderr.contains("hint: ") && output.stderr.contains("cargo scylla status"), "{output}");
    }
    // Who only looks is let in.
    let verified = world.scylla(&["verify", &dir]).exits(3);
    assert!(verified.stdout.contains(&format!("process {}", live.pid())), "{verified}");
    world.scylla(&["status", &dir]).exits(0);
    open(&world, "agent");
    assert_eq!(live.end().0, Some(0));
    assert_eq!(world.lines("agent.log"), 2);
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn the_lock_dies_with_its_process() {
    let (world, _, mut live) = held();
    let dir = experiment(&world);
    world.scylla(&["resume", &dir]).exits(3);
    live.kill();
    open(&world, "agent");
    world.scylla(&["resume", &dir]).exits(0);
    world.scylla(&["verify", &dir]).exits(0);
    no_process_is_left(&world);
}

#[test]
fn of_twenty_resumes_at_once_exactly_one_works() {
    let (world, _, mut live) = held();
    let dir = experiment(&world);
    live.kill();
    let resume = || {
        let mut command = world.command(&["resume", &dir]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut resumes: Vec<Child> = (0..20).map(|_| resume()).collect();
    wait_until("nineteen are sent away", || {
        resumes.iter_mut().filter_map(|resume| resume.try_wait().unwrap()).count() >= 19
    });
    wait_until("the one that works asks the agent", || world.lines("agent.log") == 2);
    open(&world, "agent");
    let mut codes: Vec<Option<i32>> = resumes.into_iter().map(|resume| finish(resume).code).collect();
    codes.sort_unstable();
    let expected: Vec<Option<i32>> = [Some(0)].into_iter().chain([Some(3); 19]).collect();
    assert_eq!(codes, expected);
    assert_eq!((world.lines("agent.log"), status(&world).as_str()), (3, "completed"));
    world.scylla(&["verify", &dir]).exits(0);
    no_process_is_left(&world);
}

/// A world whose first git waits at a gate, as one that clones from afar, and the arguments that make an experiment.
fn made_slowly() -> (World, Vec<String>, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    let real = std::env::var("PATH").unwrap();
    let wait = format!("{}\nPATH='{real}' exec git \"$@\"", gated(&world, "git"));
    world.program("bin/git", &format!("#!/bin/sh\n{wait}\n"));
    close(&world, "git");
    close(&world, "agent");
    let path = format!("{}:{real}", world.path("bin").display());
    (world, run(&fixture).map(str::to_owned).to_vec(), path)
}

fn start_slowly(world: &World, arguments: &[String], path: &str) -> Child {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = world.command(&arguments);
    command.env("PATH", path).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn two_runs_at_once_while_the_experiment_is_made_make_one() {
    let (world, arguments, path) = made_slowly();
    let first = start_slowly(&world, &arguments, &path);
    wait_until("git works", || world.lines("git.log") == 1);
    let mut second = start_slowly(&world, &arguments, &path);
    let mut told = String::new();
    BufReader::new(second.stderr.take().unwrap()).read_line(&mut told).unwrap();
    let holder = format!("process {} on ", first.id());
    assert!(
        told.starts_with(&holder)
            && told.ends_with(" is making an experiment of `tested` in `results`: waiting for it\n"),
        "{told}"
    );
    for _ in 0..3 {
        let verified = world.scylla(&["verify", "tested"]).exits(3);
        assert!(!verified.stdout.contains("damaged"), "nothing is there yet that could be: {verified}");
    }
    open(&world, "git");
    finish(second).exits(3);
    open(&world, "agent");
    finish(first).exits(0);
    assert_eq!(world.lines("agent.log"), 2, "each run is made once");
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn who_waits_for_a_creator_that_is_killed_makes_the_experiment() {
    let (world, arguments, path) = made_slowly();
    let mut first = start_slowly(&world, &arguments, &path);
    wait_until("git works", || world.lines("git.log") == 1);
    let mut second = start_slowly(&world, &arguments, &path);
    let mut told = String::new();
    BufReader::new(second.stderr.take().unwrap()).read_line(&mut told).unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    open(&world, "git");
    open(&world, "agent");
    finish(second).exits(0);
    assert_eq!(world.lines("agent.log"), 2);
}

#[test]
fn what_is_no_file_is_no_lock_and_the_command_that_is_named_makes_room_for_one() {
    for made_by in ["mkfifo", "mkdir"] {
        let world = World::new();
        let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
        world.scylla(&run(&fixture)).exits(0);
        let dir = experiment(&world);
        let lock = world.experiment().join("experiment.lock");
        std::fs::remove_file(&lock).unwrap();
        assert!(std::process::Command::new(made_by).arg(&lock).status().unwrap().success());
        let verified = world.scylla(&["verify", &dir]).exits(5);
        assert!(verified.stdout.contains("no regular file"), "{verified}");
        let refused = world.scylla(&["extend", &dir, "--runs", "3"]).exits(5);
        let hint =
            refused.stderr.lines().find(|line| line.starts_with("hint: ")).unwrap_or_else(|| panic!("{refused}"));
        let command = hint.split('`').nth(1).unwrap();
        let moved =
            std::process::Command::new("sh").args(["-c", command]).current_dir(world.path("")).status().unwrap();
        assert!(moved.success(), "{refused}");
        world.scylla(&["extend", &dir, "--runs", "3"]).exits(0);
    }
}
