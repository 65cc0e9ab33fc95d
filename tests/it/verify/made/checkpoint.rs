//! What can be wrong with `checkpoint.json`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use scylla::model::finding::FindingKind;
use serde_json::{Value, json};

use super::{PRINTED, ROW};
use crate::verify::folder::{edit, fifo, remove};
use crate::verify::table::{Case, From, Row, Step, Way};

const CHECKPOINT: &str = "checkpoint.json";

/// `repair` mends it, and so does `resume`, which never starts afresh.
const REPAIR_OR_RESUME: &[Way] = &[Way(&[Step::Printed(0)], 0), Way(&[Step::Types("resume", 0)], 0)];
/// The same where runs are missing: only `resume` makes them.
const REPAIR_OR_RESUME_MISSING: &[Way] = &[Way(&[Step::Printed(0)], 6), Way(&[Step::Types("resume", 0)], 0)];

fn path(case: &Case) -> PathBuf {
    case.at(CHECKPOINT)
}

fn set_status(case: &Case, status: &str) {
    edit(&path(case), |checkpoint| checkpoint["status"] = json!(status));
}

/// Changes what the index says of a run; `None` takes the entry away.
fn set_entry(case: &Case, [tier, subtest, run]: [&str; 3], status: Option<&str>) {
    edit(&path(case), |checkpoint| {
        let index = &mut checkpoint["completed_runs"];
        match status {
            Some(status) => index[tier][subtest][run] = json!(status),
            None => drop(index[tier][subtest].as_object_mut().unwrap().shift_remove(run).unwrap()),
        }
    });
}

fn write(case: &Case, text: &str) {
    fs::write(path(case), text).unwrap();
}

pub(super) fn rows() -> Vec<Row> {
    [missing(), unreadable(), altered(), entries(), phantoms(), status()].into_iter().flatten().collect()
}

fn altered() -> Vec<Row> {
    const KIND: Row =
        Row { kind: FindingKind::CheckpointAltered, places: &[CHECKPOINT], exit: 4, ways: REPAIR_OR_RESUME, ..ROW };
    vec![
        Row {
            made: "another experiment than config and results name",
            make: |case| edit(&path(case), |checkpoint| checkpoint["experiment_id"] = json!("other")),
            ..KIND
        },
        Row {
            made: "another config than its own and that of the results",
            make: |case| {
                edit(&path(case), |checkpoint| checkpoint["config_hash"] = json!(format!("sha256:{:064}", 7)));
            },
            ..KIND
        },
    ]
}

fn missing() -> Vec<Row> {
    const KIND: Row =
        Row { kind: FindingKind::CheckpointMissing, places: &[CHECKPOINT], exit: 4, ways: REPAIR_OR_RESUME, ..ROW };
    vec![
        Row { made: "removed when all was done", make: |case| remove(&path(case)), ..KIND },
        Row {
            made: "removed when runs were missing",
            from: From::Interrupted,
            make: |case| remove(&path(case)),
            ways: REPAIR_OR_RESUME_MISSING,
            ..KIND
        },
    ]
}

fn unreadable() -> Vec<Row> {
    const KIND: Row =
        Row { kind: FindingKind::CheckpointUnreadable, places: &[CHECKPOINT], exit: 4, ways: PRINTED, ..ROW };
    fn replaced(case: &Case) -> PathBuf {
        remove(&path(case));
        path(case)
    }
    vec![
        Row {
            made: "torn",
            make: |case| {
                let whole = fs::read(path(case)).unwrap();
                fs::write(path(case), &whole[..whole.len() / 2]).unwrap();
            },
            ways: REPAIR_OR_RESUME,
            ..KIND
        },
        Row {
            made: "empty, and runs are missing",
            from: From::Interrupted,
            make: |case| write(case, ""),
            ways: REPAIR_OR_RESUME_MISSING,
            ..KIND
        },
        Row { made: "a list", make: |case| write(case, "[]"), ..KIND },
        Row { made: "an object without keys", make: |case| write(case, "{}"), ..KIND },
        Row {
            made: "an entry that is no status",
            make: |case| set_entry(case, ["T0", "00", "1"], Some("solved")),
            ..KIND
        },
        Row {
            made: "a run that is no number",
            make: |case| edit(&path(case), |whole| whole["completed_runs"]["T0"]["00"]["one"] = json!("passed")),
            ..KIND
        },
        Row { made: "zeroes as a file system may leave them", make: |case| write(case, &"\0".repeat(800)), ..KIND },
        Row { made: "a folder", make: |case| fs::create_dir(replaced(case)).unwrap(), ways: REPAIR_OR_RESUME, ..KIND },
        Row { made: "a FIFO", make: |case| fifo(&replaced(case)), ways: REPAIR_OR_RESUME, ..KIND },
        Row {
            made: "a link to a whole one",
            make: |case| {
                fs::rename(path(case), case.world.path("elsewhere.json")).unwrap();
                symlink("../../elsewhere.json", path(case)).unwrap();
            },
            ..KIND
        },
        Row {
            made: "larger than any checkpoint can be",
            make: |case| fs::File::create(path(case)).unwrap().set_len(1 << 40).unwrap(),
            ..KIND
        },
    ]
}

