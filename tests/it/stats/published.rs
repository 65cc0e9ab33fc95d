//! The analysis of `ProjectScylla`'s published tables, field by field against its published results.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use scylla::model::published::KnownMistake;
use scylla::model::usage::Total;
use scylla::projectscylla::tables;
use scylla::stats::analysis::{Analysis, Metric, Rows, Settings, Spread, SubtestSummary, TierSummary, analyse};
use serde_json::{Map, Value, json};

use super::differences::{Differences, MOST, Number, hold, with_numbers};
use crate::shared::shared;

/// Process metrics are 0 in every published run, so that their groups hold one value: that is where all of these lie.
const CONSTANT: [&str; 3] = ["r_prog", "cfp", "pr_revert_rate"];

/// The analysis, made once for all tests.
fn analysis(folder: &Path) -> &'static Analysis {
    static ANALYSIS: OnceLock<Analysis> = OnceLock::new();
    ANALYSIS.get_or_init(|| analysed(folder))
}

fn analysed(folder: &Path) -> Analysis {
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let runs = tables::runs("runs.csv", &read("runs.csv")).unwrap();
    let judges = tables::judges("judges.csv", &read("judges.csv")).unwrap();
    let criteria = tables::criteria("criteria.csv", &read("criteria.csv")).unwrap();
    assert_eq!((runs.rows.len(), judges.rows.len(), criteria.rows.len()), (1080, 3210, 12140));
    assert!(runs.absent.is_empty() && runs.unknown.is_empty(), "{:?} {:?}", runs.absent, runs.unknown);
    analyse(&Rows { runs: &runs.rows, judges: &judges.rows, criteria: &criteria.rows }, &Settings::default())
}

/// Python's JSON, whose `NaN` stands for what cannot be said.
fn published(folder: &Path, name: &str) -> Value {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let as_text = |line: &str| match line.split_once(": ") {
        Some((field, number)) if number.contains(['.', 'e']) && number.trim_end_matches(',').parse::<f64>().is_ok() => {
            format!("{field}: \"{}\"{}", number.trim_end_matches(','), if number.ends_with(',') { "," } else { "" })
        }
        _ => line.replace("NaN", "null"),
    };
    let lines: Vec<String> = text.lines().map(as_text).collect();
    with_numbers(&serde_json::from_str(&lines.join("\n")).unwrap())
}

/// How a field's number counts.
fn number(field: &str, value: &Value) -> Number {
    match field {
        field if field.starts_with("p_value") => Number::P(value.as_f64()),
        "ci_low"
        | "ci_high"
        | "u_statistic"
        | "power_at_observed"
        | "power_at_medium_0_3"
        | "n"
        | "n1"
        | "n2"
        | "df" => Number::Bits(value.as_f64()),
        _ => Number::Value(value.as_f64()),
    }
}

/// How far a field is from its published value.
fn difference(field: &str, ours: &Value, published: &Value) -> f64 {
    match (ours, published) {
        (Value::Number(_) | Value::Null, Value::Number(_) | Value::Null) => {
            number(field, ours).difference(published.as_f64())
        }
        _ if ours == published => 0.0,
        _ => f64::INFINITY,
    }
}

#[test]
fn every_published_result_is_found_again_and_what_is_wrong_in_it_is_named() {
    let Some(folder) = shared("data/projectscylla-haiku") else { return };
    let analysis = analysis(&folder);
    let (ours, published) = (serde_json::to_value(analysis).unwrap(), published(&folder, "statistical_results.json"));
    let wrong = tables::published::known_mistakes();
    let mut named = vec![0_usize; wrong.len()];
    let (mut differences, mut far) = (Differences::default(), Vec::new());
    let arrays = published.as_object().unwrap().iter().filter_map(|(name, rows)| Some((name, rows.as_array()?)));
    for (array, rows) in arrays {
        let our_rows = ours[array].as_array().unwrap();
        assert_eq!(our_rows.len(), rows.len(), "{array}");
        for (our_row, row) in our_rows.iter().zip(rows) {
            for (field, value) in row.as_object().unwrap() {
                let found = our_row.get(field).unwrap_or(&Value::Null);
                let is_constant = CONSTANT.iter().any(|metric| row["metric"] == *metric);
                let is_row =
                    |wrong: &KnownMistake| wrong.array == array && wrong.field == field && wrong.published == *value;
                if let Some(at) = wrong.iter().position(is_row).filter(|_| is_constant) {
                    assert_eq!(*found, wrong[at].ours, "{array} {row}");
                    named[at] += 1;
                    continue;
                }
                let apart = difference(field, found, value);
                differences.count(array, apart);
                if apart > MOST {
                    far.push(format!("{array}.{field}: {found}, published {value} in {row}"));
                }
            }
        }
    }
    assert!(far.is_empty(), "{} differ:\n{}", far.len(), far.join("\n"));
    assert_eq!(named, [21, 21, 21, 18], "what is named as wrong is there");
    let scores = ours["tiers"].as_array().unwrap().len();
    assert_eq!(scores, 7);
    differences.hold("differences to published results", "array");
    hold("published values that are wrong", &table_of(&wrong, &named));
}

