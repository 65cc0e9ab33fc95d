//! Workers beside each other, beside a coordinator, and beside whoever looks or mends.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::{found, planned_world, resume, worker};
use crate::crash::no_process_is_left;
use crate::fixture::{close, open};
use crate::scenes::{json, status};
use crate::verify::folder::copy;
use crate::world::{finish, wait_until};

#[test]
fn of_two_workers_for_one_run_one_is_sent_away_and_the_agent_is_asked_once() {
    let (world, dir) = planned_world("1");
    close(&world, "agent");
    let first = worker(&world, &dir, "T0/00/1");
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let second = finish(worker(&world, &dir, "T0/00/1")).exits(3);
    assert!(second.stderr.contains(&format!("T0/00/run_01 is worked on by process {} on ", first.id())), "{second}");
    let beside = worker(&world, &dir, "T0/01/1");
    wait_until("the other agent works", || world.lines("agent.log") == 2);
    open(&world, "agent");
    finish(first).exits(0);
    finish(beside).exits(0);
    let again = world.scylla(&["worker", &dir, "--run", "T0/00/1"]).exits(0);
    assert!(again.stderr.contains("T0/00/run_01 is committed already"), "{again}");
    assert_eq!(world.lines("agent.log"), 2);
    assert!(claims(&dir).is_empty());
    no_process_is_left(&world);
}

/// Files by which runs are claimed.
fn claims(dir: &str) -> Vec<String> {
    let names = |subtest: &str| {
        let entries = fs::read_dir(Path::new(dir).join("T0").join(subtest)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let all = names("00").into_iter().chain(names("01"));
    all.filter(|name| name.starts_with('.') && name != ".failed").collect()
}

#[test]
fn a_worker_for_a_run_that_a_coordinator_works_on_is_sent_away_and_one_for_another_run_is_not() {
    let (world, dir) = planned_world("1");
    close(&world, "agent");
    let live = world.start(&["resume", &dir, "--max-cost-usd", "99", "--jobs", "1"]);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let refused = finish(worker(&world, &dir, "T0/00/1")).exits(3);
    assert!(refused.stderr.contains(&format!("is worked on by process {} on ", live.pid())), "{refused}");
    let beside = worker(&world, &dir, "T0/01/1");
    wait_until("the other agent works", || world.lines("agent.log") == 2);
    open(&world, "agent");
    finish(beside).exits(0);
    let (code, events, _) = live.end();
    assert_eq!((code, world.lines("agent.log"), status(&world).as_str()), (Some(0), 2, "completed"), "{events:#?}");
    // What the other worker paid is in the sum.
    let spent = events.last().unwrap()["spent"].as_f64().unwrap();
    assert!((spent - 2.0 * 0.52).abs() < 1e-9, "{spent}");
    assert_eq!(found(&world, &dir), (Some(0), Vec::new()));
}

#[test]
fn while_a_lone_worker_works_its_run_is_left_alone_by_every_command_and_they_say_so() {
    let (world, dir) = planned_world("2");
    close(&world, "agent");
    let alone = worker(&world, &dir, "T0/00/1");
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let holder = format!("process {} on ", alone.id());
    let verified = world.scylla(&["verify", &dir]).exits(6);
    assert!(verified.stdout.contains(&holder) && !verified.stdout.contains("stray-process"), "{verified}");
    let shown = world.scylla(&["status", &dir]).exits(0);
    assert!(shown.stdout.contains("T0/00/run_01"), "{shown}");
    for refused in [&["rerun", &dir, "--run", "T0/00/1"][..], &["repair", &dir, "--quarantine", "T0/00/1"]] {
        let refused = world.scylla(refused).exits(3);
        assert!(refused.stderr.contains(&holder), "{refused}");
    }
    world.scylla(&["repair", &dir]).exits(0);
    let live = world.start(&["resume", &dir, "--max-cost-usd", "99", "--jobs", "3"]);
    wait_until("the other agents work", || world.lines("agent.log") == 4);
    // It goes on with the others, and the gate of all is opened only now.
    open(&world, "agent");
    let (code, events, _) = live.end();
    let told = events.iter().any(|event| {
        let message = event["message"].as_str().unwrap_or_default();
        message.starts_with("T0/00/run_01 is left alone: ") && message.contains(&holder)
    });
    assert!(told, "{events:#?}");
    finish(alone).exits(0);
    // Whether it saw the result depends on who was faster.
    assert!(matches!(code, Some(0 | 6)), "{code:?}");
    resume(&world, &dir).exits(0);
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (4, 4));
    assert_eq!(found(&world, &dir), (Some(0), Vec::new()));
    no_process_is_left(&world);
}

#[test]
fn a_resume_that_has_nothing_else_to_do_than_the_run_of_a_lone_worker_ends_and_does_not_complete() {
    let (world, dir) = planned_world("1");
    finish(worker(&world, &dir, "T0/01/1")).exits(0);
    close(&world, "judge");
    let alone = worker(&world, &dir, "T0/00/1");
    wait_until("the judge thinks", || world.lines("judge.log") == 2);
    let resumed = resume(&world, &dir).exits(6);
    assert!(resumed.stderr.contains("T0/00/run_01 is left alone: process "), "{resumed}");
    open(&world, "judge");
    finish(alone).exits(0);
    resume(&world, &dir).exits(0);
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (2, 2));
}