fn entries() -> Vec<Row> {
    const UNRECORDED: Row = Row { kind: FindingKind::UnrecordedResult, exit: 4, ways: REPAIR_OR_RESUME, ..ROW };
    const WRONG: Row = Row { kind: FindingKind::WrongStatus, exit: 4, ways: REPAIR_OR_RESUME, ..ROW };
    vec![
        Row {
            kind: FindingKind::DuplicateEntry,
            made: "one run with two statuses",
            make: |case| {
                let text = fs::read_to_string(path(case)).unwrap();
                let twice = text.replacen("\"1\": \"passed\"", "\"1\": \"failed\",\n        \"1\": \"passed\"", 1);
                assert_ne!(text, twice);
                write(case, &twice);
            },
            places: &[CHECKPOINT],
            exit: 4,
            ways: REPAIR_OR_RESUME,
            ..ROW
        },
        Row {
            made: "an entry taken away",
            make: |case| set_entry(case, ["T1", "01", "2"], None),
            places: &["T1/01/run_02"],
            ..UNRECORDED
        },
        Row {
            made: "every entry taken away, as on the day of the founding incident",
            from: From::Interrupted,
            make: |case| edit(&path(case), |checkpoint| checkpoint["completed_runs"] = json!({})),
            places: &["T0/00/run_01", "T0/00/run_02", "T0/01/run_01", "T0/01/run_02"],
            ways: REPAIR_OR_RESUME_MISSING,
            ..UNRECORDED
        },
        Row {
            made: "the wrong verdict",
            make: |case| set_entry(case, ["T0", "01", "1"], Some("passed")),
            places: &["T0/01/run_01"],
            ..WRONG
        },
        Row {
            made: "a committed run as one whose judges are not done",
            make: |case| set_entry(case, ["T0", "00", "2"], Some("agent_complete")),
            places: &["T0/00/run_02"],
            ..WRONG
        },
        Row {
            made: "a committed run as errored",
            from: From::Interrupted,
            make: |case| set_entry(case, ["T0", "00", "2"], Some("errored")),
            places: &["T0/00/run_02"],
            ways: REPAIR_OR_RESUME_MISSING,
            ..WRONG
        },
    ]
}

fn phantoms() -> Vec<Row> {
    const PHANTOM: Row = Row { kind: FindingKind::PhantomEntry, ..ROW };
    vec![
        Row {
            made: "an entry of a run that was never started",
            from: From::Interrupted,
            make: |case| set_entry(case, ["T1", "00", "2"], Some("passed")),
            places: &["T1/00/run_02"],
            no_longer_missing: &["T1/00/run_02"],
            ways: &[
                Way(&[Step::Types("repair", 5), Step::Types("resume", 5), Step::Printed(0)], 6),
                Way(&[Step::Printed(0), Step::Types("resume", 0)], 0),
            ],
            ..PHANTOM
        },
        Row {
            made: "a result that is gone",
            make: |case| remove(&case.at("T0/00/run_01")),
            places: &["T0/00/run_01"],
            beside: &[(FindingKind::StatusContradicted, CHECKPOINT)],
            ways: &[
                Way(&[Step::Restores("T0/00/run_01")], 0),
                Way(&[Step::Types("repair", 5), Step::Printed(0), Step::Types("resume", 0)], 0),
            ],
            ..PHANTOM
        },
    ]
}

fn status() -> Vec<Row> {
    const STALE: Row =
        Row { kind: FindingKind::StaleRunning, places: &[CHECKPOINT], exit: 4, ways: REPAIR_OR_RESUME, ..ROW };
    vec![
        Row { made: "all is done", make: |case| set_status(case, "running"), ..STALE },
        Row {
            made: "runs are missing, and a process is named",
            from: From::Interrupted,
            make: |case| {
                edit(&path(case), |checkpoint| {
                    checkpoint["status"] = json!("running");
                    checkpoint["pid"] = Value::from(std::process::id());
                    checkpoint["host"] = json!("elsewhere");
                });
            },
            ways: REPAIR_OR_RESUME_MISSING,
            ..STALE
        },
        Row {
            kind: FindingKind::StatusContradicted,
            made: "completed, and runs are missing",
            from: From::Interrupted,
            make: |case| set_status(case, "completed"),
            places: &[CHECKPOINT],
            exit: 4,
            ways: REPAIR_OR_RESUME_MISSING,
            ..ROW
        },
    ]
}
