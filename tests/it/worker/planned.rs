//! The runs of an experiment, one a line, for who gives them to workers: while nothing is held and nothing written.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::{planned_world, resume, worker};
use crate::fixture::{TestFixture, close, open};
use crate::scenes::{AGENT, edit as edit_text, experiment, files_below, planned, status};
use crate::verify::folder::edit;
use crate::world::{Output, World, finish, wait_until};

fn pending(world: &World, dir: &str) -> Output {
    let before = state(dir);
    let output = world.scylla(&["plan", dir, "--pending"]);
    // What workers write meanwhile lies in the folders of their runs.
    let after: Vec<_> = state(dir).into_iter().filter(|(path, _)| !path.contains("/run_")).collect();
    assert_eq!(after, before.into_iter().filter(|(path, _)| !path.contains("/run_")).collect::<Vec<_>>());
    output
}

/// Each file with the time at which it was changed last.
fn state(dir: &str) -> Vec<(String, SystemTime)> {
    let files = files_below(Path::new(dir)).into_iter();
    files.map(|file| (file.display().to_string(), fs::metadata(&file).unwrap().modified().unwrap())).collect()
}

#[test]
fn each_run_that_is_to_be_made_is_a_line_and_a_worker_takes_each_of_them() {
    let (world, dir) = planned_world("1");
    let whole = "T0/00/run_01\nT0/01/run_01\n";
    let first = pending(&world, &dir).exits(0);
    assert_eq!((first.stdout.as_str(), first.stderr.as_str()), (whole, ""));
    finish(worker(&world, &dir, first.stdout.lines().next().unwrap())).exits(0);
    assert_eq!(pending(&world, &dir).exits(0).stdout, "T0/01/run_01\n");
    let all = world.scylla(&["plan", &dir, "--format", "json"]).exits(0);
    let all: Value = serde_json::from_str(&all.stdout).unwrap();
    let row = |run: &str, missing: Value| json!({"run": run, "missing": missing});
    assert_eq!(all, json!([row("T0/00/run_01", Value::Null), row("T0/01/run_01", json!("not_started"))]));
    finish(worker(&world, &dir, "T0/01/run_01")).exits(0);
    let done = pending(&world, &dir).exits(0);
    assert_eq!((done.stdout.as_str(), done.stderr.trim()), ("", "there is no run that a worker could begin now"));
    assert_eq!(world.scylla(&["plan", &dir, "--pending", "--message-format", "json"]).exits(0).stdout, "[]\n");
    assert_eq!(world.scylla(&["plan", &dir]).exits(0).stdout, whole);
}

#[test]
fn runs_that_workers_or_a_coordinator_work_on_are_left_out_and_it_is_said() {
    let (world, dir) = planned_world("2");
    close(&world, "agent");
    let alone = worker(&world, &dir, "T0/00/1");
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let beside = pending(&world, &dir).exits(0);
    assert_eq!(beside.stdout, "T0/00/run_02\nT0/01/run_01\nT0/01/run_02\n");
    assert_eq!(beside.stderr.trim(), "note: left out: 1 run that is worked on now");
    let live = world.start(&["resume", &dir, "--max-cost-usd", "99", "--jobs", "1"]);
    wait_until("the other agent works", || world.lines("agent.log") == 2);
    let beside = pending(&world, &dir).exits(0);
    assert_eq!(beside.stdout, "T0/00/run_02\nT0/01/run_02\n");
    let holder = format!("note: process {} on ", live.pid());
    let may = "coordinates the experiment and may begin any of these runs: a worker for such a run is sent away";
    assert!(beside.stderr.starts_with(&holder) && beside.stderr.contains(may), "{beside}");
    assert!(beside.stderr.contains("note: left out: 2 runs that are worked on now"), "{beside}");
    open(&world, "agent");
    finish(alone).exits(0);
    live.end();
}

