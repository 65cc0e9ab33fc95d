use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::checkpoint::RateLimit;
use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::outcome::RunStatus;
use crate::model::plan::Plan;
use crate::projectscylla::samples::{DIALECTS, file, value};
use crate::projectscylla::states::{Committed, RunState, StateFacts, mended};

fn run(text: &str) -> RunId {
    text.parse().unwrap()
}

fn parse(value: &Value) -> Document {
    Document::parse(file(value).as_bytes()).unwrap()
}

fn text(document: &Document) -> String {
    String::from_utf8(document.to_bytes()).unwrap()
}

fn refusal(value: &Value) -> String {
    Document::parse(file(value).as_bytes()).unwrap_err().to_string()
}

/// The result of a repair, in one of the formats, when the folder has the results of `T0/00` except run 10, and one of
/// `T3/01`.
fn repaired(document: &Document) -> Document {
    let committed: BTreeMap<RunId, Committed> =
        [("T0/00/1", true), ("T0/00/2", false), ("T0/00/3", true), ("T3/01/1", true), ("T3/02/1", true)]
            .map(|(id, report)| (run(id), Committed { report, workspace: id == "T3/01/1" }))
            .into();
    let mut plan = Plan::default();
    plan.add(TierId(0), SubtestId(0), 3);
    plan.add(TierId(3), SubtestId(1), 2);
    plan.add(TierId(3), SubtestId(2), 1);
    let (mut checkpoint, _) = document.checkpoint();
    checkpoint.completed_runs.remove(run("T0/00/10"));
    for (id, status) in [
        ("T0/00/1", RunStatus::Passed),
        ("T0/00/2", RunStatus::Failed),
        ("T0/00/3", RunStatus::Passed),
        ("T3/01/1", RunStatus::Failed),
        ("T3/02/1", RunStatus::Passed),
    ] {
        checkpoint.completed_runs.set(run(id), status);
    }
    checkpoint.status = ExperimentStatus::Interrupted;
    checkpoint.pid = None;
    checkpoint.last_updated_at = "2026-11-23T12:00:00.5Z".parse().unwrap();
    let facts = StateFacts {
        version: document.version(),
        plan: &plan,
        tiers_without_subtests: &[],
        committed: &committed,
        unknown: &BTreeSet::new(),
    };
    let states = mended(&document.reading().states, &checkpoint.completed_runs, &facts);
    document.with(&checkpoint, &states)
}

#[test]
fn every_dialect_is_read_and_comes_out_as_it_was() {
    for dialect in DIALECTS {
        let written = file(&value(dialect));
        let document = Document::parse(written.as_bytes()).unwrap();
        assert_eq!(text(&document), written, "{dialect}");
        let (checkpoint, duplicate_keys) = document.checkpoint();
        assert_eq!(document.with(&checkpoint, &document.reading().states), document, "{dialect}");
        assert_eq!(duplicate_keys, Vec::<String>::new());
        assert_eq!(checkpoint.version, document.version().to_string());
        assert_eq!(checkpoint.config_hash, ConfigHash::Foreign("8553442b41f0adc8".to_owned()));
        assert_eq!(checkpoint.started_at.to_string(), "2026-01-20T06:13:07.515053Z");
        assert_eq!((checkpoint.status, checkpoint.pid), (ExperimentStatus::Running, Some(275_043)));
        let expected = if dialect == "1.0" { RunStatus::Done } else { RunStatus::Failed };
        assert_eq!(checkpoint.completed_runs.get(run("T0/00/2")), Some(expected), "{dialect}");
        assert_eq!(checkpoint.completed_runs.len(), if dialect == "1.0" { 4 } else { 5 });
        let states = &document.reading().states;
        assert_eq!(states.runs.len(), if dialect < "3.0" { 0 } else { 6 }, "{dialect}");
        assert_eq!(states.experiment.is_some(), dialect >= "3.0");
    }
}

#[test]
fn a_line_end_behind_the_object_stays() {
    let written = file(&value("2.0")) + "\n";
    assert_eq!(text(&Document::parse(written.as_bytes()).unwrap()), written);
}

#[test]
fn every_dialect_looks_like_this_before_and_after_repair() {
    for dialect in DIALECTS {
        let document = parse(&value(dialect));
        let after = repaired(&document);
        assert_eq!(repaired(&after), after, "{dialect}: twice is the same as once");
        let reread = Document::parse(&after.to_bytes()).unwrap();
        assert_eq!(reread.reading().states, after.reading().states, "{dialect}");
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/projectscylla"),
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_snapshot!(format!("{dialect}.before"), text(&document));
            insta::assert_snapshot!(format!("{dialect}.after"), text(&after));
        });
    }
}

