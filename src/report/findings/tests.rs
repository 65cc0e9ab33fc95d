use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus};
use serde_json::{Value, json};

use super::samples::{hostile, missing, mixed, planned, verification};
use super::*;
use crate::model::samples::{FOLDER, run, snapshot};
use crate::text::styles::Styles;

/// The text of a report in this format.
fn written(name: &str, verification: &Verification, styles: Styles) -> String {
    let runs = planned();
    let mut text = Vec::new();
    let verification = Verification { runs: &runs, ..*verification };
    (format_of(name).unwrap().write)(&[verification], styles, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn plain(name: &str, verification: &Verification) -> String {
    written(name, verification, Styles::plain())
}

fn every_format(verification: &Verification) -> [String; 5] {
    ["human", "json", "junit", "github", "sarif"].map(|name| plain(name, verification))
}

#[test]
fn findings_are_shown_in_every_format() {
    let findings = mixed();
    let policy = ["2 planned runs are missing, and `--max-missing 0` allows none".to_owned()];
    let verification = Verification { policy: &policy, ..verification(&findings) };
    for (format, text) in FORMATS.iter().map(|format| format.name).zip(every_format(&verification)) {
        snapshot("findings", format, &text);
    }
}

#[test]
fn a_folder_without_findings_agrees() {
    let [human, json, junit, github, _] = every_format(&verification(&[]));
    snapshot("findings", "human_ok", &human);
    assert!(json.contains("\"verdict\": \"ok\""));
    assert!(junit.contains("tests=\"6\" failures=\"0\" errors=\"0\" skipped=\"2\""));
    assert_eq!(github, "::notice title=cargo scylla verify::6 of 6 planned runs agree.\n");
}

#[test]
fn the_order_of_findings_changes_no_byte() {
    let findings = mixed();
    let reversed: Vec<Finding> = findings.iter().rev().cloned().collect();
    assert_eq!(every_format(&verification(&findings)), every_format(&verification(&reversed)));
}

#[test]
fn hostile_text_is_harmless_in_every_format() {
    let findings = hostile();
    for (format, text) in FORMATS.iter().map(|format| format.name).zip(every_format(&verification(&findings))) {
        assert!(!text.chars().any(|char| char != '\n' && char.is_control()), "{format}");
        assert!(!text.contains('\u{202e}'), "{format}");
        snapshot("findings", &format!("{format}_hostile"), &text);
    }
    let github = plain("github", &verification(&findings));
    assert!(
        github.lines().all(|line| line.starts_with("::warning file=") || line.starts_with("::notice ")),
        "{github}"
    );
    assert!(!github.contains("##"));
    assert!(!plain("junit", &verification(&findings)).contains("]]>"));
}

#[test]
fn many_findings_of_a_kind_are_summed_up_and_all_are_in_the_json() {
    let findings = missing(23);
    let [human, json, _, github, sarif] = every_format(&verification(&findings));
    snapshot("findings", "human_many", &human);
    snapshot("findings", "github_many", &github);
    assert_eq!(json.matches("\"kind\": \"missing-run\"").count(), 23);
    assert_eq!(sarif.matches("\"ruleId\": \"missing-run\"").count(), 23);
}

#[test]
fn a_live_experiment_is_named_as_such() {
    let holder = Holder { pid: 4711, host: "build-3".into(), since: "2026-11-23T12:00:00Z".into() };
    let findings = [samples::finding(FindingKind::LiveExperiment, "experiment.lock", None, "a coordinator holds it")];
    let live = Verification { live: Some(&holder), examined: Examined::Counts, agreeing: 2, ..verification(&findings) };
    assert_eq!(live.verdict(), Conclusion::Live);
    snapshot("findings", "human_live", &plain("human", &live));
}

#[test]
fn the_worst_finding_gives_the_verdict() {
    use FindingKind::{BrokenSeal, ForeignFile, LiveExperiment, MissingRun, StaleRunning};
    let with = |kinds: &[FindingKind]| {
        let findings: Vec<Finding> = kinds.iter().map(|kind| samples::finding(*kind, "x", None, "y")).collect();
        verification(&findings).verdict()
    };
    assert_eq!(with(&[]), Conclusion::Ok);
    assert_eq!(with(&[ForeignFile, LiveExperiment]), Conclusion::Ok);
    assert_eq!(with(&[MissingRun, ForeignFile]), Conclusion::Incomplete);
    assert_eq!(with(&[MissingRun, StaleRunning]), Conclusion::Mendable);
    assert_eq!(with(&[BrokenSeal, StaleRunning, MissingRun]), Conclusion::Damaged);
}

#[test]
fn every_kind_of_finding_has_a_cure_in_words_or_as_a_command() {
    let runs = [run("T0/00/1"), run("T0/00/2")];
    let lines: Vec<String> = FindingKind::ALL
        .iter()
        .map(|kind| {
            let command = cure_command(kind.cure(), runs, "my results").unwrap_or_else(|| "–".to_owned());
            format!("{:<22} {:<10} {}\n{:34}{command}", kind, level_name(kind.level()), cure_sentence(kind.cure()), "")
        })
        .collect();
    snapshot("findings", "cures", &lines.join("\n"));
}

/// The test cases of a report as a reader of such reports sees them, with the report itself.
fn read_back(findings: &[Finding]) -> (Report, Vec<TestCase>) {
    let report = Report::deserialize_from_str(&plain("junit", &verification(findings))).unwrap();
    let cases = report.test_suites.iter().flat_map(|suite| suite.test_cases.clone()).collect();
    (report, cases)
}

#[test]
fn junit_counts_what_it_lists() {
    for findings in [mixed(), hostile(), missing(3), Vec::new()] {
        let (report, cases) = read_back(&findings);
        let (mut failures, mut errors, mut skipped) = (0, 0, 0);
        for case in &cases {
            match &case.status {
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => failures += 1,
                TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => errors += 1,
                TestCaseStatus::Skipped { .. } => skipped += 1,
                TestCaseStatus::Success { .. } => {}
            }
        }
        let listed = (cases.len(), failures, errors, skipped);
        assert_eq!((report.tests, report.failures, report.errors, report.skipped), listed);
        let [suite] = &report.test_suites[..] else { panic!("{} suites", report.test_suites.len()) };
        assert_eq!((suite.tests, suite.failures, suite.errors, suite.skipped), listed);
    }
}

#[test]
fn every_finding_is_in_a_test_case_when_its_report_is_read_back() {
    let mut findings = mixed();
    // Several findings about one run; the worst of them determines the result.
    for kind in [FindingKind::OutsidePlan, FindingKind::UnrecordedResult, FindingKind::ForeignFile] {
        findings.push(samples::finding(kind, "T0/00/run_01", Some("T0/00/1"), &format!("{kind} & more <than> one")));
    }
    let (_, cases) = read_back(&findings);
    let texts: Vec<String> = cases.iter().map(|case| format!("{case:?}")).collect();
    for finding in &findings {
        let (kind, message) = (finding.kind.name(), format!("{:?}", finding.message));
        let message = message.trim_matches('"');
        assert!(texts.iter().any(|text| text.contains(kind) && text.contains(message)), "{finding:?}\n{texts:#?}");
    }
    let passed = cases.iter().flat_map(|case| &case.properties).filter(|property| property.name.as_str() == "passed");
    assert_eq!(passed.count(), planned().iter().filter(|planned| planned.facts.is_some()).count());
}

/// Validates a document against the schema of SARIF 2.1.0; gives what is wrong with it.
fn against_the_standard(document: &Value) -> Result<(), String> {
    let schema: Value = serde_json::from_str(include_str!("../../../tests/fixtures/sarif-schema-2.1.0.json")).unwrap();
    let place = schema["$id"].as_str().unwrap().to_owned();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource(&place, schema).unwrap();
    let schema = compiler.compile(&place, &mut schemas).unwrap();
    schemas.validate(document, schema).map_err(|error| error.to_string())
}

#[test]
fn sarif_is_as_its_standard_says_whatever_the_findings_say() {
    let every_kind: Vec<Finding> =
        FindingKind::ALL.iter().map(|kind| samples::finding(*kind, "a b/%/ü", Some("T0/00/1"), "")).collect();
    let policy = ["2 planned runs are missing".to_owned(), String::new()];
    for findings in [mixed(), hostile(), missing(3), every_kind, Vec::new()] {
        let text = plain("sarif", &Verification { policy: &policy, ..verification(&findings) });
        let written: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(against_the_standard(&written), Ok(()), "{text}");
    }
}

#[test]
fn a_document_that_is_no_sarif_is_refused_by_the_standard() {
    let findings = mixed();
    let written: Value = serde_json::from_str(&plain("sarif", &verification(&findings))).unwrap();
    let at = "/runs/0/results/0";
    for (key, wrong) in [
        ("message", json!({})),
        ("level", json!("fatal")),
        ("ruleIndex", json!("4")),
        ("folder", json!("x")),
        ("locations", json!([{"physicalLocation": {"artifactLocation": {"uri": "a b"}}}])),
    ] {
        let mut altered = written.clone();
        altered.pointer_mut(at).unwrap()[key] = wrong;
        let refused = against_the_standard(&altered).unwrap_err();
        assert!(refused.contains(at), "{key}: {refused}");
    }
}

#[test]
fn the_schema_has_every_key() {
    let findings = mixed();
    let written: Value = serde_json::from_str(&plain("json", &verification(&findings))).unwrap();
    let schema = json::verification_schema();
    for key in written.as_object().unwrap().keys() {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
    snapshot("findings", "schema", &crate::text::page::pretty(&schema));
}

#[test]
fn a_rule_of_sarif_stands_at_the_index_that_results_name() {
    let findings = mixed();
    let policy = ["x".to_owned()];
    let text = plain("sarif", &Verification { policy: &policy, ..verification(&findings) });
    let written: Value = serde_json::from_str(&text).unwrap();
    let run = &written["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
}

#[test]
fn colors_change_no_letter() {
    let findings = mixed();
    let colored = written("human", &verification(&findings), Styles::colored());
    let plain = plain("human", &verification(&findings));
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
    assert!(colored.contains(FOLDER));
}
