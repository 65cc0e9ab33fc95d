//! Judges and items: how far judges agree, and what was achieved of each item of the rubric.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tables::Spread;
use crate::model::table::{CriterionRow, JudgeRow, RowRun};
use crate::stats::agreement::{self, Hanging, JudgePair};
use crate::stats::descriptive::known;

/// How far the judges of a model's runs agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JudgeAgreement {
    /// The model whose runs were judged.
    pub agent_model: String,
    /// The judges, in the order that the numbers below mean.
    pub judges: Vec<String>,
    /// Their agreement.
    pub agreement: Agreement,
}

/// How far some judges agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Agreement {
    /// Scores of each judge.
    pub scores: Vec<Spread>,
    /// How many runs each judge scored.
    pub scored: Vec<usize>,
    /// Krippendorff's alpha of the scores, over runs that all judges scored.
    pub alpha: Option<f64>,
    /// Every two judges.
    pub pairs: Vec<JudgePair>,
    /// On how many runs the verdict hangs on one judge.
    pub hanging: Hanging,
}

/// What the judges said of a run, each at its place.
type Panel = (Vec<Option<f64>>, Vec<Option<bool>>);

pub(super) fn judges(rows: &[JudgeRow]) -> Vec<JudgeAgreement> {
    // What a judge said that could not be read is no score.
    let valid = || rows.iter().filter(|row| row.judge_is_valid != Some(false));
    let models: BTreeSet<&str> = valid().map(|row| row.run.agent_model.as_str()).collect();
    let of_model = |model: &str| {
        let rows: Vec<&JudgeRow> = valid().filter(|row| row.run.agent_model == model).collect();
        let names: BTreeMap<u32, &str> = rows.iter().map(|row| (row.judge_number, row.judge_model.as_str())).collect();
        let place = |row: &JudgeRow| names.range(..row.judge_number).count();
        let mut panels: BTreeMap<&RowRun, Panel> = BTreeMap::new();
        for row in &rows {
            let (scores, votes) =
                panels.entry(&row.run).or_insert_with(|| (vec![None; names.len()], vec![None; names.len()]));
            scores[place(row)] = row.judge_score;
            votes[place(row)] = row.judge_passed;
        }
        let (scores, votes): (Vec<_>, Vec<_>) = panels.into_values().unzip();
        let of_judge = |judge: usize| known(scores.iter().map(|scores: &Vec<Option<f64>>| scores[judge]));
        JudgeAgreement {
            agent_model: model.to_owned(),
            judges: names.values().map(|name| (*name).to_owned()).collect(),
            agreement: Agreement {
                scores: (0..names.len()).map(|judge| Spread::of(&of_judge(judge))).collect(),
                scored: (0..names.len()).map(|judge| of_judge(judge).len()).collect(),
                alpha: agreement::krippendorff_alpha(&scores),
                pairs: agreement::pairs(&scores),
                hanging: agreement::hanging(&votes),
            },
        }
    };
    models.into_iter().map(of_model).collect()
}

/// An item of the rubric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CriterionSummary {
    /// The model whose runs were judged.
    pub agent_model: String,
    /// The item.
    pub criterion: String,
    /// How often it was scored.
    pub n: usize,
    /// Its scores.
    pub score: Spread,
    /// Share of all points that were given; `null` where none were to be had.
    pub achieved: Option<f64>,
}

pub(super) fn criteria(rows: &[CriterionRow]) -> Vec<CriterionSummary> {
    let mut items: BTreeMap<(&str, &str), Vec<&CriterionRow>> = BTreeMap::new();
    for row in rows {
        items.entry((&row.run.agent_model, &row.criterion)).or_default().push(row);
    }
    let summary = |((agent_model, criterion), rows): ((&str, &str), Vec<&CriterionRow>)| {
        let scores = known(rows.iter().map(|row| row.criterion_score));
        let points = rows.iter().filter_map(|row| row.criterion_achieved.zip(row.criterion_max));
        let (given, most) = points.fold((0.0, 0.0), |(given, most), point| (given + point.0, most + point.1));
        CriterionSummary {
            agent_model: agent_model.to_owned(),
            criterion: criterion.to_owned(),
            n: scores.len(),
            score: Spread::of(&scores),
            achieved: (most > 0.0).then(|| given / most),
        }
    };
    items.into_iter().map(summary).collect()
}
