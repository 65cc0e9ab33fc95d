//! What tables say, and what is said of their mistakes.

use super::*;
use crate::model::score::Grade;

const HEADER: &str = "experiment,agent_model,tier,subtest,run_number,score,impl_rate,passed,grade,cost_usd\n";

fn read_runs(text: &str) -> Result<Table<TableRun>, TableError> {
    runs("runs.csv", text.as_bytes())
}

#[test]
fn a_cell_that_says_nothing_is_not_known_and_a_subtest_keeps_its_zeros() {
    let table = read_runs(&format!("\u{feff}{HEADER}e,m,T0,00,1,0.5,nan,True,B,\r\ne,m,T0,00,2,,N/A,,,0.1\n")).unwrap();
    let [first, second] = &table.rows[..] else { panic!("{table:?}") };
    assert_eq!((first.run.subtest.as_str(), first.score, first.impl_rate), ("00", Some(0.5), None));
    assert_eq!((first.passed, first.grade, first.cost_usd), (Some(true), Some(Grade::B), None));
    assert_eq!((second.passed, second.score, second.cost_usd), (None, None, Some(0.1)));
    assert!(table.absent.contains(&"r_prog") && table.unknown.is_empty(), "{table:?}");
}

#[test]
fn columns_are_found_by_name_and_unknown_ones_are_named() {
    let table = read_runs("passed,score,tier,subtest,run_number,mood\nno,1.0,T1,x,3,good\n").unwrap();
    assert_eq!((table.rows[0].run.run_number, table.rows[0].passed), (3, Some(false)));
    assert_eq!(table.unknown, ["mood"]);
    assert!(table.absent.starts_with(&["experiment", "agent_model"]), "{:?}", table.absent);
}

#[test]
fn every_mistake_is_named_with_its_file_line_and_column() {
    let rows = "e,m,T0,00,1,1.5,x,True,A,0.1\ne,m,T0,00,0,0.5,,maybe,A,0.1\ne,m,,00,3,0.5,,True,E,0.1\n\
                e,m,T0,00,4,0.5,,True,A,-1\ne,m,T0,00,5,0.5\ne,m,T0,00,6,inf,,True,A,0.1\n\
                e,m,T0,00,7,1,,True,\"\x1b[31m\",1\ne,m,T0,00,8,1,,True,A,1\ne,m,T0,00,8,1,,True,A,1\n";
    let error = read_runs(&format!("{HEADER}{rows}")).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @r"
    runs.csv:2: column `score`: `1.5` is not a number from 0 to 1
      hint: write that, or leave the cell empty where it is not known
    runs.csv:3: column `run_number`: `0` is not a whole number from 1 on
      hint: runs and judges are numbered from 1 on
    runs.csv:4: column `tier`: it is empty
      hint: every row names its run: fill it in
    runs.csv:5: column `cost_usd`: `-1` is not a number from 0 on
      hint: write that, or leave the cell empty where it is not known
    runs.csv:6: it has 6 cells, and there are 10 columns
      hint: a comma in a text needs quotes around the text
    runs.csv:7: column `score`: `inf` is not a number from 0 to 1
      hint: write that, or leave the cell empty where it is not known
    runs.csv:8: column `grade`: `\u{1b}[31m` is no grade
      hint: grades are S, A, B, C, D and F
    runs.csv:10: it is about the same as line 9
      hint: each row is told from the others by experiment, model, tier, subtest and numbers: take one of both away
    ");
}

#[test]
fn a_file_without_its_columns_is_told_which_are_missing() {
    let error = read_runs("tier,score,score\nT0,1,1\n").unwrap_err();
    insta::assert_snapshot!(error.to_string(), @r"
    runs.csv:1: column `score`: two columns have this name
      hint: take one of both away, or name it otherwise
    runs.csv:1: column `subtest`: there is no such column
      hint: the first line names the columns; is it the right file?
    runs.csv:1: column `run_number`: there is no such column
      hint: the first line names the columns; is it the right file?
    runs.csv:1: column `passed`: there is no such column
      hint: the first line names the columns; is it the right file?
    ");
    assert_eq!(read_runs("").unwrap_err().mistakes.len(), 5);
}

#[test]
fn many_mistakes_are_told_up_to_a_number() {
    let rows: Vec<String> = (1..=30).map(|run| format!("e,m,T0,00,{run},2,,True,A,1\n")).collect();
    let error = read_runs(&format!("{HEADER}{}", rows.concat())).unwrap_err();
    assert_eq!((error.mistakes.len(), error.more), (20, 10));
    assert!(error.to_string().ends_with("… and 10 more"));
}

#[test]
fn bytes_that_are_no_text_are_a_mistake_of_their_line() {
    let error = runs("runs.csv", &[HEADER.as_bytes(), b"e,m,T0,00,1,1,,True,A,\xff\n"].concat()).unwrap_err();
    assert_eq!(error.to_string(), "runs.csv:2: it is not UTF-8\n  hint: save the table as UTF-8");
}

#[test]
fn a_judge_speaks_once_of_a_run_and_an_item_may_not_apply() {
    let header = "tier,subtest,run_number,judge_number,judge_score,judge_reasoning\n";
    let table =
        judges("judges.csv", format!("{header}T0,00,1,1,0.5,\"a, \"\"b\"\"\nc\"\nT0,00,1,2,,\n").as_bytes()).unwrap();
    assert_eq!(table.rows[0].judge_reasoning, "a, \"b\"\nc");
    let error =
        judges("judges.csv", format!("{header}T0,00,1,1,0.5,\"a\nb\"\nT0,00,1,1,0.6,\n").as_bytes()).unwrap_err();
    assert_eq!((error.mistakes[0].line, error.mistakes[0].wrong.as_str()), (4, "it is about the same as line 2"));
    let header = "tier,subtest,run_number,judge_number,criterion,criterion_score,criterion_achieved,criterion_max\n";
    let table = criteria("criteria.csv", format!("{header}T0,00,1,1,functional,0.5,1,N/A\n").as_bytes()).unwrap();
    assert_eq!((table.rows[0].criterion_achieved, table.rows[0].criterion_max), (Some(1.0), None));
}