#[test]
fn a_checkpoint_that_is_gone_is_made_anew_like_this() {
    let id = "test-001".parse().unwrap();
    let header = Header {
        experiment_id: &id,
        experiment_dir: "/results/2026-01-20T06-13-07-test-001",
        config_hash: "83759c4abe4d4859",
        started_at: "2026-01-20T06:13:07Z".parse().unwrap(),
        now: "2026-11-23T12:00:00.5Z".parse().unwrap(),
    };
    for version in [Version::V2_0, Version::V3_1] {
        let empty = Document::new(version, &header);
        let mut reread = Document::parse(&empty.to_bytes()).unwrap();
        reread.reading.states.experiment = None;
        assert_eq!(reread, empty);
        let full = repaired(&Document::parse(&empty.to_bytes()).unwrap());
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/projectscylla"),
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_snapshot!(format!("{version}.anew"), text(&full));
        });
    }
}

#[test]
fn a_run_key_that_is_there_twice_is_named_and_mended() {
    let written = file(&value("2.0")).replace("\"2\": \"failed\"", "\"1\": \"failed\",\n        \"2\": \"failed\"");
    let document = Document::parse(written.as_bytes()).unwrap();
    let (checkpoint, duplicate_keys) = document.checkpoint();
    assert_eq!(duplicate_keys, ["T0/00/1"]);
    // Python keeps the last one, too.
    assert_eq!(checkpoint.completed_runs.get(run("T0/00/1")), Some(RunStatus::Failed));
    let once = text(&document.with(&checkpoint, &document.reading().states));
    assert_eq!(
        once,
        file(&value("2.0")).replacen(
            "\"1\": \"passed\",\n        \"2\": \"f",
            "\"1\": \"failed\",\n        \"2\": \"f",
            1
        )
    );
}

#[test]
fn whatever_is_there_twice_is_named() {
    let twice = r#"{"version": "3.1", "experiment_id": "e", "status": "failed", "status": "completed",
        "completed_runs": {"T0": {"00": {"1": "passed", "01": "failed"}}, "T0": {"00": {"2": "passed"}, "00": {}}},
        "run_states": {"T0": {"00": {"1": "pending", "1": "failed"}}}}"#;
    let document = Document::parse(twice.as_bytes()).unwrap();
    let (checkpoint, duplicate_keys) = document.checkpoint();
    assert_eq!(duplicate_keys, ["status", "T0/00/1", "T0", "T0/00", "run_states.T0.00.1"]);
    assert_eq!(checkpoint.completed_runs.len(), 2);
    let once = document.with(&checkpoint, &document.reading().states);
    let again = Document::parse(&once.to_bytes()).unwrap();
    assert_eq!(again.checkpoint(), (checkpoint, vec!["status".to_owned()]));
    let list = r#"{"version": "1.0", "experiment_id": "e", "completed_runs": {"T0": {"00": [1, 2, "1"]}}}"#;
    let document = Document::parse(list.as_bytes()).unwrap();
    let (checkpoint, duplicate_keys) = document.checkpoint();
    assert_eq!(duplicate_keys, ["T0/00/1"]);
    assert!(
        text(&document.with(&checkpoint, &document.reading().states)).contains("[\n        1,\n        2\n      ]")
    );
}

