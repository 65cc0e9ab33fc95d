//! The forms of a report, side by side, of experiments of which everything is known, and of ones of which nothing is.

use super::stamp::Stamp;
use super::*;
use crate::model::details::samples::details;
use crate::model::digest::Digest;
use crate::model::reported::{Clip, ReportedRun, ReportedSteps, RunTexts, WholeRun};
use crate::model::row::RowStatus;
use crate::model::row::samples::{missing, passed};
use crate::model::samples::{snapshot, usd};
use crate::model::score::Grade;
use crate::model::steps::StepKind;
use crate::stats::summaries::Settings;
use crate::text::columns::columns;

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

pub(super) fn judged(id: &str, has_passed: bool, dollars: f64) -> ReportedRun {
    let mut row = passed(id);
    row.status = RowStatus::judged(has_passed);
    row.score = Some(if has_passed { 0.9 } else { 0.25 });
    row.grade = Some(if has_passed { Grade::A } else { Grade::F });
    row.cost = Some(usd(dollars).into());
    row.spent = usd(dollars * 1.5).into();
    ReportedRun {
        row,
        details: Some(Box::new(details(id, has_passed))),
        digest: Some(Digest::of(id.as_bytes())),
        whole: None,
    }
}

pub(super) fn experiment() -> Reported {
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
    runs.push(ReportedRun { row, details: None, digest: None, whole: None });
    Reported {
        name: "2026-11-23T12-00-00-fix".to_owned(),
        experiment_id: Some("fix".to_owned()),
        config: None,
        fixture: None,
        seal: Some(Digest::of(b"seal")),
        judge_check: None,
        runs,
    }
}

pub(super) fn nothing() -> Reported {
    let row = missing("T0/00/1", RowStatus::NotStarted, None);
    let runs = vec![ReportedRun { row, details: None, digest: None, whole: None }];
    Reported {
        name: "begun".to_owned(),
        experiment_id: None,
        config: None,
        fixture: None,
        seal: None,
        judge_check: None,
        runs,
    }
}

pub(super) fn report(experiments: &[Reported]) -> Report {
    Report::of(experiments, &[], "cargo-scylla 0.1.0", &Settings::default())
}

#[test]
fn a_report_says_the_same_in_every_form_and_obeys_no_text_of_others() {
    let experiments = [experiment(), nothing()];
    let report = report(&experiments);
    let material = Material { report: &report, experiments: &experiments, room: None };
    // The page is too large for a snapshot: see below. Logs of Inspect have tests of their own.
    for form in FORMS.iter().filter(|form| !["html", "inspect"].contains(&form.name)) {
        for file in (form.files)(&material, Styles::plain()) {
            let (_, name) = SNAPSHOTS.iter().find(|(of, _)| *of == file.name).unwrap();
            assert!(!file.text.contains('\u{1b}'), "{name}");
            snapshot("report", name, &file.text);
        }
    }
}