#[test]
fn a_tier_that_waits_for_winners_is_left_out_until_a_resume_has_chosen_them() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).agent("T1/00-heir", AGENT).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "1", "--inherit", "previous-best"]);
    let first = pending(&world, &dir).exits(0);
    assert_eq!(first.stdout, "T0/00/run_01\n");
    let why = "note: left out: T1, which takes over winners of T0 that are not chosen yet: a resume chooses them when T0 is made";
    assert_eq!(first.stderr.trim(), why);
    finish(worker(&world, &dir, "T0/00/1")).exits(0);
    assert_eq!(pending(&world, &dir).exits(0).stdout, "");
    // It may spend nothing, and chooses all the same.
    world.scylla(&["resume", &dir]).exits(6);
    let then = pending(&world, &dir).exits(0);
    assert_eq!((then.stdout.as_str(), then.stderr.as_str()), ("T1/00/run_01\n", ""));
    finish(worker(&world, &dir, "T1/00/1")).exits(0);
    resume(&world, &dir).exits(0);
}

#[test]
fn a_run_without_a_verdict_under_the_newest_grading_is_to_be_made_and_its_agent_is_not_asked_again() {
    let (world, dir) = planned_world("1");
    resume(&world, &dir).exits(0);
    edit_text(&world, "fixture/test.yaml", "readme.txt || exit 1", "readme.txt || exit 2");
    world.scylla(&["regrade", &dir, "--from", "fixture", "--run", "T0/00/1"]).exits(6);
    assert_eq!(pending(&world, &dir).exits(0).stdout, "T0/01/run_01\n");
    finish(worker(&world, &dir, "T0/01/1")).exits(0);
    assert_eq!((pending(&world, &dir).exits(0).stdout.as_str(), world.lines("agent.log")), ("", 2));
}

#[test]
fn where_a_resume_would_refuse_nothing_is_to_be_made_and_what_is_damaged_is_left_to_a_person() {
    let (world, dir) = planned_world("1");
    finish(worker(&world, &dir, "T0/00/1")).exits(0);
    let result = Path::new(&dir).join("T0/00/run_01/run_result.json");
    edit(&result, |result| result["judge_score"] = json!(0.25));
    let damaged = pending(&world, &dir).exits(0);
    assert_eq!(damaged.stdout, "T0/01/run_01\n", "{damaged}");
    let why = "note: left out: 1 run that is for a person to look at: `cargo scylla verify` says why";
    assert_eq!(damaged.stderr.trim(), why);
    edit(&Path::new(&dir).join("config/experiment.json"), |config| config["thinking_mode"] = json!("High"));
    let refused = pending(&world, &dir);
    assert_eq!((refused.code, refused.stdout.as_str()), (resume(&world, &dir).code, ""), "{refused}");
    assert_eq!(refused.code, Some(5), "{refused}");
    world.scylla(&["plan", "nowhere"]).exits(2);
}

#[test]
fn run_with_plan_only_makes_an_experiment_and_starts_nothing_and_workers_make_its_runs() {
    let world = World::new();
    let fixture =
        TestFixture::new().agent("T0/00-one", &format!("echo x >> {}; {AGENT}", world.path("agent.log").display()));
    let fixture = fixture.write(&world);
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--plan-only"];
    let made = world.scylla(&run).exits(0);
    let dir = experiment(&world);
    assert!(made.stderr.contains("is planned, with 2 runs to make: `cargo scylla resume "), "{made}");
    assert_eq!(pending(&world, &dir).exits(0).stdout.lines().count(), 2);
    world.scylla(&["verify", &dir]).exits(6);
    // The same again finds it, and starts nothing either.
    let again = world.scylla(&run).exits(0);
    assert!(again.stderr.contains("going on with the unfinished experiment"), "{again}");
    assert_eq!((world.lines("agent.log"), experiment(&world)), (0, dir.clone()));
    let is_called = |word: &str, state: &str| {
        let (status, list) = (world.scylla(&["status", &dir]).exits(0), world.scylla(&["list", "results"]).exits(0));
        assert!(status.stdout.contains(&format!(": {word}\n")), "{status}");
        assert!(list.stdout.contains(&format!(" {state} ")), "{list}");
    };
    is_called("planned, and not begun", "planned");
    finish(worker(&world, &dir, "T0/00/1")).exits(0);
    is_called("interrupted", "interrupted");
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!((world.lines("agent.log"), status(&world).as_str()), (2, "completed"));
}
