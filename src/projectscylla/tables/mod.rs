//! `ProjectScylla`'s exported tables: `runs.csv`, `judges.csv` and `criteria.csv`, from bytes to rows.
//!
//! Columns are found by their names, in any order; those that are not known are named and left alone. Every mistake is told,
//! not only the first one.

pub mod published;
mod reader;

use std::collections::BTreeMap;

pub use reader::{CellError, TableError};

use crate::model::table::{CriterionRow, JudgeRow, RowRun, TableRun};
use reader::{Cells, Columns, Fault, Reader};

/// A table that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Table<R> {
    /// Its rows, in the file's order.
    pub rows: Vec<R>,
    /// Columns of the format that it does not have: their values are not known.
    pub absent: Vec<&'static str>,
    /// Columns that it has and the format does not.
    pub unknown: Vec<String>,
}

const RUN: [&str; 5] = ["experiment", "agent_model", "tier", "subtest", "run_number"];
const IDENTITY: [&str; 3] = ["tier", "subtest", "run_number"];

const RUNS: Columns = Columns {
    needed: &["score", "passed"],
    optional: &[
        "impl_rate",
        "grade",
        "cost_usd",
        "duration_seconds",
        "agent_duration_seconds",
        "judge_duration_seconds",
        "input_tokens",
        "output_tokens",
        "cache_creation_tokens",
        "cache_read_tokens",
        "total_tokens",
        "exit_code",
        "api_calls",
        "num_turns",
        "num_models",
        "delegation_cost_ratio",
        "r_prog",
        "strategic_drift",
        "cfp",
        "pr_revert_rate",
    ],
};

const JUDGES: Columns = Columns {
    needed: &["judge_number", "judge_score"],
    optional: &["judge_model", "judge_impl_rate", "judge_passed", "judge_grade", "judge_is_valid", "judge_reasoning"],
};

const CRITERIA: Columns = Columns {
    needed: &["judge_number", "criterion", "criterion_score"],
    optional: &["judge_model", "criterion_achieved", "criterion_max"],
};

/// Reads `runs.csv`; `file` is what messages call it.
///
/// # Errors
/// Names every cell that is wrong, and a run that stands in two rows.
pub fn runs(file: &str, bytes: &[u8]) -> Result<Table<TableRun>, TableError> {
    read(
        file,
        bytes,
        &RUNS,
        |cells| {
            Ok(TableRun {
                run: run(cells)?,
                score: cells.share("score")?,
                impl_rate: cells.number("impl_rate")?,
                passed: cells.flag("passed")?,
                grade: cells.grade("grade")?,
                cost_usd: cells.amount("cost_usd")?,
                duration_seconds: cells.amount("duration_seconds")?,
                agent_duration_seconds: cells.amount("agent_duration_seconds")?,
                judge_duration_seconds: cells.amount("judge_duration_seconds")?,
                input_tokens: cells.amount("input_tokens")?,
                output_tokens: cells.amount("output_tokens")?,
                cache_creation_tokens: cells.amount("cache_creation_tokens")?,
                cache_read_tokens: cells.amount("cache_read_tokens")?,
                total_tokens: cells.amount("total_tokens")?,
                exit_code: cells.number("exit_code")?,
                api_calls: cells.amount("api_calls")?,
                r_prog: cells.number("r_prog")?,
                strategic_drift: cells.number("strategic_drift")?,
                cfp: cells.number("cfp")?,
                pr_revert_rate: cells.number("pr_revert_rate")?,
            })
        },
        |row| row.run.clone(),
    )
}

/// Reads `judges.csv`.
///
/// # Errors
/// Names every cell that is wrong, and a judge that stands in two rows of one run.
pub fn judges(file: &str, bytes: &[u8]) -> Result<Table<JudgeRow>, TableError> {
    read(
        file,
        bytes,
        &JUDGES,
        |cells| {
            Ok(JudgeRow {
                run: run(cells)?,
                judge_model: cells.text("judge_model"),
                judge_number: cells.place("judge_number")?,
                judge_score: cells.share("judge_score")?,
                judge_impl_rate: cells.number("judge_impl_rate")?,
                judge_passed: cells.flag("judge_passed")?,
                judge_grade: cells.grade("judge_grade")?,
                judge_is_valid: cells.flag("judge_is_valid")?,
                judge_reasoning: cells.text("judge_reasoning"),
            })
        },
        |row| (row.run.clone(), row.judge_number),
    )
}

/// Reads `criteria.csv`.
///
/// # Errors
/// Names every cell that is wrong, and an item that stands in two rows of one judge and run.
pub fn criteria(file: &str, bytes: &[u8]) -> Result<Table<CriterionRow>, TableError> {
    read(
        file,
        bytes,
        &CRITERIA,
        |cells| {
            Ok(CriterionRow {
                run: run(cells)?,
                judge_model: cells.text("judge_model"),
                judge_number: cells.place("judge_number")?,
                criterion: cells.needed_text("criterion")?,
                criterion_score: cells.number("criterion_score")?,
                criterion_achieved: cells.number("criterion_achieved")?,
                criterion_max: cells.number("criterion_max")?,
            })
        },
        |row| (row.run.clone(), row.judge_number, row.criterion.clone()),
    )
}

fn run(cells: &Cells) -> Result<RowRun, Fault> {
    Ok(RowRun {
        experiment: cells.text("experiment"),
        agent_model: cells.text("agent_model"),
        tier: cells.needed_text("tier")?,
        subtest: cells.needed_text("subtest")?,
        run_number: cells.place("run_number")?,
    })
}

/// Reads all rows; no two of them may have the same key.
fn read<R, K: Ord>(
    file: &str,
    bytes: &[u8],
    columns: &Columns,
    row: impl Fn(&Cells) -> Result<R, Fault>,
    key: impl Fn(&R) -> K,
) -> Result<Table<R>, TableError> {
    let mut reader = Reader::open(file, bytes, &IDENTITY, &RUN, columns)?;
    let mut rows = Vec::new();
    let mut lines: BTreeMap<K, u64> = BTreeMap::new();
    while let Some(cells) = reader.next_row() {
        match row(&cells) {
            Ok(row) => {
                let line = cells.line();
                match lines.insert(key(&row), line) {
                    Some(former) => reader.twice(line, former),
                    None => rows.push(row),
                }
            }
            Err(fault) => reader.fault(&cells, fault),
        }
    }
    let (absent, unknown) = reader.finish()?;
    Ok(Table { rows, absent, unknown })
}

#[cfg(test)]
mod tests;
