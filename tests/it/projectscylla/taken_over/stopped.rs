//! Taking over that is killed at any of its steps, and asked for again, comes to the same end.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::made::{End, Form, Made, all_but, made, made_from};
use crate::projectscylla::fixture::{JUDGE, ProjectScyllaFixture};
use crate::scenes::{killing_points, strace_is_missing};
use crate::verify::folder::{contents, copy, json, results, verify};

/// An experiment of which everything has to be done: results move, attempts are set aside, files of ProjectScylla too.
fn begun(form: Form) -> Made {
    let runs = all_but(&[
        ("T0/00/2", Some(End::Failed)),
        ("T0/01/1", Some(End::Unjudged)),
        ("T0/01/2", Some(End::Begun)),
        ("T1/02/2", None),
    ]);
    let made = made(form, &runs);
    let failed = if form == Form::Phased { "in_progress/T0/00/.failed/run_01" } else { "T0/00/.failed/run_01" };
    copy(&made.at(&made.place("T0/00/1", End::Passed)).join("agent"), &made.at(&format!("{failed}/agent")));
    made
}

/// Takes over and starts nothing: the budget is nothing.
fn words(made: &Made) -> [&str; 5] {
    ["resume", made.dir(), "--redo-unjudged", "--max-cost-usd", "0"]
}

/// What came of it, without what differs from time to time and from world to world.
fn outcome(made: &Made) -> (Value, Value, BTreeMap<String, Vec<u8>>) {
    let without = |place: &str, keys: &[&str]| {
        let mut value = json(&made.at(place));
        for key in keys {
            let removed = value.as_object_mut().unwrap().shift_remove(*key);
            assert!(removed.is_some() || ["digest", "worked_seconds"].contains(key), "{key}");
        }
        value
    };
    let kept = contents(&made.dir).into_iter().filter(|(place, (kind, ..))| {
        // Half a record may stay in a former attempt, which nobody reads.
        let of_a_run = place.contains("/run_") && !place.ends_with("attempt.json") && !place.contains("/.tmp-");
        *kind == 'f' && (of_a_run || place.starts_with("config/original/"))
    });
    let kept = kept.map(|(place, (_, _, bytes))| (place, bytes)).collect();
    (
        without("checkpoint.json", &["last_updated_at", "worked_seconds", "config_hash", "digest"]),
        without("config/experiment.json", &["fixture_digest", "digest"]),
        kept,
    )
}

/// Kills the n-th call of each kind for each n, until it ends before it; how often it was killed.
fn killed_at_every(form: Form, calls: &[&str]) -> usize {
    let undisturbed = begun(form);
    let before = results(&undisturbed.dir);
    undisturbed.world.scylla(&words(&undisturbed)).exits(6);
    let expected = outcome(&undisturbed);
    let killed_at = |call: &&str| {
        let mut killed = 0;
        for number in killing_points() {
            assert!(number < 100, "{call}: it never ended by itself");
            let made = begun(form);
            let mut command = Command::new("strace");
            // Only the coordinator's own calls: not those of git, whose work is done again as a whole.
            command.args(["-qq", "-o", "/dev/null", "-e", &format!("inject={call}:signal=KILL:when={number}")]);
            command.arg(env!("CARGO_BIN_EXE_cargo-scylla")).arg("scylla").args(words(&made));
            made.world.seal(&mut command);
            let ended = command.current_dir(made.world.path("")).output().unwrap().status.code();
            let point = format!("{form:?} {call} {number}");
            if ended != Some(6) {
                let found = verify(&made.world, &made.dir);
                assert!([4, 6].contains(&found.code), "{point}: {:#}", found.report);
                let again = made.world.scylla(&words(&made));
                assert_eq!(again.code, Some(6), "{point}: {again}");
            }
            let found = outcome(&made);
            assert_eq!((&found.0, &found.1), (&expected.0, &expected.1), "{point}");
            let differs: Vec<&String> = expected
                .2
                .keys()
                .chain(found.2.keys())
                .filter(|place| expected.2.get(*place) != found.2.get(*place))
                .collect();
            assert!(differs.is_empty(), "{point}: {differs:?}");
            verify(&made.world, &made.dir).exits(6);
            if ended == Some(6) {
                break;
            }
            killed += 1;
        }
        killed
    };
    let killed = calls.iter().map(killed_at).sum();
    assert_eq!(results(&undisturbed.dir), if form == Form::Flat { before } else { 5 });
    killed
}