#[test]
fn on_a_narrow_terminal_no_line_is_broken_by_it_and_what_tells_least_is_left_out() {
    let experiments = [experiment()];
    let report = report(&experiments);
    for (room, name) in [(80, "terminal_80"), (60, "terminal_60")] {
        let material = Material { report: &report, experiments: &experiments, room: Some(room) };
        let text = (form_of("terminal").unwrap().files)(&material, Styles::plain()).remove(0).text;
        // A digest is never cut: it is longer than such a terminal is wide.
        let long: Vec<&str> =
            text.lines().filter(|line| columns(line) > room && !line.starts_with("results ")).collect();
        assert!(long.is_empty(), "{long:#?}");
        snapshot("report", name, &text);
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
    grown.runs.push(ReportedRun {
        row: missing("T1/00/7", RowStatus::NotStarted, None),
        details: None,
        digest: None,
        whole: None,
    });
    assert_ne!(first.results_digest, report(&[grown]).results_digest, "a run that is planned belongs to it");
    let mut moved = experiment();
    moved.name = "elsewhere".to_owned();
    assert_eq!(first.results_digest, report(&[moved]).results_digest, "the place does not");
}

/// Texts that would be obeyed in a page, each as it must stand nowhere in it.
pub(super) const IN_A_PAGE: [&str; 6] =
    ["</script><script>alert(1)", "<img src=x onerror=alert(2)>", "<!--<script>", "\u{1b}[2J", "\u{2028}", "\u{202e}"];

fn page_of(experiments: &[Reported]) -> String {
    let report = report(experiments);
    let material = Material { report: &report, experiments, room: None };
    (form_of("html").unwrap().files)(&material, Styles::plain()).remove(0).text
}

/// Every text that another one than us writes is hostile.
pub(super) fn hostile(size: usize) -> Reported {
    let hostile = IN_A_PAGE.join(" ");
    let mut experiment = experiment();
    experiment.name = format!("2026 {hostile}");
    for run in &mut experiment.runs {
        run.row.name = Some(hostile.clone());
        run.row.reason = Some(hostile.clone());
        let clip = |text: String| Some(Clip { text, left_out: 7, is_withheld: false });
        let texts = RunTexts {
            prompt: clip(hostile.clone()),
            steps: Some(ReportedSteps {
                first: vec![
                    (StepKind::ToolCall { name: hostile.clone() }, clip(hostile.clone()).unwrap()),
                    (StepKind::ToolOutput { is_error: true }, clip(hostile.clone()).unwrap()),
                ],
                more: 3,
            }),
            patch: clip(format!("{hostile}{}", "+".repeat(size))),
            output: clip(hostile.clone()),
        };
        let Some(details) = &mut run.details else { continue };
        for judge in &mut details.judges {
            judge.model.clone_from(&hostile);
            judge.reasoning.clone_from(&hostile);
        }
        for item in &mut details.items {
            item.id.clone_from(&hostile);
            item.scores.iter_mut().for_each(|said| said.explanation.clone_from(&hostile));
        }
        details.not_captured_names = vec![hostile.clone()];
        run.whole =
            Some(Box::new(WholeRun { details: (**details).clone(), exchanges: Vec::new(), texts: Some(texts) }));
    }
    experiment
}

#[test]
fn no_text_of_others_is_markup_in_the_page_and_equal_results_give_the_same_bytes() {
    let page = page_of(&[hostile(1)]);
    for text in IN_A_PAGE {
        assert!(!page.contains(text), "{text:?}");
    }
    assert!(page.contains(r"\u003c/script>\u003cscript>alert(1)"), "it is there all the same");
    // Each script is ours, and is ended by us.
    let count = |words: &str| page.matches(words).count();
    assert_eq!(count("<script"), count("</script>"));
    assert_eq!(count("<script"), count("<script type=\"application/json\" id=\"") + 1);
    for blocks in page.split("<script type=\"application/json\"").skip(1) {
        let json = blocks.split_once('>').unwrap().1.split_once("</script>").unwrap().0;
        serde_json::from_str::<serde_json::Value>(json).unwrap();
    }
    assert!(page == page_of(&[hostile(1)]));
}

#[test]
fn the_page_says_from_what_it_was_made_and_forbids_every_request() {
    // The name of a setup has an address, which is no link.
    let page = page_of(&[experiment()]).replace("[a](http://b)", "");
    let report = report(&[experiment()]);
    let digest = report.results_digest.to_string();
    assert_eq!(page.matches(&digest).count(), 2, "in the page and in its head");
    assert!(page.matches(&report.experiments[0].seal.unwrap().to_string()).count() == 2);
    assert!(page.contains("content=\"cargo-scylla 0.1.0\""));
    let script = page.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let hash = format!("script-src 'sha256-{}'", Digest::of(script.as_bytes()).base64());
    assert!(page.contains(&hash) && page.contains("default-src 'none'"), "{hash}");
    for asking in ["http://", "https://", "innerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!page.contains(asking), "{asking}");
    }
}

#[test]
fn a_page_that_would_be_too_large_leaves_texts_of_passed_runs_out_first() {
    let (experiments, room) = ([hostile(4_000)], 100_000);
    let report = report(&experiments);
    let page = html::text(&Material { report: &report, experiments: &experiments, room: None }, room);
    let block = |run: usize| {
        let (_, rest) = page.split_once(&format!("id=\"run-{run}\">"))?;
        let text = rest.split_once("</script>").unwrap().0;
        Some((text.len(), serde_json::from_str::<serde_json::Value>(text).unwrap()["is_cut"] == true))
    };
    let blocks: Vec<Option<(usize, bool)>> = (0..15).map(block).collect();
    assert!(blocks.iter().flatten().map(|(size, _)| size).sum::<usize>() <= room, "{blocks:?}");
    let whole: Vec<usize> = (0..15).filter(|run| blocks[*run].is_some_and(|(_, is_cut)| !is_cut)).collect();
    // The first setup passed twice of five runs, the second one never, the third one always.
    assert!(whole.contains(&2) && whole.contains(&9) && !whole.contains(&14), "{blocks:?}");
}

#[test]
fn a_run_whose_folder_was_not_read_is_told_from_its_result() {
    let experiments = [experiment()];
    let report = report(&experiments);
    let page = html::text(&Material { report: &report, experiments: &experiments, room: None }, 100_000);
    let (_, rest) = page.split_once("id=\"run-0\">").unwrap();
    let block: serde_json::Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    assert_eq!((&block["is_cut"], &block["patch"]), (&true.into(), &serde_json::Value::Null));
    assert!(block["judges"].as_array().is_some_and(|judges| !judges.is_empty()), "{block}");
    // A run without a verdict has no result that would tell of it.
    assert!(!page.contains(&format!("id=\"run-{}\"", experiments[0].runs.len() - 1)));
}

#[test]
fn a_stamp_is_read_as_it_was_written() {
    let mut stamp = Stamp::default();
    let file = File { name: "report.md".into(), text: "text".to_owned() };
    stamp.add(&[file], "md", &stamp::Source::of(&report(&[experiment()])));
    assert_eq!(Stamp::read(stamp.text().as_bytes()), Some(stamp.clone()));
    assert_eq!(stamp.files["report.md"].digest, Digest::of(b"text"));
    assert_eq!(Stamp::read(b"{}"), None);
}
