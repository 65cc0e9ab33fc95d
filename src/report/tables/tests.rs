//! The forms of the report of tables, and what was published beside them.

use serde_json::{Value, json};

use super::*;
use crate::model::published::PublishedRow;
use crate::model::samples::snapshot;
use crate::model::table::{CriterionRow, JudgeRow, TableRun};
use crate::stats::{bootstrap, power};

/// The snapshot of each file that has one.
const SNAPSHOTS: [(&str, &str); 5] = [
    ("tables.txt", "terminal"),
    ("tables.md", "markdown"),
    ("tables.tex", "latex"),
    ("tiers.csv", "tiers"),
    ("agreement.csv", "agreement"),
];

/// A name in which every form would find something to obey.
const HOSTILE: &str = "=x|<b>$%_`\u{1b}[2J@you";

fn settings() -> Settings {
    Settings {
        bootstrap: bootstrap::Settings { samples: 200, ..bootstrap::Settings::default() },
        power: power::Settings { simulations: 50, ..power::Settings::default() },
        ..Settings::default()
    }
}

fn runs() -> Vec<TableRun> {
    let run = |number: u32| {
        let (tier, passed) = (["T0", "T1", "T2"][number as usize % 3], !number.is_multiple_of(4) || number % 3 == 2);
        let row = json!({
            "experiment": if number < 18 { "one" } else { HOSTILE }, "agent_model": "m", "tier": tier, "subtest": "00",
            "run_number": number, "score": f64::from(number % 7) / 7.0, "passed": passed, "grade": "A", "r_prog": 0.0,
            "cost_usd": f64::from(number) / 100.0, "duration_seconds": f64::from(number % 11),
        });
        serde_json::from_value(row).unwrap()
    };
    (1..=36).map(run).collect()
}

fn said() -> (Vec<JudgeRow>, Vec<CriterionRow>) {
    let judgment = |number: u32, judge: u32| {
        json!({
            "experiment": "one", "agent_model": "m", "tier": "T0", "subtest": "00", "run_number": number,
            "judge_model": if judge == 1 { "strict" } else { HOSTILE }, "judge_number": judge,
            "judge_score": f64::from(number + judge) / 20.0, "judge_passed": number + judge > 6, "judge_reasoning": "",
            "criterion": if judge == 1 { "works" } else { "reads" }, "criterion_score": 0.5, "criterion_achieved": 1.0, "criterion_max": 2.0,
        })
    };
    let all: Vec<Value> = (1..9).flat_map(|number| [judgment(number, 1), judgment(number, 2)]).collect();
    let judges = all.iter().map(|row| serde_json::from_value(row.clone()).unwrap()).collect();
    (judges, all.into_iter().map(|row| serde_json::from_value(row).unwrap()).collect())
}

fn report(known: Option<Known<'_>>) -> TablesReport {
    let (runs, (judges, criteria)) = (runs(), said());
    let rows = Rows { runs: &runs, judges: &judges, criteria: &criteria };
    let input = Input { holds: Holds::Runs, name: "runs.csv".to_owned(), digest: Digest::of(b"runs") };
    let notes = vec![format!("runs.csv has no column {HOSTILE}: it is not known.")];
    TablesReport::of(&rows, &settings(), vec![input], notes, known, "cargo-scylla 0.0.0")
}

fn array(report: &TablesReport, name: &str) -> Vec<PublishedRow> {
    let analysis = serde_json::to_value(&report.analysis).unwrap();
    analysis[name].as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect()
}

#[test]
fn every_form_says_it_and_obeys_nobody() {
    let report = report(None);
    for form in FORMS {
        for file in (form.files)(&report, Styles::plain()) {
            assert!(!file.text.contains('\u{1b}') && !file.text.contains("NaN"), "{}", file.name);
            if let Some((_, name)) = SNAPSHOTS.iter().find(|(of, _)| *of == file.name) {
                snapshot("tables", name, &file.text);
            }
        }
    }
    let json = (json::FORM.files)(&report, Styles::plain()).remove(0).text;
    let mut compiler = boon::Compiler::new();
    let mut schemas = boon::Schemas::new();
    compiler.add_resource("tables.json", tables_schema()).unwrap();
    let schema = compiler.compile("tables.json", &mut schemas).unwrap();
    let document: Value = serde_json::from_str(&json).unwrap();
    schemas.validate(&document, schema).unwrap();
}

#[test]
fn what_was_published_otherwise_is_named_with_both_values_and_known_mistakes_are_told_apart() {
    let ours = report(None);
    let mut tests = array(&ours, "experiment_interaction_tests");
    let mut shapes = array(&ours, "normality_tests");
    let same = Published { arrays: vec![("normality_tests".to_owned(), shapes.clone())] };
    let shape = shapes.iter_mut().find(|row| row["metric"] == "r_prog").unwrap();
    shape.insert("w_statistic".to_owned(), json!(1.0));
    tests[2].insert("p_value".to_owned(), json!(1e-12));
    tests[2].insert("is_significant".to_owned(), json!(true));
    tests[0]["h_statistic"] = json!(tests[0]["h_statistic"].as_f64().unwrap() + 1e-8);
    tests.pop();
    let published = Published {
        arrays: vec![
            ("experiment_interaction_tests".to_owned(), tests),
            ("normality_tests".to_owned(), shapes),
            ("others".to_owned(), Vec::new()),
        ],
    };
    let mistakes = [KnownMistake {
        array: "normality_tests",
        field: "w_statistic",
        published: json!(1.0),
        ours: Value::Null,
        reason: "nothing has a shape",
    }];
    let claims = [Claim {
        array: "experiment_interaction_tests",
        row: &[("metric", "score"), ("effect", "interaction")],
        p_below: 0.001,
        says: "the headline",
        origin: "It was made from a stale table.",
    }];
    let found = |published, claims| report(Some(Known { published, mistakes: &mistakes, claims })).published.unwrap();
    let beside = found(&published, &claims);
    let fields: Vec<(&str, bool)> =
        beside.differences.iter().map(|found| (found.field.as_str(), found.known_mistake.is_some())).collect();
    let expected = [
        ("p_value", true),
        ("h_statistic", false),
        ("p_value", false),
        ("is_significant", false),
        ("row", false),
        ("w_statistic", true),
    ];
    assert_eq!(fields, expected, "{beside:#?}");
    assert_eq!((beside.differing, beside.known_mistakes, &beside.not_compared[..]), (4, 2, &["others".to_owned()][..]));
    assert_eq!(beside.contradictions.len(), 2, "{beside:#?}");
    assert!(beside.contradictions[0].starts_with("Stale and contradicted: the headline was published with p < 0.001"));
    assert!(beside.contradictions[1].contains("significant (p < 0.001), and is not significant on these tables (p = "));
    let none = found(&same, &[]);
    assert_eq!((none.differing, none.known_mistakes, none.contradictions.len()), (0, 0, 0), "{none:#?}");
}

#[test]
fn a_report_held_against_itself_differs_nowhere() {
    let analysis = serde_json::to_value(report(None).analysis).unwrap();
    let names: Vec<String> = analysis.as_object().unwrap().keys().cloned().collect();
    let arrays = names.iter().map(|name| (name.clone(), array(&report(None), name))).collect();
    let published = Published { arrays };
    let beside = report(Some(Known { published: &published, mistakes: &[], claims: &[] })).published.unwrap();
    assert!(beside.differences.is_empty() && beside.not_compared.is_empty(), "{beside:#?}");
}
