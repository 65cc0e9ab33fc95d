//! Containment, end to end, under each that works here: nothing of a run is alive when its changes are taken, whatever it
//! started, and no run waits for what hangs on.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{alive, containments, edit, edit_config, experiment, is_alive, json, output, planned};
use crate::world::{Live, World, wait_until};

/// Starts what real agents leave behind: a job in the background that holds the output, one that has a session of its own,
/// and a daemon that left its parent. None of them listens to TERM. `marker` is in the command of each.
fn leave_behind(marker: &str) -> String {
    let stubborn = format!("trap \"\" TERM INT HUP; while :; do sleep 0.05; done # {marker}");
    format!(
        "sh -c '{stubborn}' & setsid sh -c '{stubborn}' & (setsid sh -c '(setsid sh -c \"$0\" > /dev/null 2>&1 &)' '{stubborn}' &); \
         while [ $(grep -laz '{marker}$' /proc/[0-9]*/cmdline 2> /dev/null | wc -l) -lt 3 ]; do sleep 0.02; done"
    )
}

/// A world whose one agent leaves processes behind and then does `after`; its check waits at a gate.
fn world(after: &str) -> (World, String, String) {
    let world = World::new();
    let marker = format!("left-by-{}", world.path("").file_name().unwrap().to_str().unwrap());
    let agent = format!("touch done; {}; {}; {after}", leave_behind(&marker), gated(&world, "agent"));
    let fixture = TestFixture::new()
        .agent("T0/00-leaves", &agent)
        .check(&format!("test -f done || exit 1; {}", gated(&world, "check")))
        .write(&world);
    (world, fixture, marker)
}

/// Resumes a planned experiment under a containment, with a short grace.
fn start(world: &World, fixture: &str, containment: &str, more: &[&str]) -> Live {
    let arguments = ["--runs", "1", "--jobs", "1", "--containment", containment];
    let dir = planned(world, fixture, &[&arguments[..], more].concat());
    edit_config(world, "grace_seconds", json!(1));
    world.start(&["resume", &dir, "--max-cost-usd", "9"])
}

