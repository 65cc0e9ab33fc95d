//! What can be wrong with what results rest on: stages of unfinished runs, former attempts, and the shared repository.

use std::fs;
use std::path::Path;

use scylla::model::finding::FindingKind;

use super::ROW;
use crate::verify::folder::remove;
use crate::verify::table::{From, Row, Step, Way};

const ATTEMPT: &str = "T1/00/.failed/run_01_attempt_01";
const FAILED: &str = "T1/00/.failed";
const AGENT: &str = "T1/01/run_01/agent";
const ONE: &str = "repo.git/refs/heads/baseline/T0-00";

pub(super) fn rows() -> Vec<Row> {
    [stages(), attempts(), repository()].into_iter().flatten().collect()
}

/// Flips one bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut rights = fs::metadata(path).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "git writes its objects read-only")]
    rights.set_readonly(false);
    fs::set_permissions(path, rights).unwrap();
    fs::write(path, bytes).unwrap();
}

fn stages() -> Vec<Row> {
    const KIND: Row = Row {
        kind: FindingKind::DamagedStage,
        from: From::Interrupted,
        places: &[AGENT],
        ways: &[
            Way(&[Step::Types("resume", 5), Step::Printed(0), Step::Types("resume", 0)], 0),
            Way(&[Step::Restores(AGENT)], 6),
        ],
        ..ROW
    };
    vec![
        Row {
            made: "what an agent left, which is not judged yet",
            make: |case| fs::write(case.at("T1/01/run_01/agent/stdout.log"), "!").unwrap(),
            ..KIND
        },
        Row {
            made: "the result of an agent that was paid, torn",
            make: |case| {
                let result = case.at("T1/01/run_01/agent/result.json");
                let whole = fs::read(&result).unwrap();
                fs::write(&result, &whole[..whole.len() / 2]).unwrap();
            },
            places: &["T1/01/run_01/agent/result.json"],
            ..KIND
        },
        Row {
            made: "the result of an agent that was paid, by one bit",
            make: |case| flip(&case.at("T1/01/run_01/agent/result.json")),
            places: &["T1/01/run_01/agent/result.json"],
            ..KIND
        },
    ]
}

fn attempts() -> Vec<Row> {
    const RESTORED: &[Way] = &[Way(&[Step::Types("repair", 5), Step::Restores(FAILED)], 0)];
    const KIND: Row = Row { kind: FindingKind::DamagedAttempt, places: &[ATTEMPT], ways: RESTORED, ..ROW };
    vec![
        Row {
            made: "a log of a former attempt was altered",
            make: |case| fs::write(case.at(ATTEMPT).join("agent/stderr.log"), "!").unwrap(),
            ..KIND
        },
        Row {
            made: "the record of a former attempt lost a bit",
            make: |case| flip(&case.at(ATTEMPT).join("attempt.json")),
            ..KIND
        },
        Row {
            made: "the record of a former attempt is gone",
            make: |case| remove(&case.at(ATTEMPT).join("attempt.json")),
            ..KIND
        },
        Row {
            made: "all former attempts are gone, and what they cost",
            make: |case| remove(&case.at(FAILED)),
            places: &["T1/00/run_01"],
            ..KIND
        },
    ]
}

fn repository() -> Vec<Row> {
    const REPO: &[Way] = &[Way(&[Step::Types("resume", 5), Step::Types("repair", 5), Step::Restores("repo.git")], 0)];
    const CONFIG: &[Way] = &[Way(&[Step::Types("repair", 5), Step::Restores("config")], 0)];
    const KIND: Row = Row { kind: FindingKind::DamagedFile, places: &["repo.git"], ways: REPO, ..ROW };
    vec![
        Row { made: "the repository is gone", make: |case| remove(&case.at("repo.git")), ..KIND },
        Row {
            made: "a baseline names another commit",
            make: |case| fs::write(case.at(ONE), format!("{}\n", "0".repeat(40))).unwrap(),
            places: &[ONE],
            ..KIND
        },
        Row {
            made: "the record of the repository is gone",
            make: |case| remove(&case.at("config/repository.json")),
            places: &["config/repository.json"],
            ways: CONFIG,
            ..KIND
        },
        Row {
            made: "the record of the repository lost a bit",
            make: |case| flip(&case.at("config/repository.json")),
            places: &["config/repository.json"],
            ways: CONFIG,
            ..KIND
        },
    ]
}
