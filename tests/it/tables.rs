//! The report of tables of results, beside what was published of them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::shared::shared;
use crate::world::World;

/// A report of tables as JSON, with its exit code.
fn report(world: &World, runs: &str, more: &[&str], code: i32) -> Value {
    let arguments = [&["report", "--from-csv", runs, "--format", "json"], more].concat();
    serde_json::from_str(&world.scylla(&arguments).exits(code).stdout).unwrap()
}

/// The table as it once was: 170 runs of one experiment without any judgment, counted as failed with a score of 0.
fn stale(table: &str) -> String {
    let mut left = [("test-001,claude-haiku-4-5,T3,", 80), ("test-001,claude-haiku-4-5,T4,", 42)].to_vec();
    left.extend([("test-001,claude-haiku-4-5,T5,", 45), ("test-001,claude-haiku-4-5,T6,", 3)]);
    let mut lines = Vec::new();
    for line in table.lines() {
        match left.iter_mut().find(|(start, count)| line.starts_with(start) && *count > 0) {
            Some((_, count)) => {
                *count -= 1;
                let mut cells: Vec<&str> = line.split(',').collect();
                cells[5] = "0.0";
                cells[7] = "False";
                cells[8] = "F";
                lines.push(cells.join(","));
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

fn interaction(report: &Value) -> &Value {
    let tests = report["analysis"]["experiment_interaction_tests"].as_array().unwrap();
    tests.iter().find(|test| test["metric"] == "score" && test["effect"] == "interaction").unwrap()
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_headline_from_a_stale_table_is_contradicted_by_the_final_one() {
    let Some(folder) = shared("data/projectscylla-haiku") else { return };
    let world = World::new();
    let (runs, published) = (at(&folder, "runs.csv"), at(&folder, "statistical_results.json"));
    let (judges, criteria) = (at(&folder, "judges.csv"), at(&folder, "criteria.csv"));

    // Beside its own results: every field is found again but for known mistakes, and the headline is named as stale.
    let more = ["--published", &published, "--judges", &judges, "--criteria", &criteria];
    let arguments = [&["report", "--from-csv", &runs, "--format", "json,md,csv,terminal", "--out", "out"][..], &more];
    world.scylla(&arguments.concat()).exits(0);
    let text = fs::read_to_string(world.path("out/tables.json")).unwrap();
    assert!(!text.contains(": NaN"));
    let sound: Value = serde_json::from_str(&text).unwrap();
    let beside = &sound["published"];
    assert_eq!((&beside["differing"], &beside["known_mistakes"]), (&json!(0), &json!(82)), "{beside:#}");
    let said = beside["contradictions"][0].as_str().unwrap();
    for words in ["Stale and contradicted", "p < 0.001", "not significant", "p = 0.215", "170 runs"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let shown = fs::read_to_string(world.path("out/tables.txt")).unwrap();
    assert!(shown.contains("Stale and contradicted") && shown.contains("p = 0.215"), "{shown}");
    assert!(shown.contains("Krippendorff") && shown.contains("Kruskal–Wallis"), "{shown}");
    let stamp: Value = serde_json::from_slice(&fs::read(world.path("out/stamp.json")).unwrap()).unwrap();
    let inputs = stamp["files"]["tables.md"]["inputs"].as_object().unwrap();
    let names: Vec<&String> = inputs.keys().collect();
    assert_eq!(names, ["criteria.csv", "judges.csv", "runs.csv", "statistical_results.json"], "{stamp:#}");

    // The very story: results of the stale table beside the final one.
    world.write("stale.csv", &stale(&fs::read_to_string(&runs).unwrap()));
    let former = report(&world, "stale.csv", &[], 0);
    assert!(interaction(&former)["p_value"].as_f64().unwrap() < 0.001, "{:#}", interaction(&former));
    world.write("stale.json", &former.to_string());
    let beside = report(&world, &runs, &["--published", "stale.json"], 7)["published"].clone();
    let said: Vec<&str> = beside["contradictions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let headline = said.iter().find(|said| said.contains("`experiment_interaction_tests` of interaction, score "));
    let headline = headline.unwrap_or_else(|| panic!("{said:#?}"));
    assert!(
        headline.contains("significant (p < 0.001), and is not significant on these tables (p = 0.215)"),
        "{headline}"
    );
}

#[test]
fn tables_are_reported_in_every_form_and_mistakes_are_named() {
    let world = World::new();
    let row = |tier: &str, run: usize, passed: bool| {
        let score = if passed { 0.9 } else { 0.2 };
        let passed = if passed { "True" } else { "False" };
        format!("e,m,{tier},00,{run},{score},{passed},A,0.{run}\n")
    };
    let titles = "experiment,agent_model,tier,subtest,run_number,score,passed,grade,cost_usd\n";
    let rows: String = (1..=8).map(|run| row("T0", run, run > 5) + &row("T1", run, run > 1)).collect();
    world.write("runs.csv", &format!("{titles}{rows}"));
    let shown = world.scylla(&["report", "--from-csv", "runs.csv"]).exits(0);
    for line in [
        "16 runs of 1 experiment: 10 of 16 passed.",
        "T1 (7 of 8 = 88 %",
        "Pass rates differ between tiers: p = 0.046.",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {shown}");
    }
    assert!(
        world.scylla(&["report", "--from-csv", "runs.csv", "--format", "latex"]).exits(0).stdout.contains("toprule")
    );
    let nowhere = world.scylla(&["report", "--from-csv", "runs.csv", "--format", "csv"]).exits(2);
    assert!(nowhere.stderr.contains("--out DIR"), "{nowhere}");
    world.scylla(&["report", "--from-csv", "runs.csv", "--format", "csv", "--out", "out"]).exits(0);
    let tiers = fs::read_to_string(world.path("out/tiers.csv")).unwrap();
    assert!(tiers.starts_with("model,tier,subtests,n,passed,pass_rate_value,pass_rate_interval_low,"), "{tiers}");

    world.scylla(&["report", "--judges", "runs.csv"]).exits(2);
    world.scylla(&["report", "somewhere", "--from-csv", "runs.csv"]).exits(2);
    let absent = world.scylla(&["report", "--from-csv", "none.csv"]).exits(2);
    assert!(absent.stderr.contains("none.csv is not there"), "{absent}");
    world.write("wrong.csv", &format!("{titles}e,m,T0,00,1,2.5,True,A,1\n"));
    let wrong = world.scylla(&["report", "--from-csv", "wrong.csv"]).exits(2);
    assert!(wrong.stderr.contains("wrong.csv:2: column `score`"), "{wrong}");
    world.write("published.json", "{");
    let broken = world.scylla(&["report", "--from-csv", "runs.csv", "--published", "published.json"]).exits(2);
    assert!(broken.stderr.contains("published.json: line 1"), "{broken}");
}
