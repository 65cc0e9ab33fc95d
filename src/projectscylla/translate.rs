//! Translates a result of ProjectScylla to this tool's type, as far as it has the same values.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::model::digest::Digest;
use crate::model::experiment::Config;
use crate::model::ids::{AttemptNumber, JudgeNumber, RunId};
use crate::model::money::Usd;
use crate::model::outcome::AgentEnd;
use crate::model::result::{Judgment, RunResult};
use crate::model::rubric::ItemScore;
use crate::model::score::{Grade, Score};
use crate::model::usage::{Cost, Tokens, Total, Usage};

use super::result::strict;

/// The keys of a result of ProjectScylla that are used.
#[derive(Debug, Deserialize)]
struct Theirs {
    #[serde(default)]
    exit_code: Option<i32>,
    #[serde(default)]
    token_stats: Tokens,
    #[serde(default)]
    cost_usd: Option<Usd>,
    #[serde(default)]
    duration_seconds: f64,
    #[serde(default)]
    agent_duration_seconds: f64,
    #[serde(default)]
    judge_duration_seconds: f64,
    judge_score: Option<Score>,
    judge_passed: Option<bool>,
    #[serde(default)]
    judge_grade: Option<Grade>,
    #[serde(default)]
    judges: Option<Vec<Judge>>,
}

#[derive(Debug, Deserialize)]
struct Judge {
    #[serde(default)]
    model: String,
    score: Option<Score>,
    #[serde(default)]
    passed: bool,
    #[serde(default)]
    grade: Option<Grade>,
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default, rename = "judge_number")]
    number: Option<u32>,
    #[serde(default)]
    is_valid: Option<bool>,
    #[serde(default)]
    criteria_scores: Value,
}

/// Reads a result of ProjectScylla. `now` is used for times that it does not contain.
///
/// # Errors
/// When it is not a result, or has no verdict.
pub fn run_result(bytes: &[u8], run: RunId, config: &Config, now: Timestamp) -> Result<RunResult, String> {
    let theirs: Theirs = serde_json::from_slice(&strict(bytes)?).map_err(|error| error.to_string())?;
    let judge_score = theirs.judge_score.ok_or("it has no score: no judge gave a valid one")?;
    let judge_passed = theirs.judge_passed.ok_or("it has no `judge_passed`")?;
    let judges = theirs.judges.unwrap_or_default().into_iter().zip(1..);
    let judges: Vec<Judgment> = judges.filter_map(|(judge, number)| judge.ours(number)).collect();
    Ok(RunResult {
        version: config.version.clone(),
        experiment_id: config.experiment_id.clone(),
        tier: run.tier,
        subtest: run.subtest,
        run_number: run.run,
        attempt: AttemptNumber(1),
        config_hash: config.hash(),
        exit_code: theirs.exit_code,
        agent_end: AgentEnd::Finished,
        timed_out: false,
        usage: Usage { tokens: theirs.token_stats, cost: Cost::reported(theirs.cost_usd) },
        prices: None,
        reported: None,
        exceeded: None,
        program: crate::model::agent::ProgramFacts::default(),
        replayed: None,
        isolation: None,
        judge_cost: judges.iter().map(|judge| Total::from(judge.cost)).sum(),
        failed_judge_cost: Total::ZERO,
        grading: crate::model::grading::GradingNumber::FIRST,
        grading_digest: None,
        baseline_commit: None,
        former_attempts: 0,
        former_cost: Total::ZERO,
        duration_seconds: theirs.duration_seconds,
        agent_duration_seconds: theirs.agent_duration_seconds,
        judge_duration_seconds: theirs.judge_duration_seconds,
        judge_score,
        judge_passed,
        judge_grade: theirs.judge_grade.unwrap_or(Grade::F),
        judges,
        checks: Vec::new(),
        composed: None,
        inherited_from: Vec::new(),
        keeps_workspace: false,
        started_at: now,
        committed_at: now,
        flags: std::collections::BTreeSet::new(),
        not_captured: None,
        changed_nothing: None,
        seal: Digest::of(bytes),
    })
}

impl Judge {
    /// `None` for a judge without a valid answer: it has no vote.
    fn ours(self, number: u32) -> Option<Judgment> {
        let score = self.score.filter(|_| self.is_valid != Some(false))?;
        Some(Judgment {
            judge_number: JudgeNumber(self.number.unwrap_or(number)),
            model: self.model,
            score,
            passed: self.passed,
            grade: self.grade.unwrap_or(Grade::F),
            reasoning: self.reasoning.unwrap_or_default(),
            criteria_scores: serde_json::from_value::<BTreeMap<String, ItemScore>>(self.criteria_scores)
                .unwrap_or_default(),
            // ProjectScylla does not record what its judges cost.
            cost: Cost::Unknown,
            tokens: crate::model::usage::Tokens::default(),
            prices: None,
            duration_seconds: 0.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::experiment::samples;

    fn read(result: &Value) -> Result<RunResult, String> {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        run_result(result.to_string().as_bytes(), "T1/02/3".parse().unwrap(), &samples::config(), now)
    }

    fn result() -> Value {
        json!({
            "run_number": 3, "exit_code": 0, "cost_usd": "0.25", "duration_seconds": 20.5,
            "token_stats": {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 3, "cache_read_tokens": 4},
            "judge_score": 0.875, "judge_passed": true, "judge_grade": "A", "judge_reasoning": "so",
            "judges": [
                {"model": "opus", "score": 0.875, "passed": true, "grade": "A", "reasoning": "so", "judge_number": 1,
                 "criteria_scores": {"R001": {"score": 1.0, "explanation": "there"}}},
                {"model": "haiku", "score": 0.7, "passed": true, "grade": "C", "reasoning": "?", "is_valid": false},
            ],
        })
    }

    #[test]
    fn a_result_of_projectscylla_says_the_same_in_our_words() {
        let ours = read(&result()).unwrap();
        assert_eq!((ours.run_number.get(), ours.judge_score.get(), ours.judge_grade), (3, 0.875, Grade::A));
        assert_eq!(ours.usage.cost.usd(), Usd::from_dollars(0.25).ok());
        assert_eq!(ours.usage.tokens.cache_creation, Some(3));
        assert_eq!(ours.judges.len(), 1, "what was not valid does not vote");
        assert_eq!(ours.judges[0].criteria_scores["R001"].explanation, "there");
    }

    #[test]
    fn a_missing_score_or_verdict_is_never_made_up() {
        for key in ["judge_score", "judge_passed"] {
            let mut without = result();
            without[key] = Value::Null;
            assert!(read(&without).is_err(), "{key}");
        }
    }
}
