//! Each byte of an experiment is altered, and `verify` names it: all that counts is held by a digest or a check.
//!
//! `cargo xtask sweep flips` flips one bit of every byte of every file, `cargo xtask sweep bits` every bit; without them, one bit
//! of some bytes of some files is flipped.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scylla::model::finding::{Finding, Level};
use scylla::rules::audit::audit;
use scylla::store::layout::ExperimentFolder;
use scylla::store::survey::{Depth, survey};

use super::folder::{contents, json, verify};
use super::originals::{Copied, finished, interrupted};

/// Bytes of a file that are altered when nothing else is said.
const OF_EACH_FILE: usize = 12;

/// How much is altered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    /// One bit of some bytes of the files that a test names.
    Some,
    /// One bit of every byte of all files.
    Bytes,
    /// Every bit of all files.
    Bits,
}

fn size() -> Size {
    match std::env::var("SCYLLA_FLIPS").as_deref() {
        Err(_) => Size::Some,
        Ok("bytes") => Size::Bytes,
        Ok("bits") => Size::Bits,
        Ok(other) => panic!("SCYLLA_FLIPS is `{other}`, neither `bytes` nor `bits`"),
    }
}

/// Why nobody needs to notice what happens to a file.
fn harmless(place: &str) -> Option<&'static str> {
    let name = place.rsplit('/').next().unwrap_or(place);
    match place {
        "experiment.lock" => Some("the kernel's lock counts, and the file's text is for the message alone"),
        _ if place.starts_with("repo.git/") && !is_read_of_the_repository(place) => {
            Some("git is never shown that folder: refs and objects are read, and nothing that commands git")
        }
        _ if place.starts_with("report/") => Some("derived, and made anew from the results"),
        _ if place.starts_with(".quarantine/") => Some("set aside because it was damaged"),
        _ if name.starts_with("checkpoint.json.backup-") => Some("a copy that nothing reads"),
        _ if place.contains("/workspace/") => Some("a tree that is made anew from baseline and patch"),
        _ if place.ends_with("agent/process.json") => Some("names a process that has ended"),
        _ => None,
    }
}

fn is_read_of_the_repository(place: &str) -> bool {
    let read = ["refs/", "objects/", "baselines/", "composed/", "packed-refs"];
    read.iter().any(|read| place["repo.git/".len()..].starts_with(read)) && !place.contains("/info/")
}

/// Findings that are worse than that runs are missing.
fn found(dir: &Path) -> BTreeSet<Finding> {
    let survey = survey(&ExperimentFolder::open(dir).unwrap(), Depth::Evidence).unwrap();
    audit(&survey).into_iter().filter(|finding| finding.kind.level() > Level::Incomplete).collect()
}

/// The files of some places of an experiment.
fn files(dir: &Path, below: &[&str]) -> Vec<(String, PathBuf)> {
    let all = contents(dir).into_iter().filter(|(_, (kind, ..))| *kind == 'f').map(|(place, _)| place);
    let wanted = all.filter(|place| below.iter().any(|below| place.starts_with(below)));
    wanted.filter(|place| harmless(place).is_none()).map(|place| (place.clone(), dir.join(place))).collect()
}

fn flips(experiment: &Copied, below: &[&str]) {
    let dir = &experiment.dir;
    assert_eq!(found(dir), BTreeSet::new(), "nothing is wrong before");
    let size = size();
    let mut silent = Vec::new();
    for (place, path) in files(dir, if size == Size::Some { below } else { &[""] }) {
        let whole = fs::read(&path).unwrap();
        let step = if size == Size::Some { (whole.len() / OF_EACH_FILE).max(1) } else { 1 };
        // Neighbouring bytes lose different bits, and the ends of a file are never passed over.
        let last = whole.len().checked_sub(1);
        for at in (0..whole.len()).step_by(step).chain(last) {
            for bit in 0..8 {
                if size != Size::Bits && bit != (at * 5 + at / 8) % 8 {
                    continue;
                }
                let mut altered = whole.clone();
                altered[at] ^= 1 << bit;
                fs::write(&path, &altered).unwrap();
                if found(dir).is_empty() {
                    silent.push(format!("{place}: bit {bit} of byte {at}"));
                }
            }
        }
        fs::remove_file(&path).unwrap();
        if found(dir).is_empty() && !is_free_to_go(&place) {
            silent.push(format!("{place}: it is gone"));
        }
        fs::write(&path, whole).unwrap();
    }
    assert!(silent.is_empty(), "{} alterations are not noticed:\n{}", silent.len(), silent.join("\n"));
    assert_eq!(found(dir), BTreeSet::new(), "everything is as it was");
}

