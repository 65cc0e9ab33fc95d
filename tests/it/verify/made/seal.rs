//! What can be wrong with the seal over a whole experiment.

use std::fs;

use scylla::model::finding::FindingKind;

use super::{PRINTED, ROW};
use crate::verify::table::{Row, Step, Way};

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            kind: FindingKind::SealContradicted,
            made: "a line of the seal was changed",
            make: |case| {
                case.types("seal", 0);
                let seal = case.at("SHA256SUMS");
                let text = fs::read_to_string(&seal).unwrap();
                let line = text.lines().find(|line| line.ends_with("  config/fixture/prompt.md")).unwrap();
                let other = format!("{}{}", "0".repeat(64), &line[64..]);
                fs::write(&seal, text.replace(line, &other)).unwrap();
            },
            places: &["config/fixture/prompt.md"],
            ways: &[Way(&[Step::Types("seal", 0)], 0)],
            ..ROW
        },
        Row {
            kind: FindingKind::SealContradicted,
            made: "it names a file that is gone",
            make: |case| {
                case.types("seal", 0);
                let seal = case.at("SHA256SUMS");
                let text = fs::read_to_string(&seal).unwrap();
                fs::write(&seal, format!("{}  T0/00/.failed/run_01_attempt_01/attempt.json\n{text}", "0".repeat(64)))
                    .unwrap();
            },
            places: &["T0/00/.failed/run_01_attempt_01/attempt.json"],
            ways: &[Way(&[Step::Types("seal", 0)], 0)],
            ..ROW
        },
        Row {
            kind: FindingKind::SealOutgrown,
            made: "runs came after it",
            make: |case| {
                case.types("seal", 0);
                let seal = case.at("SHA256SUMS");
                let text = fs::read_to_string(&seal).unwrap();
                let kept: Vec<&str> = text.lines().filter(|line| !line.contains("  T0/00/run_01/agent/")).collect();
                fs::write(&seal, kept.join("\n") + "\n").unwrap();
            },
            places: &["SHA256SUMS"],
            exit: 0,
            ways: PRINTED,
            ..ROW
        },
    ]
}
