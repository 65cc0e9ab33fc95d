//! Nothing of the place in which the tool was started reaches a run: no terminal, no toolchain, no relative search path;
//! and what happens to a run from outside is not its doing.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::{containments, experiment, is_missing, json, planned};
use crate::world::World;

/// Starts a program with a terminal, reads what it says there, and waits for its end.
const IN_A_TERMINAL: &str = "
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
try:
    while os.read(terminal, 65536): pass
except OSError: pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

/// Asks a terminal, where there is one.
const ASK: &str = "if (: < /dev/tty) 2> /dev/null; then echo a terminal; read answer < /dev/tty; else touch done; fi";

/// What a planned experiment is made with.
fn resume(dir: &str) -> [&str; 6] {
    ["resume", dir, "--max-cost-usd", "9", "--message-format", "json"]
}

fn result(world: &World) -> Value {
    json(&world.experiment().join("T0/00/run_01/run_result.json"))
}

fn run_once(world: &World, agent: &str, check: &str, containment: &str) -> String {
    let fixture = TestFixture::new().agent("T0/00-one", agent).check(check).write(world);
    planned(world, &fixture, &["--runs", "1", "--attempts", "1", "--containment", containment])
}

#[test]
fn an_agent_and_a_check_that_ask_a_terminal_find_none_though_the_tool_was_started_in_one() {
    if is_missing("python3") {
        return println!("skipped: python3 is not installed");
    }
    for containment in containments() {
        let world = World::new();
        let dir = run_once(&world, ASK, &format!("rm done && {{ {ASK}; }} && test -f done"), containment);
        let tool = world.command(&resume(&dir));
        let mut command = std::process::Command::new("python3");
        command.args(["-c", IN_A_TERMINAL]).arg(tool.get_program()).args(tool.get_args());
        world.seal(&mut command);
        command.current_dir(tool.get_current_dir().unwrap());
        let ended = crate::scenes::output(&mut command);
        assert_eq!(ended.code, Some(0), "{containment}: {ended}");
        let result = result(&world);
        assert_eq!(
            (&result["agent_end"], &result["judge_passed"]),
            (&json!("finished"), &json!(true)),
            "{containment}"
        );
    }
}

#[test]
fn what_cargo_and_rustup_set_for_us_does_not_reach_a_run() {
    let world = World::new();
    let look = "test -z \"$RUSTUP_TOOLCHAIN$CARGO$CARGO_MANIFEST_DIR$LD_LIBRARY_PATH$RUST_RECURSION_COUNT\"";
    let dir = run_once(&world, &format!("{look} && touch done"), &format!("{look} && test -f done"), "walk");
    let mut command = world.command(&resume(&dir));
    for name in ["RUSTUP_TOOLCHAIN", "CARGO", "CARGO_MANIFEST_DIR", "LD_LIBRARY_PATH", "RUST_RECURSION_COUNT"] {
        command.env(name, "1.0.0");
    }
    let ended = crate::scenes::output(&mut command);
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(result(&world)["judge_passed"], true);
}

#[test]
fn a_relative_place_of_the_search_path_leads_to_no_program_in_the_tree() {
    let world = World::new();
    // The agent leaves a program that checks and git could be fooled by.
    let plant = "printf '#!/bin/sh\\ntouch %s\\n' \"$PWD/done\" > tool; cp tool git; chmod +x tool git";
    let dir = run_once(&world, plant, "tool; test -f done", "walk");
    let path = format!(".::{}", std::env::var("PATH").unwrap());
    let ended = crate::scenes::output(world.command(&resume(&dir)).env("PATH", path));
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(result(&world)["judge_passed"], false, "{ended}");
}

#[test]
fn an_agent_that_was_killed_before_its_final_record_is_no_result_and_what_it_cost_counts() {
    const RECORD: &str = "echo '{\"cost_usd\": 0.5}' > \"$SCYLLA_RECORD_FILE\"";
    for containment in containments() {
        for ends in ["kill -9 $$", "sh -c 'kill -9 $$'; exit $?", "kill -SEGV $$"] {
            let world = World::new();
            let dir = run_once(&world, &format!("touch done; {RECORD}; {ends}"), "test -f done", containment);
            let ended = world.scylla(&resume(&dir)).exits(6);
            let failed = ended.events().into_iter().find(|event| event["reason"] == "attempt-failed").unwrap();
            assert_eq!(failed["failure"]["kind"], "killed", "{containment}, {ends}: {failed:#}");
            assert!(!world.experiment().join("T0/00/run_01").exists(), "{containment}, {ends}");
            let end = ended.events().into_iter().find(|event| event["reason"] == "experiment-finished").unwrap();
            assert_eq!(end["spent"], json!(0.5), "{end:#}");
        }
        // With a final record, it had come to its end.
        let world = World::new();
        let record = RECORD.replace("0.5}", "0.5, \"end\": \"finished\"}");
        let dir = run_once(&world, &format!("touch done; {record}; kill -9 $$"), "test -f done", containment);
        world.scylla(&resume(&dir)).exits(0);
        assert_eq!(result(&world)["agent_end"], "finished");
    }
}

#[test]
fn the_exit_code_of_a_check_decides_however_much_it_says() {
    let world = World::new();
    let flood = "head -c 70000000 /dev/zero; echo at the end >&2; test -f done";
    let dir = run_once(&world, "touch done", flood, "auto");
    let ended = world.scylla(&resume(&dir)).exits(0);
    let result = result(&world);
    assert_eq!((&result["judge_passed"], &result["checks"][0]["exit_code"]), (&json!(true), &json!(0)), "{result:#}");
    assert_eq!(result["checks"][0]["output_truncated"], true);
    let explained = result["judges"][0].to_string();
    assert!(explained.contains("`done` passed; its output was cut at the output limit"), "{explained}");
    let told = ended.events().iter().any(|event| event["message"].as_str().is_some_and(|it| it.contains("was cut")));
    assert!(told, "{ended}");
    let run = world.experiment().join("T0/00/run_01/checks");
    let size = |name: &str| fs::metadata(run.join(name)).unwrap().len();
    assert_eq!((size("done.log"), size("done.stderr.log")), (64 << 20, 11));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}