/// A stage of a run that is not committed is done again when its file is not there, which costs nothing.
fn is_free_to_go(place: &str) -> bool {
    // What holds the rest of a judge's former attempt is read for nothing else.
    let free = ["checks/result.json", "judge_01/judgment.json", "changes.patch", "judge_02_attempt_01/attempt.json"];
    place.starts_with("T1/01/") && free.iter().any(|file| place.ends_with(file))
}

#[test]
fn flips_in_a_finished_experiment_are_named() {
    let experiment = finished();
    flips(&experiment, &["checkpoint.json", "config/", "repo.git/", "T1/00/run_01/", "T1/00/.failed/"]);
}

#[test]
fn flips_in_a_run_that_is_not_committed_are_named() {
    let experiment = interrupted();
    let stages = ["agent/", "changes.", "checks/", "judge/"].map(|stage| format!("T1/01/run_01/{stage}"));
    let mut below: Vec<&str> = stages.iter().map(String::as_str).collect();
    below.push("T1/00/.failed/");
    flips(&experiment, &below);
}

#[test]
fn former_attempts_that_are_gone_and_a_repository_that_is_gone_are_named() {
    let experiment = finished();
    let away = experiment.world.path("away");
    for (place, kind, named) in
        [("T1/00/.failed", "damaged-attempt", "T1/00/run_01"), ("repo.git", "damaged-file", "repo.git")]
    {
        fs::rename(experiment.at(place), &away).unwrap();
        let verified = verify(&experiment.world, &experiment.dir).exits(5);
        assert_eq!(verified.of(kind), [named], "{:#}", verified.report);
        fs::rename(&away, experiment.at(place)).unwrap();
    }
    let (one, other) = ("repo.git/refs/heads/baseline/T0-00", "repo.git/refs/heads/baseline/T0-01");
    let (before, swapped) = (fs::read(experiment.at(one)).unwrap(), format!("{}\n", "0".repeat(40)));
    fs::write(experiment.at(one), swapped).unwrap();
    let verified = verify(&experiment.world, &experiment.dir).exits(5);
    assert_eq!(verified.of("damaged-file"), [one], "{:#}", verified.report);
    fs::write(experiment.at(one), before).unwrap();
    assert!(experiment.at(other).exists());
    verify(&experiment.world, &experiment.dir).exits(0);
}

#[test]
fn a_verdict_without_a_seal_counts_nowhere() {
    let experiment = interrupted();
    let planted = experiment.at("T1/00/run_02");
    fs::create_dir_all(&planted).unwrap();
    fs::write(planted.join("run_result.json"), r#"{"judge_passed":true}"#).unwrap();
    let (world, dir) = (&experiment.world, experiment.dir());
    let quick = world.scylla(&["verify", dir, "--quick", "--format", "json"]).exits(5);
    assert!(quick.stdout.contains("altered-result") && quick.stdout.contains("\"agreeing\": 4"), "{quick}");
    let status = world.scylla(&["status", dir, "--message-format", "json"]).exits(0);
    assert!(!status.stdout.contains("T1/00/run_02\": \"passed"), "{status}");
    let resumed = world.scylla(&["resume", dir]).exits(5);
    assert!(resumed.stdout.contains("7 of 8 planned runs done"), "{resumed}");
    world.scylla(&["repair", dir]).exits(5);
    let index = &json(&experiment.at("checkpoint.json"))["completed_runs"]["T1"]["00"];
    assert_ne!(index["2"], "passed", "{index}");
}
