//! The reports of `verify` in every format, and the policies of the gate.

use std::fs;

use quick_junit::{Report, TestCaseStatus};
use serde_json::{Value, json};

use super::folder::{copy, edit, json, remove};
use super::originals::{Copied, finished, interrupted};
use crate::world::{Output, steady};

/// An experiment with findings of every level.
fn damaged() -> Copied {
    let experiment = interrupted();
    fs::write(experiment.at("T0/00/run_01/agent/stdout.log"), "forged").unwrap();
    fs::write(experiment.at("T0/01/run_02/run_result.json"), "{\"version\": \"4.0\",").unwrap();
    fs::write(experiment.at("notes <&>\".txt"), "").unwrap();
    fs::write(experiment.at(".tmp-x81"), "").unwrap();
    copy(&experiment.at("T0/00/run_02"), &experiment.at("T0/00/run_2"));
    edit(&experiment.at("checkpoint.json"), |checkpoint| {
        checkpoint["status"] = json!("running");
        checkpoint["pid"] = json!(4711);
        checkpoint["host"] = json!("here");
        checkpoint["completed_runs"]["T0"]["00"].as_object_mut().unwrap().shift_remove("2").unwrap();
        checkpoint["completed_runs"]["T1"]["00"] = json!({"2": "passed"});
    });
    experiment
}

fn verify(experiment: &Copied, more: &[&str]) -> Output {
    let words: Vec<&str> = ["verify", "results/experiment"].into_iter().chain(more.iter().copied()).collect();
    experiment.world.scylla(&words)
}

#[track_caller]
fn snapshot(name: &str, experiment: &Copied, text: &str) {
    let text = regex::Regex::new(r#"time="[0-9.]+""#).unwrap().replace_all(text, "time=\"[SECONDS]\"").into_owned();
    let text = steady(&text, &experiment.world);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/verify"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, text); });
}

#[test]
fn the_screen_of_a_damaged_experiment_names_findings_cures_and_the_verdict() {
    let experiment = damaged();
    snapshot("human", &experiment, &verify(&experiment, &[]).exits(5).stdout);
}

#[test]
fn the_json_of_a_damaged_experiment_is_one_document() {
    let experiment = damaged();
    let output = verify(&experiment, &["--format", "json"]).exits(5);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let total: u64 = report["kinds"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(usize::try_from(total).unwrap(), report["findings"].as_array().unwrap().len());
    assert_eq!((&report["verdict"], &report["planned"]), (&json!("damaged"), &json!(8)));
    let same = verify(&experiment, &["--message-format", "json"]).exits(5);
    assert_eq!(same.stdout, output.stdout);
    snapshot("json", &experiment, &output.stdout);
}

#[test]
fn the_junit_of_a_damaged_experiment_is_xml_with_a_case_for_each_planned_run() {
    let experiment = damaged();
    let output = verify(&experiment, &["--format", "junit"]).exits(5);
    let report = Report::deserialize_from_str(&output.stdout).unwrap();
    let cases: Vec<_> = report.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    let failed = cases.iter().filter(|case| matches!(case.status, TestCaseStatus::NonSuccess { .. })).count();
    assert!(cases.len() >= 8 && failed >= 2, "{} cases, {failed} failed\n{output}", cases.len());
    assert_eq!((report.tests, report.failures + report.errors), (cases.len(), failed), "{output}");
    snapshot("junit", &experiment, &output.stdout);
}

#[test]
fn the_annotations_of_a_damaged_experiment_are_one_line_each() {
    let experiment = damaged();
    let output = verify(&experiment, &["--format", "github"]).exits(5);
    let findings = json_report(&experiment)["findings"].as_array().unwrap().len();
    let annotations = output.stdout.lines().filter(|line| line.starts_with("::")).count();
    assert_eq!(annotations, findings + 1, "each finding and the verdict: {output}");
    snapshot("github", &experiment, &output.stdout);
}

#[test]
fn the_sarif_of_a_damaged_experiment_has_a_result_for_each_finding() {
    let experiment = damaged();
    let output = verify(&experiment, &["--format", "sarif"]).exits(5);
    let sarif: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), json_report(&experiment)["findings"].as_array().unwrap().len());
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{result}");
    }
    // The rules are the list of kinds, which is a snapshot of its own.
    let mut shown = sarif.clone();
    shown["runs"][0]["tool"]["driver"]["rules"] = json!("[RULES]");
    snapshot("sarif", &experiment, &format!("{shown:#}"));
}

