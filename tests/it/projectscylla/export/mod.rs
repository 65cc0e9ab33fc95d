//! An experiment is written anew as ProjectScylla's runner would have left it, and ProjectScylla's readers understand it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scenes::{is_missing, json as read_json, output};
use crate::verify::folder::{contents, copy, differing, verify};
use crate::verify::originals::{Copied, finished, interrupted};
use crate::world::{World, steady};

/// Both formats, with the version of their checkpoint.
const FORMATS: [(&str, &str); 2] = [("scylla-2.0", "2.0"), ("scylla-3.1", "3.1")];

/// Exports, and holds what was written against ProjectScylla's readers; where it lies.
#[track_caller]
fn export(world: &World, dir: &Path, (format, version): (&str, &str)) -> PathBuf {
    let before = contents(dir);
    let to = world.path(&format!("exported-{version}"));
    let words = ["export", dir.to_str().unwrap(), "--format", format, "--to", to.to_str().unwrap()];
    world.scylla(&words).exits(0);
    let changed = differing(&before, &contents(dir));
    assert!(changed.is_empty(), "export changed {changed:?}");
    if !is_missing("python3") {
        let readers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/projectscylla/export/readers.py");
        let said = output(Command::new("python3").arg(readers).arg(&to).arg(version));
        assert_eq!(said.code, Some(0), "{format}: {said}");
    }
    to
}

fn index(dir: &Path) -> serde_json::Value {
    read_json(&dir.join("checkpoint.json"))
}

#[test]
fn projectscyllas_readers_accept_a_finished_experiment_in_both_formats() {
    let Copied { world, dir, .. } = &finished();
    for format in FORMATS {
        let to = export(world, dir, format);
        assert_eq!(index(&to)["status"], "completed");
        assert_eq!(index(&to)["completed_runs"], index(dir)["completed_runs"]);
        let verified = verify(world, &to).exits(0);
        assert!(verified.findings().is_empty(), "{:#}", verified.report);
        assert_eq!(verified.report["agreeing"], 8);
        let base = if format.1 == "3.1" { to.join("completed") } else { to };
        let (ours, theirs) = ("T0/00/run_01/run_result.json", base.join("T0/00/run_01/run_result.json"));
        let (ours, theirs) = (read_json(&dir.join(ours)), read_json(&theirs));
        for key in ["run_number", "exit_code", "cost_usd", "judge_score", "judge_passed", "judge_grade"] {
            assert_eq!(ours[key], theirs[key], "{key}");
        }
        for (key, count) in theirs["token_stats"].as_object().unwrap() {
            let said = ours["token_stats"].get(key).unwrap_or(&serde_json::Value::from(0)).clone();
            assert_eq!(said, *count, "{key}: what is not known is 0 there");
        }
    }
}

#[test]
fn only_committed_runs_of_an_unfinished_experiment_are_exported_and_it_is_interrupted() {
    let Copied { world, dir, .. } = &interrupted();
    for format in FORMATS {
        let to = export(world, dir, format);
        assert_eq!(index(&to)["status"], "interrupted");
        assert_eq!(index(&to)["completed_runs"].as_object().unwrap().len(), 1, "tier 1 has no result");
        let verified = verify(world, &to).exits(6);
        assert!(verified.findings().iter().all(|finding| finding["kind"] == "missing-run"), "{:#}", verified.report);
        assert_eq!(verified.report["agreeing"], 4);
    }
}

#[test]
fn an_exported_experiment_is_taken_over_again_and_goes_on() {
    let Copied { world, dir, .. } = &interrupted();
    copy(&dir.join("config/fixture"), &world.path("fixture"));
    for format in FORMATS {
        let to = export(world, dir, format);
        let resume = ["resume", to.to_str().unwrap(), "--tiers-dir", "fixture"];
        world.scylla(&resume).exits(0);
        verify(world, &to).exits(0);
        for run in ["T0/00/run_01", "T0/01/run_02"] {
            let exported = if format.1 == "3.1" { "completed/" } else { "" };
            let once = world.path(&format!("again-{}", format.1));
            let words = ["export", dir.to_str().unwrap(), "--format", format.0, "--to", once.to_str().unwrap()];
            if !once.exists() {
                world.scylla(&words).exits(0);
            }
            let (was, is) = (once.join(exported).join(run), to.join(run));
            assert_eq!(
                read_json(&was.join("run_result.json"))["judges"],
                read_json(&is.join("run_result.json"))["judges"]
            );
        }
        // And back: results that were taken over and results that were made here.
        let back = world.path(&format!("back-{}", format.1));
        let words = ["export", to.to_str().unwrap(), "--format", format.0, "--to", back.to_str().unwrap()];
        world.scylla(&words).exits(0);
        verify(world, &back).exits(0);
    }
}

#[test]
fn a_place_that_is_taken_and_an_experiment_that_is_damaged_are_told_and_nothing_is_written() {
    let Copied { world, dir, .. } = &finished();
    world.write("taken/mine.txt", "mine");
    let export = |to: &str| world.scylla(&["export", dir.to_str().unwrap(), "--format", "scylla-2.0", "--to", to]);
    let said = |name: &str, text: String| {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(name, steady(&text, world)) });
    };
    said("mistake-export_taken", export("taken").exits(2).to_string());
    assert_eq!(fs::read_dir(world.path("taken")).unwrap().count(), 1);
    said("exports", export("exported").exits(0).to_string());
    fs::write(dir.join("T0/00/run_01/run_result.json"), "{").unwrap();
    said("mistake-export_damaged", export("damaged").exits(5).to_string());
    assert!(!world.path("damaged").exists());
}
