//! The very same command once more after a kill does what was asked: nothing is refused, nothing is paid twice.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::crash::{killed_at, no_process_is_left};
use crate::fixture::{FULL_SCORE, TestFixture, gated};
use crate::scenes::{AGENT, edit, experiment, json, killing_points, recorded, saved, status, strace_is_missing};
use crate::verify::folder::{copy, remove};
use crate::world::World;

/// An experiment of one setup with two finished runs, as it lies in `template/`.
fn template() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-one", &format!("{}; {AGENT}", gated(&world, "agent")))
        .judge(&format!("{}; {FULL_SCORE}", gated(&world, "judge")))
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    let dir = experiment(&world);
    fs::rename(&dir, world.path("template")).unwrap();
    for log in ["agent.log", "judge.log"] {
        fs::remove_file(world.path(log)).unwrap();
    }
    (world, dir)
}

/// Kills a command before each of its renames, each time on a new copy of the finished experiment, and gives the very same
/// command once more.
fn killed_and_repeated(arguments: &[&str], prepare: impl Fn(&World), agrees: impl Fn(&World, &str)) {
    if strace_is_missing() {
        return;
    }
    let (world, dir) = template();
    prepare(&world);
    let arguments: Vec<&str> = arguments.iter().map(|word| if *word == "DIR" { &dir } else { *word }).collect();
    let mut points = 0;
    for call in ["rename", "renameat", "renameat2"] {
        for number in killing_points() {
            assert!(number < 40, "{call}: it never ended by itself");
            copy(&world.path("template"), Path::new(&dir));
            let killed = killed_at(&world, call, number, &arguments);
            let point = format!("{call} {number}");
            if killed {
                points += 1;
                let again = world.scylla(&arguments);
                assert_eq!(again.code, Some(0), "{point}: {again}");
            }
            let verified = world.scylla(&["verify", &dir]);
            assert_eq!(verified.code, Some(0), "{point}: {verified}");
            agrees(&world, &point);
            no_process_is_left(&world);
            remove(Path::new(&dir));
            for log in ["agent.log", "judge.log"] {
                let _ = fs::remove_file(world.path(log));
            }
            if !killed {
                break;
            }
        }
    }
    assert!(points >= 1, "only {points} points killed anything");
}

#[test]
fn an_extend_that_was_killed_anywhere_goes_on_when_it_is_repeated() {
    killed_and_repeated(
        &["extend", "DIR", "--runs", "3", "--jobs", "1"],
        |_| {},
        |world, point| {
            assert_eq!(recorded(world, "T0/00/3"), "passed", "{point}");
            assert_eq!(saved(world, "extensions").as_array().unwrap().len(), 1, "{point}");
            assert!((1..=2).contains(&world.lines("agent.log")), "{point}: {}", world.lines("agent.log"));
        },
    );
}

#[test]
fn a_rerun_that_was_killed_anywhere_makes_no_run_twice_when_it_is_repeated() {
    let arguments = ["rerun", "DIR", "--run", "T0/00/1", "--run", "T0/00/2", "--jobs", "1"];
    killed_and_repeated(
        &arguments,
        |_| {},
        |world, point| {
            // One agent may have been at work when the coordinator was killed, and its run is made once more.
            assert!((2..=3).contains(&world.lines("agent.log")), "{point}: {}", world.lines("agent.log"));
            let aside = fs::read_dir(world.experiment().join("T0/00/.failed")).unwrap().count();
            assert!(aside >= world.lines("agent.log"), "{point}: what was paid is kept");
            assert_eq!(json(&world.experiment().join("checkpoint.json")).get("rerunning"), None, "{point}");
        },
    );
}

#[test]
fn a_regrade_that_was_killed_anywhere_goes_on_when_it_is_repeated() {
    let arguments = ["regrade", "DIR", "--from", "fixture", "--run", "T0/00/1", "--run", "T0/00/2", "--jobs", "1"];
    let mend =
        |world: &World| edit(world, "fixture/expected/criteria.md", "The file is there.", "The file is named `done`.");
    killed_and_repeated(&arguments, mend, |world, point| {
        assert_eq!(world.lines("agent.log"), 0, "{point}");
        assert!((2..=3).contains(&world.lines("judge.log")), "{point}: {}", world.lines("judge.log"));
        assert!(!world.experiment().join("config/gradings/03").exists(), "{point}");
    });
}

#[test]
fn a_repair_that_was_killed_anywhere_comes_to_the_same_end_when_it_is_repeated() {
    let spoil = |world: &World| {
        let path = world.path("template/checkpoint.json");
        let mut checkpoint = json(&path);
        checkpoint["completed_runs"]["T0"]["00"] = json!({"1": "failed"});
        fs::write(&path, checkpoint.to_string()).unwrap();
        fs::create_dir(world.path("template/T0/00/run_01/workspace")).unwrap();
        fs::write(world.path("template/T0/00/run_02/.tmp-scylla-1-2"), "torn").unwrap();
    };
    killed_and_repeated(&["repair", "DIR"], spoil, |world, point| {
        assert_eq!((recorded(world, "T0/00/1"), status(world)), (json!("passed"), "completed".to_owned()), "{point}");
    });
}

#[test]
fn what_a_killed_session_left_of_a_finished_experiment_is_cleaned_up_by_the_next_command() {
    for command in ["run", "resume"] {
        let (world, dir) = template();
        copy(&world.path("template"), Path::new(&dir));
        // Former versions made workspaces in the folder of the run.
        fs::create_dir_all(world.experiment().join("T0/00/run_01/workspace/deep")).unwrap();
        world.scylla(&["verify", &dir]).exits(4);
        let output = match command {
            "run" => world.scylla(&["run", "--tiers-dir", "fixture", "--results-dir", "results", "--runs", "2"]),
            _ => world.scylla(&["resume", &dir]),
        };
        assert!(output.stderr.contains("T0/00/run_01/workspace"), "{output}");
        assert_eq!((output.code, world.lines("agent.log")), (Some(0), 0), "{output}");
        let verified = world.scylla(&["verify", &dir, "--format", "json"]).exits(0);
        let report: Value = serde_json::from_str(&verified.stdout).unwrap();
        assert_eq!(report["findings"], json!([]), "{command}");
        assert!(!world.experiment().join("T0/00/run_01/workspace").exists(), "{command}");
        assert_eq!(status(&world), "completed");
    }
}
