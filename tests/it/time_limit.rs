//! The limit of the time that an experiment is worked on: `--max-time`, over all sessions.

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, experiment, json as read, planned, saved, status};
use crate::world::{Output, World, wait_until};

/// A world with one setup, whose agent waits at a gate.
fn one() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    (world, fixture)
}

fn run<'a>(fixture: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--tiers-dir", fixture, "--results-dir", "results", "--jobs", "1"], more].concat()
}

fn resume(world: &World, more: &[&str]) -> Output {
    let dir = experiment(world);
    world.scylla(&[&["resume", &dir, "--message-format", "json"], more].concat())
}

#[track_caller]
fn finished(output: &Output) -> Value {
    output.events().pop().filter(|event| event["reason"] == "experiment-finished").unwrap_or_else(|| panic!("{output}"))
}

fn counted(output: &Output, reason: &str) -> usize {
    output.events().iter().filter(|event| event["reason"] == reason).count()
}

/// What the checkpoint says of the time worked; 0 while there is none.
fn worked(world: &World) -> f64 {
    let text = fs::read_to_string(world.experiment().join("checkpoint.json")).unwrap_or_default();
    let checkpoint: Value = serde_json::from_str(&text).unwrap_or_default();
    checkpoint["worked_seconds"].as_f64().unwrap_or(0.0)
}