#[test]
fn a_worker_says_events_as_lines_for_machines() {
    let (world, dir) = planned_world("1");
    let ran = world.scylla(&["worker", &dir, "--run", "T0/00/1", "--message-format", "json"]).exits(0);
    let events = ran.events();
    let reasons: Vec<&str> = events.iter().map(|event| event["reason"].as_str().unwrap()).collect();
    assert_eq!((reasons[0], *reasons.last().unwrap()), ("run-started", "run-committed"), "{ran}");
    assert!(reasons.contains(&"stage-started"), "{ran}");
    let result = json(&Path::new(&dir).join("T0/00/run_01/run_result.json"));
    assert_eq!(events.last().unwrap()["score"], result["judge_score"]);
    let mut command = world.command(&["worker", &dir, "--run", "T0/00/1", "--message-format", "json"]);
    let before = crate::scenes::files_below(Path::new(&dir));
    let again = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).exits(0);
    assert_eq!(again.events()[0]["message"], "T0/00/run_01 is committed already: nothing is done");
    assert_eq!(crate::scenes::files_below(Path::new(&dir)), before);
}

#[test]
fn a_copy_of_an_experiment_ends_no_agent_of_the_original() {
    let (world, dir) = planned_world("1");
    close(&world, "agent");
    let live = world.start(&["resume", &dir, "--max-cost-usd", "99", "--jobs", "2"]);
    wait_until("the agents work", || world.lines("agent.log") == 2);
    let copied = world.path("copy");
    copy(Path::new(&dir), &copied);
    let copied = copied.to_str().unwrap();
    let verified = world.scylla(&["verify", copied]).exits(4);
    assert!(!verified.stdout.contains("stray-process"), "{verified}");
    world.scylla(&["repair", copied]).exits(0);
    let second = world.start(&["resume", copied, "--max-cost-usd", "99", "--jobs", "2"]);
    wait_until("the agents of the copy work", || world.lines("agent.log") == 4);
    open(&world, "agent");
    for session in [live, second] {
        let (code, events, _) = session.end();
        let failed = events.iter().any(|event| event["reason"] == "attempt-failed");
        assert_eq!((code, failed), (Some(0), false), "{events:#?}");
    }
    assert_eq!(world.lines("agent.log"), 4);
    for folder in [&dir, copied] {
        assert_eq!(found(&world, folder), (Some(0), Vec::new()));
    }
    no_process_is_left(&world);
}
