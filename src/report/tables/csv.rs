//! The derived tables in CSV, every number in full: a file for each array of the analysis, a column for each of its fields.

use serde_json::{Map, Value, json};

use super::{Form, TablesReport};
use crate::report::results::{File, subtests_csv};
use crate::stats::analysis::Analysis;
use crate::text::csv;

/// Each file, and the array that it holds.
const ARRAYS: [(&str, &str); 13] = [
    ("tiers.csv", "tiers"),
    ("normality_tests.csv", "normality_tests"),
    ("omnibus_tests.csv", "omnibus_tests"),
    ("pairwise_comparisons.csv", "pairwise_comparisons"),
    ("effect_sizes.csv", "effect_sizes"),
    ("power_analysis.csv", "power_analysis"),
    ("correlations.csv", "correlations"),
    ("interaction_tests.csv", "interaction_tests"),
    ("experiment_interaction_tests.csv", "experiment_interaction_tests"),
    ("metrics.csv", "metrics"),
    ("tokens.csv", "tokens"),
    ("experiments.csv", "experiments"),
    ("items.csv", "criteria"),
];

pub(super) static FORM: Form = Form { name: "csv", is_printed: false, files: |report, _| files(report) };

fn files(report: &TablesReport) -> Vec<File> {
    let analysis = serde_json::to_value(&report.analysis).unwrap_or_default();
    let rows = |array: &str| analysis.get(array).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut files: Vec<File> =
        ARRAYS.into_iter().map(|(name, array)| File { name: name.into(), text: table(&rows(array)) }).collect();
    files.push(File { name: "agreement.csv".into(), text: table(&agreement(&report.analysis)) });
    files.push(File { name: "subtests.csv".into(), text: subtests_csv(&report.analysis.subtests) });
    files
}

/// A row for every two judges.
fn agreement(analysis: &Analysis) -> Vec<Value> {
    let panels = analysis.judges.iter();
    let rows = panels.flat_map(|panel| {
        let judge = |place: usize| panel.judges.get(place).cloned();
        panel.agreement.pairs.iter().map(move |pair| {
            json!({
                "agent_model": panel.agent_model, "judge1": judge(pair.first), "judge2": judge(pair.second), "n": pair.n,
                "spearman": pair.spearman, "pearson": pair.pearson, "mean_difference": pair.mean_difference,
                "mean_distance": pair.mean_distance, "alpha_of_all": panel.agreement.alpha,
            })
        })
    });
    rows.collect()
}

/// A line for each row; what is not known is an empty cell.
fn table(rows: &[Value]) -> String {
    let rows: Vec<Map<String, Value>> = rows.iter().map(flat).collect();
    let mut titles: Vec<&String> = Vec::new();
    for key in rows.iter().flat_map(Map::keys) {
        // A key of a value that is `null` in one row and has parts in another one stands for nothing.
        let has_parts = |row: &Map<String, Value>| row.keys().any(|other| other.starts_with(&format!("{key}_")));
        if !titles.contains(&key) && !rows.iter().any(|row| !row.contains_key(key) && has_parts(row)) {
            titles.push(key);
        }
    }
    let mut text = titles.iter().map(|title| title.as_str()).collect::<Vec<_>>().join(",") + "\n";
    for row in &rows {
        let cells: Vec<String> = titles.iter().map(|title| cell(row.get(*title))).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => csv::text(text),
        Some(other) => csv::quoted(&other.to_string()),
    }
}

/// A row whose values have no parts: the key of a part is that of the whole, and its own.
fn flat(row: &Value) -> Map<String, Value> {
    let mut cells = Map::new();
    for (key, value) in row.as_object().into_iter().flatten() {
        if value.is_object() {
            cells.extend(flat(value).into_iter().map(|(part, value)| (format!("{key}_{part}"), value)));
        } else {
            cells.insert(key.clone(), value.clone());
        }
    }
    cells
}