#[test]
fn what_no_version_says_is_refused_by_name_and_place() {
    let with = |dialect: &str, pointer: &str, found: Value| {
        let mut changed = value(dialect);
        *changed.pointer_mut(pointer).unwrap() = found;
        refusal(&changed)
    };
    let refusals = [
        with("2.0", "/version", json!("2.5")),
        with("2.0", "/status", json!("INTERRUPTED")),
        with("2.0", "/experiment_id", json!("../x")),
        with("2.0", "/completed_runs/T0/00/1", json!("judged")),
        with("3.0", "/experiment_state", json!("paused")),
        with("3.1-august", "/tier_states/T0", json!("runs_complete")),
        with("3.1-august", "/subtest_states/T0/00", json!("complete")),
        with("3.1-august", "/run_states/T0/00/10", json!("archived")),
    ];
    insta::assert_snapshot!(refusals.join("\n"), @r"
    `version` says `2.5`, which is not a version of ProjectScylla's checkpoint that this version of cargo-scylla knows
    `status` says `INTERRUPTED`, which is not a status of an experiment that this version of cargo-scylla knows
    `experiment_id` says `../x`, which is not the id of an experiment that this version of cargo-scylla knows
    `completed_runs.T0.00.1` says `judged`, which is not a status of a run that this version of cargo-scylla knows
    `experiment_state` says `paused`, which is not a state of an experiment that this version of cargo-scylla knows
    `tier_states.T0` says `runs_complete`, which is not a state of a tier that this version of cargo-scylla knows
    `subtest_states.T0.00` says `complete`, which is not a state of a subtest that this version of cargo-scylla knows
    `run_states.T0.00.10` says `archived`, which is not a state of a run that this version of cargo-scylla knows
    ");
}

#[test]
fn what_is_torn_or_of_the_wrong_shape_is_unreadable() {
    let unreadable = |bytes: &[u8]| match Document::parse(bytes) {
        Err(Refusal::Unreadable(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let with = |dialect: &str, pointer: &str, found: Value| {
        let mut changed = value(dialect);
        *changed.pointer_mut(pointer).unwrap() = found;
        unreadable(file(&changed).as_bytes())
    };
    let whole = file(&value("2.0"));
    let reasons = [
        unreadable(b""),
        unreadable(&whole.as_bytes()[..200]),
        unreadable(b"[]"),
        unreadable(b"{}"),
        unreadable(br#"{"version": "2.0"}"#),
        with("2.0", "/version", json!(null)),
        with("2.0", "/completed_runs", json!([])),
        with("2.0", "/completed_runs/T0", json!("x")),
        with("2.0", "/completed_runs/T0/00", json!([1])),
        with("2.0", "/completed_runs/T0/00/1", json!(null)),
        with("1.0", "/completed_runs/T0/00", json!({"1": "passed"})),
        with("1.0", "/completed_runs/T0/00/0", json!(0)),
        with("3.0", "/run_states/T0", json!(7)),
    ];
    insta::assert_snapshot!(reasons.join("\n"), @r"
    line 1, column 1: the file ends where a value is expected
    line 8, column 2: the file ends where a key in quotes is expected
    it is a list, not an object
    it has no `version`
    it has no `experiment_id`
    `version` is null, not a text
    `completed_runs` is a list, not an object
    `completed_runs.T0` is a text, not an object
    `completed_runs.T0.00` is a list, not an object
    `completed_runs.T0.00.1` is null, not a text
    `completed_runs.T0.00` is an object, not a list
    `completed_runs.T0.00` holds `0`, which is no number of a run
    `run_states.T0` is a number, not an object
    ");
}

#[test]
fn keys_that_are_no_ids_are_kept_and_told_and_never_counted() {
    let mut strange = value("3.1-august");
    strange["completed_runs"]["weird"] = json!({"00": {"1": "passed"}});
    strange["completed_runs"]["T0"]["00-empty"] = json!(null);
    strange["completed_runs"]["T0"]["00"]["0"] = json!("passed");
    strange["run_states"]["T0"]["00"]["x"] = json!(3);
    let document = parse(&strange);
    assert_eq!(
        document.reading().unknown_keys,
        ["completed_runs.T0.00.0", "completed_runs.T0.00-empty", "completed_runs.weird", "run_states.T0.00.x"]
    );
    assert_eq!(document.checkpoint().0, parse(&value("3.1-august")).checkpoint().0);
    assert_eq!(text(&document), file(&strange));
    let after: Value = serde_json::from_str(&text(&repaired(&document))).unwrap();
    assert_eq!(after["completed_runs"]["weird"], strange["completed_runs"]["weird"]);
    assert_eq!(after["run_states"]["T0"]["00"]["x"], 3);
}

#[test]
fn the_words_failed_and_rerunning_stay_until_the_status_changes() {
    for (word, ours) in [("failed", ExperimentStatus::Interrupted), ("rerunning", ExperimentStatus::Running)] {
        let mut named = value("2.0");
        named["status"] = json!(word);
        let document = parse(&named);
        let (mut checkpoint, _) = document.checkpoint();
        assert_eq!(checkpoint.status, ours);
        checkpoint.completed_runs.set(run("T0/00/4"), RunStatus::Passed);
        let states = document.reading().states.clone();
        assert!(text(&document.with(&checkpoint, &states)).contains(&format!("\"status\": \"{word}\"")));
        checkpoint.status = ExperimentStatus::Completed;
        assert!(text(&document.with(&checkpoint, &states)).contains("\"status\": \"completed\""));
    }
}

#[test]
fn a_pause_is_read_and_its_end_is_written() {
    let mut paused = value("2.0");
    paused["status"] = json!("paused_rate_limit");
    paused["rate_limit_source"] = json!("agent");
    paused["rate_limit_until"] = json!("2026-01-20T07:00:00");
    let document = parse(&paused);
    let (mut checkpoint, _) = document.checkpoint();
    let until = "2026-01-20T07:00:00Z".parse().unwrap();
    assert_eq!(checkpoint.rate_limit, Some(RateLimit { model: "agent".to_owned(), until }));
    assert_eq!(text(&document.with(&checkpoint, &document.reading().states)), file(&paused));
    checkpoint.rate_limit = None;
    let after = text(&document.with(&checkpoint, &document.reading().states));
    assert!(after.contains("\"rate_limit_source\": null,\n  \"rate_limit_until\": null"));
}

#[test]
fn other_spellings_of_times_and_numbers_stay_while_they_say_the_same() {
    let mut other = value("2.0");
    other["started_at"] = json!("2026-01-20 06:13:07");
    other["last_updated_at"] = json!("2026-01-20T06:22:17.394618Z");
    other["pid"] = json!("275043");
    other["status"] = json!("paused_rate_limit");
    other["rate_limit_until"] = json!("never");
    let document = parse(&other);
    let (checkpoint, _) = document.checkpoint();
    assert_eq!((checkpoint.pid, checkpoint.rate_limit.clone()), (Some(275_043), None));
    assert_eq!(checkpoint.started_at.to_string(), "2026-01-20T06:13:07Z");
    assert_eq!(text(&document.with(&checkpoint, &document.reading().states)), file(&other));
}

#[test]
fn what_a_version_has_no_word_for_is_left_out() {
    let document = parse(&value("1.0"));
    let (mut checkpoint, _) = document.checkpoint();
    checkpoint.completed_runs.set(run("T0/00/4"), RunStatus::AgentComplete);
    checkpoint.completed_runs.set(run("T0/00/5"), RunStatus::Errored);
    assert_eq!(text(&document.with(&checkpoint, &document.reading().states)), file(&value("1.0")));
}

#[test]
fn a_subtest_that_lost_its_last_run_is_gone_with_its_tier() {
    let document = parse(&value("2.0"));
    let (mut checkpoint, _) = document.checkpoint();
    checkpoint.completed_runs.remove(run("T3/01/1"));
    checkpoint.completed_runs.remove(run("T3/01/2"));
    let after: Value = serde_json::from_str(&text(&document.with(&checkpoint, &document.reading().states))).unwrap();
    // One that was empty before stays.
    assert_eq!(
        after["completed_runs"],
        json!({"T0": {"00": {"1": "passed", "2": "failed", "10": "passed"}, "01": {}}})
    );
}

#[test]
fn a_state_of_one_3_x_version_is_known_in_the_other() {
    let mut mixed = value("3.1-february");
    mixed["run_states"]["T0"]["00"]["1"] = json!("run_complete");
    assert_eq!(parse(&mixed).reading().states.runs[&run("T0/00/1")], RunState::RunComplete);
}

/// Adds a key to each object that one of the paths names.
fn strewn(checkpoint: &Json, paths: &[&str], path: &str, key: &str, value: &Json) -> Json {
    let Json::Map(entries) = checkpoint else { return checkpoint.clone() };
    let below = |known: &String, json| strewn(json, paths, &format!("{path}/{known}"), key, value);
    let mut entries: Entries = entries.iter().map(|(known, json)| (known.clone(), below(known, json))).collect();
    if paths.contains(&path) {
        entries.insert(0, (key.to_owned(), value.clone()));
    }
    Json::Map(entries)
}

proptest! {
    #[test]
    fn unknown_keys_at_each_level_survive_a_repair(
        dialect in prop::sample::select(DIALECTS.to_vec()),
        key in "[a-z ä\u{1F600}\"\\\\]{1,6}x",
        json in crate::projectscylla::json::tests::any_json(),
    ) {
        let levels = ["", "/completed_runs", "/completed_runs/T0", "/completed_runs/T0/00", "/run_states", "/run_states/T0",
            "/run_states/T0/00", "/subtest_states", "/subtest_states/T3", "/tier_states"];
        let strewn = |checkpoint: &Json| strewn(checkpoint, &levels, "", &key, &json);
        let read = |document: &Document| Json::parse(&document.to_bytes()).unwrap();
        let document = parse(&value(dialect));
        let strange = Document::parse(strewn(&read(&document)).indented().as_bytes()).unwrap();
        prop_assert_eq!(read(&repaired(&strange)), strewn(&read(&repaired(&document))));
    }

    #[test]
    fn no_bytes_bring_the_reader_down(position in 0..2000_usize, byte in any::<u8>()) {
        for dialect in DIALECTS {
            let mut bytes = file(&value(dialect)).into_bytes();
            let position = position % bytes.len();
            bytes[position] = byte;
            if let Ok(document) = Document::parse(&bytes) {
                let after = repaired(&document);
                prop_assert_eq!(Document::parse(&after.to_bytes()).unwrap().version(), after.version());
            }
        }
    }
}
