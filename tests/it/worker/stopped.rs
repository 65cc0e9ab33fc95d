//! Workers that are stopped, killed, or that fail: the next one, or a resume, goes on.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{found, planned_world, resume, worker};
use crate::crash::no_process_is_left;
use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, alive, json, planned, recorded};
use crate::world::{World, finish, wait_until};

#[test]
fn a_worker_that_is_killed_while_its_agent_works_is_followed_by_whoever_comes_next() {
    for next in ["worker", "resume"] {
        let (world, dir) = planned_world("1");
        close(&world, "agent");
        let mut killed = worker(&world, &dir, "T0/00/1");
        wait_until("the agent works", || world.lines("agent.log") == 1);
        killed.kill().unwrap();
        killed.wait().unwrap();
        open(&world, "agent");
        match next {
            "worker" => finish(worker(&world, &dir, "T0/00/1")).exits(0),
            _ => resume(&world, &dir).exits(0),
        };
        assert!(Path::new(&dir).join("T0/00/.failed/run_01_attempt_01/attempt.json").is_file());
        resume(&world, &dir).exits(0);
        assert_eq!(found(&world, &dir), (Some(0), Vec::new()));
        assert_eq!(world.lines("agent.log"), 3, "the one that was killed, and one for each run");
        let left = fs::read_dir(Path::new(&dir).join("T0/00")).unwrap().count();
        assert_eq!(left, 2, "the run, and its former attempt");
        no_process_is_left(&world);
    }
}

#[test]
fn a_worker_that_is_killed_later_is_followed_by_one_that_asks_no_agent() {
    let (world, dir) = planned_world("1");
    close(&world, "judge");
    let mut killed = worker(&world, &dir, "T0/00/1");
    wait_until("the judge thinks", || world.lines("judge.log") == 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    open(&world, "judge");
    finish(worker(&world, &dir, "T0/00/1")).exits(0);
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (1, 2));
    no_process_is_left(&world);
}

#[test]
fn what_outlived_a_killed_worker_is_ended_by_the_next_one_unless_it_may_live_elsewhere() {
    let world = World::new();
    let marker = format!("outlives-{}", world.path("").file_name().unwrap().to_str().unwrap());
    let first = format!("[ \"$SCYLLA_ATTEMPT\" != 1 ] || {{ {}; }}", gated(&world, "agent"));
    let agent = format!("{first}; {AGENT} # {marker}");
    let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "1", "--containment", "walk"]);
    close(&world, "agent");
    let mut killed = worker(&world, &dir, "T0/00/1");
    wait_until("the agent works", || world.lines("agent.log") == 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!alive(&marker).is_empty());
    let mark = Path::new(&dir).join("T0/00/run_01/agent/process.json");
    let ours = fs::read(&mark).unwrap();
    let mut theirs: Value = serde_json::from_slice(&ours).unwrap();
    assert_eq!(theirs["host"], fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim());
    (theirs["boot_id"], theirs["host"]) = ("another".into(), "far-away".into());
    fs::write(&mark, theirs.to_string()).unwrap();
    let refused = finish(worker(&world, &dir, "T0/00/1")).exits(3);
    assert!(refused.stderr.contains("`far-away`, which cannot be looked at from here"), "{refused}");
    assert!(!alive(&marker).is_empty(), "its number is another process here");
    fs::write(&mark, ours).unwrap();
    let next = finish(worker(&world, &dir, "T0/00/1")).exits(0);
    assert!(next.stderr.contains("what lived on of a worker that died was ended"), "{next}");
    assert_eq!((alive(&marker), world.lines("agent.log")), (vec![], 1));
}

#[test]
fn a_worker_hears_the_signals_of_a_stop_as_a_coordinator_does() {
    for (signals, level, code) in [
        (&["INT"][..], "drain", 0),
        (&["INT", "INT"], "terminate", 130),
        (&["TERM"], "terminate", 143),
        (&["HUP"], "terminate", 129),
    ] {
        let (world, dir) = planned_world("1");
        close(&world, "agent");
        let mut live = world.start(&["worker", &dir, "--run", "T0/00/1"]);
        wait_until("the agent works", || world.lines("agent.log") == 1);
        for signal in signals {
            live.signal(signal);
            live.wait_for("each is heard", |event| event["reason"] == "stopping");
        }
        open(&world, "agent");
        let (ended, events, stderr) = live.end();
        assert_eq!(ended, Some(code), "{signals:?}: {events:#?}\n{stderr}");
        assert_eq!(events.iter().rev().find(|event| event["reason"] == "stopping").unwrap()["stop_level"], level);
        let is_committed = Path::new(&dir).join("T0/00/run_01/run_result.json").exists();
        assert_eq!(is_committed, code == 0);
        if code != 0 {
            assert!(
                stderr.ends_with("goes on\n") && stderr.contains(&format!("cargo scylla worker {dir}")),
                "{stderr}"
            );
            assert_eq!(found(&world, &dir), (Some(6), vec!["missing-run".to_owned()]));
        }
        resume(&world, &dir).exits(0);
        assert_eq!(world.lines("agent.log"), if code == 0 { 2 } else { 3 });
        no_process_is_left(&world);
    }
}

#[test]
fn a_worker_whose_run_fails_says_why_and_the_last_try_makes_the_run_errored() {
    let world = World::new();
    let fails =
        r#"printf '{"failure": {"kind": "provider", "message": "the provider is down"}}' > "$SCYLLA_RECORD_FILE""#;
    let fixture = TestFixture::new().agent("T0/00-one", fails).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "1"]);
    let failed = finish(worker(&world, &dir, "T0/00/1")).exits(6);
    assert!(failed.stderr.contains("T0/00/run_01 is not committed: provider: the provider is down"), "{failed}");
    let last = world.scylla(&["worker", &dir, "--run", "T0/00/1", "--attempts", "1"]).exits(6);
    let verified = world.scylla(&["verify", &dir]).exits(6);
    assert!(verified.stdout.contains("attempts were used up"), "{last}\n{verified}");
    let attempts = fs::read_dir(Path::new(&dir).join("T0/00/.failed")).unwrap().count();
    assert_eq!((attempts, recorded(&world, "T0/00/1")), (2, Value::Null));
    let record = json(&Path::new(&dir).join("T0/00/.failed/run_01_attempt_01/attempt.json"));
    assert_eq!(record["last"], false, "{record}");
}