#[test]
fn at_the_limit_nothing_more_is_started_what_runs_may_end_and_a_longer_time_goes_on_and_pays_nothing_twice() {
    let (world, fixture) = one();
    close(&world, "agent");
    let mut live = world.start(&run(&fixture, &["--runs", "4", "--max-time", "3s"]));
    let reached = live.wait_for_reason("time-reached");
    assert_eq!((&reached["max_time_seconds"], &reached["in_flight"]), (&json!(3), &json!(1)));
    assert!(reached["worked_seconds"].as_f64().unwrap() >= 3.0, "{reached}");
    // The run in flight is not ended: it is paid, and becomes a result.
    open(&world, "agent");
    let (code, events, stderr) = live.end();
    let end = events.last().unwrap();
    assert_eq!((code, &end["end"]), (Some(6), &json!("time_reached")), "{events:#?}\n{stderr}");
    assert_eq!((&end["missing"], world.lines("agent.log")), (&json!({"not_started": 3}), 1));
    assert_eq!(status(&world), "time_reached");
    let dir = experiment(&world);
    let listed = world.scylla(&["list", "--results-dir", "results"]).exits(0);
    assert!(listed.stdout.contains("time_reached"), "{listed}");
    let verified = world.scylla(&["verify", &dir]).exits(6);
    assert!(!verified.stdout.contains("status"), "{verified}");

    // The saved limit still holds for a resume, which starts nothing.
    let same = resume(&world, &[]).exits(6);
    let counts = ["run-started", "time-reached"].map(|reason| counted(&same, reason));
    assert_eq!((counts, &finished(&same)["end"]), ([0, 1], &json!("time_reached")), "{same}");
    let higher = resume(&world, &["--max-time", "1h"]).exits(0);
    assert_eq!((&finished(&higher)["spent"], world.lines("agent.log")), (&json!(2.0), 4));
    assert_eq!((status(&world).as_str(), saved(&world, "max_time_seconds")), ("completed", json!(3600)));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn time_that_was_worked_survives_a_kill_and_time_between_sessions_does_not_count() {
    let (world, fixture) = one();
    close(&world, "agent");
    let began = Instant::now();
    let mut live = world.start(&run(&fixture, &["--runs", "2"]));
    wait_until("the agent works", || world.lines("agent.log") == 1);
    // Nothing else happens meanwhile that would be saved.
    wait_until("the time is kept", || worked(&world) >= 9.0);
    live.kill();
    let killed = worked(&world);
    assert!(killed <= began.elapsed().as_secs_f64(), "{killed}");
    open(&world, "agent");
    let used_up = resume(&world, &["--max-time", "5s"]).exits(6);
    assert_eq!((&finished(&used_up)["end"], counted(&used_up, "run-started")), (&json!("time_reached"), 0));
    for _ in 0..3 {
        world.scylla(&["verify", &experiment(&world)]).exits(6);
    }
    let before = worked(&world);
    let goes_on = resume(&world, &["--max-time", "1h"]).exits(0);
    let [total, took] = ["worked_seconds", "duration_seconds"].map(|key| finished(&goes_on)[key].as_f64().unwrap());
    assert!(before >= killed && (total - before - took).abs() < 0.1, "{killed} {before} {took} {total}");
    let shown = world.scylla(&["status", &experiment(&world), "--message-format", "json"]).exits(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!((&shown["worked_seconds"], &shown["max_time_seconds"]), (&json!(worked(&world)), &json!(3600)));
}

#[test]
fn a_checkpoint_that_says_nothing_of_the_time_counts_from_nothing_and_a_repair_keeps_what_it_says() {
    let (world, fixture) = one();
    let dir = planned(&world, &fixture, &["--runs", "2", "--max-time", "1h"]);
    let checkpoint = world.experiment().join("checkpoint.json");
    crate::verify::folder::edit(&checkpoint, |checkpoint| checkpoint["worked_seconds"] = json!(7200.5));
    let used_up = resume(&world, &["--max-cost-usd", "9"]).exits(6);
    assert_eq!(&finished(&used_up)["end"], "time_reached");
    crate::verify::folder::edit(&checkpoint, |checkpoint| checkpoint["status"] = json!("running"));
    world.scylla(&["repair", &dir]).exits(0);
    assert!(worked(&world) > 7200.0);
    crate::verify::folder::edit(&checkpoint, |checkpoint| {
        _ = checkpoint.as_object_mut().unwrap().remove("worked_seconds");
    });
    let ended = resume(&world, &[]).exits(0);
    assert!(finished(&ended)["worked_seconds"].as_f64().unwrap() < 3600.0, "{ended}");
}

#[test]
fn a_wait_for_a_model_ends_at_the_limit() {
    let world = World::new();
    let limited = r#"printf '{"failure": {"kind": "rate_limit", "retry_at": 3000}}' > "$SCYLLA_RECORD_FILE""#;
    let fixture = TestFixture::new().agent("T0/00-one", limited).write(&world);
    let arguments = run(&fixture, &["--runs", "1", "--max-time", "3s", "--message-format", "json"]);
    let output = world.scylla(&arguments).exits(6);
    let ended = finished(&output);
    assert_eq!((&ended["end"], counted(&output, "rate-limited")), (&json!("time_reached"), 1), "{output}");
    // The time that the provider named is kept all the same.
    assert!(read(&world.experiment().join("checkpoint.json"))["rate_limit"].is_object());
}

#[test]
fn the_last_line_at_the_limit_is_the_command_that_goes_on_with_more() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &format!("sleep 1.5; {AGENT}")).write(&world);
    let ran = world.scylla(&run(&fixture, &["--runs", "2", "--max-time", "1"])).exits(6);
    let last = ran.stdout.lines().last().unwrap();
    assert!(last.contains("--max-time"), "{ran}");
    let words: Vec<&str> = last.trim().split(' ').skip(2).collect();
    let ended = world.scylla(&words);
    let shown = world.scylla(&["status", &experiment(&world)]).exits(0);
    assert!(ended.code == Some(0) || shown.stdout.contains("--max-time"), "{ended}\n{shown}");
    assert!(ended.stderr.contains("the new value takes effect"), "{ended}");
}

#[test]
fn the_limit_of_the_settings_holds_where_no_flag_names_one() {
    let set = "max-time = \"2m\"\n";
    for (settings, flags, expected) in
        [("", &[][..], Value::Null), (set, &[], json!(120)), (set, &["--max-time", "1h30m"], json!(5400))]
    {
        let (world, fixture) = one();
        world.write(".config/scylla.toml", settings);
        planned(&world, &fixture, &[&["--runs", "1"], flags].concat());
        assert_eq!(saved(&world, "max_time_seconds"), expected);
    }
}
