//! What models took and nobody can know is unknown in every figure, and takes nothing off what is known.

use std::process::Command;

use serde_json::{Value, json};

use crate::gateway::{COST, Place, asks};
use crate::model_server::{Asked, Say};
use crate::scenes::{experiment, json as read, output};
use crate::world::Live;

const REQUIRED: [&str; 2] = ["--gateway", "require"];

/// An answer that does not say what it took.
fn bare() -> Say {
    Say::Body(json!({"type": "message", "content": []}).to_string())
}

/// A place whose agent asks so often, and whose server answers whole, but for the last request: that is answered so.
fn but_for_the_last(times: usize, last: impl Fn() -> Say + Send + Sync + 'static) -> Place {
    Place::scripted(&asks(times, "true"), move |asked: &Asked| {
        if (asked.before + 1).is_multiple_of(times) { last() } else { Say::Answer("done".to_owned()) }
    })
}

fn result(place: &Place) -> Value {
    read(&place.world.experiment().join("T0/00/run_01/run_result.json"))
}

fn costs(result: &Value) -> [Value; 3] {
    ["cost_usd", "cost_source", "cost_unknown"].map(|key| result[key].clone())
}

#[test]
fn an_answer_that_broke_off_or_says_nothing_of_its_use_is_never_nothing() {
    for (name, last) in [("cut", (|| Say::Cut) as fn() -> Say), ("bare", bare)] {
        let place = but_for_the_last(1, last);
        output(&mut place.runs("1", &REQUIRED)).exits(0);
        assert_eq!(costs(&result(&place)), [Value::Null, json!("unknown"), Value::Null], "{name}");
        let dir = experiment(&place.world);
        for shown in [&["show", &dir, "T0/00/1"][..], &["status", &dir], &["report", &dir, "--format", "md"]] {
            let shown = place.world.scylla(shown).exits(0);
            assert!(shown.stdout.contains("unknown"), "{name}: {shown}");
            // Judges of this fixture ask no model.
            assert!(!shown.stdout.replace("judges $0.00", "").contains("$0.00"), "{name}: {shown}");
        }
        place.world.scylla(&["verify", &dir]).exits(0);
    }
}

#[test]
fn one_answer_whose_cost_is_not_known_takes_nothing_off_what_is_known() {
    for (name, last) in [("cut", (|| Say::Cut) as fn() -> Say), ("bare", bare)] {
        let place = but_for_the_last(3, last);
        output(&mut place.runs("1", &REQUIRED)).exits(0);
        let result = result(&place);
        assert!((result["cost_usd"].as_f64().unwrap() - 2.0 * COST).abs() < 1e-9, "{name}: {result:#}");
        assert_eq!(costs(&result)[1..], [json!("metered"), json!(1)], "{name}");
        let dir = experiment(&place.world);
        for shown in [
            &["show", &dir, "T0/00/1"][..],
            &["show", &dir, "T0/00/1", "--exchanges"],
            &["runs", &dir],
            &["status", &dir],
            &["report", &dir, "--format", "md"],
        ] {
            let shown = place.world.scylla(shown).exits(0);
            assert!(shown.stdout.contains("at least") || shown.stdout.contains("≥"), "{name}: {shown}");
        }
        place.world.scylla(&["verify", &dir]).exits(0);
    }
}

#[test]
fn the_ceiling_counts_what_is_known_of_a_run_of_which_a_part_is_not() {
    let place = but_for_the_last(3, bare);
    // Two answers of each run are known: the first run is below the ceiling, and the second one is over it.
    let ended =
        output(&mut place.runs("6", &[&REQUIRED[..], &["--jobs", "1", "--max-cost-usd", "0.009"]].concat())).exits(6);
    assert!(ended.stdout.contains("at least"), "{ended}");
    assert!(place.asked() <= 6, "{} requests: {ended}", place.asked());
}

#[test]
fn an_agent_that_nobody_ever_answered_and_that_failed_is_no_result() {
    let refused = |status: u16| Say::refuse(status, "no");
    for (said, kind, told) in [
        (refused(500), "provider", "answered the last one with 500"),
        (refused(401), "auth", "answered the last one with 401"),
        (refused(400), "provider", "answered the last one with 400"),
        (refused(429), "rate_limit", "answered the last one with 429"),
        (Say::Cut, "provider", "was not reached, or broke off"),
    ] {
        let place = Place::scripted(&asks(2, "exit 1"), move |_| said.clone());
        let limits = ["--attempts", "1", "--hold", "0s"];
        let mut live = Live::start(&mut place.runs("1", &[&REQUIRED[..], &limits].concat()));
        let failure = live.wait_for_reason("attempt-failed")["failure"].clone();
        assert_eq!(failure["kind"], kind, "{failure:#}");
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains("its model had never answered, in 2 requests") && message.contains(told), "{message}");
        if kind == "rate_limit" {
            live.signal("TERM");
        }
        live.end();
    }
    // Who was answered once, or ended well, was measured.
    for (agent, times) in [("exit 1", 2), ("true", 1)] {
        let place = Place::scripted(&asks(2, agent), move |asked| match asked.before + 1 {
            2 if times == 2 => Say::Answer("done".to_owned()),
            _ => Say::refuse(500, "no"),
        });
        output(&mut place.runs("1", &REQUIRED)).exits(0);
        assert_eq!(result(&place)["exit_code"], i32::from(times == 2), "{agent}");
    }
}

#[test]
fn a_ledger_that_cannot_be_written_ends_its_agent_and_the_sum_says_what_is_not_known() {
    let place = Place::new(&asks(1, "for number in $(seq 100); do bash ask.sh > reply; done"));
    let run = place.runs("1", &[&REQUIRED[..], &["--attempts", "1"]].concat());
    let mut limited = Command::new("bash");
    // No file may be longer than 16 KiB.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$@\"", "bash"]).arg(run.get_program()).args(run.get_args());
    limited.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.current_dir(run.get_current_dir().unwrap());
    let ended = output(&mut limited).exits(6);
    assert!(ended.stdout.contains("cannot be recorded") && ended.stdout.contains("it is not known"), "{ended}");
    assert!(ended.stdout.contains("at least"), "{ended}");
    let attempt = read(&place.world.experiment().join("T0/00/.failed/run_01_attempt_01/attempt.json"));
    assert_eq!(attempt["cost_unknown"], 1, "{attempt:#}");
    assert!(place.asked() < 60, "{} requests passed", place.asked());
}
