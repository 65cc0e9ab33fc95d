//! Ctrl-Z stops all that a run is and its clocks; and signals that the caller blocked or ignored.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::crash::no_process_is_left;
use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{AGENT, containments, json};
use crate::world::{Live, World, wait_until};

/// The limit of the agent's time where a pause is longer than that: under one containment, because it is waited out.
const LIMIT: Duration = Duration::from_secs(10);
/// Any other pause of an agent is at least as long.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether each living process with this text in its command, and the one with this number, is stopped.
fn all_stopped(text: &str, pid: i32) -> bool {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let read = |name| fs::read(entry.path().join(name)).unwrap_or_default();
        let name = entry.file_name().into_string().unwrap();
        if name != pid.to_string() && !String::from_utf8_lossy(&read("cmdline")).contains(text) {
            continue;
        }
        let stat = String::from_utf8_lossy(&read("stat")).into_owned();
        let mut fields = stat.rsplit_once(") ").map_or("X", |(_, rest)| rest).split(' ').map(str::to_owned);
        found.push((name, fields.next().unwrap(), fields.next().unwrap_or_default()));
    }
    let is_stopped = |state: &str| matches!(state, "T" | "Z" | "X");
    // A shell that is about to start a program waits in the kernel for its child, and cannot be stopped before that goes on.
    let waits = |name: &String| found.iter().any(|(_, state, parent)| parent == name && state == "T");
    let stopped = found.iter().all(|(name, state, _)| is_stopped(state) || (state == "D" && waits(name)));
    // The coordinator, and at least one process of the run.
    stopped && found.len() >= 2
}

#[test]
fn ctrl_z_stops_agents_checks_and_judges_and_their_clocks_until_told_to_go_on() {
    for containment in containments() {
        let world = World::new();
        let fixture = TestFixture::new()
            .agent("T0/00-paused", &format!("{}; touch done", gated(&world, "agent")))
            .check(&format!("test -f done || exit 1; {}", gated(&world, "check")))
            .judge(&format!("{}; {FULL_SCORE}", gated(&world, "judge")))
            .write(&world);
        let results = world.results().to_str().unwrap().to_owned();
        let (limit, least) = if containment == "walk" { ("10s", LIMIT) } else { ("100s", PAUSE) };
        for name in ["agent", "check", "judge"] {
            close(&world, name);
        }
        let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "1"];
        let live = world.start(&[&arguments[..], &["--timeout", limit, "--containment", containment]].concat());
        let root = world.path("").to_str().unwrap().to_owned();
        let whole = Instant::now();
        for name in ["agent", "check", "judge"] {
            wait_until("the gate is reached", || world.lines(&format!("{name}.log")) == 1);
            live.signal("TSTP");
            wait_until("all is stopped", || all_stopped(&root, live.pid()));
            if name == "agent" {
                // Where this is the limit, its time would be over, were it not stopped.
                std::thread::sleep(least);
                assert!(all_stopped(&root, live.pid()));
            }
            live.signal("CONT");
            open(&world, name);
        }
        let (code, events, stderr) = live.end();
        assert_eq!(code, Some(0), "{containment}: {events:#?}\n{stderr}");
        let run = world.experiment().join("T0/00/run_01");
        assert_eq!(json(&run.join("run_result.json"))["agent_end"], "finished", "{containment}");
        let seconds = json(&run.join("agent/result.json"))["duration_seconds"].as_f64().unwrap();
        let most = whole.elapsed().saturating_sub(least);
        assert!(seconds < most.as_secs_f64(), "{containment}: {seconds} s of {most:?}");
        let worked = events.last().unwrap()["worked_seconds"].as_f64().unwrap();
        assert!(worked < most.as_secs_f64(), "{containment}: {worked} s of {most:?}");
        no_process_is_left(&world);
    }
}

#[test]
fn while_a_session_is_paused_status_and_list_call_it_so_and_not_running() {
    let world = World::new();
    let fixture =
        TestFixture::new().agent("T0/00-paused", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    close(&world, "agent");
    let live = world.start(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]);
    let root = world.path("").to_str().unwrap().to_owned();
    wait_until("the gate is reached", || world.lines("agent.log") == 1);
    let said = || {
        let status = world.scylla(&["status", "--results-dir", "results"]).exits(0).stdout;
        let json = world.scylla(&["status", "--results-dir", "results", "--message-format", "json"]).exits(0).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        (status, json["is_paused"].clone(), world.scylla(&["list", "--results-dir", "results"]).exits(0).stdout)
    };
    let (status, is_paused, list) = said();
    assert!(status.contains("tested: running") && is_paused == false && list.contains("running"), "{status}{list}");
    live.signal("TSTP");
    wait_until("all is stopped", || all_stopped(&root, live.pid()));
    let (status, is_paused, list) = said();
    assert!(status.contains("tested: stopped (paused, as by Ctrl-Z; type `fg` in its terminal to go on)"), "{status}");
    assert!(is_paused == true && list.contains("paused") && !list.contains("running"), "{list}");
    live.signal("CONT");
    open(&world, "agent");
    let (code, events, stderr) = live.end();
    assert_eq!(code, Some(0), "{events:#?}\n{stderr}");
}

