//! Single runs made by processes of their own: all that they need lies in the experiment's folder, and no run has two.

mod beside;
mod leased;
mod planned;
mod refused;
mod stopped;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::crash::no_process_is_left;
use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{AGENT, json, planned, status};
use crate::verify::folder::{copy, remove};
use crate::world::{World, finish, wait_until};

/// A planned experiment of two setups in which nothing has started; agents, checks and judges can be held at gates, and tell
/// logs that they were asked.
fn planned_world(runs: &str) -> (World, String) {
    let world = World::new();
    let agent = format!("{}; {AGENT}", gated(&world, "agent"));
    let fixture = TestFixture::new()
        .agent("T0/00-one", &agent)
        .agent("T0/01-two", &agent)
        .check(&format!("echo asked >> {}; test -f done", world.path("checks.log").display()))
        .judge(&format!("{}; test -e readme.txt || exit 1; {FULL_SCORE}", gated(&world, "judge")))
        .write(&world);
    let dir = planned(&world, &fixture, &["--runs", runs]);
    (world, dir)
}

/// Starts a worker; its job is the folder and the run.
fn worker(world: &World, dir: &str, run: &str) -> Child {
    let mut command = world.command(&["worker", dir, "--run", run]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn resume(world: &World, dir: &str) -> crate::world::Output {
    world.scylla(&["resume", dir, "--max-cost-usd", "99"])
}

/// The kinds of what `verify` finds, each once, with its exit code.
fn found(world: &World, dir: &str) -> (Option<i32>, Vec<String>) {
    let verified = world.scylla(&["verify", dir, "--format", "json"]);
    let report: Value = serde_json::from_str(&verified.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let mut kinds: Vec<String> = findings.iter().map(|finding| finding["kind"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    kinds.dedup();
    (verified.code, kinds)
}

/// What a result says that does not depend on when and where it was made.
fn verdicts(dir: &str) -> Vec<Value> {
    let keys =
        ["tier", "subtest", "run_number", "judge_passed", "judge_score", "cost_usd", "judge_cost_usd", "attempt"];
    let runs = ["00/run_01", "00/run_02", "01/run_01", "01/run_02"];
    let results = runs.map(|run| json(&Path::new(dir).join("T0").join(run).join("run_result.json")));
    let of = |result: Value| {
        let before: Vec<Value> =
            result["checks"].as_array().unwrap().iter().map(|check| check["before"].clone()).collect();
        let said: Vec<Value> = keys.iter().map(|key| result[key].clone()).collect();
        serde_json::json!([said, before])
    };
    results.into_iter().map(of).collect()
}

#[test]
fn a_plan_that_workers_make_two_at_a_time_gives_the_results_that_a_coordinator_gives() {
    let (local, made) = planned_world("2");
    resume(&local, &made).exits(0);
    for cure in ["resume", "repair"] {
        let (world, dir) = planned_world("2");
        for pair in [["T0/00/1", "T0/01/1"], ["T0/00/2", "T0/01/2"]] {
            let workers = pair.map(|run| worker(&world, &dir, run));
            for worker in workers {
                finish(worker).exits(0);
            }
        }
        // The index alone is behind.
        assert_eq!(found(&world, &dir), (Some(4), vec!["unrecorded-result".to_owned()]));
        world.scylla(&[cure, &dir]).exits(0);
        assert_eq!(found(&world, &dir), (Some(0), Vec::new()), "{cure}");
        assert_eq!(verdicts(&dir), verdicts(&made));
        assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (4, 4));
        resume(&world, &dir).exits(0);
        assert_eq!((world.lines("agent.log"), status(&world).as_str()), (4, "completed"));
        no_process_is_left(&world);
    }
}

#[test]
fn two_workers_that_find_out_the_same_of_an_untouched_tree_take_what_the_first_one_wrote() {
    let world = World::new();
    // Both are asked at once, and the check says another thing each time that it is asked.
    let check = format!("{}; mkdir {} 2> /dev/null", gated(&world, "check"), world.path("once").display());
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).check(&check).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "2"]);
    close(&world, "check");
    let workers = ["T0/00/1", "T0/00/2"].map(|run| worker(&world, &dir, run));
    wait_until("both check the untouched tree", || world.lines("check.log") == 2);
    open(&world, "check");
    for worker in workers {
        finish(worker).exits(0);
    }
    let kept: Vec<_> = fs::read_dir(Path::new(&dir).join("config/untouched")).unwrap().flatten().collect();
    assert_eq!(kept.len(), 1);
    let first = json(&kept[0].path())["checks"][0]["passed"].as_bool().unwrap();
    for run in ["run_01", "run_02"] {
        let result = json(&Path::new(&dir).join("T0/00").join(run).join("run_result.json"));
        assert_eq!(result["checks"][0]["before"], if first { "passed" } else { "failed" }, "{run}");
    }
    world.scylla(&["repair", &dir]).exits(0);
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn what_was_found_out_of_an_untouched_tree_and_is_torn_is_found_out_anew_by_whoever_holds_the_experiment() {
    let (world, dir) = planned_world("2");
    finish(worker(&world, &dir, "T0/00/1")).exits(0);
    let kept: Vec<_> = fs::read_dir(Path::new(&dir).join("config/untouched")).unwrap().flatten().collect();
    let whole = fs::read(kept[0].path()).unwrap();
    fs::write(kept[0].path(), &whole[..20]).unwrap();
    let refused = finish(worker(&world, &dir, "T0/00/2")).exits(6);
    assert!(refused.stderr.contains("was altered or torn"), "{refused}");
    assert_eq!(world.lines("agent.log"), 1);
    let resumed = resume(&world, &dir).exits(0);
    assert!(resumed.stderr.contains("is found out anew"), "{resumed}");
    world.scylla(&["verify", &dir]).exits(0);
    assert_eq!(world.lines("agent.log"), 4);
    assert!(Path::new(&dir).join(".quarantine").is_dir());
}

#[test]
fn a_worker_that_is_killed_before_any_rename_is_followed_by_one_that_comes_to_the_same_end() {
    if crate::scenes::strace_is_missing() {
        return;
    }
    let (world, dir) = planned_world("1");
    fs::rename(&dir, world.path("template")).unwrap();
    let (job, mut points) = (["worker", dir.as_str(), "--run", "T0/00/1"], 0);
    for call in ["rename", "renameat", "renameat2", "link", "linkat"] {
        for number in crate::scenes::killing_points() {
            assert!(number < 40, "{call}: it never ended by itself");
            copy(&world.path("template"), Path::new(&dir));
            let killed = crate::crash::killed_at(&world, call, number, &job);
            if killed {
                points += 1;
                world.scylla(&job).exits(0);
            }
            let point = format!("{call} {number}");
            assert!((1..=2).contains(&world.lines("agent.log")), "{point}: {}", world.lines("agent.log"));
            let repaired = world.scylla(&["repair", &dir]);
            assert_eq!(repaired.code, Some(0), "{point}: {repaired}");
            assert_eq!(found(&world, &dir), (Some(6), vec!["missing-run".to_owned()]), "{point}");
            no_process_is_left(&world);
            remove(Path::new(&dir));
            for log in ["agent.log", "judge.log", "checks.log"] {
                let _ = fs::remove_file(world.path(log));
            }
            if !killed {
                break;
            }
        }
    }
    assert!(points >= 2, "only {points} points killed anything");
}
