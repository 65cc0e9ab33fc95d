//! A wall clock that is set back in the middle of a run changes no duration, no order and no verdict.

use std::process::Command;

use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{is_missing, json};
use crate::world::{Live, World, wait_until};

/// A day, by which the clock is set back.
const DAY: f64 = 86_400.0;

#[test]
fn a_clock_that_is_set_back_in_the_middle_of_a_run_makes_no_duration_negative_and_nothing_disagree() {
    if is_missing("cc") {
        println!("skipped: there is no C compiler, which makes the clock that is set back");
        return;
    }
    let world = World::new();
    let (clock, sign) = (world.path("back.so"), world.path("back"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clock/back.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&clock).arg(source).status().unwrap();
    assert!(built.success());
    let fixture = TestFixture::new()
        .agent("T0/00-one", &format!("{}; touch done", gated(&world, "agent")))
        .judge(FULL_SCORE)
        .write(&world);
    close(&world, "agent");
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--jobs", "1"];
    let mut command = world.command(&run);
    command.env("LD_PRELOAD", &clock).env("CLOCK_IS_SET_BACK", &sign);
    let live = Live::start(&mut command);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    world.write("back", "");
    open(&world, "agent");
    let (code, events, stderr) = live.end();
    assert_eq!(code, Some(0), "{events:#?}\n{stderr}");
    let dir = world.experiment();
    let result = json(&dir.join("T0/00/run_01/run_result.json"));
    let day = |key: &str| result[key].as_str().unwrap()[..10].to_owned();
    assert!(day("committed_at") < day("started_at"), "it was set back: {result:#}");
    for run in ["run_01", "run_02"] {
        let result = json(&dir.join(format!("T0/00/{run}/run_result.json")));
        for key in ["duration_seconds", "agent_duration_seconds", "judge_duration_seconds"] {
            let seconds = result[key].as_f64().unwrap();
            assert!((0.0..DAY / 2.0).contains(&seconds), "{run}: {key}: {seconds}");
        }
        assert_eq!(result["judge_passed"], true);
    }
    for key in ["duration_seconds", "worked_seconds"] {
        let took = events.last().unwrap()[key].as_f64().unwrap();
        assert!((0.0..DAY / 2.0).contains(&took), "{key}: {took}");
    }
    for command in ["verify", "resume", "status"] {
        world.scylla(&[command, dir.to_str().unwrap()]).exits(0);
    }
}
