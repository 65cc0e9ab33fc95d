//! Killed at each stage, resumed, and nothing is lost, done twice or left behind.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{disturbed, killing_points, strace_is_missing};
use crate::world::{World, wait_until};

const AGENT: &str = "touch done; printf '{\"cost_usd\": 0.5}' > \"$SCYLLA_RECORD_FILE\"";

/// Three runs of one subtest, in which agent, check and judge can be held at gates.
fn world() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-gated", &format!("{}; {AGENT}", gated(&world, "agent")))
        .check(&format!("test -f done || exit 1; {}", gated(&world, "check")))
        .judge(&format!("{}; {FULL_SCORE}", gated(&world, "judge")))
        .write(&world);
    (world, fixture)
}

fn run_arguments<'a>(fixture: &'a str, results: &'a str) -> Vec<&'a str> {
    vec!["run", "--tiers-dir", fixture, "--results-dir", results, "--runs", "3", "--jobs", "1"]
}

/// Git in front of git: waits at a gate before the real one does what one of `words` says.
pub(crate) fn gate_git(world: &World, name: &str, words: &str) {
    let real = String::from_utf8(Command::new("sh").args(["-c", "command -v git"]).output().unwrap().stdout).unwrap();
    let script =
        format!("#!/bin/sh\ncase \" $* \" in {words}) {};; esac\nexec {} \"$@\"\n", gated(world, name), real.trim());
    world.program("bin/git", &script);
}

/// The experiment is resumed to its end; what was paid for is paid once.
#[track_caller]
fn resumes_to_the_end(world: &World, agents: usize, judges: usize) {
    let experiment = world.experiment();
    let dir = experiment.to_str().unwrap();
    let resumed = world.scylla(&["resume", dir]).exits(0);
    world.scylla(&["verify", dir]).exits(0);
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (agents, judges), "{resumed}");
    let checkpoint: Value =
        serde_json::from_str(&fs::read_to_string(experiment.join("checkpoint.json")).unwrap()).unwrap();
    assert_eq!(checkpoint["status"], "completed");
    assert_eq!(
        checkpoint["completed_runs"]["T0"]["00"],
        serde_json::json!({"1": "passed", "2": "passed", "3": "passed"})
    );
    no_process_is_left(world);
}

/// Nothing that names this world's path is alive but this test.
#[track_caller]
pub(crate) fn no_process_is_left(world: &World) {
    let root = world.path("");
    let root = root.to_str().unwrap().trim_end_matches('/').to_owned();
    wait_until("the end of every process of this world", || {
        let alive = fs::read_dir("/proc").unwrap().flatten().any(|process| {
            let folder = process.path();
            let zombie = fs::read_to_string(folder.join("stat"))
                .is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')));
            let command = fs::read(folder.join("cmdline")).unwrap_or_default();
            !zombie && String::from_utf8_lossy(&command).contains(&root)
        });
        !alive
    });
}

/// Runs until the gate of `name` is reached, then kills the coordinator there and opens the gate.
fn kill_at_gate(name: &str) -> World {
    let (world, fixture) = world();
    let results = world.results().to_str().unwrap().to_owned();
    close(&world, name);
    let mut live = world.start(&run_arguments(&fixture, &results));
    wait_until("the gate is reached", || world.lines(&format!("{name}.log")) > 0);
    live.kill();
    open(&world, name);
    world
}

#[test]
fn killed_while_the_agent_works_that_attempt_is_set_aside_and_the_run_made_anew() {
    let world = kill_at_gate("agent");
    resumes_to_the_end(&world, 4, 3);
    assert!(world.experiment().join("T0/00/.failed/run_01_attempt_01/attempt.json").is_file());
}

#[test]
fn killed_while_checks_run_the_agent_is_not_asked_again() {
    let world = kill_at_gate("check");
    resumes_to_the_end(&world, 3, 3);
}

#[test]
fn killed_while_a_judge_thinks_the_agent_is_not_asked_again() {
    let world = kill_at_gate("judge");
    // The judge that was killed had not answered, so it is asked again, and only that one.
    resumes_to_the_end(&world, 3, 4);
}

/// Runs with a gated git in front, kills the coordinator at that gate.
fn kill_at_git(words: &str) -> World {
    let (world, fixture) = world();
    let results = world.results().to_str().unwrap().to_owned();
    gate_git(&world, "git", words);
    close(&world, "git");
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = world.command(&run_arguments(&fixture, &results));
    let mut child = command.env("PATH", path).spawn().unwrap();
    wait_until("git is reached", || world.lines("git.log") > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    open(&world, "git");
    world
}

#[test]
fn killed_while_the_workspace_is_made_the_run_begins_anew() {
    let world = kill_at_git("*\" --reset \"*");
    resumes_to_the_end(&world, 3, 3);
}

#[test]
fn killed_while_changes_are_captured_the_agent_is_not_asked_again() {
    let world = kill_at_git("*\" diff-index \"*");
    resumes_to_the_end(&world, 3, 3);
}

/// Runs the program, and kills whoever makes the call that is described; whether somebody was killed.
pub(crate) fn killed_at(world: &World, call: &str, number: usize, arguments: &[&str]) -> bool {
    let command = disturbed(call, &format!("signal=KILL:when={number}"));
    was_killed(world, command, arguments)
}

/// The same of a call that has to do with a file. Which it is, `strace` sees only when it stops at every call.
fn killed_at_file(world: &World, file: &Path, call: &str, number: usize, arguments: &[&str]) -> bool {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("inject={call}:signal=KILL:when={number}"), "-P"]);
    command.arg(file).arg(env!("CARGO_BIN_EXE_cargo-scylla")).arg("scylla");
    was_killed(world, command, arguments)
}