#[test]
fn killed_before_any_rename_a_phased_experiment_is_taken_over_by_the_next_resume() {
    if !strace_is_missing() {
        let killed = killed_at_every(Form::Phased, &["rename", "renameat", "renameat2"]);
        assert!(killed >= 4, "only {killed} renames");
    }
}

#[test]
fn killed_before_any_rename_a_flat_experiment_is_taken_over_by_the_next_resume() {
    if !strace_is_missing() {
        let killed = killed_at_every(Form::Flat, &["rename", "renameat", "renameat2"]);
        assert!(killed >= 2, "only {killed} renames");
    }
}

#[test]
fn killed_before_the_last_step_a_repair_ends_the_taking_over_and_forgets_no_entry() {
    if strace_is_missing() {
        return;
    }
    let stopped = || {
        let made = begun(Form::Flat);
        // A result that ProjectScylla recorded and that is lost since.
        let lost = made.at(&made.place("T1/02/1", End::Passed)).join("run_result.json");
        std::fs::remove_file(lost).unwrap();
        made
    };
    let undisturbed = stopped();
    undisturbed.world.scylla(&words(&undisturbed)).exits(6);
    let entries = |made: &Made| json(&made.at("checkpoint.json"))["completed_runs"].clone();
    let expected = entries(&undisturbed);
    assert_eq!(expected["T1"]["02"]["1"], "passed");
    let made = stopped();
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-P"]).arg(made.at("checkpoint.json"));
    command.args(["-e", "trace=rename,renameat,renameat2", "-e", "inject=rename,renameat,renameat2:signal=KILL"]);
    command.arg(env!("CARGO_BIN_EXE_cargo-scylla")).arg("scylla").args(words(&made));
    made.world.seal(&mut command);
    assert_ne!(command.current_dir(made.world.path("")).output().unwrap().status.code(), Some(6));
    let found = verify(&made.world, &made.dir).exits(4);
    assert_eq!(found.of("checkpoint-unreadable"), ["checkpoint.json"]);
    let before = outcome(&made);
    let shown = made.world.scylla(&["repair", made.dir(), "--dry-run"]).exits(4);
    assert!(shown.stderr.contains("before its last step"), "{shown}");
    assert!(outcome(&made) == before, "{shown}");
    let ended = made.world.scylla(&["repair", made.dir()]);
    assert!(ended.stderr.contains("before its last step"), "{ended}");
    assert_eq!(entries(&made), expected, "{ended}");
    let again = made.world.scylla(&["repair", made.dir()]);
    assert!(!again.stderr.contains("before its last step"), "{again}");
}

#[test]
fn killed_while_winners_of_complete_tiers_are_frozen_the_next_resume_comes_to_the_same_end() {
    if strace_is_missing() {
        return;
    }
    let tiers = ["T0", "T1", "T2"];
    for number in [2, 5, 8, 11, 14, 17, 20] {
        let runs = [all_but(&[]), vec![("T2/01/1", End::Passed)]].concat();
        let made = made_from(&ProjectScyllaFixture::new().tiers(&tiers), &tiers, Form::Phased, &runs);
        let agent = "touch done";
        let words = ["resume", made.dir(), "--agent-command", agent, "--judge-command", JUDGE];
        let mut command = Command::new("strace");
        let calls = "rename,renameat,renameat2";
        command.args(["-qq", "-o", "/dev/null", "-e", &format!("inject={calls}:signal=KILL:when={number}")]);
        command.arg(env!("CARGO_BIN_EXE_cargo-scylla")).arg("scylla").args(words);
        made.world.seal(&mut command);
        let killed = command.current_dir(made.world.path("")).output().unwrap();
        let again = made.world.scylla(&words).exits(0);
        let result = json(&made.at("T2/01/run_02/run_result.json"));
        assert_eq!(result["inherited_from"], serde_json::json!(["T1/01"]), "{number}: {killed:?}\n{again}");
        assert_eq!(json(&made.at("config/inherited/T1.json"))["sources"]["T0"]["subtest"], "00", "{number}");
        verify(&made.world, &made.dir).exits(0);
    }
}