/// A command that python starts with every signal that can be blocked blocked, and these ignored.
fn burdened(command: &Command, ignored: &str) -> Command {
    let script = format!(
        "import os, signal, sys\n\
         for each in [{ignored}]: signal.signal(each, signal.SIG_IGN)\n\
         signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\n\
         os.execv(sys.argv[1], sys.argv[1:])"
    );
    let mut python = Command::new("python3");
    python.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
    python.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    python.current_dir(command.get_current_dir().unwrap());
    python
}

#[test]
fn signals_that_the_caller_blocked_or_ignored_work_for_us_and_for_agents() {
    let world = World::new();
    let told = |name: &str| format!("grep -E '^Sig(Blk|Ign)' /proc/self/status > {}", world.path(name).display());
    let fixture = TestFixture::new()
        .agent("T0/00-signals", &format!("{}; {AGENT}; {}", told("agent"), gated(&world, "agent")))
        .check(&told("check"))
        .write(&world);
    close(&world, "agent");
    let results = world.results().to_str().unwrap().to_owned();
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "2", "--jobs", "1"];
    let ignored = "signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGTSTP";
    let mut live = Live::start(&mut burdened(&world.command(&arguments), ignored));
    wait_until("the agent works", || world.lines("agent.log") == 1);
    open(&world, "agent");
    live.wait_for_reason("run-committed");
    close(&world, "agent");
    wait_until("the next agent works", || world.lines("agent.log") == 2);
    live.signal("TERM");
    let (code, events, stderr) = live.end();
    assert_eq!(code, Some(143), "{events:#?}\n{stderr}");
    for name in ["agent", "check"] {
        let text = fs::read_to_string(world.path(name)).unwrap();
        let mask = |line: &str| u64::from_str_radix(line.rsplit_once('\t').unwrap().1, 16).unwrap();
        // Two signals are the C library's own, and whether they are ignored is left to it.
        let masks: Vec<u64> = text.lines().map(|line| mask(line) & !(0b11 << 31)).collect();
        assert_eq!(masks, [0, 0], "{name}: {text}");
    }
}

#[test]
fn a_hangup_that_nohup_ignores_stays_ignored_and_an_interrupt_is_heard() {
    let world = World::new();
    let fixture =
        TestFixture::new().agent("T0/00-nohup", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    close(&world, "agent");
    let results = world.results().to_str().unwrap().to_owned();
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "2", "--jobs", "1"];
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP INT TSTP; exec \"$@\"", "sh"]);
    let command = world.command(&arguments);
    shell.arg(command.get_program()).args(command.get_args()).current_dir(world.path(""));
    world.seal(&mut shell);
    let mut live = Live::start(&mut shell);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    live.signal("HUP");
    live.signal("TSTP");
    live.signal("INT");
    assert_eq!(live.wait_for_reason("stopping")["signal"], "interrupt");
    open(&world, "agent");
    let (code, events, stderr) = live.end();
    assert_eq!(code, Some(130), "{events:#?}\n{stderr}");
    assert!(events.iter().any(|event| event["reason"] == "run-committed"), "{events:#?}");
}

#[test]
fn where_nobody_could_go_on_with_it_ctrl_z_stops_nothing() {
    let world = World::new();
    let fixture =
        TestFixture::new().agent("T0/00-alone", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    close(&world, "agent");
    let results = world.results().to_str().unwrap().to_owned();
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "1"];
    // The leader of a session has no shell that could say `fg`.
    let mut leader = Command::new("setsid");
    let command = world.command(&arguments);
    leader.arg("--wait").arg(command.get_program()).args(command.get_args()).current_dir(world.path(""));
    world.seal(&mut leader);
    leader.args(["--message-format", "json"]).process_group(0).stdout(std::process::Stdio::piped());
    let child = leader.stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let coordinator = fs::read_to_string(world.experiment().join("experiment.lock")).unwrap();
    let holder: serde_json::Value = serde_json::from_str(&coordinator).unwrap();
    crate::world::kill("TSTP", &holder["pid"]);
    open(&world, "agent");
    crate::world::finish(child).exits(0);
}
