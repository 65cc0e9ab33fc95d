//! What can be wrong with an experiment of ProjectScylla's runner beyond what can be wrong with ours.

use std::fs;

use scylla::model::finding::FindingKind;
use serde_json::json;

use super::{PRINTED, ROW};
use crate::verify::folder::{copy, edit, remove};
use crate::verify::table::{Case, From, Row, Step, Way};

const CHECKPOINT: &str = "checkpoint.json";
const RUN: &str = "completed/T0/00/run_01";
const OF_ORIGINAL: Row = Row { from: From::OfOriginal, places: &[CHECKPOINT], ..ROW };
const RESTORED: &[Way] = &[Way(&[Step::Types("repair", 0), Step::Restores(CHECKPOINT)], 0)];

/// Changes a key of the checkpoint.
fn set(case: &Case, keys: &[&str], value: serde_json::Value) {
    edit(&case.at(CHECKPOINT), |checkpoint| {
        *keys.iter().fold(checkpoint, |below, key| &mut below[*key]) = value;
    });
}

fn write(case: &Case, place: &str, value: &serde_json::Value) {
    fs::write(case.at(place), value.to_string()).unwrap();
}

pub(super) fn rows() -> Vec<Row> {
    [formats(), states(), copies(), reports()].into_iter().flatten().collect()
}

const CONFIG: &str = "config/experiment.json";

fn formats() -> Vec<Row> {
    const STRANGE: Row = Row {
        kind: FindingKind::UnknownFormat,
        exit: 5,
        ways: &[Way(&[Step::Types("repair", 5), Step::Restores(CHECKPOINT)], 0)],
        ..OF_ORIGINAL
    };
    vec![
        Row { made: "a version between two others", make: |case| set(case, &["version"], json!("3.7")), ..STRANGE },
        Row {
            made: "a state of a run that nobody knows",
            make: |case| set(case, &["run_states", "T0", "00", "1"], json!("dreaming")),
            ..STRANGE
        },
        Row {
            kind: FindingKind::ConfigHashUnexplained,
            made: "another limit of time than the checkpoint's hash was taken of",
            make: |case| edit(&case.at(CONFIG), |config| config["timeout_seconds"] = json!(301)),
            places: &[CONFIG],
            exit: 0,
            ways: &[Way(&[Step::Types("repair", 0), Step::Restores(CONFIG)], 0)],
            ..OF_ORIGINAL
        },
        Row {
            kind: FindingKind::UnknownEntry,
            made: "a tier that is none",
            make: |case| set(case, &["completed_runs", "weird"], json!({"00": {"1": "passed"}})),
            exit: 0,
            ways: RESTORED,
            ..OF_ORIGINAL
        },
    ]
}

fn states() -> Vec<Row> {
    const STALE: Row = Row { kind: FindingKind::StatusContradicted, exit: 4, ways: PRINTED, ..OF_ORIGINAL };
    vec![
        Row {
            made: "a committed run that is to be made, says its state",
            make: |case| set(case, &["run_states", "T0", "00", "1"], json!("pending")),
            ..STALE
        },
        Row {
            made: "a subtest that failed, says its state",
            make: |case| set(case, &["subtest_states", "T0", "00"], json!("failed")),
            ..STALE
        },
        Row {
            made: "a tier that was not begun, says its state",
            make: |case| set(case, &["tier_states", "T0"], json!("pending")),
            ..STALE
        },
        Row {
            kind: FindingKind::DuplicateRun,
            made: "a run that was promoted by a copy, and the copy was not ended",
            make: |case| {
                copy(&case.at(RUN), &case.at("in_progress/T0/00/run_01"));
                remove(&case.at("in_progress/T0/00/run_01/run_result.json"));
            },
            places: &["in_progress/T0/00/run_01"],
            exit: 5,
            ways: PRINTED,
            ..OF_ORIGINAL
        },
    ]
}

fn copies() -> Vec<Row> {
    vec![
        Row {
            kind: FindingKind::MovedExperiment,
            made: "a checkpoint that names the folder in which it was made",
            make: |case| set(case, &["experiment_dir"], json!("/home/someone/fullruns/2026-01-20T06-50-26-test-001")),
            exit: 0,
            ways: RESTORED,
            ..OF_ORIGINAL
        },
        Row {
            kind: FindingKind::MissingEvidence,
            made: "a copy without the logs of commands",
            make: |case| remove(&case.at(RUN).join("agent/command_log.json")),
            places: &[RUN],
            exit: 0,
            ways: &[Way(
                &[Step::Types("repair", 0), Step::Restores("completed/T0/00/run_01/agent/command_log.json")],
                0,
            )],
            ..OF_ORIGINAL
        },
    ]
}

fn reports() -> Vec<Row> {
    const STALE: Row = Row {
        kind: FindingKind::StaleReport,
        exit: 0,
        ways: &[Way(
            &[Step::Types("verify --deny-warnings", 7), Step::Types("repair", 0), Step::Removes("report.json")],
            0,
        )],
        ..OF_ORIGINAL
    };
    vec![
        Row {
            made: "zeroes, as after a resume that had forgotten the results",
            make: |case| write(case, "report.json", &json!({"summary": {"total_tiers": 2, "total_cost": 0.0}})),
            places: &["report.json"],
            ..STALE
        },
        Row {
            made: "a report that a crash cut",
            make: |case| fs::write(case.at("report.json"), "{\"summary\": {\"tot").unwrap(),
            places: &["report.json"],
            ..STALE
        },
        Row {
            made: "the results of a tier without one of its runs",
            make: |case| {
                let totals = json!({"subtest_results": {"00": {"runs": [{"run_number": 1}]}, "01": {"runs": []}}});
                write(case, "completed/T0/result.json", &totals);
            },
            places: &["completed/T0/result.json"],
            ways: &[Way(&[Step::Removes("completed/T0/result.json")], 0)],
            ..STALE
        },
    ]
}