fn json_report(experiment: &Copied) -> Value {
    serde_json::from_str(&verify(experiment, &["--format", "json"]).stdout).unwrap()
}

#[test]
fn an_experiment_in_order_is_told_in_two_lines_and_quiet_says_nothing() {
    let experiment = finished();
    let isolation = "Not isolated: files outside of the tree, the home folder, temporary folders, the network and resources of the machine.";
    assert_eq!(verify(&experiment, &[]).exits(0).stdout, format!("{isolation}\n8 of 8 planned runs agree.\n"));
    let quiet = verify(&experiment, &["--quiet"]).exits(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    fs::write(experiment.at(".tmp-x"), "").unwrap();
    assert!(verify(&experiment, &["--quiet"]).exits(4).stdout.contains("leftover-temporary"));
}

#[test]
fn a_quick_verify_looks_at_results_and_says_that_evidence_was_not_checked() {
    let experiment = finished();
    fs::write(experiment.at("T0/00/run_01/agent/stdout.log"), "forged").unwrap();
    let quick = verify(&experiment, &["--quick"]).exits(0);
    assert!(quick.stdout.contains("not held against its seals"), "{quick}");
    verify(&experiment, &[]).exits(5);
    remove(&experiment.at("T0/00/run_01/run_result.json"));
    verify(&experiment, &["--quick"]).exits(5);
}

#[test]
fn the_gate_fails_with_its_own_code_when_a_policy_is_not_met() {
    let experiment = finished();
    for met in [
        &["--max-missing", "0"][..],
        &["--min-runs", "2"],
        &["--deny-warnings"],
        &["--max-missing", "0", "--min-runs", "1"],
    ] {
        verify(&experiment, met).exits(0);
    }
    let unmet = verify(&experiment, &["--min-runs", "3"]).exits(7);
    for subtest in ["T0/00", "T0/01", "T1/00", "T1/01"] {
        assert!(unmet.stdout.contains(&format!("{subtest} has 2 results")), "{unmet}");
    }
    fs::write(experiment.at("notes"), "").unwrap();
    verify(&experiment, &[]).exits(0);
    snapshot("policy", &experiment, &verify(&experiment, &["--deny-warnings", "--min-runs", "3"]).exits(7).stdout);
}

#[test]
fn missing_runs_that_a_policy_allows_are_no_failure() {
    let experiment = interrupted();
    verify(&experiment, &[]).exits(6);
    verify(&experiment, &["--max-missing", "4"]).exits(0);
    verify(&experiment, &["--max-missing", "4", "--min-runs", "1"]).exits(7);
    let told = verify(&experiment, &["--max-missing", "3", "--format", "json"]).exits(7);
    let report: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(report["policy_not_met"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(report["kinds"], json!({"missing-run": 4}), "{told}");
}

#[test]
fn a_policy_does_not_hide_what_is_worse() {
    let experiment = interrupted();
    fs::write(experiment.at(".tmp-x"), "").unwrap();
    for policy in [["--max-missing", "3"], ["--max-missing", "4"]] {
        verify(&experiment, &policy).exits(4);
    }
    fs::write(experiment.at("T0/00/run_01/agent/stdout.log"), "forged").unwrap();
    for policy in [["--max-missing", "3"], ["--max-missing", "4"]] {
        verify(&experiment, &policy).exits(5);
    }
}

#[test]
fn what_is_no_experiment_is_a_mistake_of_usage_and_not_a_finding() {
    let experiment = finished();
    let world = &experiment.world;
    world.write("file", "");
    for wrong in ["absent", "results", "file", "home"] {
        for command in ["verify", "repair", "resume", "status"] {
            let refused = world.scylla(&[command, wrong]).exits(2);
            assert!(refused.stderr.contains(wrong), "{refused}");
        }
    }
    assert_eq!(json(&experiment.at("checkpoint.json"))["status"], "completed");
}
