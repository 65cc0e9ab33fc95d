//! A provider that asks to wait: nobody's attempt is burnt, what is known of the time is honoured, and what is wrong is told.

mod models;
mod pauses;

use serde_json::{Value, json};

use crate::fixture::{TestFixture, gated};
use crate::scenes::{experiment, json, recorded, status};
use crate::world::{Live, World};

fn start(world: &World, fixture: &str, runs: &str) -> Live {
    world.start(&["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", runs, "--jobs", "1"])
}

/// An agent that leaves this as its record, and tells a log that it was asked.
fn leaves(world: &World, record: &str) -> String {
    format!("{}; printf '%s' '{record}' > \"$SCYLLA_RECORD_FILE\"", gated(world, "agent"))
}

#[test]
fn a_rate_limit_pauses_whatever_else_the_record_lacks_or_has_wrong() {
    for (record, told) in [
        (r#"{"failure": {"kind": "rate_limit"}}"#, "nothing more is said of it"),
        (r#"{"failure": "rate_limit"}"#, "nothing more is said of it"),
        (
            r#"{"failure": {"kind": "rate_limit", "message": "429", "retry_at": "2027-01-01T00:00:00"}}"#,
            "429 (`retry_at` is `2027-01-01T00:00:00`, a time without an offset such as `Z` or `+01:00`, so when to go \
             on is not known)",
        ),
        (
            r#"{"failure": {"kind": "rate_limit", "message": "429", "retry_at": "2020-01-01T00:00:00Z"}}"#,
            "429 (`retry_at` is `2020-01-01T00:00:00Z`, which is past, so when to go on is not known)",
        ),
        (
            r#"{"failure": {"kind": "rate_limit", "message": "429"}, "end": "done"}"#,
            "429 (the rest of the record cannot be read: `end` is \"done\", not",
        ),
    ] {
        let world = World::new();
        let fixture = TestFixture::new().agent("T0/00-one", &leaves(&world, record)).write(&world);
        let mut live = start(&world, &fixture, "1");
        let failed = live.wait_for_reason("attempt-failed");
        let message = failed["failure"]["message"].as_str().unwrap();
        assert!(message.starts_with(told), "{record}: {message}");
        let limited = live.wait_for_reason("rate-limited");
        let [at, until] = [&failed["at"], &limited["until"]].map(|at| at.as_str().unwrap().parse().unwrap());
        let wait = jiff::Timestamp::as_second(until) - jiff::Timestamp::as_second(at);
        assert!((55..=65).contains(&wait), "a minute is waited for when no time is known, not {wait} s");
        live.signal("TERM");
        assert_eq!((live.end().0, world.lines("agent.log")), (Some(143), 1), "{record}");
        assert_eq!(recorded(&world, "T0/00/1"), Value::Null);
    }
}

#[test]
fn a_number_of_seconds_is_waited_for() {
    let world = World::new();
    let limited = r#"printf '{"failure": {"kind": "rate_limit", "retry_at": 1}}' > "$SCYLLA_RECORD_FILE""#;
    let agent =
        format!(r#"{}; if [ "$SCYLLA_ATTEMPT" -lt 4 ]; then {limited}; else touch done; fi"#, gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
    let (code, events, _) = start(&world, &fixture, "1").end();
    // More often than there are attempts.
    assert_eq!((code, world.lines("agent.log")), (Some(0), 4), "{events:#?}");
}

#[test]
fn a_shorter_wait_that_is_said_later_shortens_nothing() {
    let world = World::new();
    let says = |seconds: u32| {
        let record = format!(r#"{{"failure": {{"kind": "rate_limit", "message": "429", "retry_at": {seconds}}}}}"#);
        format!("printf '%s' '{record}' > \"$SCYLLA_RECORD_FILE\"")
    };
    let gate = world.path("first-was-told");
    let later = format!("until [ -e '{}' ]; do sleep 0.02; done; {}", gate.display(), says(5));
    let fixture = TestFixture::new().agent("T0/00-first", &says(600)).agent("T0/01-later", &later).write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--jobs", "2"];
    let mut live = world.start(&arguments);
    let first = live.wait_for_reason("rate-limited")["until"].clone();
    std::fs::write(gate, "").unwrap();
    let later = live.wait_for_reason("rate-limited")["until"].clone();
    let [first, later]: [jiff::Timestamp; 2] = [first, later].map(|until| until.as_str().unwrap().parse().unwrap());
    // The same point in time, but for the clock's milliseconds.
    assert!(first.duration_since(later).as_secs() <= 1, "{first} and then {later}");
    live.signal("TERM");
    assert_eq!(live.end().0, Some(143));
}

#[test]
fn a_wait_that_is_longer_than_a_day_ends_the_session_and_burns_nothing() {
    let world = World::new();
    let record = r#"{"failure": {"kind": "rate_limit", "message": "429", "retry_at": "2999-01-01T00:00:00Z"}}"#;
    let fixture = TestFixture::new().agent("T0/00-one", &leaves(&world, record)).write(&world);
    let (code, events, _) = start(&world, &fixture, "1").end();
    assert_eq!((code, &events.last().unwrap()["end"]), (Some(6), &json!("rate_limited")));
    assert_eq!((status(&world).as_str(), world.lines("agent.log")), ("paused_rate_limit", 1));
}

#[test]
fn a_resume_asks_nobody_before_the_time_that_a_former_session_was_told_unless_it_is_asked_to() {
    for year in ["2999", "2058"] {
        let world = World::new();
        let limit = format!(
            r#"{{"failure": {{"kind": "rate_limit", "message": "429", "retry_at": "{year}-01-01T00:00:00Z"}}}}"#
        );
        let fixture = TestFixture::new().agent("T0/00-one", &leaves(&world, &limit)).write(&world);
        assert_eq!(start(&world, &fixture, "1").end().0, Some(6));
        for _ in 0..2 {
            let resumed = world.scylla(&["resume"]).exits(6);
            assert_eq!(world.lines("agent.log"), 1, "{}", resumed.stderr);
            assert!(
                resumed.stderr.contains(&format!("rate limited until {year}-01-01T00:00:00Z")),
                "{}",
                resumed.stderr
            );
            assert!(resumed.stderr.contains("--ignore-rate-limit"), "{}", resumed.stderr);
        }
        assert_eq!(status(&world), "paused_rate_limit");
        world.scylla(&["resume", "--ignore-rate-limit"]).exits(6);
        assert_eq!(world.lines("agent.log"), 2);
    }
}

#[test]
fn a_stop_while_a_rate_limit_is_waited_for_changes_nothing_about_its_time() {
    let world = World::new();
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(30);
    let limit = format!(r#"{{"failure": {{"kind": "rate_limit", "message": "429", "retry_at": "{soon}"}}}}"#);
    let fixture = TestFixture::new().agent("T0/00-one", &leaves(&world, &limit)).write(&world);
    let mut live = start(&world, &fixture, "1");
    for _ in 0..2 {
        live.wait_for("the pause", |event| event["reason"] == "rate-limited");
        live.signal("INT");
        assert_eq!(live.end().0, Some(130));
        assert_eq!((status(&world).as_str(), world.lines("agent.log")), ("interrupted", 1));
        live = world.start(&["resume"]);
    }
    live.wait_for("the pause", |event| event["reason"] == "rate-limited");
    live.signal("INT");
    live.end();
}

#[test]
fn a_judge_can_say_a_rate_limit_and_then_nobody_is_asked_again_but_the_judge() {
    let world = World::new();
    let limited = r#"{"cost_usd": 0.5, "failure": {"kind": "rate_limit", "message": "429", "retry_at": 1}}"#;
    let judge = format!(
        r#"cat > /dev/null; {}; if [ "$SCYLLA_ATTEMPT" -lt 5 ]; then echo '{limited}'; exit 1; fi; echo '{{"items":{{"R001":{{"score":1}}}}}}'"#,
        gated(&world, "judge")
    );
    let agent = format!("{}; touch done", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-one", &agent).judge(&judge).write(&world);
    let mut live = start(&world, &fixture, "1");
    let failed = live.wait_for_reason("attempt-failed");
    assert_eq!((&failed["stage"], &failed["failure"]["kind"]), (&json!("judge"), &json!("rate_limit")));
    let message = failed["failure"]["message"].as_str().unwrap();
    assert_eq!(message, "judge `asked`: 429; the $0.5000 that it says it cost are counted");
    assert_eq!(live.wait_for_reason("rate-limited")["model"], "asked");
    let (code, events, _) = live.end();
    assert_eq!((code, &events.last().unwrap()["spent"]), (Some(0), &json!(2.0)), "{events:#?}");
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (1, 5), "more often than there are attempts");
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn a_judge_can_say_what_else_kept_it_and_then_attempts_count() {
    let world = World::new();
    let judge = format!(r#"cat > /dev/null; {}; echo '{{"failure": "auth"}}'"#, gated(&world, "judge"));
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").judge(&judge).write(&world);
    let (code, events, _) = start(&world, &fixture, "1").end();
    assert_eq!((code, world.lines("judge.log")), (Some(6), 3));
    let failed = events.iter().find(|event| event["reason"] == "attempt-failed").unwrap();
    assert_eq!(failed["failure"]["kind"], "auth");
    assert_eq!(recorded(&world, "T0/00/1"), "agent_complete");
}

#[test]
fn an_answer_may_stand_in_one_markdown_fence_and_begin_with_a_byte_order_mark() {
    for (name, answer) in [
        ("fence", r#"```json\n{"items":{"R001":{"score":1}},"cost_usd":1}\n```\n"#),
        ("mark", r#"\357\273\277{"items":{"R001":{"score":1}},"cost_usd":1}\n"#),
    ] {
        let world = World::new();
        let judge = format!("cat > /dev/null; printf '{answer}'");
        let fixture = TestFixture::new().agent("T0/00-one", "touch done").judge(&judge).write(&world);
        let (code, ..) = start(&world, &fixture, "1").end();
        assert_eq!(code, Some(0), "{name}");
        let result = json(&world.experiment().join("T0/00/run_01/run_result.json"));
        assert_eq!((&result["judge_passed"], &result["judge_cost_usd"]), (&json!(true), &json!(1.0)), "{name}");
    }
}
