//! The values of a result of ProjectScylla that people look at: the verdict, what the agent used, the judges' scores.

use std::collections::BTreeMap;

use serde_json::Value;

use super::result::strict;
use crate::model::details::{AgentDetails, RunDetails, RunState};
use crate::model::ids::JudgeNumber;
use crate::model::money::Usd;
use crate::model::outcome::AgentEnd;
use crate::model::result::Judgment;
use crate::model::rubric::ItemScore;
use crate::model::score::{GradeScale, Score};
use crate::model::usage::{Cost, Total, Usage};

/// Adds the values of a result.
///
/// # Errors
/// When it is not JSON, not even for Python.
pub fn add(details: &mut RunDetails, result: &[u8]) -> Result<(), String> {
    let value = parse(result)?;
    let verdict = value["judge_passed"].as_bool();
    details.state = verdict.map_or(RunState::AgentComplete, RunState::judged);
    details.score = score(&value["judge_score"]);
    details.grade = serde_json::from_value(value["judge_grade"].clone()).ok();
    details.duration_seconds = seconds(&value["duration_seconds"]);
    details.agent = Some(agent(&value));
    let judges = value["judges"].as_array().map(Vec::as_slice).unwrap_or_default();
    details.judges = (1..).zip(judges).filter_map(|(place, judge)| judgment(judge, place)).collect();
    details.judge_cost = details.judges.iter().map(|_| Total::UNKNOWN).sum();
    if details.judges.is_empty() {
        // The first experiments had one judge, whose reasoning is in the result itself.
        details.judges.extend(judgment_of_the_only(&value));
    }
    Ok(())
}

/// Adds the values of a finished agent, for a run without a result.
///
/// # Errors
/// When it is not JSON.
pub fn add_agent(details: &mut RunDetails, result: &[u8]) -> Result<(), String> {
    details.agent = Some(agent(&parse(result)?));
    Ok(())
}

/// Adds the items of the rubric from a judge's own file.
pub fn add_items(judgment: &mut Judgment, file: &[u8]) {
    if let Ok(value) = parse(file) {
        judgment.criteria_scores = items(&value["criteria_scores"]);
    }
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(&strict(bytes)?).map_err(|error| error.to_string())
}