fn was_killed(world: &World, mut command: Command, arguments: &[&str]) -> bool {
    command.args(arguments);
    world.seal(&mut command);
    !command.current_dir(world.path("")).output().unwrap().status.success()
}

/// Each kind of rename is taken by itself, because `strace` counts each for itself.
#[test]
fn killed_before_each_rename_of_a_new_experiment_the_same_command_comes_to_its_end() {
    if strace_is_missing() {
        return;
    }
    let mut points = 0;
    for call in ["rename", "renameat", "renameat2"] {
        for number in killing_points() {
            assert!(number < 40, "{call}: the experiment never ended by itself");
            let (world, fixture) = world();
            let results = world.results().to_str().unwrap().to_owned();
            if !killed_at(&world, call, number, &run_arguments(&fixture, &results)) {
                break;
            }
            points += 1;
            // The same command goes on, or starts anew where the folder was made and nothing else.
            world.scylla(&run_arguments(&fixture, &results)).exits(0);
            let folders = fs::read_dir(world.results()).unwrap().flatten().map(|entry| entry.path());
            let begun: Vec<_> = folders.filter(|folder| folder.join("config/experiment.json").is_file()).collect();
            assert_eq!(begun.len(), 1, "{call} {number}: {begun:?}");
            world.scylla(&["verify", begun[0].to_str().unwrap()]).exits(0);
            assert!(world.lines("agent.log") <= 4, "{call} {number}: {} agents", world.lines("agent.log"));
            no_process_is_left(&world);
        }
    }
    assert!(points >= 3, "only {points} points killed anything");
}

/// Every durable file of a run, with the agents and judges that three runs take when the coordinator was killed right
/// before the file appeared in the second run.
const DURABLE: [(&str, usize, usize); 7] = [
    ("T0/00/run_02/agent/result.json", 4, 3),
    ("T0/00/run_02/changes.patch", 3, 3),
    ("T0/00/run_02/checks/result.json", 3, 3),
    ("T0/00/run_02/judge/judge_01/judgment.json", 3, 3),
    ("T0/00/run_02/judge/result.json", 3, 3),
    ("T0/00/run_02/SHA256SUMS", 3, 3),
    ("T0/00/run_02/run_result.json", 3, 3),
];

/// An experiment of one run that has grown to three.
fn grown() -> World {
    let (world, fixture) = world();
    let results = world.results().to_str().unwrap().to_owned();
    let mut arguments = run_arguments(&fixture, &results);
    arguments[6] = "1";
    world.scylla(&arguments).exits(0);
    world.scylla(&["extend", world.experiment().to_str().unwrap(), "--runs", "3", "--plan-only"]).exits(0);
    world
}

#[test]
fn killed_before_each_durable_file_of_a_run_a_resume_asks_nobody_twice() {
    if strace_is_missing() {
        return;
    }
    for (file, agents, judges) in DURABLE {
        let world = grown();
        let experiment = world.experiment();
        let place = experiment.join(file);
        let resume = ["resume", experiment.to_str().unwrap(), "--jobs", "1"];
        assert!(killed_at_file(&world, &place, "/renameat2?$", 1, &resume), "{file}: nothing was killed");
        assert!(!place.exists(), "{file}");
        resumes_to_the_end(&world, agents, judges);
    }
}

#[test]
fn killed_before_each_saving_of_the_checkpoint_a_resume_asks_nobody_twice() {
    if strace_is_missing() {
        return;
    }
    for number in 1.. {
        assert!(number < 20, "the experiment never ended by itself");
        let world = grown();
        let experiment = world.experiment();
        let checkpoint = experiment.join("checkpoint.json");
        let resume = ["resume", experiment.to_str().unwrap(), "--jobs", "1"];
        if !killed_at_file(&world, &checkpoint, "renameat", number, &resume) {
            assert!(number >= 3, "only {number} savings");
            return;
        }
        let finished = world.lines("judge.log");
        world.scylla(&["resume", experiment.to_str().unwrap()]).exits(0);
        world.scylla(&["verify", experiment.to_str().unwrap()]).exits(0);
        assert_eq!(world.lines("judge.log"), 3, "saving {number}: {finished} judges had answered");
        no_process_is_left(&world);
    }
}
