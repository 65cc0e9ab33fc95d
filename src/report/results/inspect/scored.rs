//! The scores of a run in an Inspect log: whether it passed, the panel's, and that of each judge with what it says of each item.

use std::borrow::Cow;

use serde::Serialize;

use super::written::Entries;
use super::{PASSED, SCORE, judge_name};
use crate::model::details::RunDetails;
use crate::model::money::Usd;
use crate::model::reported::ReportedRun;
use crate::model::result::Judgment;
use crate::model::row::RowStatus;
use crate::model::score::{Grade, Score};
use crate::text::escape;
use crate::text::words::counted;

/// One of the scores of a run.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Scored<'a> {
    /// Whether it passed.
    Passed(InspectScore<'a, &'static str, Votes>),
    /// The panel's score.
    Panel(InspectScore<'a, f64, GradeOf>),
    /// A judge's.
    Judge(InspectScore<'a, Score, Judged<'a>>),
}

/// A score with the keys of Inspect.
#[derive(Debug, Serialize)]
pub(super) struct InspectScore<'a, V, M> {
    value: V,
    explanation: Cow<'a, str>,
    metadata: M,
}

#[derive(Debug, Serialize)]
pub(super) struct Votes {
    judges: usize,
    judges_passed: usize,
    grading: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct GradeOf {
    grade: Option<Grade>,
}

/// A judge, and its score of each item of the rubric.
#[derive(Debug, Serialize)]
pub(super) struct Judged<'a> {
    judge: &'a str,
    passed: bool,
    grade: Grade,
    cost_usd: Option<Usd>,
    duration_seconds: f64,
    items: Vec<Item<'a>>,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    id: &'a str,
    description: Option<&'a str>,
    weight: Option<f64>,
    rests_on: Option<&'a str>,
    score: Option<Score>,
    explanation: &'a str,
}

/// The scores of a run, by their names; `None` of a run that has no verdict.
pub(super) fn scores<'a>(run: &'a ReportedRun, details: Option<&'a RunDetails>) -> Option<Entries<Scored<'a>>> {
    let row = &run.row;
    if row.is_missing() {
        return None;
    }
    let judges = details.map(|details| details.judges.as_slice()).unwrap_or_default();
    let of_judge = |judge: &Judgment| {
        let name =
            if judge.model.is_empty() { String::new() } else { format!(" ({})", escape::markdown(&judge.model)) };
        let word = RowStatus::judged(judge.passed);
        format!("- {}{name}: {word}, score {}, grade {}\n", judge.judge_number, judge.score, judge.grade)
    };
    let mut because =
        row.reason.as_deref().map(|reason| format!("{}\n\n", escape::markdown(reason))).unwrap_or_default();
    because.extend(judges.iter().map(of_judge));
    let passed = Scored::Passed(InspectScore {
        value: if row.status == RowStatus::Passed { "C" } else { "I" },
        explanation: because.trim_end().to_owned().into(),
        metadata: Votes {
            judges: judges.len(),
            judges_passed: judges.iter().filter(|judge| judge.passed).count(),
            grading: row.grading.map(|grading| grading.0),
        },
    });
    let panel = row.score.filter(|score| score.is_finite()).map(|value| {
        let explanation = format!("the mean of {}", counted(judges.len(), "judge")).into();
        Scored::Panel(InspectScore { value, explanation, metadata: GradeOf { grade: row.grade } })
    });
    let panel = panel.map(|panel| (SCORE.to_owned(), panel));
    let of_judges = judges.iter().map(|judge| (judge_name(judge.judge_number.0), judged(judge, details)));
    Some(Entries([(PASSED.to_owned(), passed)].into_iter().chain(panel).chain(of_judges).collect()))
}

fn judged<'a>(judge: &'a Judgment, details: Option<&'a RunDetails>) -> Scored<'a> {
    let items = details.into_iter().flat_map(|details| &details.items);
    let items = items.flat_map(|item| {
        let scores = item.scores.iter().filter(|score| score.judge == judge.judge_number);
        scores.map(move |score| Item {
            id: &item.id,
            description: item.description.as_deref(),
            weight: item.weight,
            rests_on: item.rests_on.as_deref(),
            score: score.score,
            explanation: &score.explanation,
        })
    });
    Scored::Judge(InspectScore {
        value: judge.score,
        explanation: judge.reasoning.as_str().into(),
        metadata: Judged {
            judge: &judge.model,
            passed: judge.passed,
            grade: judge.grade,
            cost_usd: judge.cost.usd(),
            duration_seconds: judge.duration_seconds,
            items: items.collect(),
        },
    })
}
