//! A folder is all that an experiment needs: moved, copied, linked to, or without its index, it goes on.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::folder::{contents, copy, differing, json, remove, results, verify};
use super::originals::{Copied, MISSING, finished, interrupted, name};

/// Where an experiment may come to lie.
const PLACES: [&str; 4] = ["moved/elsewhere", "with spaces/and 'quotes' \"too\"", "größe/実験 №1/🐙", "-- --dashes/-n"];

/// Everything that one does with an experiment works at this path, which is not where it was made.
#[track_caller]
fn everything_works(experiment: &Copied, dir: &Path) {
    let world = &experiment.world;
    let types = |words: &[&str], exit| world.scylla(words).exits(exit);
    verify(world, dir).exits(6);
    types(&["status", name(dir)], 0);
    let events = types(&["resume", name(dir), "--message-format", "json"], 0).events();
    let started = events.iter().filter(|event| event["reason"] == "run-started");
    let started: BTreeSet<&str> = started.map(|event| event["run"].as_str().unwrap()).collect();
    assert_eq!(started, BTreeSet::from(MISSING), "what is missing is made, and nothing else");
    assert_eq!(results(&fs::canonicalize(dir).unwrap()), 8);
    verify(world, dir).exits(0);
    let tree = world.path("a tree");
    types(&["checkout", name(dir), "--run", "T0/00/1", "--to", name(&tree)], 0);
    assert!(tree.join("done").is_file() && tree.join("readme.txt").is_file());
    types(&["extend", name(dir), "--runs", "3"], 0);
    let verified = verify(world, dir).exits(0);
    assert_eq!(verified.report["planned"], 12);
    types(&["repair", name(dir)], 0);
    no_path_is_kept(dir);
}

/// Config and checkpoint name no place of this machine.
#[track_caller]
fn no_path_is_kept(dir: &Path) {
    for file in ["checkpoint.json", "config/experiment.json"] {
        let text = fs::read_to_string(dir.join(file)).unwrap();
        assert!(!text.contains("scylla-world"), "{file}: {text}");
    }
}

/// The interrupted experiment, renamed to this place; nothing is left where it was.
fn moved_to(place: &str) -> (Copied, PathBuf) {
    let experiment = interrupted();
    let dir = experiment.world.path(place);
    fs::create_dir_all(dir.parent().unwrap()).unwrap();
    fs::rename(&experiment.dir, &dir).unwrap();
    (experiment, dir)
}

#[test]
fn a_moved_experiment_is_verified_resumed_checked_out_and_extended() {
    for place in PLACES {
        let (experiment, dir) = moved_to(place);
        everything_works(&experiment, &dir);
    }
}

#[test]
fn an_experiment_behind_a_link_is_verified_resumed_checked_out_and_extended() {
    let (experiment, dir) = moved_to("there");
    let link = experiment.world.path("a link");
    symlink(&dir, &link).unwrap();
    everything_works(&experiment, &link);
}

#[test]
fn two_copies_of_an_experiment_do_not_know_each_other() {
    let experiment = interrupted();
    let second = experiment.world.path("second");
    copy(&experiment.dir, &second);
    let before = contents(&second);
    everything_works(&experiment, &experiment.dir);
    let touched = differing(&before, &contents(&second));
    assert!(touched.is_empty(), "work on the one changed the other: {touched:?}");
    fs::remove_dir_all(&experiment.dir).unwrap();
    remove(&experiment.world.path("a tree"));
    everything_works(&experiment, &second);
}

#[test]
fn an_experiment_is_named_by_a_relative_path_too() {
    let (experiment, dir) = moved_to("below/it");
    for (current, typed) in [(dir.clone(), "."), (dir.join("T0"), ".."), (dir.join("T0/00"), "../../")] {
        let verified = experiment.world.command(&["verify", typed]).current_dir(&current).output().unwrap();
        assert_eq!(verified.status.code(), Some(6), "{typed} in {}", current.display());
    }
    let resumed = experiment.world.command(&["resume", "checkpoint.json"]).current_dir(&dir).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", String::from_utf8_lossy(&resumed.stderr));
    verify(&experiment.world, &dir).exits(0);
}

/// The checkpoint without its times.
fn timeless(dir: &Path) -> String {
    let mut checkpoint = json(&dir.join("checkpoint.json"));
    assert!(checkpoint.as_object_mut().unwrap().shift_remove("digest").is_some());
    for time in ["last_updated_at", "started_at"] {
        let said = checkpoint.as_object_mut().unwrap().insert(time.to_owned(), "[TIME]".into());
        assert!(said.is_some_and(|said| said.as_str().unwrap().ends_with('Z')), "{time}");
    }
    // Nothing but the checkpoint has it: one that is made anew counts from nothing.
    checkpoint.as_object_mut().unwrap().shift_remove("worked_seconds");
    format!("{checkpoint:#}\n")
}

/// Removes the checkpoint, which `verify` tells, and rebuilds it by a command.
#[track_caller]
fn is_rebuilt(experiment: &Copied, command: &str, exit: i32) {
    remove(&experiment.at("checkpoint.json"));
    let verified = verify(&experiment.world, &experiment.dir).exits(4);
    assert_eq!(verified.of("checkpoint-missing"), ["checkpoint.json"]);
    experiment.world.scylla(&[command, experiment.dir()]).exits(exit);
}

#[test]
fn without_its_checkpoint_a_finished_experiment_is_rebuilt_to_the_same_bytes_but_for_times() {
    for command in ["repair", "resume"] {
        let experiment = finished();
        let before = timeless(&experiment.dir);
        is_rebuilt(&experiment, command, 0);
        assert_eq!(timeless(&experiment.dir), before, "{command}");
        verify(&experiment.world, &experiment.dir).exits(0);
    }
}

#[test]
fn without_its_checkpoint_an_interrupted_experiment_is_rebuilt_to_the_same_bytes_but_for_times() {
    let experiment = interrupted();
    let before = timeless(&experiment.dir);
    assert!(before.contains("agent_complete") && before.contains("interrupted"), "{before}");
    is_rebuilt(&experiment, "repair", 0);
    assert_eq!(timeless(&experiment.dir), before);
    verify(&experiment.world, &experiment.dir).exits(6);
}

#[test]
fn a_resume_without_the_checkpoint_makes_what_a_resume_with_it_makes() {
    let (with, without) = (interrupted(), interrupted());
    with.world.scylla(&["resume", with.dir()]).exits(0);
    is_rebuilt(&without, "resume", 0);
    assert_eq!(timeless(&without.dir), timeless(&with.dir));
    verify(&without.world, &without.dir).exits(0);
}

#[test]
fn without_its_checkpoint_an_experiment_is_not_started_afresh_by_run() {
    let experiment = interrupted();
    remove(&experiment.at("checkpoint.json"));
    let named = experiment.world.path("results/2026-01-20T06-50-26-tested");
    fs::rename(&experiment.dir, &named).unwrap();
    let fixture = named.join("config/fixture");
    let copied = experiment.world.path("fixture");
    copy(&fixture, &copied);
    let words = ["run", "--tiers-dir", name(&copied), "--results-dir", "results", "--runs", "2"];
    experiment.world.scylla(&words).exits(0);
    assert_eq!(experiment.world.experiment(), named, "there is one experiment, and it is the former one");
    verify(&experiment.world, &named).exits(0);
}
