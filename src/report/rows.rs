//! Rows of runs for programs: CSV, JSON, and a line of JSON for each.

use serde_json::{Map, Value};

use crate::model::row::{RunRow, Written};
use crate::text::{csv, escape, page};

/// One JSON array.
#[must_use]
pub fn json(rows: &[&RunRow]) -> String {
    page::pretty(&rows)
}

/// One JSON object a line.
#[must_use]
pub fn json_lines(rows: &[&RunRow]) -> String {
    let mut text = String::new();
    for row in rows {
        // A row has text keys and finite numbers, so it always has a JSON form.
        let line = serde_json::to_string(row).unwrap_or_default();
        text.push_str(&escape::json(&line));
        text.push('\n');
    }
    text
}

/// A line for each row below one of titles, which are the keys of the JSON. What is not known is an empty cell.
#[must_use]
pub fn csv(rows: &[&RunRow]) -> String {
    let mut text = TITLES.join(",");
    text.push('\n');
    for row in rows {
        let Ok(Value::Object(values)) = serde_json::to_value(row) else { continue };
        let cells: Vec<String> = TITLES.iter().map(|title| cell(&values, title)).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// The columns, in their order.
const TITLES: [&str; 24] = [
    "tier",
    "subtest",
    "name",
    "run",
    "run_number",
    "status",
    "passed",
    "score",
    "grade",
    "end",
    "exit_code",
    "cost_usd",
    "cost_unknown",
    "spent",
    "spent_unknown",
    "tokens",
    "duration_seconds",
    "attempts",
    "model",
    "grading",
    "flags",
    "reason",
    "control",
    "limit",
];

fn cell(values: &Map<String, Value>, title: &str) -> String {
    match values.get(title) {
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Number(value)) => value.to_string(),
        Some(Value::String(value)) => csv::text(value),
        Some(Value::Array(values)) => {
            csv::quoted(&values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        }
        Some(Value::Null | Value::Object(_)) | None => String::new(),
    }
}

/// The schema of a row.
#[must_use]
pub fn row_schema() -> Value {
    schemars::schema_for!(Written<'_>).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::row::samples as row;
    use crate::model::samples::snapshot;

    #[test]
    fn rows_are_written_for_programs_and_nothing_in_them_is_obeyed() {
        let rows = row::all();
        let rows: Vec<&RunRow> = rows.iter().collect();
        snapshot("runs", "csv", &csv(&rows));
        snapshot("runs", "json", &json(&rows[..2]));
        snapshot("runs", "jsonl", &json_lines(&rows));
        for text in [csv(&rows), json(&rows), json_lines(&rows)] {
            assert!(!text.contains('\u{1b}'), "{text}");
        }
        assert_eq!(json_lines(&rows).lines().count(), rows.len());
        let read: Vec<Value> = serde_json::from_str(&json(&rows)).unwrap();
        assert_eq!(read.len(), rows.len());
    }

    #[test]
    fn every_key_of_a_row_is_a_column() {
        let rows = row::all();
        let Value::Object(keys) = serde_json::to_value(&rows[0]).unwrap() else { panic!("a row is an object") };
        let mut keys: Vec<&str> = keys.keys().map(String::as_str).collect();
        let mut titles = TITLES.to_vec();
        keys.sort_unstable();
        titles.sort_unstable();
        assert_eq!(keys, titles);
    }
}
