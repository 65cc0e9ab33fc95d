//! A repair that is killed in the middle, and repeated, comes to the same end.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use crate::scenes::{disturbed, killing_points, strace_is_missing};
use crate::verify::folder::{contents, copy, edit, json, results, verify};
use crate::verify::originals::{Copied, finished};

/// An experiment on which a repair has to do all it can.
fn damaged() -> Copied {
    let experiment = finished();
    fs::write(experiment.at("T0/01/run_02/run_result.json"), "{").unwrap();
    fs::write(experiment.at(".tmp-x81"), "half").unwrap();
    copy(&experiment.at("T0/00/run_02"), &experiment.at("T0/00/run_2"));
    edit(&experiment.at("checkpoint.json"), |checkpoint| {
        checkpoint["status"] = json!("running");
        checkpoint["completed_runs"]["T1"] = json!({});
    });
    experiment
}

/// What came of it: the index without times, the results, and every byte that was set aside or backed up.
fn outcome(experiment: &Copied) -> (String, usize, BTreeSet<Vec<u8>>) {
    let mut checkpoint = json(&experiment.at("checkpoint.json"));
    for key in ["last_updated_at", "digest"] {
        checkpoint.as_object_mut().unwrap().shift_remove(key).unwrap();
    }
    let kept = contents(&experiment.dir)
        .into_iter()
        .filter(|(place, (kind, ..))| {
            *kind == 'f' && (place.starts_with(".quarantine/") || place.starts_with("checkpoint.json.backup-"))
        })
        .map(|(_, (_, _, bytes))| bytes)
        .collect();
    (checkpoint.to_string(), results(&experiment.dir), kept)
}

/// Repairs, and does this at system calls; whether the repair came to its end.
fn repair_under(experiment: &Copied, call: &str, what: &str) -> bool {
    let mut command = disturbed(call, what);
    command.args(["repair", experiment.dir()]);
    experiment.world.seal(&mut command);
    command.output().unwrap().status.code() == Some(0)
}

/// Does this to the n-th call of each kind for each n, until the repair ends before it; how often it did something. The
/// kinds are taken one by one, because `strace` counts each for itself.
fn at_every_call(calls: &[&str], what: &str) -> usize {
    let undisturbed = damaged();
    undisturbed.world.scylla(&["repair", undisturbed.dir()]).exits(0);
    let expected = outcome(&undisturbed);
    let at_the_calls_of = |call: &&str| {
        let mut disturbed = 0;
        for number in killing_points() {
            assert!(number < 100, "{call}: the repair never ended by itself");
            let experiment = damaged();
            if repair_under(&experiment, call, &format!("{what}:when={number}")) {
                assert_eq!(outcome(&experiment), expected);
                break;
            }
            disturbed += 1;
            comes_to_the_same_end(&experiment, &expected, &format!("{call} {number}"));
        }
        disturbed
    };
    calls.iter().map(at_the_calls_of).sum()
}

/// A repair that was disturbed is repeated, and all is as if it had not been disturbed.
fn comes_to_the_same_end(experiment: &Copied, expected: &(String, usize, BTreeSet<Vec<u8>>), point: &str) {
    let found = verify(&experiment.world, &experiment.dir);
    assert!([4, 5, 6].contains(&found.code), "{point}: {:#}", found.report);
    let repeated = experiment.world.scylla(&["repair", experiment.dir()]);
    assert_eq!(repeated.code, Some(0), "{point}: {repeated}");
    let (index, results, kept) = outcome(experiment);
    assert_eq!((&index, results), (&expected.0, expected.1), "{point}");
    // More may be kept: a repair that made its backup and no more is followed by one that makes its own.
    let lost = expected.2.difference(&kept).count();
    assert_eq!(lost, 0, "{point}: bytes that were set aside are gone");
    verify(&experiment.world, &experiment.dir).exits(6);
}

#[test]
fn a_repair_that_is_killed_before_any_of_its_renames_and_repeated_comes_to_the_same_end() {
    if !strace_is_missing() {
        let killed = at_every_call(&["rename", "renameat", "renameat2"], "signal=KILL");
        assert!(killed >= 2, "only {killed} renames");
    }
}

#[test]
fn a_repair_that_is_killed_before_any_of_its_syncs_and_repeated_comes_to_the_same_end() {
    if !strace_is_missing() {
        let killed = at_every_call(&["fsync", "fdatasync"], "signal=KILL");
        assert!(killed >= 2, "only {killed} syncs");
    }
}

#[test]
fn a_repair_on_a_full_disk_loses_nothing_and_comes_to_the_same_end_when_there_is_room() {
    if !strace_is_missing() {
        let refused = at_every_call(&["mkdir", "renameat2"], "error=ENOSPC");
        assert!(refused >= 2, "only {refused} calls");
    }
}