fn agent(value: &Value) -> AgentDetails {
    let exit_code = value["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok());
    AgentDetails {
        end: value["timed_out"].as_bool().filter(|timed_out| *timed_out).map(|_| AgentEnd::TimedOut),
        exit_code,
        usage: Usage {
            tokens: serde_json::from_value(value["token_stats"].clone()).unwrap_or_default(),
            cost: Cost::reported(value["cost_usd"].as_f64().and_then(|usd| Usd::from_dollars(usd).ok())),
        },
        exceeded: None,
        prices: None,
        reported: None,
        version: None,
        models: Vec::new(),
        replayed: None,
        started_at: None,
        duration_seconds: seconds(&value["agent_duration_seconds"]),
        attempt: None,
        containment: None,
        isolation: None,
        leftover_processes: 0,
        held_seconds: 0.0,
        output_truncated: false,
    }
}

fn judgment(value: &Value, place: u32) -> Option<Judgment> {
    let number = value["judge_number"].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(place);
    // An invalid or invented judgment is not a judge's.
    if value["is_valid"].as_bool() == Some(false) || value["fallback"].as_bool() == Some(true) {
        return None;
    }
    let score = score(&value["score"])?;
    Some(Judgment {
        judge_number: JudgeNumber(number),
        model: text(&value["model"]),
        score,
        passed: value["passed"].as_bool().unwrap_or_default(),
        grade: serde_json::from_value(value["grade"].clone()).unwrap_or_else(|_| GradeScale::default().grade(score)),
        reasoning: text(&value["reasoning"]),
        criteria_scores: items(&value["criteria_scores"]),
        cost: Cost::Unknown,
        tokens: crate::model::usage::Tokens::default(),
        prices: None,
        duration_seconds: 0.0,
    })
}

fn judgment_of_the_only(result: &Value) -> Option<Judgment> {
    let mut judge = serde_json::Map::new();
    for (of_judge, of_result) in [
        ("score", "judge_score"),
        ("passed", "judge_passed"),
        ("grade", "judge_grade"),
        ("reasoning", "judge_reasoning"),
    ] {
        judge.insert(of_judge.to_owned(), result[of_result].clone());
    }
    judgment(&Value::Object(judge), 1)
}

/// The items, in either of the two forms: by category with achieved and possible points, or flat with a score.
fn items(value: &Value) -> BTreeMap<String, ItemScore> {
    let mut items = BTreeMap::new();
    for (name, said) in value.as_object().into_iter().flatten() {
        match said["items"].as_object() {
            Some(of_category) => items.extend(of_category.iter().map(|(id, item)| (id.clone(), item_score(item)))),
            None => {
                items.insert(name.clone(), item_score(said));
            }
        }
    }
    items
}

fn item_score(item: &Value) -> ItemScore {
    let share = || {
        let (achieved, most) = (item["achieved"].as_f64()?, item["max"].as_f64()?);
        if most > 0.0 { Score::new((achieved / most).clamp(0.0, 1.0)).ok() } else { None }
    };
    let explanation = if item["reason"].is_string() { &item["reason"] } else { &item["explanation"] };
    ItemScore { score: share().or_else(|| score(&item["score"])), explanation: text(explanation) }
}

fn score(value: &Value) -> Option<Score> {
    Score::new(value.as_f64()?).ok()
}

fn seconds(value: &Value) -> Option<f64> {
    value.as_f64()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::score::Grade;

    fn read(result: &str) -> RunDetails {
        let mut details = RunDetails::new("T0/00/1".parse().unwrap(), String::new());
        add(&mut details, result.as_bytes()).unwrap();
        details
    }

    #[test]
    fn a_result_tells_the_verdict_what_the_agent_used_and_each_valid_judge() {
        let details = read(
            r#"{"judge_score": 0.5, "judge_passed": false, "judge_grade": "C", "exit_code": 0, "cost_usd": 0.25,
                "token_stats": {"input_tokens": 3}, "agent_duration_seconds": 2.5, "process": NaN,
                "judges": [{"model": "m", "score": 1.0, "passed": true, "grade": "S", "judge_number": 2},
                    {"model": "n", "score": 0.0, "passed": false, "grade": "F", "is_valid": false},
                    {"model": "o", "score": 0.7, "passed": true, "grade": "C", "fallback": true}]}"#,
        );
        let agent = details.agent.unwrap();
        assert_eq!((details.state, details.grade, details.judges.len()), (RunState::Failed, Some(Grade::C), 1));
        assert_eq!((details.judges[0].judge_number, agent.usage.tokens.input), (JudgeNumber(2), Some(3)));
        assert_eq!(details.judge_cost, Total::UNKNOWN, "what its judges cost, it never said");
        assert_eq!(read(r#"{"judge_score": 0.7, "judge_passed": null}"#).state, RunState::AgentComplete);
        let only = read(r#"{"judge_score": 0.7, "judge_passed": true, "judge_grade": "?", "judge_reasoning": "why"}"#);
        assert_eq!((only.judges[0].reasoning.as_str(), only.judges[0].grade), ("why", Grade::B));
    }

    #[test]
    fn items_are_read_in_both_forms_and_what_does_not_apply_has_no_score() {
        let mut of = judgment(&serde_json::json!({"score": 1.0}), 1).unwrap();
        add_items(
            &mut of,
            br#"{"criteria_scores": {"functional": {"items": {"F1": {"achieved": 1.5, "max": 3.0, "reason": "half"},
                "F2": {"achieved": "N/A", "max": "N/A", "reason": "no"}}}, "flat": {"score": 0.25, "explanation": "so"}}}"#,
        );
        let said: Vec<(&str, Option<f64>, &str)> = of
            .criteria_scores
            .iter()
            .map(|(id, item)| (id.as_str(), item.score.map(Score::get), item.explanation.as_str()))
            .collect();
        assert_eq!(said, [("F1", Some(0.5), "half"), ("F2", None, "no"), ("flat", Some(0.25), "so")]);
        add_items(&mut of, b"{\"criteria_scores\": null}");
        assert!(of.criteria_scores.is_empty());
    }
}
