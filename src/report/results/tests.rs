//! The forms of a report, side by side, of experiments of which everything is known, and of ones of which nothing is.

use super::stamp::Stamp;
use super::*;
use crate::model::details::samples::details;
use crate::model::digest::Digest;
use crate::model::reported::ReportedRun;
use crate::model::row::RowStatus;
use crate::model::row::samples::{missing, passed};
use crate::model::samples::{snapshot, usd};
use crate::model::score::Grade;
use crate::stats::bootstrap;
use crate::stats::summaries::Settings;

/// The snapshot of each file.
const SNAPSHOTS: [(&str, &str); 8] = [
    ("report.txt", "terminal"),
    ("report.md", "markdown"),
    ("report.json", "json"),
    ("report.tex", "latex"),
    ("runs.csv", "runs"),
    ("judges.csv", "judges"),
    ("criteria.csv", "criteria"),
    ("subtests.csv", "subtests"),
];

/// A name in which every form would find something to obey.
const HOSTILE: &str = "=x|<b>$%_`\u{1b}[2J@you [a](http://b)";

fn judged(id: &str, has_passed: bool, dollars: f64) -> ReportedRun {
    let mut row = passed(id);
    row.status = RowStatus::judged(has_passed);
    row.score = Some(if has_passed { 0.9 } else { 0.25 });
    row.grade = Some(if has_passed { Grade::A } else { Grade::F });
    row.cost = Some(usd(dollars).into());
    row.spent = usd(dollars * 1.5).into();
    ReportedRun { row, details: Some(details(id, has_passed)), digest: Some(Digest::of(id.as_bytes())) }
}

fn experiment() -> Reported {
    let mut runs: Vec<ReportedRun> = Vec::new();
    for (subtest, name, passes, dollars) in
        [("T0/00", "plain", 2, 0.10), ("T0/01", HOSTILE, 0, 0.05), ("T1/00", "with skills", 5, 0.30)]
    {
        for number in 1..=5 {
            let mut run = judged(&format!("{subtest}/{number}"), number <= passes, dollars);
            run.row.name = Some(name.to_owned());
            runs.push(run);
        }
    }
    let row = missing("T1/00/6", RowStatus::Errored, Some("auth: no key"));
    runs.push(ReportedRun { row, details: None, digest: None });
    Reported {
        name: "2026-11-23T12-00-00-fix".to_owned(),
        experiment_id: Some("fix".to_owned()),
        config: None,
        fixture: None,
        seal: Some(Digest::of(b"seal")),
        runs,
    }
}

fn nothing() -> Reported {
    let row = missing("T0/00/1", RowStatus::NotStarted, None);
    let runs = vec![ReportedRun { row, details: None, digest: None }];
    Reported { name: "begun".to_owned(), experiment_id: None, config: None, fixture: None, seal: None, runs }
}

fn report(experiments: &[Reported]) -> Report {
    let bootstrap = Some(bootstrap::Settings { samples: 200, ..bootstrap::Settings::default() });
    Report::of(experiments, &[], "cargo-scylla 0.1.0", &Settings { bootstrap, ..Settings::default() })
}

#[test]
fn a_report_says_the_same_in_every_form_and_obeys_no_text_of_others() {
    let experiments = [experiment(), nothing()];
    let report = report(&experiments);
    let material = Material { report: &report, experiments: &experiments };
    for form in FORMS {
        for file in (form.files)(&material, Styles::plain()) {
            let (_, name) = SNAPSHOTS.iter().find(|(of, _)| *of == file.name).unwrap();
            assert!(!file.text.contains('\u{1b}'), "{name}");
            snapshot("report", name, &file.text);
        }
    }
}

#[test]
fn one_setup_and_a_tie_and_no_pass_at_all_have_sentences_of_their_own() {
    let sentences = |setups: &[(&str, u32)], runs: u32| {
        let mut experiment = nothing();
        experiment.runs.clear();
        for (subtest, passes) in setups {
            experiment.runs.extend((1..=runs).map(|run| judged(&format!("{subtest}/{run}"), run <= *passes, 0.1)));
        }
        let report = report(&[experiment]);
        let answers = report.experiments[0].answers.iter().map(|answer| answer.sentence.clone());
        answers.collect::<Vec<_>>().join("\n")
    };
    let all = [
        ("one setup", sentences(&[("T0/00", 3)], 4)),
        ("a tie", sentences(&[("T0/00", 4), ("T0/01", 4), ("T0/02", 1)], 4)),
        ("five that tie", sentences(&[("T0/00", 4), ("T0/01", 4), ("T0/02", 4), ("T0/03", 4), ("T0/04", 4)], 4)),
        ("no pass", sentences(&[("T0/00", 0), ("T0/01", 0)], 4)),
        ("a clear winner", sentences(&[("T0/00", 38), ("T0/01", 2)], 40)),
        ("tiers that rise and fall", sentences(&[("T0/00", 10), ("T1/00", 30), ("T2/00", 30), ("T3/00", 29)], 40)),
        ("nothing", {
            let report = report(&[nothing()]);
            report.experiments[0].answers.iter().map(|answer| answer.sentence.clone()).collect::<Vec<_>>().join("\n")
        }),
    ];
    let text: Vec<String> = all.iter().map(|(title, said)| format!("{title}:\n{said}\n")).collect();
    snapshot("report", "sentences", &text.join("\n"));
}

#[test]
fn equal_results_give_equal_bytes_and_others_another_digest() {
    let (first, again) = (report(&[experiment()]), report(&[experiment()]));
    assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&again).unwrap());
    let mut altered = experiment();
    altered.runs[0].digest = Some(Digest::of(b"another result"));
    assert_ne!(first.results_digest, report(&[altered]).results_digest);
    let mut grown = experiment();
    grown.runs.push(ReportedRun { row: missing("T1/00/7", RowStatus::NotStarted, None), details: None, digest: None });
    assert_ne!(first.results_digest, report(&[grown]).results_digest, "a run that is planned belongs to it");
    let mut moved = experiment();
    moved.name = "elsewhere".to_owned();
    assert_eq!(first.results_digest, report(&[moved]).results_digest, "the place does not");
}

#[test]
fn a_stamp_is_read_as_it_was_written() {
    let mut stamp = Stamp::default();
    let file = File { name: "report.md", text: "text".to_owned() };
    stamp.add(&file, "md", &report(&[experiment()]));
    assert_eq!(Stamp::read(stamp.text().as_bytes()), Some(stamp.clone()));
    assert_eq!(stamp.files["report.md"].digest, Digest::of(b"text"));
    assert_eq!(Stamp::read(b"{}"), None);
}
