//! What can be wrong with the config and the fixture's copy, and files of newer versions.

use std::fs;

use scylla::model::finding::FindingKind;
use serde_json::json;

use super::ROW;
use crate::verify::folder::{copy, edit, remove};
use crate::verify::table::{Case, From, Row, Step, Way};

const CONFIG: &str = "config/experiment.json";
const PROMPT: &str = "config/fixture/prompt.md";

/// Neither `resume` nor `repair` helps; the file must come back.
const RESTORED: &[Way] = &[Way(&[Step::Types("resume", 5), Step::Types("repair", 5), Step::Restores("config")], 0)];

fn without(case: &Case, field: &str) {
    edit(&case.at(CONFIG), |config| drop(config.as_object_mut().unwrap().shift_remove(field).unwrap()));
}

pub(super) fn rows() -> Vec<Row> {
    [config(), changed(), newer()].into_iter().flatten().collect()
}

fn config() -> Vec<Row> {
    const MISSING: Row = Row { kind: FindingKind::ConfigMissing, places: &[CONFIG], ways: RESTORED, ..ROW };
    const UNREADABLE: Row = Row { kind: FindingKind::ConfigUnreadable, places: &[CONFIG], ways: RESTORED, ..ROW };
    const INCOMPLETE: Row = Row { kind: FindingKind::ConfigIncomplete, places: &[CONFIG], ways: RESTORED, ..ROW };
    vec![
        Row { made: "removed", make: |case| remove(&case.at(CONFIG)), ..MISSING },
        Row { made: "removed with its folder", make: |case| remove(&case.at("config")), ..MISSING },
        Row {
            made: "torn",
            make: |case| {
                let whole = fs::read(case.at(CONFIG)).unwrap();
                fs::write(case.at(CONFIG), &whole[..whole.len() / 2]).unwrap();
            },
            ..UNREADABLE
        },
        Row {
            made: "a folder",
            make: |case| {
                remove(&case.at(CONFIG));
                fs::create_dir(case.at(CONFIG)).unwrap();
            },
            ..UNREADABLE
        },
        Row {
            made: "a number as text",
            make: |case| edit(&case.at(CONFIG), |config| config["jobs"] = json!("two")),
            ..UNREADABLE
        },
        Row {
            made: "a field twice",
            make: |case| {
                let text = fs::read_to_string(case.at(CONFIG)).unwrap();
                fs::write(case.at(CONFIG), text.replacen("\"jobs\":", "\"jobs\": 1,\n  \"jobs\":", 1)).unwrap();
            },
            ..UNREADABLE
        },
        Row { made: "a field that must be there is gone", make: |case| without(case, "models"), ..INCOMPLETE },
        Row { made: "a field that may be null is gone", make: |case| without(case, "max_cost_usd"), ..INCOMPLETE },
        Row { made: "the id is gone", make: |case| without(case, "experiment_id"), ..INCOMPLETE },
    ]
}

fn changed() -> Vec<Row> {
    const FIXTURE: Row = Row { kind: FindingKind::ConfigChanged, places: &["config/fixture"], ways: RESTORED, ..ROW };
    vec![
        Row {
            made: "a limit was raised after the runs",
            make: |case| edit(&case.at(CONFIG), |config| config["timeout_seconds"] = json!(999)),
            places: &[CONFIG],
            ..FIXTURE
        },
        Row {
            made: "a limit was raised where runs are missing",
            from: From::Interrupted,
            make: |case| edit(&case.at(CONFIG), |config| config["timeout_seconds"] = json!(999)),
            places: &[CONFIG],
            ways: &[Way(&[Step::Types("resume", 5), Step::Restores(CONFIG)], 6)],
            ..FIXTURE
        },
        Row { made: "the prompt was edited", make: |case| fs::write(case.at(PROMPT), "Other.\n").unwrap(), ..FIXTURE },
        Row { made: "the prompt is gone", make: |case| remove(&case.at(PROMPT)), ..FIXTURE },
        Row {
            made: "a subtest was added",
            make: |case| {
                let tier = case.at("config/fixture/tiers/T0");
                copy(&tier.join("00-solves.yaml"), &tier.join("02-more.yaml"));
            },
            ..FIXTURE
        },
        Row { made: "the fixture is gone", make: |case| remove(&case.at("config/fixture")), ..FIXTURE },
    ]
}

fn newer() -> Vec<Row> {
    const KIND: Row = Row { kind: FindingKind::NewerVersion, ..ROW };
    const CHECKPOINT: &[Way] =
        &[Way(&[Step::Types("resume", 5), Step::Types("repair", 5), Step::Restores("checkpoint.json")], 0)];
    const RESULT: &str = "T0/00/run_01/run_result.json";
    const RESULT_RESTORED: &[Way] =
        &[Way(&[Step::Types("resume", 5), Step::Types("repair", 5), Step::Restores(RESULT)], 0)];
    fn version(case: &Case, place: &str, version: &str) {
        edit(&case.at(place), |file| file["version"] = json!(version));
    }
    vec![
        Row {
            made: "a checkpoint that can be understood",
            make: |case| version(case, "checkpoint.json", "4.3"),
            places: &["checkpoint.json"],
            ways: CHECKPOINT,
            ..KIND
        },
        Row {
            made: "a checkpoint of another shape",
            make: |case| fs::write(case.at("checkpoint.json"), "{\"version\": \"5.0\", \"runs\": []}").unwrap(),
            places: &["checkpoint.json"],
            ways: CHECKPOINT,
            ..KIND
        },
        Row { made: "a config", make: |case| version(case, CONFIG, "5.0"), places: &[CONFIG], ways: RESTORED, ..KIND },
        Row {
            made: "a result that can be understood",
            make: |case| version(case, RESULT, "4.3"),
            places: &["T0/00/run_01"],
            ways: RESULT_RESTORED,
            ..KIND
        },
        Row {
            made: "a result of another shape",
            make: |case| fs::write(case.at(RESULT), "{\"version\": \"5.0\", \"judges\": 3}").unwrap(),
            places: &["T0/00/run_01"],
            ways: RESULT_RESTORED,
            ..KIND
        },
    ]
}
