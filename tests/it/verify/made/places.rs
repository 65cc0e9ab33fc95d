//! What can lie in an experiment that does not belong there, or cannot be looked at.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use scylla::model::finding::FindingKind;

use super::{PRINTED, ROW};
use crate::verify::folder::{copy, fifo, remove};
use crate::verify::table::{Case, From, Row, Step, Way};

const RUN: &str = "T0/00/run_01";
const UNSTARTED: &str = "T1/00/run_02";

pub(super) fn rows() -> Vec<Row> {
    [left_over(), foreign(), unknown()].into_iter().flatten().collect()
}

fn left_over() -> Vec<Row> {
    const TEMPORARY: Row = Row { kind: FindingKind::LeftoverTemporary, exit: 4, ways: PRINTED, ..ROW };
    const PLACES: &[&str] = &[
        ".tmp-1",
        "T0/.tmp-2",
        "T0/00/.tmp-3",
        "T0/00/run_01/.tmp-4",
        "T0/00/run_01/agent/.tmp-5",
        "T0/00/run_01/judge/judge_01/.tmp-6",
        "T1/00/.failed/.tmp-7",
        "config/.tmp-8",
    ];
    vec![
        Row {
            made: "at every level",
            make: |case| PLACES.iter().for_each(|place| fs::write(case.at(place), "half").unwrap()),
            places: PLACES,
            ..TEMPORARY
        },
        Row {
            made: "beside the index, where runs are missing",
            from: From::Interrupted,
            make: |case| fs::write(case.at(".tmp-1"), "half").unwrap(),
            places: &[".tmp-1"],
            ways: &[
                Way(&[Step::Printed(0)], 6),
                Way(&[Step::Types("resume", 0)], 0),
                Way(&[Step::Removes(".tmp-1")], 6),
            ],
            ..TEMPORARY
        },
        Row {
            kind: FindingKind::StrayWorkspace,
            made: "a workspace that was not removed after the commit",
            make: |case| {
                fs::create_dir(case.at("T0/00/run_01/workspace")).unwrap();
                fs::write(case.at("T0/00/run_01/workspace/run_result.json"), "{}").unwrap();
            },
            places: &["T0/00/run_01/workspace"],
            exit: 4,
            ways: &[Way(&[Step::Printed(0)], 0), Way(&[Step::Removes("T0/00/run_01/workspace")], 0)],
            ..ROW
        },
    ]
}

/// What is no file in the place of the lock.
const NO_LOCK: Row = Row {
    kind: FindingKind::UnknownPlace,
    made: "a FIFO in the place of the lock",
    make: |case| {
        remove(&case.at("experiment.lock"));
        fifo(&case.at("experiment.lock"));
    },
    places: &["experiment.lock"],
    beside: &[(FindingKind::ForeignFile, "experiment.lock")],
    exit: 5,
    ways: &[Way(&[Step::Removes("experiment.lock")], 0)],
    ..ROW
};

fn foreign() -> Vec<Row> {
    const KIND: Row = Row { kind: FindingKind::ForeignFile, exit: 0, ..ROW };
    const NOTES: &[&str] = &["T0/00/notes", "T0/00/run_01/notes", "T0/notes", "config/notes", "notes"];
    fn of_no_text(case: &Case) -> std::path::PathBuf {
        case.at(RUN).join(OsStr::from_bytes(b"a\xffb"))
    }
    vec![
        Row {
            made: "notes at every level; they stay, and are no error",
            make: |case| NOTES.iter().for_each(|place| fs::write(case.at(place), "mine").unwrap()),
            places: NOTES,
            ways: &[Way(
                &[
                    Step::Types("verify --deny-warnings", 7),
                    Step::Types("repair", 0),
                    Step::Types("resume", 0),
                    Step::Does(|case| NOTES.iter().for_each(|place| remove(&case.at(place)))),
                ],
                0,
            )],
            ..KIND
        },
        Row {
            made: "results that were planted where none belong",
            make: |case| {
                let result = case.at("T0/00/run_01/run_result.json");
                for place in ["run_result.json", "T0/run_result.json", "T0/00/run_result.json"] {
                    copy(&result, &case.at(place));
                }
                for place in ["backup", "T00", "T0/0", "T0/00/elsewhere", "T0/00/run_9"] {
                    copy(&case.at(RUN), &case.at(place));
                }
                symlink("T0", case.at("T5")).unwrap();
                symlink("00", case.at("T0/05")).unwrap();
                symlink("run_01", case.at("T0/00/run_05")).unwrap();
            },
            places: &[
                "T0/0",
                "T0/00/elsewhere",
                "T0/00/run_05",
                "T0/00/run_9",
                "T0/00/run_result.json",
                "T0/05",
                "T0/run_result.json",
                "T00",
                "T5",
                "backup",
                "run_result.json",
            ],
            ..KIND
        },
        Row {
            made: "a name that is no text",
            make: |case| fs::write(of_no_text(case), "").unwrap(),
            places: &["T0/00/run_01/a\u{fffd}b"],
            ways: &[Way(&[Step::Does(|case| remove(&of_no_text(case)))], 0)],
            ..KIND
        },
        NO_LOCK,
    ]
}

fn unknown() -> Vec<Row> {
    const KIND: Row = Row { kind: FindingKind::UnknownPlace, ..ROW };
    vec![
        Row {
            made: "a link to itself on the way to the agent's result",
            from: From::Interrupted,
            make: |case| {
                fs::create_dir(case.at(UNSTARTED)).unwrap();
                symlink("agent", case.at(UNSTARTED).join("agent")).unwrap();
            },
            places: &["T1/00/run_02/agent/result.json"],
            no_longer_missing: &[UNSTARTED],
            ways: &[Way(&[Step::Types("resume", 5), Step::Types("repair", 5), Step::Removes(UNSTARTED)], 6)],
            ..KIND
        },
        Row {
            made: "a file where the agent's folder belongs",
            from: From::Interrupted,
            make: |case| {
                fs::create_dir(case.at(UNSTARTED)).unwrap();
                fs::write(case.at(UNSTARTED).join("agent"), "").unwrap();
            },
            places: &["T1/00/run_02/agent/result.json"],
            no_longer_missing: &[UNSTARTED],
            ways: &[Way(&[Step::Types("resume", 5), Step::Removes(UNSTARTED)], 6)],
            ..KIND
        },
        Row {
            made: "a file where the folder of judges belongs",
            from: From::Interrupted,
            make: |case| {
                remove(&case.at("T1/01/run_01/judge"));
                fs::write(case.at("T1/01/run_01/judge"), "").unwrap();
            },
            places: &["T1/01/run_01/judge"],
            no_longer_missing: &["T1/01/run_01"],
            ways: &[Way(&[Step::Types("resume", 5), Step::Restores("T1/01/run_01")], 6)],
            ..KIND
        },
        Row {
            made: "a former attempt whose record is a FIFO",
            make: |case| {
                let record = case.at("T1/00/.failed/run_01_attempt_01/attempt.json");
                remove(&record);
                fifo(&record);
            },
            places: &["T1/00/.failed/run_01_attempt_01"],
            ways: &[Way(&[Step::Types("repair", 5), Step::Restores("T1/00/.failed")], 0)],
            ..KIND
        },
        Row {
            made: "a FIFO in the fixture's copy",
            make: |case| fifo(&case.at("config/fixture/pipe")),
            places: &["config/fixture"],
            ways: &[Way(&[Step::Types("resume", 5), Step::Removes("config/fixture/pipe")], 0)],
            ..KIND
        },
    ]
}
