//! What was paid for is paid once, counted once, and never thrown away because a file around it was.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::json as read;
use crate::world::{World, wait_until};

const AGENT: &str = "touch done; printf '{\"cost_usd\": 5}' > \"$SCYLLA_RECORD_FILE\"";

/// One finished run; agent and judge tell a log that they were asked.
fn finished() -> (World, PathBuf) {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-paid", &format!("{}; {AGENT}", gated(&world, "agent")))
        .judge(&format!("{}; {FULL_SCORE}", gated(&world, "judge")))
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "-q"]).exits(0);
    let experiment = world.experiment();
    (world, experiment)
}

#[track_caller]
fn asked(world: &World) -> (usize, usize) {
    (world.lines("agent.log"), world.lines("judge.log"))
}

/// What `status` says was spent.
fn spent(world: &World, experiment: &Path) -> f64 {
    let status = world.scylla(&["status", experiment.to_str().unwrap(), "--message-format", "json"]).exits(0);
    serde_json::from_str::<Value>(&status.stdout).unwrap()["spent"].as_f64().unwrap()
}

#[test]
fn a_torn_result_is_committed_again_from_the_stages_of_its_run() {
    let (world, experiment) = finished();
    let (dir, result) = (experiment.to_str().unwrap(), experiment.join("T0/00/run_01/run_result.json"));
    let before = read(&result);
    fs::write(&result, &fs::read(&result).unwrap()[..100]).unwrap();
    world.scylla(&["verify", dir]).exits(5);
    world.scylla(&["resume", dir]).exits(0);
    world.scylla(&["verify", dir]).exits(0);
    assert_eq!(asked(&world), (1, 1));
    let after = read(&result);
    for key in ["judge_passed", "judge_score", "cost_usd", "judge_cost_usd", "attempt", "checks", "judges"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert!((spent(&world, &experiment) - 5.02).abs() < 1e-9);
}

#[test]
fn an_answer_that_nobody_had_time_to_read_is_not_bought_again() {
    let (world, experiment) = finished();
    let run = experiment.join("T0/00/run_01");
    for file in ["run_result.json", "SHA256SUMS", "judge/result.json", "judge/judge_02/judgment.json"] {
        fs::remove_file(run.join(file)).unwrap();
    }
    let checkpoint = experiment.join("checkpoint.json");
    let mut index = read(&checkpoint);
    index["completed_runs"]["T0"]["00"]["1"] = json!("agent_complete");
    index["status"] = json!("interrupted");
    fs::write(&checkpoint, index.to_string()).unwrap();
    world.scylla(&["resume", experiment.to_str().unwrap()]).exits(0);
    assert_eq!(asked(&world), (1, 1));
    assert_eq!(read(&run.join("run_result.json"))["judge_cost_usd"], 0.02);
}

#[test]
fn half_an_answer_is_set_aside_and_the_judge_is_asked_anew() {
    let (world, experiment) = finished();
    let run = experiment.join("T0/00/run_01");
    for file in ["run_result.json", "SHA256SUMS", "judge/result.json", "judge/judge_02/judgment.json"] {
        fs::remove_file(run.join(file)).unwrap();
    }
    fs::write(run.join("judge/judge_02/response.txt"), "{\"items\":").unwrap();
    fs::remove_file(experiment.join("checkpoint.json")).unwrap();
    world.scylla(&["resume", experiment.to_str().unwrap()]).exits(0);
    assert_eq!(asked(&world), (1, 2));
    let kept = fs::read_to_string(run.join("judge/.failed/judge_02_attempt_01/response.txt")).unwrap();
    assert_eq!(kept, "{\"items\":");
}

#[test]
fn a_result_without_a_verdict_is_neither_done_nor_made_again() {
    let (world, experiment) = finished();
    let result = experiment.join("T0/00/run_01/run_result.json");
    let mut altered = read(&result);
    altered.as_object_mut().unwrap().remove("judge_passed");
    fs::write(&result, altered.to_string()).unwrap();
    let resumed = world.scylla(&["resume", experiment.to_str().unwrap()]).exits(5);
    assert!(resumed.stdout.contains("0 of 1 planned run done"), "{resumed}");
    assert!(resumed.stderr.contains("contradictory-result"), "{resumed}");
    assert_eq!(asked(&world), (1, 1));
}

#[test]
fn what_a_killed_attempt_cost_is_counted_in_the_session_that_sets_it_aside() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-dear", &format!("{AGENT}; {}", gated(&world, "agent"))).write(&world);
    close(&world, "agent");
    let mut live = world.start(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]);
    wait_until("the agent has spent", || world.lines("agent.log") == 1);
    live.kill();
    open(&world, "agent");
    let experiment = world.experiment();
    let resumed = world.scylla(&["resume", experiment.to_str().unwrap(), "--message-format", "json"]).exits(0);
    let finished = resumed.events().pop().unwrap();
    assert_eq!(finished["reason"], "experiment-finished");
    assert!((finished["spent"].as_f64().unwrap() - 10.0).abs() < 1e-9, "{finished}");
    assert!((spent(&world, &experiment) - 10.0).abs() < 1e-9);
}

#[test]
fn a_rate_limit_whose_time_has_passed_is_waited_for_all_the_same() {
    let world = World::new();
    let record = r#"{"failure": {"kind": "rate_limit", "message": "429", "retry_at": "2020-01-01T00:00:00Z"}}"#;
    let agent = format!("{}; printf '%s' '{record}' > \"$SCYLLA_RECORD_FILE\"", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-limited", &agent).write(&world);
    let mut live =
        world.start(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--jobs", "1"]);
    live.wait_for_reason("rate-limited");
    live.signal("TERM");
    let (code, ..) = live.end();
    assert_eq!(code, Some(143));
    assert_eq!(world.lines("agent.log"), 1);
}

#[test]
fn a_commit_that_was_not_said_is_finished_and_nothing_of_the_run_is_written_again() {
    let (world, experiment) = finished();
    let run = experiment.join("T0/00/run_01");
    // As a coordinator leaves it that is killed right after the result is there.
    fs::create_dir_all(run.join("workspace/left")).unwrap();
    let checkpoint = experiment.join("checkpoint.json");
    let mut index = read(&checkpoint);
    index["completed_runs"] = json!({});
    index["status"] = json!("running");
    fs::write(&checkpoint, index.to_string()).unwrap();
    let sealed = fs::read(run.join("SHA256SUMS")).unwrap();
    world.scylla(&["resume", experiment.to_str().unwrap()]).exits(0);
    world.scylla(&["verify", experiment.to_str().unwrap()]).exits(0);
    assert_eq!(asked(&world), (1, 1));
    assert_eq!(fs::read(run.join("SHA256SUMS")).unwrap(), sealed);
    assert!(!run.join("workspace").exists());
}
