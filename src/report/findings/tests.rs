use super::samples::{hostile, missing, mixed, planned, verification};
use super::*;
use crate::model::samples::{FOLDER, run, snapshot};
use crate::text::styles::Styles;

fn junit_text(verification: &Verification) -> String {
    let mut out = Vec::new();
    junit::junit(verification, &planned(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn every_format(verification: &Verification) -> [String; 5] {
    [
        human::human(verification, Styles::plain()),
        json::json(verification),
        junit_text(verification),
        github::github(verification),
        sarif::sarif(verification),
    ]
}

const FORMATS: [&str; 5] = ["human", "json", "junit", "github", "sarif"];

#[test]
fn findings_are_shown_in_every_format() {
    let findings = mixed();
    let policy = ["2 planned runs are missing, and `--max-missing 0` allows none".to_owned()];
    let verification = Verification { policy: &policy, ..verification(&findings) };
    for (format, text) in FORMATS.iter().zip(every_format(&verification)) {
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
    for (format, text) in FORMATS.iter().zip(every_format(&verification(&findings))) {
        assert!(!text.chars().any(|char| char != '\n' && char.is_control()), "{format}");
        assert!(!text.contains('\u{202e}'), "{format}");
        snapshot("findings", &format!("{format}_hostile"), &text);
    }
    let github = github::github(&verification(&findings));
    assert!(
        github.lines().all(|line| line.starts_with("::warning file=") || line.starts_with("::notice ")),
        "{github}"
    );
    assert!(!github.contains("##"));
    assert!(!junit_text(&verification(&findings)).contains("]]>"));
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
    let live = Verification { live: Some(&holder), evidence_checked: false, agreeing: 2, ..verification(&findings) };
    assert_eq!(live.verdict(), Verdict::Live);
    snapshot("findings", "human_live", &human::human(&live, Styles::plain()));
}

#[test]
fn the_worst_finding_gives_the_verdict() {
    use FindingKind::{BrokenSeal, ForeignFile, LiveExperiment, MissingRun, StaleRunning};
    let with = |kinds: &[FindingKind]| {
        let findings: Vec<Finding> = kinds.iter().map(|kind| samples::finding(*kind, "x", None, "y")).collect();
        verification(&findings).verdict()
    };
    assert_eq!(with(&[]), Verdict::Ok);
    assert_eq!(with(&[ForeignFile, LiveExperiment]), Verdict::Ok);
    assert_eq!(with(&[MissingRun, ForeignFile]), Verdict::Incomplete);
    assert_eq!(with(&[MissingRun, StaleRunning]), Verdict::Mendable);
    assert_eq!(with(&[BrokenSeal, StaleRunning, MissingRun]), Verdict::Damaged);
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

#[test]
fn xml_is_well_formed_whatever_the_findings_say() {
    for findings in [mixed(), hostile(), missing(3)] {
        let text = junit_text(&verification(&findings));
        let mut open = Vec::new();
        for tag in text.split('<').skip(2) {
            let (tag, _) = tag.split_once('>').unwrap();
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

#[test]
fn junit_counts_what_it_lists() {
    for findings in [mixed(), hostile(), missing(3), Vec::new()] {
        let text = junit_text(&verification(&findings));
        let head = format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
            text.matches("<testcase ").count(),
            text.matches("<failure ").count(),
            text.matches("<error ").count(),
            text.matches("<skipped ").count(),
        );
        assert_eq!(text.matches(&head).count(), 2, "{head}");
    }
}

#[test]
fn the_schema_has_every_key() {
    let findings = mixed();
    let written: serde_json::Value = serde_json::from_str(&json::json(&verification(&findings))).unwrap();
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
    let text = sarif::sarif(&Verification { policy: &policy, ..verification(&findings) });
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    let run = &written["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
}

#[test]
fn colors_change_no_letter() {
    let findings = mixed();
    let colored = human::human(&verification(&findings), Styles::colored());
    let plain = human::human(&verification(&findings), Styles::plain());
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
    assert!(colored.contains(FOLDER));
}