/// While the check waits, the agent's changes have been taken: nothing of the agent is alive. Then the run ends well.
#[track_caller]
fn is_clean_when_captured(world: &World, marker: &str, live: Live, agent_end: &str) -> Value {
    wait_until("the check is reached", || world.lines("check.log") == 1);
    assert_eq!(alive(marker), [0; 0], "alive after the changes were taken");
    open(world, "check");
    let (code, events, stderr) = live.end();
    assert_eq!(code, Some(0), "{events:#?}\n{stderr}");
    let result = json(&world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!(result["agent_end"], agent_end);
    world.scylla(&["verify", &experiment(world)]).exits(0);
    result
}

#[test]
fn what_an_agent_leaves_behind_is_ended_when_it_exits() {
    for containment in containments() {
        let (world, fixture, marker) = world("true");
        close(&world, "check");
        let live = start(&world, &fixture, containment, &[]);
        let result = is_clean_when_captured(&world, &marker, live, "finished");
        assert_eq!(result["judge_passed"], true);
        let agent = json(&world.experiment().join("T0/00/run_01/agent/result.json"));
        assert_eq!(agent["containment"], containment);
        if containment != "bubblewrap" {
            assert!(agent["leftover_processes"].as_u64() >= Some(3), "{containment}: {agent:#}");
        }
    }
}

#[test]
fn a_timeout_ends_all_of_it_and_is_graded_on_what_is_there() {
    for containment in containments() {
        let (world, fixture, marker) = world("trap '' TERM; while :; do sleep 0.05; done");
        close(&world, "check");
        let live = start(&world, &fixture, containment, &["--timeout", "5"]);
        let result = is_clean_when_captured(&world, &marker, live, "timed_out");
        assert_eq!((&result["timed_out"], &result["judge_passed"]), (&json!(true), &json!(true)), "{containment}");
        assert_eq!(result["exit_code"], Value::Null);
    }
}

#[test]
fn a_second_interrupt_ends_all_of_it() {
    for containment in containments() {
        let (world, fixture, marker) = world("true");
        close(&world, "agent");
        let mut live = start(&world, &fixture, containment, &[]);
        wait_until("the agent works", || world.lines("agent.log") == 1);
        assert!(alive(&marker).len() >= 3, "{containment}");
        live.signal("INT");
        live.wait_for("drain", |event| event["stop_level"] == "drain");
        live.signal("INT");
        let (code, events, _) = live.end();
        assert_eq!(code, Some(130), "{events:#?}");
        assert_eq!(alive(&marker), [0; 0], "{containment}: alive after the coordinator's end");
        let folder = world.experiment().join("T0/00");
        assert!(!folder.join("run_01").exists() && folder.join(".failed/run_01_attempt_01").is_dir());
    }
}

#[test]
fn what_outlived_a_killed_coordinator_is_named_by_verify_and_ended_by_resume() {
    for containment in containments() {
        let (world, fixture, marker) = world("true");
        close(&world, "agent");
        let mut live = start(&world, &fixture, containment, &[]);
        wait_until("the agent works", || world.lines("agent.log") == 1);
        let orphans = alive(&marker);
        assert!(orphans.len() >= 3, "{containment}: {orphans:?}");
        let mark = json(&world.experiment().join("T0/00/run_01/agent/process.json"));
        live.kill();
        let dir = experiment(&world);
        if containment == "bubblewrap" {
            // A namespace dies with its coordinator.
            wait_until("the end of the namespace", || alive(&marker).is_empty());
        } else {
            let verified = world.scylla(&["verify", &dir]).exits(4);
            assert!(verified.stdout.contains("stray-process"), "{containment}: {verified}");
            assert!(verified.stdout.contains("T0/00/run_01"), "{containment}: {verified}");
            assert!(alive(&marker).len() >= 3, "{containment}: `verify` only looks");
        }
        let mut resumed = world.start(&["resume", &dir]);
        resumed.wait_for_reason("run-started");
        let still: Vec<&i32> = orphans.iter().filter(|process| is_alive(**process)).collect();
        assert!(still.is_empty(), "{containment}: {still:?} are alive beside the new attempt");
        open(&world, "agent");
        assert_eq!(resumed.end().0, Some(0), "{containment}");
        world.scylla(&["verify", &dir]).exits(0);
        assert_eq!(alive(&marker), [0; 0], "{containment}");
        if let Some(group) = mark["cgroup"].as_str() {
            assert!(!Path::new(group).exists(), "the empty group stays: {group}");
        }
    }
}

/// The end of the one agent of an experiment that does `agent`.
#[track_caller]
fn end_of(agent: &str, task: &str) -> Value {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", agent).write(&world);
    edit(&world, "fixture/test.yaml", "  timeout_seconds: 100\n", task);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    world.scylla(&arguments).exits(0);
    let run = world.experiment().join("T0/00/run_01");
    let result = json(&run.join("run_result.json"));
    let kept: u64 =
        ["stdout.log", "stderr.log"].map(|log| fs::metadata(run.join("agent").join(log)).unwrap().len()).iter().sum();
    json!({
        "end": result["agent_end"],
        "timed_out": result["timed_out"],
        "passed": result["judge_passed"],
        "truncated": json(&run.join("agent/result.json"))["output_truncated"],
        "kept_up_to_the_limit": kept <= 64 << 20,
    })
}

#[test]
fn an_agent_that_says_nothing_for_too_long_is_ended_and_graded() {
    assert_eq!(
        end_of("touch done; echo begun; exec sleep 600", "  timeout_seconds: 500\n  no_progress_seconds: 5\n"),
        json!({"end": "no_progress", "timed_out": true, "passed": true, "truncated": false, "kept_up_to_the_limit": true})
    );
}

#[test]
fn an_agent_that_says_too_much_is_ended_and_graded() {
    assert_eq!(
        end_of("touch done; head -c 70000000 /dev/zero; exec sleep 600", "  timeout_seconds: 500\n"),
        json!({"end": "output_limit", "timed_out": false, "passed": true, "truncated": true, "kept_up_to_the_limit": true})
    );
}

#[test]
fn in_a_namespace_an_agent_sees_neither_what_others_did_nor_what_is_expected() {
    if !containments().contains(&"bubblewrap") {
        return;
    }
    let world = World::new();
    let agent = "touch done seen; root=$(dirname $(dirname \"$SCYLLA_FIXTURE\")); work=$(dirname \"$SCYLLA_WORKSPACE\"); \
                 { (cd \"$root\"; find . -type f); (cd $work/..; find . -type f ! -path '*/.git/*' | sed s,$(basename $work),work,); } \
                 | sort > seen";
    let fixture = TestFixture::new().agent("T0/00-curious", agent).write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--jobs", "1"];
    world.scylla(&[&arguments[..], &["--containment", "bubblewrap", "--keep-workspaces", "all"]].concat()).exits(0);
    let seen = fs::read_to_string(world.experiment().join("T0/00/run_02/workspace/seen")).unwrap();
    assert!(seen.contains("./config/fixture/test.yaml") && !seen.contains("expected/"), "{seen}");
    let seen: Vec<&str> = seen.lines().filter(|place| !place.starts_with("./config/fixture/")).collect();
    assert_eq!(
        seen,
        ["./work/agent/prompt.md", "./work/workspace/done", "./work/workspace/readme.txt", "./work/workspace/seen",],
    );
}

#[test]
fn where_nothing_surer_works_the_walk_is_said_aloud_unless_it_was_asked_for() {
    if !containments().contains(&"bubblewrap") {
        return;
    }
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").write(&world);
    // A bubblewrap that fails, and control groups that cannot be written.
    world.program("tools/bwrap", "#!/bin/sh\nexit 1\n");
    let run = |more: &[&str]| {
        let path = std::env::var("PATH").unwrap();
        let mut command = std::process::Command::new("bwrap");
        command.args(["--dev-bind", "/", "/", "--ro-bind", "/sys", "/sys", "--unshare-pid", "--proc", "/proc", "--"]);
        command.args(["env", &format!("PATH={}:{path}", world.path("tools").display())]);
        command.args([env!("CARGO_BIN_EXE_cargo-scylla"), "scylla", "run", "--fresh", "--runs", "1"]);
        command.args(["--tiers-dir", &fixture, "--results-dir", "results"]).args(more);
        world.seal(&mut command);
        output(command.current_dir(world.path("")))
    };
    let notice = "neither bubblewrap nor control groups work here";
    let silent = run(&["--containment", "walk"]).exits(0);
    assert!(!silent.stderr.contains(notice), "{silent}");
    let said = run(&[]).exits(0);
    assert!(said.stderr.contains(notice) && said.stderr.contains("contained by walk"), "{said}");
}
