//! Recomputes a result from its stages.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::changes::Changes;
use crate::model::flag::Flag;
use crate::model::metered::Metered;
use crate::model::result::{AgentResult, ChecksResult, Judgment, RunResult, Verdict};
use crate::model::usage::{Cost, CostSource, Total, Usage};

/// How far two numbers may differ that were written and read again, or summed in another order.
const MOST_ROUNDING: f64 = 1e-9;

/// The contents of the files by which the stages of a run ended.
#[derive(Debug, Clone)]
pub struct Stages {
    /// `agent/result.json`.
    pub agent: AgentResult,
    /// `agent/usage.jsonl`, where it is there and can be read.
    pub metered: Option<Metered>,
    /// `changes.json`, when the result says what was not captured.
    pub changes: Option<Changes>,
    /// `checks/result.json`.
    pub checks: ChecksResult,
    /// The judgments of the judges that the result names, in its order.
    pub judgments: Vec<Judgment>,
    /// `judge/result.json`.
    pub verdict: Verdict,
}

/// The keys of a result that differ from what its stages give.
#[must_use]
pub fn differing(result: &RunResult, stages: &Stages) -> Vec<String> {
    let expected = follow(result.clone(), stages.clone());
    if expected == *result {
        return Vec::new();
    }
    let object = |result: &RunResult| serde_json::to_value(result).unwrap_or_default();
    let (found, expected) = (object(result), object(&expected));
    let keys = [&found, &expected].into_iter().filter_map(Value::as_object).flat_map(|object| object.keys());
    let keys: BTreeSet<&String> = keys.collect();
    let differs = |key: &str| match (found.get(key), expected.get(key)) {
        (Some(found), Some(expected)) => !alike(found, expected),
        (found, expected) => found != expected,
    };
    keys.into_iter().filter(|key| differs(key)).cloned().collect()
}

/// The result with every key replaced that follows from the stages.
fn follow(mut result: RunResult, stages: Stages) -> RunResult {
    let Stages { agent, metered, changes, checks, judgments, verdict } = stages;
    // The secrets themselves are not kept, so this flag cannot be recomputed.
    let secret = result.flags.contains(&Flag::SecretInPatch).then_some(Flag::SecretInPatch);
    result.flags = agent.flags.into_iter().chain(secret).collect();
    if result.not_captured.is_some() {
        result.not_captured = changes.as_ref().map(Changes::not_captured);
        // Results of earlier versions do not have it.
        result.changed_nothing = result.changed_nothing.and(changes.as_ref().map(Changes::is_nothing));
        result.flags.extend(changes.into_iter().flat_map(|changes| changes.flags));
    }
    result.attempt = agent.attempt;
    result.exit_code = agent.exit_code;
    result.agent_end = agent.end;
    result.timed_out = agent.end.timed_out();
    result.usage = metered.map_or(agent.usage, |metered| used(agent.usage, &metered));
    result.prices = agent.prices;
    result.reported = agent.reported;
    result.exceeded = agent.exceeded;
    result.program = agent.program;
    result.replayed = agent.replayed;
    result.isolation = agent.isolation;
    let judge_cost: Total = judgments.iter().map(|judgment| Total::from(judgment.cost)).sum();
    // Results of earlier versions do not say of sums whether a part is estimated.
    result.judge_cost = Total { is_estimated: result.judge_cost.is_estimated, ..judge_cost };
    result.agent_duration_seconds = agent.duration_seconds;
    result.judge_duration_seconds = judgments.iter().map(|judgment| judgment.duration_seconds).sum();
    let checking: f64 = checks.checks.iter().map(|check| check.duration_seconds).sum();
    result.duration_seconds = agent.duration_seconds + checking + result.judge_duration_seconds;
    result.started_at = agent.started_at;
    result.checks = checks.checks;
    result.judges = judgments;
    result.judge_score = verdict.score;
    result.judge_passed = verdict.passed;
    result.judge_grade = verdict.grade;
    result
}

/// What the requests of an agent took whose result says that it used this.
fn used(told: Usage, metered: &Metered) -> Usage {
    let Some(Usage { tokens, cost }) = metered.usage(Cost::Unknown) else { return told };
    let seen = Total::from(cost).known;
    match told.cost {
        // Results of earlier versions left out what is not known.
        Cost::Known { usd, source: CostSource::Metered } if usd == seen => Usage { tokens, ..told },
        // What its program reports counts where the cost of a request is not known.
        Cost::Known { source: CostSource::Reported | CostSource::Estimated, .. }
        | Cost::AtLeast { source: CostSource::Reported | CostSource::Estimated, .. }
        | Cost::Unknown
            if !metered.cost.is_whole() =>
        {
            Usage { tokens, ..told }
        }
        _ => Usage { tokens, cost },
    }
}

