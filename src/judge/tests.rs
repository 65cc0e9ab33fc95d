use std::collections::BTreeMap;

use proptest::prelude::*;

use super::answer::parse;
use super::score::{panel, score};
use crate::model::ids::JudgeNumber;
use crate::model::money::Usd;
use crate::model::result::{CheckResult, ChecksResult, Judgment};
use crate::model::rubric::{Evaluation, ItemScore, Rubric, RubricItem};
use crate::model::score::{Grade, GradeScale, Score};

fn item(id: &str, weight: f64, evaluation: Evaluation) -> RubricItem {
    RubricItem {
        id: id.to_owned(),
        description: String::new(),
        weight,
        evaluation,
        rests_on: Some(format!("check-{id}")),
        na_condition: (id == "may-not-apply").then(|| "there is no network".to_owned()),
    }
}

fn rubric() -> Rubric {
    Rubric {
        items: vec![
            item("binary", 3.0, Evaluation::Binary),
            item("scaled", 1.0, Evaluation::Scaled),
            item("may-not-apply", 4.0, Evaluation::Binary),
        ],
        pass_threshold: Score::new(0.7).unwrap(),
        grade_scale: GradeScale::default(),
    }
}

fn answered(text: &str) -> Result<f64, String> {
    let answer = parse(text.as_bytes(), &rubric()).map_err(|error| error.to_string())?;
    Ok(score(&rubric(), &answer.items).map_err(|error| error.to_string())?.get())
}

#[test]
fn the_score_is_the_weighted_mean_of_the_items_that_apply() {
    let all = r#"{"items":{"binary":{"score":1},"scaled":{"score":0.5},"may-not-apply":{"score":0}}}"#;
    assert_eq!(answered(all), Ok(3.5 / 8.0));
    let some = r#"{"items":{"binary":{"score":1},"scaled":{"score":0.5},"may-not-apply":{"not_applicable":true}}}"#;
    assert_eq!(answered(some), Ok(3.5 / 4.0));
}

#[test]
fn every_mistake_of_an_answer_is_told_at_once() {
    let answers = [
        "",
        "I would give it a 9 out of 10.",
        "[]",
        r#"{"items":{}} and that is my verdict"#,
        r#"{"items":{"binary":{"score":0.5},"scaled":{"score":1.5},"unknown":{"score":1}}}"#,
        r#"{"items":{"binary":{"not_applicable":true},"scaled":{},"may-not-apply":{"score":1,"not_applicable":true}}}"#,
        r#"{"items":{"binary":{"score":1},"binary":{"score":0}}}"#,
        r#"{"items":{"binary":{"score":NaN}}}"#,
        r#"{"items":{"binary":{"score":"1"}}}"#,
        r#"{"items":{"binary":{"score":1e999}}}"#,
        r#"{"items":{"binary":{"score":1},"scaled":{"score":1},"may-not-apply":{"score":1}},"cost_usd":-2}"#,
    ];
    let told: String =
        answers.iter().map(|answer| format!("{answer}\n    → {}\n", answered(answer).expect_err(answer))).collect();
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/judge"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("invalid_answers", told);
    });
}

#[test]
fn a_deep_or_huge_answer_is_refused_and_not_followed() {
    let deep = format!("{{\"items\":{}", "[".repeat(100_000));
    assert!(answered(&deep).is_err());
}

fn judged(score: f64, passed: bool) -> Judgment {
    Judgment {
        judge_number: JudgeNumber(1),
        model: "m".to_owned(),
        score: Score::new(score).unwrap(),
        passed,
        grade: Grade::F,
        reasoning: String::new(),
        criteria_scores: BTreeMap::new(),
        cost_usd: Usd::ZERO,
        duration_seconds: 0.0,
    }
}

#[test]
fn a_panel_passes_by_a_strict_majority_and_scores_by_its_mean() {
    let of = |judgments: &[Judgment], judges| {
        panel(&rubric(), judgments, judges).map(|verdict| (verdict.score.get(), verdict.passed))
    };
    assert_eq!(of(&[judged(1.0, true), judged(0.5, false)], 2), Some((0.75, false)));
    assert_eq!(of(&[judged(1.0, true), judged(1.0, true), judged(0.25, false)], 3), Some((0.75, true)));
    assert_eq!(of(&[judged(1.0, true)], 1), Some((1.0, true)));
    assert_eq!(of(&[judged(1.0, true)], 2), None, "a missing judge is missing");
    assert_eq!(of(&[], 0), None);
}

#[test]
fn the_checks_judge_scores_by_exit_codes() {
    let check = |name: &str, exit_code| CheckResult {
        name: name.to_owned(),
        passed: exit_code == Some(0),
        exit_code,
        timed_out: exit_code.is_none(),
        duration_seconds: 0.1,
    };
    let checks = ChecksResult {
        checks: vec![
            check("check-binary", Some(0)),
            check("check-scaled", Some(2)),
            check("check-may-not-apply", None),
        ],
    };
    let judgment = super::checks::judgment(JudgeNumber(1), &rubric(), &checks).unwrap();
    assert_eq!((judgment.score.get(), judgment.passed, judgment.grade), (3.0 / 8.0, false, Grade::D));
    assert_eq!(judgment.reasoning, "failed: check-scaled, check-may-not-apply");
}

proptest! {
    #[test]
    fn a_score_lies_between_the_least_and_the_highest_item(scores in prop::collection::vec((0.0..=1.0_f64, 0.01..100.0_f64), 1..20)) {
        let mut rubric = rubric();
        rubric.items = scores.iter().enumerate().map(|(index, (_, weight))| item(&index.to_string(), *weight, Evaluation::Scaled)).collect();
        let items = scores.iter().enumerate().map(|(index, (value, _))| {
            (index.to_string(), ItemScore { score: Some(Score::new(*value).unwrap()), explanation: String::new() })
        }).collect();
        let score = score(&rubric, &items).unwrap().get();
        let values = || scores.iter().map(|(value, _)| *value);
        prop_assert!(score >= values().fold(f64::MAX, f64::min) - 1e-12);
        prop_assert!(score <= values().fold(f64::MIN, f64::max) + 1e-12);
    }
}
