//! Every line of `--message-format json` fits the schema that is published for it.

use serde_json::{Map, Value};

use scylla::ui::json::event_schema;

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, experiment};
use crate::world::{World, shipped};

/// Why a value does not fit a schema. Knows what our schemas say: references, alternatives, types, constants, required
/// members, and members with schemas of their own.
fn misfit(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let place = name.strip_prefix('#').unwrap();
        let target = root.pointer(place).unwrap_or_else(|| panic!("the schema has no {name}"));
        if let Some(why) = misfit(root, target, value) {
            return Some(why);
        }
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(alternatives) = schema[key].as_array() {
            let why: Vec<Option<String>> = alternatives.iter().map(|schema| misfit(root, schema, value)).collect();
            let fitting = why.iter().filter(|why| why.is_none()).count();
            if fitting == 0 || (key == "oneOf" && fitting > 1) {
                return Some(format!("{value} fits {fitting} of {}: {why:?}", alternatives.len()));
            }
        }
    }
    if let Some(constant) = schema.get("const")
        && constant != value
    {
        return Some(format!("{value} is not {constant}"));
    }
    if let Some(choice) = schema["enum"].as_array()
        && !choice.contains(value)
    {
        return Some(format!("{value} is none of {choice:?}"));
    }
    if !has_type(&schema["type"], value) {
        return Some(format!("{value} is no {}", schema["type"]));
    }
    let none = Map::new();
    let members = value.as_object().unwrap_or(&none);
    let missing = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|name| value.is_object() && !members.contains_key(name.as_str().unwrap()));
    if let Some(name) = missing {
        return Some(format!("{value} lacks {name}"));
    }
    members
        .iter()
        .find_map(|(name, member)| {
            let schema = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"))?;
            misfit(root, schema, member).map(|why| format!("`{name}`: {why}"))
        })
        .or_else(|| {
            let items = schema.get("items")?;
            value.as_array()?.iter().find_map(|item| misfit(root, items, item))
        })
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        name => panic!("the schema has a type `{name}`"),
    };
    match wanted {
        Value::Null => true,
        Value::String(name) => is(name),
        several => several.as_array().unwrap().iter().any(|name| is(name.as_str().unwrap())),
    }
}

/// Every reason that the schema knows.
fn reasons(schema: &Value) -> Vec<&str> {
    let alternatives = schema["oneOf"].as_array().unwrap();
    alternatives.iter().map(|event| event["properties"]["reason"]["const"].as_str().unwrap()).collect()
}

#[track_caller]
fn all_fit(events: &[Value]) {
    let schema = event_schema();
    assert!(!events.is_empty());
    for event in events {
        assert_eq!(misfit(&schema, &schema, event), None, "{event:#}");
        assert!(event["at"].is_string() && reasons(&schema).contains(&event["reason"].as_str().unwrap()), "{event:#}");
    }
}

#[test]
fn an_event_that_does_not_fit_is_found() {
    let schema = event_schema();
    let fits = |text: &str| misfit(&schema, &schema, &serde_json::from_str(text).unwrap()).is_none();
    assert!(fits(r#"{"at": "x", "reason": "notice", "message": "m"}"#));
    assert!(!fits(r#"{"reason": "notice", "message": "m"}"#), "no time");
    assert!(!fits(r#"{"at": "x", "reason": "notice"}"#), "no message");
    assert!(!fits(r#"{"at": "x", "reason": "notice", "message": 3}"#), "a message that is no text");
    assert!(!fits(r#"{"at": "x", "reason": "rumour", "message": "m"}"#), "an unknown reason");
    assert!(!fits(r#"{"at": "x", "reason": "run-stopped", "run": "T0/00/run_01", "stage": "lunch"}"#), "no such stage");
}

#[test]
fn every_line_of_an_experiment_with_troubles_fits_the_schema() {
    let world = World::new();
    let arguments =
        ["run", "--tiers-dir", &shipped("trouble"), "--tiers", "T1", "T2", "--runs", "1", "--results-dir", "results"];
    let output = world.scylla(&[&arguments[..], &["--message-format", "json"]].concat()).exits(6);
    let events = output.events();
    all_fit(&events);
    for reason in [
        "experiment-started",
        "run-started",
        "stage-started",
        "run-committed",
        "attempt-failed",
        "run-errored",
        "rate-limited",
        "rate-limit-over",
        "experiment-finished",
    ] {
        assert!(events.iter().any(|event| event["reason"] == reason), "no {reason}");
    }
}

#[test]
fn every_line_of_an_experiment_that_is_stopped_changed_and_mended_fits_the_schema() {
    let world = World::new();
    let refused = r#"printf '{"cost_usd": 0.1, "failure": {"kind": "auth", "message": "no"}}' > "$SCYLLA_RECORD_FILE""#;
    let fixture = TestFixture::new()
        .agent("T0/00-refused", refused)
        .agent("T1/00-gated", &format!("{}; {AGENT}", gated(&world, "agent")))
        .write(&world);
    close(&world, "agent");
    let arguments =
        ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "6", "--attempts", "1", "--jobs", "1"];
    let mut live = world.start(&arguments);
    live.wait_for("the gated agent", |event| event["stage"] == "agent" && event["run"] == "T1/00/run_01");
    live.signal("TERM");
    let (code, mut events, _) = live.end();
    assert_eq!(code, Some(143));
    open(&world, "agent");
    let dir = experiment(&world);
    std::fs::remove_file(world.experiment().join("checkpoint.json")).unwrap();
    let resume = ["resume", &dir, "--model", "other", "--max-cost-usd", "2.0", "--message-format", "json"];
    events.extend(world.scylla(&resume).exits(6).events());
    all_fit(&events);
    for reason in ["tier-paused", "stopping", "run-stopped", "flag-differs", "mended", "budget-reached"] {
        assert!(events.iter().any(|event| event["reason"] == reason), "no {reason} in {events:#?}");
    }
}