/// Whether two values are equal except for rounding.
fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => (left - right).abs() <= MOST_ROUNDING * left.abs().max(1.0),
            _ => left == right,
        },
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| alike(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| alike(value, other)))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::exchange::{Exchange, Passage};
    use crate::model::money::Usd;
    use crate::model::samples::exchange;
    use crate::model::usage::Tokens;

    const HASH: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    const AT: &str = "2026-11-23T10:00:00Z";

    /// A result, with these keys in the place of its own.
    fn result(more: &Value) -> RunResult {
        let mut result = json!({
            "version": "4.2", "experiment_id": "test-001", "tier": "T0", "subtest": "00", "run_number": 1, "attempt": 1,
            "config_hash": HASH, "exit_code": 0, "agent_end": "finished", "timed_out": false, "token_stats": {},
            "cost_usd": 0.25, "cost_source": "reported", "agent_version": "2.1.197", "judge_cost_usd": 0.0,
            "duration_seconds": 1.5, "agent_duration_seconds": 1.5, "judge_duration_seconds": 0.0, "judge_score": 1.0,
            "judge_passed": true, "judge_grade": "S", "judges": [], "checks": [], "started_at": AT, "committed_at": AT,
            "seal": HASH,
        });
        result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(result).unwrap()
    }

    /// The stages of that result, with these keys in the agent's.
    fn stages(more: &Value) -> Stages {
        let mut agent = json!({
            "attempt": 1, "end": "finished", "exit_code": 0, "token_stats": {}, "cost_usd": 0.25,
            "cost_source": "reported", "agent_version": "2.1.197", "started_at": AT, "duration_seconds": 1.5,
            "containment": "walk", "leftover_processes": 0, "output_truncated": false,
        });
        agent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Stages {
            agent: serde_json::from_value(agent).unwrap(),
            metered: None,
            changes: None,
            checks: ChecksResult::default(),
            judgments: Vec::new(),
            verdict: serde_json::from_value(json!({"score": 1.0, "passed": true, "grade": "S"})).unwrap(),
        }
    }

    #[test]
    fn the_version_of_an_agent_is_the_one_that_the_agents_own_file_names() {
        let result = result(&json!({}));
        let with = |version: Option<&str>| stages(&json!({ "agent_version": version }));
        assert!(differing(&result, &with(Some("2.1.197"))).is_empty());
        for other in [Some("2.1.198"), None] {
            assert_eq!(differing(&result, &with(other)), ["agent_version"], "{other:?}");
        }
    }

    #[test]
    fn what_an_agent_used_is_the_sum_of_the_requests_that_were_written_down() {
        let exchange = |usd: Option<f64>, tokens: Option<u64>| Exchange {
            status: Some(200),
            passage: Passage::Whole,
            tokens: Tokens { input: tokens, ..Tokens::default() },
            cost: usd
                .map_or(Cost::Unknown, |usd| Cost::of(Usd::from_dollars(usd).unwrap().into(), CostSource::Metered)),
            ..exchange()
        };
        let metered = [exchange(Some(0.5), Some(10)), exchange(None, None)];
        let used = |tokens: u64, usd: Option<f64>, source: &str, unknown: u64| json!({"token_stats": {"input_tokens": tokens}, "cost_usd": usd, "cost_source": source, "cost_unknown": unknown});
        let found = |keys: &Value, metered: &[Exchange]| {
            let metered = Some(metered.iter().collect());
            differing(&result(keys), &Stages { metered, ..stages(keys) })
        };
        let none = Vec::<String>::new();
        // With what is not known, as earlier versions wrote it, and as the program of the agent reports it.
        for agrees in
            [used(10, Some(0.5), "metered", 1), used(10, Some(0.5), "metered", 0), used(10, Some(0.75), "reported", 0)]
        {
            assert_eq!(found(&agrees, &metered), none, "{agrees}");
        }
        for (differs, keys) in [
            (used(0, Some(0.0), "metered", 0), &["cost_unknown", "cost_usd", "token_stats"][..]),
            (used(10, Some(0.25), "metered", 1), &["cost_usd"]),
            (used(10, Some(0.5), "metered", 7), &["cost_unknown"]),
            (used(9, Some(0.75), "reported", 0), &["token_stats"]),
        ] {
            assert_eq!(found(&differs, &metered), keys, "{differs}");
        }
        assert_eq!(found(&used(10, None, "unknown", 0), &metered[..1]), ["cost_source", "cost_usd"]);
    }
}
