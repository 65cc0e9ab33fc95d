//! How far a judge is from the scores that gold examples deserve.

use std::collections::{BTreeMap, BTreeSet};

use super::descriptive::mean;
use crate::model::gold::{CheckedExample, CheckedJudge, DriftReport, GoldExample, JudgeCheck, JudgeDrift};
use crate::model::result::Judgment;
use crate::model::score::Score;
use crate::model::usage::Total;

/// Scores are rounded to twelve decimals, so differences of them are, too: 0.8 less 0.7 is 0.1, and not beyond a limit of 0.1.
const DECIMALS: f64 = 1e12;

/// What a judge answered about one example.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    /// Its valid answers.
    pub judgments: Vec<Judgment>,
    /// Why others are missing.
    pub failures: BTreeSet<String>,
}

/// What a judge gave an example, beside what that deserves. A difference is the mean of the scores given less the deserved one.
#[must_use]
pub fn of_example(gold: &GoldExample, answered: &Answered) -> CheckedExample {
    let scores: Vec<f64> = answered.judgments.iter().map(|judgment| judgment.score.get()).collect();
    let score = mean(&scores);
    let mut items = BTreeMap::new();
    let mut applies_otherwise = Vec::new();
    for (item, deserved) in &gold.items {
        let given = answered.judgments.iter().filter_map(|judgment| judgment.criteria_scores.get(item));
        let given: Vec<Option<f64>> = given.map(|given| given.score.map(Score::get)).collect();
        if given.iter().any(|given| given.is_some() != deserved.is_some()) {
            applies_otherwise.push(item.clone());
        }
        let scores: Vec<f64> = given.into_iter().flatten().collect();
        if let Some((mean, deserved)) = mean(&scores).zip(*deserved) {
            items.insert(item.clone(), rounded(mean - deserved.get()));
        }
    }
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    CheckedExample {
        name: gold.name.clone(),
        answers: count(scores.len()),
        score: score.map(rounded),
        difference: score.map(|score| rounded(score - gold.score.get())),
        passes: count(answered.judgments.iter().filter(|judgment| judgment.passed).count()),
        items,
        applies_otherwise,
        failures: answered.failures.iter().cloned().collect(),
    }
}

/// A judge's drift over all examples: the mean and the largest distance. It is within the limit when no distance is larger and no
/// answer is missing.
#[must_use]
pub fn of_judge(name: &str, kind: &str, examples: Vec<CheckedExample>, cost: Total, most: f64) -> CheckedJudge {
    let distances: Vec<f64> = examples.iter().filter_map(|example| example.difference).map(f64::abs).collect();
    let largest = distances.iter().copied().reduce(f64::max);
    let is_whole = examples.iter().all(|example| example.difference.is_some() && example.failures.is_empty());
    CheckedJudge {
        name: name.to_owned(),
        kind: kind.to_owned(),
        mean_drift: mean(&distances).map(rounded),
        largest_drift: largest,
        within_limit: is_whole && largest.is_none_or(|largest| largest <= most),
        cost,
        examples,
    }
}

/// What is told of a check to whoever looks at the experiment.
#[must_use]
pub fn reported(check: &JudgeCheck) -> DriftReport {
    let judges = check.judges.iter().map(|judge| JudgeDrift {
        name: judge.name.clone(),
        answered: judge.examples.iter().filter(|example| example.difference.is_some()).count(),
        mean_difference: mean_difference(judge),
        largest_drift: judge.largest_drift,
        within_limit: judge.within_limit,
    });
    DriftReport {
        at: check.at.to_string(),
        max_drift: check.max_drift,
        examples: check.gold.len(),
        judges: judges.collect(),
    }
}

/// The mean of a judge's differences from what examples deserve: above 0 where it is too mild. `None` without an answer.
fn mean_difference(judge: &CheckedJudge) -> Option<f64> {
    let differences: Vec<f64> = judge.examples.iter().filter_map(|example| example.difference).collect();
    mean(&differences).map(rounded)
}

