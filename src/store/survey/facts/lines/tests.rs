//! Results as they are written, and with anything else in them.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::result::RunResult;
use crate::store::sample::{run, run_result};

fn result() -> Value {
    let mut result = serde_json::to_value(run_result(run("T0/00/1"), true)).unwrap();
    let judge = json!({"judge_number": 1, "model": "m", "score": 0.5, "passed": true, "grade": "A",
        "reasoning": "two\nlines, \"quoted\" and {", "criteria_scores": {"R001": {"score": 1.0, "passed": false}}});
    let check = json!({"name": "builds", "passed": false, "exit_code": 1, "timed_out": true, "duration_seconds": 2.5});
    let mut estimated = judge.clone();
    (estimated["cost_usd"], estimated["cost_source"]) = (json!(0.5), json!("estimated"));
    result["judges"] = json!([judge, estimated]);
    result["checks"] = json!([check]);
    result["not_captured"] = json!({"ignored_files": 1, "ignored_bytes": 2, "left_out": 3});
    in_order(&result)
}

/// The result with its keys in the order in which results are written.
fn in_order(result: &Value) -> Value {
    serde_json::to_value(RunResult::deserialize(result).unwrap()).unwrap()
}

fn written(result: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(result).unwrap();
    bytes.push(b'\n');
    bytes
}

fn parsed(bytes: &[u8]) -> String {
    format!("{:?}", ReadFacts::parse(bytes).unwrap())
}

fn from_lines(bytes: &[u8]) -> Option<String> {
    facts(bytes).map(|facts| format!("{facts:?}"))
}

#[test]
fn a_result_as_it_is_written_gives_the_same_facts_without_a_parser() {
    for change in [
        json!({}),
        json!({"judges": []}),
        json!({"checks": [], "changed_nothing": true, "baseline_commit": "0a"}),
        json!({"cost_usd": 1.0, "cost_source": "estimated", "judge_cost_usd": 0.5, "judge_cost_estimated": true,
                "failed_judge_cost_usd": 0.5, "failed_judge_cost_estimated": true, "former_cost_estimated": true,
            "reported": {"token_stats": {"input_tokens": 3}, "cost_usd": null, "cost_source": "unknown"}}),
    ] {
        let mut result = result();
        result.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let bytes = written(&in_order(&result));
        assert_eq!(from_lines(&bytes), Some(parsed(&bytes)), "{result}");
    }
}

#[test]
fn what_is_not_usual_is_left_to_the_parser() {
    for (key, value) in [
        ("flags", json!(["secret_in_patch"])),
        ("inherited_from", json!(["T0/03"])),
        ("grading", json!(2)),
        ("experiment_id", json!("a\"b")),
        ("new", json!(1)),
        ("judges", json!([1])),
        ("judges", json!([{"is_valid": false}])),
        ("checks", json!([{"name": "x", "passed": false, "not_applicable": {}}])),
        ("checks", json!({})),
        ("run_number", json!("1")),
    ] {
        let mut result = result();
        result[key] = value;
        assert_eq!(from_lines(&written(&result)), None, "{key}");
    }
    let text = String::from_utf8(written(&result())).unwrap();
    for altered in [
        text.replacen("\n  \"tier\"", "\n  \"tier\": \"T1\",\n  \"tier\"", 1),
        text.replacen(": ", ":", 1),
        text.trim_end().to_owned(),
        text.replacen("\n    }\n  ]", "\n    }\n  }", 1),
        text.replacen('\n', "\n\n", 1),
        text.replacen("{\n", "[\n", 1),
    ] {
        assert_ne!(altered, text);
        assert!(facts(altered.as_bytes()).is_none(), "{altered}");
    }
}

proptest! {
    #[test]
    fn lines_in_any_order_never_panic_and_never_give_other_facts(
        picked in vec(any::<proptest::sample::Index>(), 0..4), doubled in any::<bool>(),
    ) {
        let text = String::from_utf8(written(&result())).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        for index in picked {
            let at = index.index(lines.len());
            let line = lines[at];
            if doubled { lines.insert(at, line) } else { lines.remove(at); }
        }
        let altered = format!("{}\n", lines.join("\n"));
        if let (Some(found), Ok(parsed)) = (from_lines(altered.as_bytes()), ReadFacts::parse(altered.as_bytes())) {
            prop_assert_eq!(found, format!("{parsed:?}"));
        }
    }
}
