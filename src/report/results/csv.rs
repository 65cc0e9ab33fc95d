//! The tables of results in CSV: runs, judges, criteria and subtests, in the columns of published tables, so that what reads
//! those reads these (`docs/reporting.md`). What is not known is an empty cell.

use super::{File, Form};
use crate::model::money::Usd;
use crate::model::score::Grade;
use crate::model::table::{CriterionRow, JudgeRow, RowRun, TableRun};
use crate::stats::analysis::{Spread, SubtestSummary, Tables, subtests};
use crate::text::csv;

pub(super) static FORM: Form = Form {
    name: "csv",
    about: "Tables of runs, judges, criteria and subtests",
    is_printed: false,
    needs_whole_runs: false,
    files: |material, _| {
        let tables = Tables::of(material.experiments);
        vec![
            File { name: "runs.csv".into(), text: table(RUNS, tables.runs.iter().map(run)) },
            File { name: "judges.csv".into(), text: table(JUDGES, tables.judges.iter().map(judge)) },
            File { name: "criteria.csv".into(), text: table(CRITERIA, tables.criteria.iter().map(criterion)) },
            File { name: "subtests.csv".into(), text: subtests_csv(&subtests(&tables.runs)) },
        ]
    },
};

const RUNS: &str = "experiment,agent_model,tier,subtest,run_number,score,impl_rate,passed,grade,cost_usd,duration_seconds,\
agent_duration_seconds,judge_duration_seconds,input_tokens,output_tokens,cache_creation_tokens,cache_read_tokens,total_tokens,\
exit_code,api_calls,num_turns,num_models,delegation_cost_ratio,r_prog,strategic_drift,cfp,pr_revert_rate";
const JUDGES: &str = "experiment,agent_model,tier,subtest,run_number,judge_model,judge_number,judge_score,judge_impl_rate,\
judge_passed,judge_grade,judge_is_valid,judge_reasoning";
const CRITERIA: &str = "experiment,agent_model,tier,subtest,run_number,judge_model,judge_number,criterion,criterion_score,\
criterion_achieved,criterion_max";
const SUBTESTS: &str = "experiment,agent_model,tier,subtest,pass_rate,mean_score,median_score,std_score,mean_impl_rate,\
median_impl_rate,std_impl_rate,consistency,mean_cost,total_cost,mean_duration,cop,mean_r_prog,median_r_prog,std_r_prog,mean_cfp,\
median_cfp,std_cfp,mean_pr_revert_rate,median_pr_revert_rate,std_pr_revert_rate,mean_strategic_drift,median_strategic_drift,\
std_strategic_drift,grade_S,grade_A,grade_B,grade_C,grade_D,grade_F,modal_grade";

/// The table of subtests.
#[must_use]
pub fn subtests_csv(rows: &[SubtestSummary]) -> String {
    table(SUBTESTS, rows.iter().map(subtest))
}

fn table(titles: &str, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!("{titles}\n");
    for row in rows {
        text.push_str(&row.join(","));
        text.push('\n');
    }
    text
}

fn identity(run: &RowRun) -> Vec<String> {
    let words = [&run.experiment, &run.agent_model, &run.tier, &run.subtest];
    words.into_iter().map(|word| csv::text(word)).chain([run.run_number.to_string()]).collect()
}

/// A number as it is; a whole one without a fraction.
fn number(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map(|value| value.to_string()).unwrap_or_default()
}

/// As Python writes it.
fn flag(value: Option<bool>) -> String {
    value.map(|value| if value { "True" } else { "False" }.to_owned()).unwrap_or_default()
}

fn grade(value: Option<Grade>) -> String {
    value.map(|grade| grade.to_string()).unwrap_or_default()
}

fn run(row: &TableRun) -> Vec<String> {
    let mut cells = identity(&row.run);
    cells.extend([number(row.score), number(row.impl_rate), flag(row.passed), grade(row.grade)]);
    cells.extend(
        [
            row.cost_usd,
            row.duration_seconds,
            row.agent_duration_seconds,
            row.judge_duration_seconds,
            row.input_tokens,
            row.output_tokens,
            row.cache_creation_tokens,
            row.cache_read_tokens,
            row.total_tokens,
            row.exit_code,
            row.api_calls,
        ]
        .map(number),
    );
    cells.extend([String::new(), String::new(), String::new()]);
    cells.extend([row.r_prog, row.strategic_drift, row.cfp, row.pr_revert_rate].map(number));
    cells
}

fn judge(row: &JudgeRow) -> Vec<String> {
    let mut cells = identity(&row.run);
    cells.extend([csv::text(&row.judge_model), row.judge_number.to_string()]);
    cells.extend([number(row.judge_score), number(row.judge_impl_rate), flag(row.judge_passed)]);
    cells.extend([grade(row.judge_grade), flag(row.judge_is_valid), csv::text(&row.judge_reasoning)]);
    cells
}

fn criterion(row: &CriterionRow) -> Vec<String> {
    let mut cells = identity(&row.run);
    cells.extend([csv::text(&row.judge_model), row.judge_number.to_string(), csv::text(&row.criterion)]);
    cells.extend([row.criterion_score, row.criterion_achieved, row.criterion_max].map(number));
    cells
}

fn subtest(row: &SubtestSummary) -> Vec<String> {
    let words = [&row.experiment, &row.agent_model, &row.tier, &row.subtest];
    let mut cells: Vec<String> = words.into_iter().map(|word| csv::text(word)).collect();
    let spread = |spread: Spread| [spread.mean, spread.median, spread.sd].map(number);
    cells.push(number(row.pass_rate));
    cells.extend(spread(row.score));
    cells.extend(spread(row.impl_rate));
    cells.extend([number(row.consistency), number(row.mean_cost)]);
    cells.push(number(row.total_cost.at_least().filter(|_| row.total_cost.is_whole()).map(Usd::dollars)));
    cells.extend([number(row.mean_duration), number(row.cop)]);
    let [progress, cfp, reverted, drift] = row.process;
    cells.extend([progress, cfp, reverted, drift].into_iter().flat_map(spread));
    cells.extend(row.grades.map(|count| count.to_string()));
    cells.push(grade(row.modal_grade));
    cells
}
