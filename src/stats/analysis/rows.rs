//! Tables of results from what was read of experiments: runs with a verdict, their judgments, and the items of these.

use std::collections::BTreeMap;

use super::Rows;
use crate::model::details::RunDetails;
use crate::model::money::Usd;
use crate::model::reported::{Reported, ReportedRun};
use crate::model::result::Judgment;
use crate::model::row::RowStatus;
use crate::model::rubric::Rubric;
use crate::model::score::Score;
use crate::model::table::{CriterionRow, JudgeRow, RowRun, TableRun};
use crate::model::usage::Total;
use crate::stats::descriptive::implementation_rate_of_panel;
use crate::stats::summaries::rate;

/// The three tables of some experiments. Runs without a verdict are in none of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tables {
    /// Runs.
    pub runs: Vec<TableRun>,
    /// What judges said of them.
    pub judges: Vec<JudgeRow>,
    /// What judges said of each item.
    pub criteria: Vec<CriterionRow>,
}

impl Tables {
    /// The tables of some experiments. One is called by its fixture, or by its folder where another one has the same fixture.
    #[must_use]
    pub fn of(experiments: &[Reported]) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for id in experiments.iter().filter_map(|experiment| experiment.experiment_id.as_deref()) {
            *counts.entry(id).or_default() += 1;
        }
        let mut tables = Self::default();
        for experiment in experiments {
            let id = experiment.experiment_id.as_deref().filter(|id| counts.get(id) == Some(&1));
            tables.add(experiment, id.unwrap_or(&experiment.name));
        }
        tables
    }

    /// The tables as they are analysed.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        Rows { runs: &self.runs, judges: &self.judges, criteria: &self.criteria }
    }

    fn add(&mut self, experiment: &Reported, name: &str) {
        let rubric = experiment.fixture.as_ref().map(|fixture| &fixture.rubric);
        for run in experiment.runs.iter().filter(|run| !run.row.is_missing()) {
            let id = row_run(run, name);
            self.runs.push(of_run(run, id.clone(), rubric));
            for judgment in run.details.iter().flat_map(|details| &details.judges) {
                self.judges.push(of_judge(judgment, id.clone(), rubric));
                self.criteria.extend(of_items(judgment, &id, rubric));
            }
        }
    }
}

fn row_run(run: &ReportedRun, experiment: &str) -> RowRun {
    let id = run.row.run;
    RowRun {
        experiment: experiment.to_owned(),
        agent_model: run.row.model.clone().unwrap_or_default(),
        tier: id.tier.to_string(),
        subtest: id.subtest.to_string(),
        run_number: id.run.get(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "tokens of a run are far below 2^53")]
fn count(number: Option<u64>) -> Option<f64> {
    number.map(|number| number as f64)
}

fn of_run(run: &ReportedRun, id: RowRun, rubric: Option<&Rubric>) -> TableRun {
    let (row, details) = (&run.row, run.details.as_deref());
    let judges: &[Judgment] = details.map_or(&[], |details| &details.judges);
    let rates: Vec<Option<f64>> = judges.iter().map(|judge| rubric.and_then(|rubric| rate(judge, rubric))).collect();
    let agent = details.and_then(|details: &RunDetails| details.agent.as_ref());
    let tokens = agent.map(|agent| agent.usage.tokens).unwrap_or_default();
    TableRun {
        run: id,
        score: row.score,
        impl_rate: implementation_rate_of_panel(&rates),
        passed: Some(row.status == RowStatus::Passed),
        grade: row.grade,
        cost_usd: row.cost.filter(|cost| cost.is_whole()).and_then(Total::at_least).map(Usd::dollars),
        duration_seconds: row.seconds,
        agent_duration_seconds: agent.and_then(|agent| agent.duration_seconds),
        judge_duration_seconds: (!judges.is_empty()).then(|| judges.iter().map(|judge| judge.duration_seconds).sum()),
        input_tokens: count(tokens.input),
        output_tokens: count(tokens.output),
        cache_creation_tokens: count(tokens.cache_creation),
        cache_read_tokens: count(tokens.cache_read),
        total_tokens: count(row.tokens),
        exit_code: row.exit_code.map(f64::from),
        api_calls: None,
        r_prog: None,
        strategic_drift: None,
        cfp: None,
        pr_revert_rate: None,
    }
}

fn of_judge(judgment: &Judgment, run: RowRun, rubric: Option<&Rubric>) -> JudgeRow {
    JudgeRow {
        run,
        judge_model: judgment.model.clone(),
        judge_number: judgment.judge_number.0,
        judge_score: Some(judgment.score.get()),
        judge_impl_rate: rubric.and_then(|rubric| rate(judgment, rubric)),
        judge_passed: Some(judgment.passed),
        judge_grade: Some(judgment.grade),
        judge_is_valid: Some(true),
        judge_reasoning: judgment.reasoning.clone(),
    }
}

fn of_items(judgment: &Judgment, run: &RowRun, rubric: Option<&Rubric>) -> Vec<CriterionRow> {
    let weight = |id: &str| {
        let item = rubric.and_then(|rubric| rubric.items.iter().find(|item| item.id == id));
        item.map(|item| item.weight)
    };
    let items = judgment.criteria_scores.iter().map(|(id, said)| {
        let (score, weight) = (said.score.map(Score::get), weight(id));
        CriterionRow {
            run: run.clone(),
            judge_model: judgment.model.clone(),
            judge_number: judgment.judge_number.0,
            criterion: id.clone(),
            criterion_score: score,
            criterion_achieved: score.zip(weight).map(|(score, weight)| score * weight),
            criterion_max: weight,
        }
    });
    items.collect()
}
