//! How long a session waits for a model: the time that a provider names, and how much of it is allowed.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};
use serde_json::{Value, json};

use super::leaves;
use crate::fixture::{FULL_SCORE, TestFixture};
use crate::scenes::{experiment, json as read, status};
use crate::world::{Live, World, wait_until};

fn arguments(fixture: &str) -> [&str; 7] {
    ["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", "1"]
}

/// The time until which a model is paused, to a second.
fn until(event: &Value) -> Timestamp {
    let until: Timestamp = event["until"].as_str().unwrap().parse().unwrap();
    until.round(Unit::Second).unwrap()
}

fn limited(wait: &str) -> String {
    format!(r#"{{"failure": {{"kind": "rate_limit", "message": "429", "retry_at": {wait}}}}}"#)
}

#[test]
fn a_time_of_the_day_without_a_zone_is_that_of_the_machine() {
    let zone = TimeZone::get("Asia/Kolkata").unwrap();
    let soon = zone.to_datetime(Timestamp::now() + SignedDuration::from_hours(2));
    let soon = soon.with().minute(30).second(0).subsec_nanosecond(0).build().unwrap();
    let record = format!(
        r#"{{"failure": {{"kind": "rate_limit", "message": "usage limit reached: resets {}"}}}}"#,
        soon.strftime("%-I:%M%P")
    );
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &leaves(&world, &record)).write(&world);
    let mut live = Live::start(world.command(&arguments(&fixture)).env("TZ", "Asia/Kolkata"));
    let limited = live.wait_for_reason("rate-limited");
    assert_eq!(until(&limited), zone.to_timestamp(soon).unwrap());
    live.signal("TERM");
    assert_eq!(live.end().0, Some(143));
}

#[test]
fn a_pause_beyond_max_pause_ends_the_session_and_a_longer_one_waits_for_it() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &leaves(&world, &limited("1000"))).write(&world);
    let told = world.scylla(&[&arguments(&fixture)[..], &["--max-pause", "10m"]].concat()).exits(6);
    let words: Vec<&str> = told.stderr.split_whitespace().collect();
    assert!(
        words.join(" ").contains("and a session waits at most 10m 00s for a model in all: nothing more that needs it is started; `--max-pause` waits longer"),
        "{told}"
    );
    assert_eq!((status(&world).as_str(), world.lines("agent.log")), ("paused_rate_limit", 1));
    let dir = experiment(&world);
    let mut live = world.start(&["resume", &dir, "--max-pause", "1h"]);
    live.wait_for_reason("rate-limited");
    wait_until("nothing is left but to wait", || status(&world) == "paused_rate_limit");
    live.signal("TERM");
    assert_eq!((live.end().0, world.lines("agent.log")), (Some(143), 1));
    assert_eq!(read(&world.experiment().join("config/experiment.json"))["rate_limit_seconds"], json!(3600));
}

#[test]
fn a_setting_says_how_long_a_pause_may_be() {
    let world = World::new();
    world.write(".config/scylla.toml", "max-pause = 30\n");
    let fixture = TestFixture::new().agent("T0/00-one", &leaves(&world, &limited("60"))).write(&world);
    let told = world.scylla(&arguments(&fixture)).exits(6);
    assert!(told.stderr.contains("at most 30s for a model"), "{told}");
}

#[test]
fn a_pause_outlives_a_coordinator_that_is_killed() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &leaves(&world, &limited("1000"))).write(&world);
    let mut live = world.start(&arguments(&fixture));
    let first = until(&live.wait_for_reason("rate-limited"));
    let kept = |world: &World| read(&world.experiment().join("checkpoint.json"))["rate_limits"].clone();
    wait_until("the time is in the checkpoint", || kept(&world).is_object());
    live.kill();
    let mut resumed = world.start(&["resume", &experiment(&world)]);
    assert_eq!(until(&resumed.wait_for_reason("rate-limited")), first);
    assert_eq!(world.lines("agent.log"), 1);
    resumed.signal("TERM");
    resumed.end();
}

#[test]
fn a_judge_that_is_left_out_has_not_answered_and_its_model_is_asked_by_no_more() {
    let world = World::new();
    let down = r#"{ kind: command, name: down, shell: 'cat > /dev/null; if [ "$SCYLLA_ATTEMPT" = 1 ]; then echo "{\"failure\": {\"kind\": \"rate_limit\", \"retry_at\": 0.3}}"; else echo "{\"failure\": \"provider\"}"; fi' }"#;
    let well = format!("{{ kind: command, name: well, shell: {} }}", json!(FULL_SCORE));
    let judges = format!("judges:\n  - {down}\n  - {well}\nmin_judges: 1\n");
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(&judges).write(&world);
    let arguments = [&arguments(&fixture)[..], &["--jobs", "2", "--attempts", "1"]].concat();
    let (code, events, stderr) = world.start(&arguments).end();
    assert_eq!(code, Some(0), "{events:#?}{stderr}");
    let changes: Vec<(&Value, &Value)> = events
        .iter()
        .filter(|event| event["reason"] == "concurrency-changed")
        .map(|event| (&event["model"], &event["to"]))
        .collect();
    assert_eq!(changes, [(&json!("down"), &json!(1))], "it was halved by the limit, and nothing raised it again");
}
