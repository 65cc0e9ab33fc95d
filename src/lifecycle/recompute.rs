//! What a result must say when its stages are these.

use serde_json::Value;

use crate::model::result::{AgentResult, ChecksResult, Judgment, RunResult, Verdict};

/// How far two numbers may lie apart that are written and read again, or summed in another order.
const MOST_ROUNDING: f64 = 1e-9;

/// The files by which the stages of a run ended.
#[derive(Debug, Clone)]
pub struct Stages {
    /// `agent/result.json`.
    pub agent: AgentResult,
    /// `checks/result.json`.
    pub checks: ChecksResult,
    /// The judgments of the judges that the result names, in its order.
    pub judgments: Vec<Judgment>,
    /// `judge/result.json`.
    pub verdict: Verdict,
}

/// The keys of a result that say something else than its stages.
#[must_use]
pub fn differing(result: &RunResult, stages: &Stages) -> Vec<String> {
    let expected = follow(result.clone(), stages.clone());
    if expected == *result {
        return Vec::new();
    }
    let object = |result: &RunResult| serde_json::to_value(result).unwrap_or_default();
    let (found, expected) = (object(result), object(&expected));
    let keys = expected.as_object().into_iter().flatten();
    keys.filter(|(key, value)| !found.get(key).is_some_and(|found| alike(found, value)))
        .map(|(key, _)| key.clone())
        .collect()
}

/// The result with everything in it that follows from the stages.
fn follow(mut result: RunResult, stages: Stages) -> RunResult {
    let Stages { agent, checks, judgments, verdict } = stages;
    result.attempt = agent.attempt;
    result.exit_code = agent.exit_code;
    result.agent_end = agent.end;
    result.timed_out = agent.end.timed_out();
    result.token_stats = agent.token_stats;
    result.cost_usd = agent.cost_usd;
    result.judge_cost_usd = judgments.iter().map(|judgment| judgment.cost_usd).sum();
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

/// Whether two values are the same but for rounding.
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
