//! Findings for the tests of these formats.

use super::*;

/// Results that do not say how agents were isolated.
static NONE: Isolated = Isolated::new();
use crate::model::samples::{FOLDER, run, usd};

pub(super) fn finding(kind: FindingKind, place: &str, run: Option<&str>, message: &str) -> Finding {
    Finding { kind, place: place.to_owned(), run: run.map(crate::model::samples::run), message: message.to_owned() }
}

/// Findings of every level, unsorted.
pub(super) fn mixed() -> Vec<Finding> {
    use FindingKind::{
        BrokenSeal, ForeignFile, MissingRun, OutsidePlan, StaleRunning, UnreadableResult, UnrecordedResult,
    };
    vec![
        finding(MissingRun, "T1/00/run_03", Some("T1/00/3"), "it was not started"),
        finding(StaleRunning, "checkpoint.json", None, "process 4711 on build-3 is gone"),
        finding(BrokenSeal, "T0/00/run_01/changes.patch", Some("T0/00/1"), "its digest differs from the seal's"),
        finding(UnrecordedResult, "T0/00/run_02", Some("T0/00/2"), "the result says passed"),
        finding(ForeignFile, "T0/notes.txt", None, "it is not part of an experiment"),
        finding(BrokenSeal, "T0/01/run_02/judge/judge_01/response.txt", Some("T0/01/2"), "it is gone"),
        finding(OutsidePlan, "T0/00/run_12", Some("T0/00/12"), "the plan has runs 1 to 2"),
        finding(UnreadableResult, "T0/01/run_01/run_result.json", Some("T0/01/1"), "it ends after 12 bytes"),
    ]
}

/// As many missing runs as asked for.
pub(super) fn missing(count: u32) -> Vec<Finding> {
    (1..=count)
        .map(|number| {
            let name = format!("T3/00/{number}");
            let run = run(&name);
            finding(FindingKind::MissingRun, &run.to_string(), Some(&name), "it was not started")
        })
        .collect()
}

/// Names that a hostile agent could give its files, and texts that could be in a message.
pub(super) fn hostile() -> Vec<Finding> {
    vec![finding(
        FindingKind::ForeignFile,
        "T0/a,b::c\u{1b}]52;c;ZXZpbA==\u{7}\n::stop-commands::x",
        None,
        "]]></failure><x/>\u{0}\r\n##[add-mask]\u{9b}2J ::error::\u{202e}",
    )]
}

pub(super) fn planned() -> Vec<PlannedRun> {
    let facts = |passed, score| ResultFacts {
        passed: Some(passed),
        score: Some(score),
        votes: 1,
        cost: usd(0.2134).into(),
        failed_judges: crate::model::usage::Total::ZERO,
        seconds: 185.0,
        config: Some(0),
    };
    let of = |name, facts| PlannedRun { run: run(name), facts };
    vec![
        of("T0/00/1", Some(facts(true, 0.92))),
        of("T0/00/2", Some(facts(true, 1.0))),
        of("T0/01/1", None),
        of("T0/01/2", Some(facts(false, 0.25))),
        of("T1/00/1", Some(facts(true, 0.8))),
        of("T1/00/3", None),
    ]
}

pub(super) fn verification(findings: &[Finding]) -> Verification<'_> {
    Verification {
        tool_version: "0.1.0",
        experiment_id: Some("fix-the-crate"),
        folder: FOLDER,
        planned: 6,
        runs: &[],
        plan_is_open: false,
        agreeing: 6_usize.saturating_sub(findings.iter().filter(|finding| finding.run.is_some()).count()),
        findings,
        live: None,
        examined: Examined::Recompute,
        isolated: &NONE,
        policy: &[],
    }
}
