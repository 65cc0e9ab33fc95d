//! `stop`: the coordinator is told to stop from another terminal, and waited for; nobody else is ever signalled.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, experiment, planned};
use crate::stopping::{resumes_and_verifies, started};
use crate::world::{World, finish, kill, wait_until};

fn begin(world: &World, arguments: &[&str]) -> Child {
    world.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn has(events: &[Value], reason: &str) -> bool {
    events.iter().any(|event| event["reason"] == reason)
}

#[test]
fn a_stop_lets_the_run_in_flight_end_and_waits_and_a_second_one_asks_for_nothing_more() {
    let (world, mut live) = started("GATE; touch done");
    let dir = experiment(&world);
    let first = begin(&world, &["stop", &dir]);
    assert_eq!(live.wait_for_reason("stopping")["stop_level"], "drain");
    // The second one says so before it waits.
    let mut second = begin(&world, &["stop", &dir]);
    let mut said = String::new();
    BufReader::new(second.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("is stopping already: its runs in flight come to their end"), "{said}");
    // Whoever gives up waiting changes nothing.
    let mut third = begin(&world, &["stop", &dir]);
    let mut waits = BufReader::new(third.stderr.take().unwrap());
    waits.read_line(&mut said).unwrap();
    kill("INT", third.id());
    waits.read_to_string(&mut said).unwrap();
    assert!(said.contains("stopped by Ctrl-C while it waited; the coordinator is told to stop all the same"), "{said}");
    finish(third).exits(130);
    open(&world, "agent");
    let (code, events, _) = live.end();
    assert_eq!(code, Some(130));
    assert!(has(&events, "run-committed") && !has(&events, "run-stopped"), "{events:#?}");
    for stop in [first, second] {
        let stopped = finish(stop).exits(0);
        assert!(stopped.stdout.contains(" has ended: 1 of 3 planned runs done"), "{stopped}");
        assert!(stopped.stdout.trim_end().ends_with(&format!("cargo scylla resume {dir}")), "{stopped}");
    }
    let nobody = world.scylla(&["stop", &dir]).exits(0);
    assert!(nobody.stdout.starts_with("nobody works on `"), "{nobody}");
    resumes_and_verifies(&world);
}

#[test]
fn a_stop_now_ends_the_run_also_after_a_stop_and_also_of_a_coordinator_that_is_paused() {
    let (world, mut live) = started("GATE; touch done");
    let dir = experiment(&world);
    let first = begin(&world, &["stop", &dir]);
    live.wait_for_reason("stopping");
    live.signal("STOP");
    let stat = format!("/proc/{}/stat", live.pid());
    wait_until("it is paused", || fs::read_to_string(&stat).unwrap().contains(") T "));
    let now = world.scylla(&["stop", "--results-dir", "results", "--now", "--format", "json"]).exits(0);
    assert_eq!(serde_json::from_str::<Value>(&now.stdout).unwrap()["done"], 0, "{now}");
    assert!(now.stderr.contains("is the newest experiment") && now.stderr.contains("which was paused"), "{now}");
    finish(first).exits(0);
    let (code, events, _) = live.end();
    assert_eq!(code, Some(130));
    assert!(has(&events, "run-stopped") && !has(&events, "run-committed"), "{events:#?}");
    open(&world, "agent");
    resumes_and_verifies(&world);
}

/// A process that holds the experiment's lock, whose file says `card`.
fn holds(dir: &str, card: &Value) -> Child {
    let lock = format!("{dir}/experiment.lock");
    let mut holder = Command::new("flock");
    holder.args(["--exclusive", "--no-fork", &lock, "sh", "-c", "echo held; exec sleep 1000"]);
    let mut holder = holder.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    fs::write(&lock, card.to_string().replace("\"SELF\"", &holder.id().to_string())).unwrap();
    holder
}

#[test]
fn only_the_process_that_holds_the_lock_here_is_signalled() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "1"]);
    let mut other = Command::new("sleep").arg("1000").spawn().unwrap();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    let refused = [
        (json!({"pid": other.id(), "host": host, "since": "2026-11-23T12:00:00Z"}), "no such process holds it here"),
        (json!({"pid": 4_000_000, "host": host, "since": "x"}), "no such process holds it here"),
        (json!({"pid": "SELF", "host": "elsewhere", "since": "x"}), "which is another machine"),
    ];
    for (card, told) in refused {
        let mut holder = holds(&dir, &card);
        for flags in [&[][..], &["--now"]] {
            let stopped = world.scylla(&[&["stop", &dir], flags].concat()).exits(3);
            assert!(stopped.stderr.contains(told) && stopped.stderr.contains("nothing was signalled"), "{stopped}");
        }
        assert!(holder.try_wait().unwrap().is_none() && other.try_wait().unwrap().is_none());
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
    // Cards that say less, as of an earlier version, and one that cannot be read.
    for card in [json!({"pid": "SELF"}), json!({})] {
        let mut holder = holds(&dir, &card);
        // Whoever started it has to hear of its end.
        let reaped = std::thread::spawn(move || holder.wait().unwrap());
        let stopped = world.scylla(&["stop", &dir, "--now"]).exits(0);
        assert!(stopped.stdout.contains("has ended: 0 of 1 planned run done"), "{stopped}");
        reaped.join().unwrap();
    }
    assert!(other.try_wait().unwrap().is_none());
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn workers_without_a_coordinator_are_named_and_left_alone() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "1"]);
    close(&world, "agent");
    let worker = begin(&world, &["worker", &dir, "--run", "T0/00/1"]);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let stopped = world.scylla(&["stop", &dir]).exits(3);
    let told = format!("T0/00/run_01 by process {}", worker.id());
    assert!(stopped.stderr.contains("has no coordinator") && stopped.stderr.contains(&told), "{stopped}");
    let shown = world.scylla(&["show", &dir, "T0/00/1"]).exits(0);
    assert!(shown.stdout.contains(": in flight") && shown.stdout.contains("in agent, by process"), "{shown}");
    open(&world, "agent");
    finish(worker).exits(0);
}
