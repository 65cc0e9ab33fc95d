//! What can be wrong with later gradings.

use std::fs;

use scylla::model::finding::FindingKind;

use super::ROW;
use crate::fixture::TestFixture;
use crate::verify::table::{Case, From, Row, Step, Way};

/// Makes an experiment of two runs, and grades it again by a check that all fail.
fn graded(case: &mut Case, more: &[&str]) {
    let task = TestFixture::new().agent("T0/00-one", "touch done");
    let fixture = task.write(&case.world);
    case.world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    case.dir = case.world.experiment();
    task.check("false").write(&case.world);
    let dir = case.dir.to_str().unwrap();
    case.world.scylla(&[&["regrade", dir, "--from", &fixture], more].concat());
}

/// Changes the reason that the grading's record gives.
fn reword(case: &Case, from: &str, to: &str) {
    let path = case.at("config/gradings/02/grading.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&format!("{from} was wrong"), &format!("{to} was wrong"))).unwrap();
    // It carries the digest of what it says.
    crate::verify::folder::edit(&path, |_| {});
}

const RESULT: &str = "T0/00/run_02/gradings/02/result.json";

pub(super) fn rows() -> Vec<Row> {
    const BROKEN: Row = Row {
        kind: FindingKind::BrokenGrading,
        from: From::Nothing,
        places: &["T0/00/run_02/gradings/02"],
        beside: &[
            (FindingKind::IncompleteGrading, "config/gradings/02"),
            (FindingKind::WrongStatus, "T0/00/run_01"),
            (FindingKind::WrongStatus, "T0/00/run_02"),
        ],
        ways: &[Way(&[Step::Printed(0), Step::Types("resume", 0)], 0)],
        ..ROW
    };
    vec![
        Row {
            made: "torn",
            make: |case| {
                graded(case, &[]);
                let whole = fs::read(case.at(RESULT)).unwrap();
                fs::write(case.at(RESULT), &whole[..whole.len() / 2]).unwrap();
            },
            ..BROKEN
        },
        Row {
            made: "evidence that was altered",
            make: |case| {
                graded(case, &[]);
                fs::write(case.at("T0/00/run_02/gradings/02/checks/done.log"), "altered").unwrap();
            },
            ..BROKEN
        },
    ]
    .into_iter()
    .chain(lost())
    .chain(changed())
    .collect()
}

/// Moves a place of the experiment to a backup beside it, or back.
fn moved(case: &Case, place: &str, is_lost: bool) {
    let (at, backup) = (case.at(place), case.world.path("lost"));
    let (from, to) = if is_lost { (at, backup) } else { (backup, at) };
    fs::rename(from, to).unwrap();
}

fn lost() -> Vec<Row> {
    const RECORD: &str = "config/gradings/02/grading.json";
    const OF_RUN: &str = "T0/00/run_02/gradings";
    vec![
        Row {
            kind: FindingKind::LostGrading,
            made: "its record is gone, and the verdicts are there",
            from: From::Nothing,
            make: |case| {
                graded(case, &[]);
                moved(case, RECORD, true);
            },
            places: &[RECORD],
            ways: &[Way(&[Step::Types("repair", 5), Step::Does(|case| moved(case, RECORD, false))], 0)],
            ..ROW
        },
        Row {
            kind: FindingKind::BrokenGrading,
            made: "a run's verdict is gone",
            from: From::Nothing,
            make: |case| {
                graded(case, &[]);
                moved(case, OF_RUN, true);
            },
            places: &["T0/00/run_02/gradings/02"],
            beside: &[
                (FindingKind::IncompleteGrading, "config/gradings/02"),
                (FindingKind::WrongStatus, "T0/00/run_01"),
                (FindingKind::WrongStatus, "T0/00/run_02"),
            ],
            ways: &[
                Way(&[Step::Printed(0), Step::Types("resume", 0)], 0),
                Way(&[Step::Does(|case| moved(case, OF_RUN, false))], 0),
            ],
            ..ROW
        },
    ]
}

fn changed() -> Vec<Row> {
    vec![
        Row {
            kind: FindingKind::ConfigChanged,
            made: "the record of a grading, under which results were made",
            from: From::Nothing,
            make: |case| {
                graded(case, &["--reason", "the check was wrong"]);
                reword(case, "the check", "nothing");
            },
            places: &["config/gradings/02/grading.json"],
            ways: &[Way(
                &[Step::Does(|case| {
                    reword(case, "nothing", "the check");
                })],
                0,
            )],
            ..ROW
        },
        Row {
            kind: FindingKind::ConfigChanged,
            made: "the fixture of a grading",
            from: From::Nothing,
            make: |case| {
                graded(case, &[]);
                fs::write(case.at("config/gradings/02/fixture/prompt.md"), "Do nothing.\n").unwrap();
            },
            places: &["config/gradings/02/fixture"],
            ..ROW
        },
        Row {
            kind: FindingKind::IncompleteGrading,
            made: "of some runs only",
            from: From::Nothing,
            make: |case| graded(case, &["--run", "T0/00/1"]),
            places: &["config/gradings/02"],
            exit: 6,
            ways: &[Way(&[Step::Printed(0)], 0)],
            ..ROW
        },
    ]
}