fn table_of(wrong: &[KnownMistake], named: &[usize]) -> String {
    let mut table = "| array | field | rows | published | here | why |\n|---|---|---|---|---|---|\n".to_owned();
    for (KnownMistake { array, field, published, ours, reason }, rows) in wrong.iter().zip(named) {
        writeln!(table, "| `{array}` | `{field}` | {rows} | `{published}` | `{ours}` | {reason} |").unwrap();
    }
    table
}

/// Compares the fields of a row that has published names with ours.
fn compare(differences: &mut Differences, name: &str, published: &Map<String, Value>, ours: &[(&str, Option<f64>)]) {
    for (field, value) in ours {
        let expected = published.get(*field).unwrap_or_else(|| panic!("{name} has no {field}"));
        let apart = Number::Value(*value).difference(expected.as_f64());
        assert!(apart <= MOST, "{name}.{field}: {value:?}, published {expected}");
        differences.count(name, apart);
    }
}

fn count(count: usize) -> Option<f64> {
    u32::try_from(count).ok().map(f64::from)
}

fn dollars(total: Total) -> Option<f64> {
    total.is_whole().then(|| total.known.dollars())
}

fn tier_fields(tier: &TierSummary) -> Vec<(&'static str, Option<f64>)> {
    vec![
        ("total_runs", count(tier.n)),
        ("n_subtests", count(tier.subtests)),
        ("pass_rate", tier.pass_rate.map(|rate| rate.value)),
        ("mean_score", tier.score.mean),
        ("median_score", tier.score.median),
        ("std_score", tier.score.sd),
        ("mean_impl_rate", tier.impl_rate.mean),
        ("median_impl_rate", tier.impl_rate.median),
        ("std_impl_rate", tier.impl_rate.sd),
        ("mean_cost", tier.cost.mean),
        ("total_cost", dollars(tier.total_cost)),
        ("cop", tier.cop),
    ]
}

fn spread(names: [&'static str; 3], spread: Spread) -> [(&'static str, Option<f64>); 3] {
    [(names[0], spread.mean), (names[1], spread.median), (names[2], spread.sd)]
}

fn subtest_fields(subtest: &SubtestSummary) -> Vec<(&'static str, Option<f64>)> {
    let mut fields = vec![
        ("pass_rate", subtest.pass_rate),
        ("consistency", subtest.consistency),
        ("mean_cost", subtest.mean_cost),
        ("total_cost", dollars(subtest.total_cost)),
        ("mean_duration", subtest.mean_duration),
        ("cop", subtest.cop),
    ];
    fields.extend(spread(["mean_score", "median_score", "std_score"], subtest.score));
    fields.extend(spread(["mean_impl_rate", "median_impl_rate", "std_impl_rate"], subtest.impl_rate));
    fields.extend(spread(["mean_r_prog", "median_r_prog", "std_r_prog"], subtest.process[0]));
    fields.extend(spread(["mean_cfp", "median_cfp", "std_cfp"], subtest.process[1]));
    let reverted = ["mean_pr_revert_rate", "median_pr_revert_rate", "std_pr_revert_rate"];
    fields.extend(spread(reverted, subtest.process[2]));
    let drift = ["mean_strategic_drift", "median_strategic_drift", "std_strategic_drift"];
    fields.extend(spread(drift, subtest.process[3]));
    let grades = ["grade_S", "grade_A", "grade_B", "grade_C", "grade_D", "grade_F"];
    fields.extend(grades.into_iter().zip(subtest.grades.map(count)));
    fields
}

/// A line of a table of plain cells, by its columns.
fn cells(header: &str, line: &str) -> Map<String, Value> {
    let cell = |cell: &str| match cell.parse::<f64>() {
        Ok(number) if cell.bytes().all(|byte| byte != b'_') => json!(number),
        _ => json!(cell),
    };
    header.split(',').map(str::to_owned).zip(line.split(',').map(cell)).collect()
}

