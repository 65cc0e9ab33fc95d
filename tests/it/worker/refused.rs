//! Runs that a worker does not make: it says why, and changes nothing.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{planned_world, resume, worker};
use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, files_below, json as read, planned};
use crate::verify::folder::edit;
use crate::world::{World, finish, steady, wait_until};

/// The bytes of all that lies in an experiment.
fn all(dir: &str) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    files_below(Path::new(dir)).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[track_caller]
fn shows(name: &str, text: &str, world: &World) {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, steady(text, world)) });
}

#[test]
fn a_run_that_is_not_planned_or_not_a_run_is_a_mistake_and_nothing_is_made() {
    let (world, dir) = planned_world("1");
    let before = all(&dir);
    for run in ["T0/00/2", "T0/02/1", "T5/00/1"] {
        let refused = finish(worker(&world, &dir, run)).exits(2);
        if run == "T0/00/2" {
            shows("worker-not-planned", &refused.stderr, &world);
        }
    }
    for arguments in
        [&["worker", &dir][..], &["worker", &dir, "--run", "T0"], &["worker", "nowhere", "--run", "T0/00/1"]]
    {
        world.scylla(arguments).exits(2);
    }
    assert_eq!(all(&dir), before);
    assert_eq!(world.lines("agent.log"), 0);
}

#[test]
fn a_committed_run_is_left_as_it_is() {
    let (world, dir) = planned_world("1");
    resume(&world, &dir).exits(0);
    let before = all(&dir);
    let done = finish(worker(&world, &dir, "T0/00/1")).exits(0);
    shows("worker-committed-already", &done.stderr, &world);
    assert_eq!((all(&dir) == before, world.lines("agent.log")), (true, 2));
}

#[test]
fn a_run_that_another_worker_has_is_told_with_its_process() {
    let (world, dir) = planned_world("1");
    close(&world, "agent");
    let first = worker(&world, &dir, "T0/00/1");
    wait_until("the agent works", || world.lines("agent.log") == 1);
    shows("worker-claimed", &finish(worker(&world, &dir, "T0/00/1")).exits(3).stderr, &world);
    open(&world, "agent");
    finish(first).exits(0);
}

#[test]
fn what_is_damaged_or_only_said_to_be_there_is_made_by_no_worker() {
    let (world, dir) = planned_world("1");
    resume(&world, &dir).exits(0);
    let run = Path::new(&dir).join("T0/00/run_01");
    // A verdict that the checkpoint names and that is not there.
    fs::rename(&run, world.path("run")).unwrap();
    shows("worker-phantom", &finish(worker(&world, &dir, "T0/00/1")).exits(5).stderr, &world);
    fs::rename(world.path("run"), &run).unwrap();
    let result = fs::read(run.join("run_result.json")).unwrap();
    for (file, bytes) in [("run_result.json", &result[..100]), ("agent/result.json", b"{}")] {
        let whole = fs::read(run.join(file)).unwrap();
        if file == "agent/result.json" {
            fs::remove_file(run.join("run_result.json")).unwrap();
            edit(&Path::new(&dir).join("checkpoint.json"), |index| index["completed_runs"]["T0"]["00"] = json!({}));
        }
        fs::write(run.join(file), bytes).unwrap();
        let before = all(&dir);
        let refused = finish(worker(&world, &dir, "T0/00/1")).exits(5);
        assert!(refused.stderr.contains("T0/00/run_01 is not made: "), "{file}: {refused}");
        assert!(all(&dir) == before, "{file}");
        fs::write(run.join(file), whole).unwrap();
    }
    let config = Path::new(&dir).join("config/experiment.json");
    fs::write(&config, fs::read(&config).unwrap().repeat(2)).unwrap();
    finish(worker(&world, &dir, "T0/00/1")).exits(5);
    assert_eq!(world.lines("agent.log"), 2);
}

#[test]
fn a_worker_waits_for_no_model_but_ends_and_says_until_when() {
    let world = World::new();
    let agent = format!("{}; {AGENT}", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "1", "--model", "opus"]);
    let limit = |model: &str| {
        edit(&Path::new(&dir).join("checkpoint.json"), |index| {
            index["rate_limits"] = json!({ model: "2999-01-01T00:00:00Z" });
        });
    };
    limit("opus");
    let refused = finish(worker(&world, &dir, "T0/00/1")).exits(6);
    shows("worker-waits", &refused.stderr, &world);
    // A name that nobody asks by stands for all.
    limit("another");
    finish(worker(&world, &dir, "T0/00/1")).exits(6);
    assert_eq!((world.lines("agent.log"), Path::new(&dir).join("T0/00/run_01").exists()), (0, false));
    world.scylla(&["worker", &dir, "--run", "T0/00/1", "--ignore-rate-limit"]).exits(0);
    assert_eq!(world.lines("agent.log"), 1);
}

#[test]
fn a_run_whose_winner_is_not_chosen_is_made_by_no_worker_and_then_by_one_as_by_a_coordinator() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).agent("T1/00-heir", AGENT).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "2", "--inherit", "previous-best"]);
    let refused = finish(worker(&world, &dir, "T1/00/1")).exits(6);
    shows("worker-winner-not-chosen", &refused.stderr, &world);
    for run in ["T0/00/1", "T0/00/2"] {
        finish(worker(&world, &dir, run)).exits(0);
    }
    resume(&world, &dir).exits(0);
    let made = read(&Path::new(&dir).join("T1/00/run_01/run_result.json"));
    world.scylla(&["rerun", &dir, "--run", "T1/00/1"]).exits(0);
    world.scylla(&["extend", &dir, "--runs", "3", "--plan-only"]).exits(0);
    finish(worker(&world, &dir, "T1/00/3")).exits(0);
    let alone = read(&Path::new(&dir).join("T1/00/run_03/run_result.json"));
    for key in ["inherited_from", "composed", "baseline_commit", "judge_passed"] {
        assert_eq!(alone[key], made[key], "{key}");
    }
    assert_eq!(alone["inherited_from"], json!(["T0/00"]));
}