fn rounded(value: f64) -> f64 {
    // Adding zero turns -0.0 into 0.0.
    (value * DECIMALS).round() / DECIMALS + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::JudgeNumber;
    use crate::model::rubric::ItemScore;
    use crate::model::score::Grade;
    use crate::model::usage::Cost;

    fn score(value: f64) -> Score {
        Score::new(value).unwrap()
    }

    fn gold(deserved: f64, items: &[(&str, Option<f64>)]) -> GoldExample {
        GoldExample {
            name: "one".to_owned(),
            file: "expected/gold/one.yaml".to_owned(),
            note: None,
            patch: String::new(),
            patch_file: None,
            items: items.iter().map(|(id, value)| ((*id).to_owned(), value.map(score))).collect(),
            score: score(deserved),
        }
    }

    fn judgment(given: f64, items: &[(&str, Option<f64>)]) -> Judgment {
        let item = |value: &Option<f64>| ItemScore { score: value.map(score), explanation: String::new() };
        Judgment {
            judge_number: JudgeNumber(1),
            model: "judge".to_owned(),
            score: score(given),
            passed: given >= 0.7,
            grade: Grade::A,
            reasoning: String::new(),
            criteria_scores: items.iter().map(|(id, value)| ((*id).to_owned(), item(value))).collect(),
            cost: Cost::NOTHING,
            tokens: crate::model::usage::Tokens::default(),
            prices: None,
            duration_seconds: 1.0,
        }
    }

    #[test]
    fn a_difference_is_that_of_the_mean_and_items_are_compared_where_both_say_that_they_apply() {
        let gold = gold(0.7, &[("R1", Some(0.5)), ("R2", None), ("R3", Some(1.0))]);
        let answered = Answered {
            judgments: vec![
                judgment(0.6, &[("R1", Some(1.0)), ("R2", None), ("R3", Some(1.0))]),
                judgment(1.0, &[("R1", Some(0.6)), ("R2", Some(1.0)), ("R3", None)]),
            ],
            failures: BTreeSet::new(),
        };
        let checked = of_example(&gold, &answered);
        assert_eq!((checked.answers, checked.passes), (2, 1));
        assert_eq!((checked.score, checked.difference), (Some(0.8), Some(0.1)));
        assert_eq!(checked.items, BTreeMap::from([("R1".to_owned(), 0.3), ("R3".to_owned(), 0.0)]));
        assert_eq!(checked.applies_otherwise, ["R2", "R3"]);
    }

    #[test]
    fn a_judge_is_within_the_limit_when_its_largest_distance_is_and_no_answer_is_missing() {
        let checked = |deserved: f64, given: Option<f64>, failure: Option<&str>| {
            let answered = Answered {
                judgments: given.map(|given| judgment(given, &[])).into_iter().collect(),
                failures: failure.map(str::to_owned).into_iter().collect(),
            };
            of_example(&gold(deserved, &[]), &answered)
        };
        let judged = |examples| of_judge("judge", "command", examples, Total::ZERO, 0.1);
        let near = judged(vec![checked(0.7, Some(0.8), None), checked(0.5, Some(0.5), None)]);
        assert_eq!((near.mean_drift, near.largest_drift, near.within_limit), (Some(0.05), Some(0.1), true));
        let strict = judged(vec![checked(0.7, Some(0.5), None), checked(0.5, Some(0.5), None)]);
        assert_eq!((strict.mean_drift, strict.largest_drift, strict.within_limit), (Some(0.1), Some(0.2), false));
        let half = judged(vec![checked(0.7, Some(0.7), Some("it said nothing"))]);
        assert_eq!((half.largest_drift, half.within_limit), (Some(0.0), false));
        let silent = judged(vec![checked(0.7, None, Some("it said nothing"))]);
        assert_eq!((silent.mean_drift, silent.largest_drift, silent.within_limit), (None, None, false));
    }
}