#[test]
fn every_published_table_is_found_again() {
    let Some(folder) = shared("data/projectscylla-haiku") else { return };
    let analysis = analysis(&folder);
    let mut differences = Differences::default();
    let summary = published(&folder, "summary.json");
    for tier in &analysis.tiers {
        let fields = summary["by_tier"][&tier.tier].as_object().unwrap();
        compare(&mut differences, "summary.json by_tier", fields, &tier_fields(tier));
    }
    let text = fs::read_to_string(folder.join("subtests.csv")).unwrap();
    let (header, lines) = text.trim_end().split_once('\n').unwrap();
    let rows: BTreeMap<String, Map<String, Value>> = lines
        .lines()
        .map(|line| {
            (line.splitn(5, ',').take(4).collect::<Vec<_>>().join(","), cells(header.trim_end(), line.trim_end()))
        })
        .collect();
    assert_eq!((rows.len(), analysis.subtests.len()), (360, 360));
    for subtest in &analysis.subtests {
        let SubtestSummary { experiment, agent_model, tier, subtest: id, modal_grade, .. } = subtest;
        let fields = &rows[&format!("{experiment},{agent_model},{tier},{id}")];
        compare(&mut differences, "subtests.csv", fields, &subtest_fields(subtest));
        assert_eq!(fields["modal_grade"], json!(modal_grade), "{tier}/{id}");
    }
    differences.hold("differences to published tables", "table");
    for (name, ours) in [
        ("tab01_tier_summary.md", tab01(analysis)),
        ("tab08_summary_statistics.md", tab08(analysis)),
        ("tab11_experiment_overview.md", tab11(analysis)),
    ] {
        let published = fs::read_to_string(folder.join("tables").join(name)).unwrap();
        let rows: Vec<&str> = published.lines().filter(|line| line.starts_with('|')).skip(2).collect();
        assert_eq!(ours, rows, "{name}");
    }
}

fn three(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.3}"))
}

fn tab01(analysis: &Analysis) -> Vec<String> {
    let row = |tier: &TierSummary| {
        let rate = tier.pass_rate.unwrap();
        let ends = rate.interval.unwrap();
        let (rate, spread) = (three(Some(rate.value)), tier.score);
        format!(
            "| {} | {} | {} | {rate} ({:.3}, {:.3}) | {} ± {} | {} | {} | {:.2} |",
            tier.model,
            tier.tier,
            tier.subtests,
            ends.low,
            ends.high,
            three(spread.mean),
            three(spread.sd),
            three(spread.median),
            three(tier.consistency),
            tier.cop.unwrap(),
        )
    };
    analysis.tiers.iter().map(row).collect()
}

fn tab08(analysis: &Analysis) -> Vec<String> {
    let mut rows = Vec::new();
    for metric in &analysis.metrics {
        let name = match metric.metric {
            Metric::Score => "Score",
            Metric::CostUsd => "Cost (USD)",
            Metric::DurationSeconds => "Duration (s)",
            _ => "Total Tokens",
        };
        let spread = metric.spread;
        let numbers = [spread.mean, spread.median, metric.min, metric.max, metric.q1, metric.q3, spread.sd];
        let numbers: Vec<String> = numbers.iter().map(|number| format!("{:.4}", number.unwrap())).collect();
        let shape = [metric.skew, metric.excess_kurtosis].map(three);
        rows.push(format!(
            "| {} | {name} | {} | {} | {} |",
            metric.model,
            metric.n,
            numbers.join(" | "),
            shape.join(" | ")
        ));
    }
    rows
}

fn tab11(analysis: &Analysis) -> Vec<String> {
    let row = |experiment: &scylla::stats::analysis::ExperimentSummary| {
        let best = experiment.best_tier.as_deref().unwrap();
        let [rate, mean, cop] = [experiment.pass_rate, experiment.mean_cost, experiment.cop].map(Option::unwrap);
        let (name, n, total) = (&experiment.experiment, experiment.n, experiment.total_cost.known.dollars());
        format!("| {name} | {n} | {rate:.3} | {best} | {mean:.2} | {total:.2} | {cop:.2} |")
    };
    analysis.experiments.iter().map(row).collect()
}

#[test]
fn judges_and_items_are_summed_up_as_published() {
    let Some(folder) = shared("data/projectscylla-haiku") else { return };
    let analysis = analysis(&folder);
    let panel = &analysis.judges[0];
    let means: Vec<String> =
        panel.agreement.scores.iter().map(|spread| format!("{:.4}", spread.mean.unwrap())).collect();
    assert_eq!((panel.judges.len(), &panel.agreement.scored[..]), (3, &[1055, 1075, 1080][..]));
    assert_eq!(means, ["0.8437", "0.8906", "0.6851"]);
    assert_eq!((panel.agreement.pairs.len(), panel.agreement.hanging.runs), (3, 1080));
    let item = |name: &str| analysis.criteria.iter().find(|item| item.criterion == name).unwrap();
    let shown = |name: &str| format!("{} ± {}", three(item(name).score.mean), three(item(name).score.sd));
    assert_eq!((shown("functional"), item("functional").n), ("0.891 ± 0.239".to_owned(), 1580));
    assert_eq!([shown("code_quality"), shown("overall_quality")], ["0.980 ± 0.100", "0.926 ± 0.099"]);
}
