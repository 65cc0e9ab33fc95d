//! Limits by model: the runs that need a limited one wait and hold no job, the others go on, and how many may ask it at
//! once falls and recovers.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{experiment, json as read, recorded, status};
use crate::world::{Live, World, wait_until};

/// A subtest whose agent is this program of the world, by which its model is known.
fn program(world: &World, name: &str, script: &str) -> String {
    let path = format!("bin/{name}");
    world.program(&path, &format!("#!/bin/sh\n{script}\n"));
    format!("agent:\n  kind: command\n  command: [{}]\n", json!(world.path(&path)))
}

/// What an agent leaves whose provider asks it to wait so many seconds.
fn limited(seconds: f64) -> String {
    format!(r#"printf '{{"failure": {{"kind": "rate_limit", "retry_at": {seconds}}}}}' > "$SCYLLA_RECORD_FILE""#)
}

/// A judge that is asked to wait so many seconds until this file is there.
fn limited_judge(world: &World, seconds: f64, until: &str) -> String {
    let until = world.path(until);
    format!(
        r#"{}; if [ -e '{}' ]; then {FULL_SCORE}; else echo '{{"failure": {{"kind": "rate_limit", "retry_at": {seconds}}}}}'; fi"#,
        gated(world, "judge"),
        until.display()
    )
}

fn start(world: &World, fixture: &str, more: &[&str]) -> Live {
    let arguments = ["run", "--tiers-dir", fixture, "--results-dir", "results"];
    world.start(&[&arguments[..], more].concat())
}

/// Waits until so many runs are committed.
#[track_caller]
fn wait_for_commits(live: &mut Live, runs: usize) {
    for _ in 0..runs {
        live.wait_for_reason("run-committed");
    }
}

fn stop(live: Live) -> Vec<Value> {
    live.signal("TERM");
    let (code, events, _) = live.end();
    assert_eq!(code, Some(143));
    events
}

fn of(events: &[Value], reason: &str) -> Vec<Value> {
    events.iter().filter(|event| event["reason"] == reason).cloned().collect()
}

#[test]
fn while_one_model_is_limited_the_others_go_on_and_have_all_the_jobs() {
    let world = World::new();
    let fixture = TestFixture::new()
        .subtest(
            "T0/00-limited",
            &program(&world, "limited", &format!("{}; {}", gated(&world, "limited"), limited(600.0))),
        )
        .subtest("T0/01-other", &program(&world, "other", &format!("{}; touch done", gated(&world, "other"))))
        .write(&world);
    close(&world, "other");
    let mut live = start(&world, &fixture, &["--runs", "4", "--jobs", "2"]);
    assert_eq!(live.wait_for_reason("rate-limited")["model"], "limited");
    wait_until("the other model has both jobs", || world.lines("other.log") == 2);
    assert_eq!(status(&world), "running", "something is done");
    open(&world, "other");
    wait_for_commits(&mut live, 4);
    wait_until("nothing is left but to wait", || status(&world) == "paused_rate_limit");
    let shown = world.scylla(&["status", &experiment(&world), "--message-format", "json"]).exits(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["rate_limits"][0]["model"], "limited", "{shown:#}");
    assert_eq!(shown["rate_limits"][0]["until"], shown["retry_at"], "{shown:#}");
    stop(live);
    assert_eq!((world.lines("limited.log"), world.lines("other.log")), (1, 4), "who is limited is not asked");

    // A later session leaves the same model alone, and goes on with the other.
    let kept = read(&world.experiment().join("checkpoint.json"))["rate_limits"]["limited"].clone();
    assert_eq!(kept, shown["retry_at"]);
    let mut live = world.start(&["extend", &experiment(&world), "--runs", "5"]);
    wait_for_commits(&mut live, 1);
    stop(live);
    assert_eq!((world.lines("limited.log"), world.lines("other.log")), (1, 5));
    assert_eq!(read(&world.experiment().join("checkpoint.json"))["rate_limits"]["limited"], kept);
    let shown = world.scylla(&["status", &experiment(&world)]).exits(0);
    assert!(shown.stdout.contains("with limited until "), "{shown}");
}

#[test]
fn a_run_whose_judge_is_limited_holds_no_job_and_its_judge_is_not_asked() {
    let world = World::new();
    let agent = format!("{}; touch done", gated(&world, "agent"));
    let fixture =
        TestFixture::new().agent("T0/00-one", &agent).judge(&limited_judge(&world, 600.0, "never")).write(&world);
    let mut live = start(&world, &fixture, &["--runs", "3", "--jobs", "1"]);
    assert_eq!(live.wait_for_reason("rate-limited")["model"], "asked");
    for run in ["T0/00/run_02", "T0/00/run_03"] {
        let waits = live.wait_for_reason("run-waits");
        assert_eq!((&waits["run"], &waits["stage"], &waits["model"]), (&json!(run), &json!("judge"), &json!("asked")));
    }
    wait_until("nothing is left but to wait", || status(&world) == "paused_rate_limit");
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (3, 1));
    let shown = world.scylla(&["status", &experiment(&world), "--message-format", "json"]).exits(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!((&shown["in_flight"], &shown["missing"]), (&json!([]), &json!({"agent_complete": 3})), "{shown:#}");
    stop(live);
    for run in ["T0/00/1", "T0/00/2", "T0/00/3"] {
        assert_eq!(recorded(&world, run), "agent_complete", "{run}");
    }
    world.scylla(&["verify", &experiment(&world)]).exits(6);
}

#[test]
fn runs_that_waited_for_their_judge_go_on_with_it_and_no_agent_is_asked_again() {
    let world = World::new();
    let agent = format!("{}; touch done", gated(&world, "agent"));
    let judge = limited_judge(&world, 0.05, "agent.log.three");
    let three = world.path("agent.log.three");
    let counts = format!(
        "{agent}; if [ $(wc -l < '{}') -eq 3 ]; then touch '{}'; fi",
        world.path("agent.log").display(),
        three.display()
    );
    let fixture = TestFixture::new().agent("T0/00-one", &counts).judge(&judge).write(&world);
    let (code, events, stderr) = start(&world, &fixture, &["--runs", "3", "--jobs", "1"]).end();
    assert_eq!((code, world.lines("agent.log")), (Some(0), 3), "{stderr}{events:#?}");
    assert_eq!(of(&events, "run-committed").len(), 3);
    assert!(of(&events, "run-errored").is_empty(), "a rate limit burns no attempt");
    world.scylla(&["verify", &experiment(&world)]).exits(0);
    let left = read(&world.experiment().join("checkpoint.json"));
    assert_eq!((&left["rate_limit"], &left["rate_limits"]), (&Value::Null, &Value::Null));
}

#[test]
fn how_many_runs_may_ask_a_model_is_halved_by_a_limit_and_recovers_with_answers() {
    let world = World::new();
    // The first run is told to wait when four are at work. The others of its time stay until that is known.
    let agent = format!(
        r#"me=$SCYLLA_RUN/$SCYLLA_ATTEMPT; echo "begins $me" >> '{work}'; if [ $me = 1/1 ]; then until [ $(wc -l < '{work}') -ge 4 ]; do sleep 0.01; done; echo "ends $me" >> '{work}'; {}; else {}; sleep 0.1; touch done; echo "ends $me" >> '{work}'; fi"#,
        limited(0.05),
        gated(&world, "agent"),
        work = world.path("work.log").display()
    );
    let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
    close(&world, "agent");
    let mut live = start(&world, &fixture, &["--runs", "14", "--jobs", "4", "--model", "opus"]);
    live.wait_for_reason("concurrency-changed");
    let before = std::fs::read_to_string(world.path("work.log")).unwrap();
    open(&world, "agent");
    let (code, events, stderr) = live.end();
    assert_eq!((code, world.lines("agent.log")), (Some(0), 14), "{stderr}{events:#?}");
    let changes = of(&events, "concurrency-changed");
    assert!(changes.iter().all(|change| change["model"] == "opus"), "{changes:#?}");
    let changes: Vec<(u64, u64)> =
        changes.iter().map(|change| (change["from"].as_u64().unwrap(), change["to"].as_u64().unwrap())).collect();
    assert_eq!(changes, [(4, 2), (2, 3), (3, 4)]);
    let all = std::fs::read_to_string(world.path("work.log")).unwrap();
    assert_eq!(before.lines().filter(|line| line.starts_with("begins")).count(), 4, "{before}");
    let most = most_at_once(&before, all.strip_prefix(&before).unwrap());
    assert!(most <= 2, "{most} at once:\n{all}");
}

/// How many agents were at work at most when a further one began behind a limit, until two of those further ones were done: by
/// what they wrote themselves, because an event may come later than what it tells.
fn most_at_once(before: &str, behind: &str) -> usize {
    let mut at_work: HashSet<&str> = before.lines().filter_map(|line| line.strip_prefix("begins ")).collect();
    for ended in before.lines().filter_map(|line| line.strip_prefix("ends ")) {
        at_work.remove(ended);
    }
    let (mut further, mut done, mut most) = (HashSet::new(), 0, 0);
    for line in behind.lines() {
        if let Some(begins) = line.strip_prefix("begins ") {
            at_work.insert(begins);
            further.insert(begins);
            most = most.max(at_work.len());
        } else if let Some(ends) = line.strip_prefix("ends ") {
            at_work.remove(ends);
            done += usize::from(further.contains(ends));
        }
        if done == 2 {
            break;
        }
    }
    most
}

#[test]
fn a_limit_that_an_earlier_version_kept_under_another_name_holds_every_model_back() {
    let world = World::new();
    let agent = format!("{}; touch done", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
    let planned = crate::scenes::planned(&world, &fixture, &["--runs", "1"]);
    let checkpoint = world.experiment().join("checkpoint.json");
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(9);
    crate::verify::folder::edit(&checkpoint, |former| {
        former["rate_limit"] = json!({"model": "somebody", "until": soon});
    });
    let mut live = world.start(&["resume", &planned, "--max-cost-usd", "9"]);
    let waits = live.wait_for_reason("rate-limited");
    assert_eq!((&waits["model"], world.lines("agent.log")), (&json!("the agents' model"), 0));
    stop(live);
    world.scylla(&["resume", &planned, "--ignore-rate-limit"]).exits(0);
    assert_eq!(world.lines("agent.log"), 1);
}
