//! What a command needs of the machine and is not there: a folder for temporary files, work folders and results, git, the current
//! folder, room. That is no internal error: the exit code is 2, and the message names what is wrong and what to do.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::fixture::TestFixture;
use crate::scenes::{experiment, output, planned, saved};
use crate::world::{Output, World};

fn world() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").write(&world);
    (world, fixture)
}

/// It is a mistake that a person can mend: the message has both texts, and standard output nothing.
#[track_caller]
fn mistake(output: Output, what: &str, cure: &str) {
    let output = output.exits(2);
    assert!(output.stderr.contains(&format!("error: {what}")), "no {what}: {output}");
    assert!(output.stderr.contains("hint: ") && output.stderr.contains(cure), "no {cure}: {output}");
    assert_eq!(output.stdout, "");
}

/// How many places a results folder has that are not hidden.
fn experiments(world: &World) -> usize {
    fs::read_dir(world.results()).unwrap().filter(|entry| !is_hidden(&entry.as_ref().unwrap().path())).count()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with('.')
}

#[test]
fn a_folder_for_temporary_files_that_cannot_be_used_is_named_and_nothing_is_made() {
    let (world, fixture) = world();
    world.write("file", "");
    let file = world.path("file").to_str().unwrap().to_owned();
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    for arguments in [&run[..], &["fixture", "check", &fixture, "--run"]] {
        for place in ["", "/nowhere/at/all", &file] {
            let refused = output(world.command(arguments).env("TMPDIR", place));
            mistake(
                refused,
                "the folder for temporary files cannot be used: cannot make a folder in `",
                "set `TMPDIR` to",
            );
        }
    }
    assert_eq!(experiments(&world), 0);
    world.scylla(&run).exits(0);
}

#[test]
fn a_place_of_work_folders_that_cannot_be_used_is_named_before_an_experiment_is_made_or_keeps_it() {
    let (world, fixture) = world();
    let file = world.write("file", "").to_str().unwrap().to_owned();
    let below = format!("{file}/below");
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    let refused = |arguments: &[&str], place: &str| {
        let refused = world.scylla(&[arguments, &["--work-dir", place]].concat());
        mistake(
            refused,
            "the place of work folders cannot be used: cannot make the folder `",
            "`--work-dir DIR` names another",
        );
    };
    for place in [&file, &below, "/proc", "/proc/nothing"] {
        refused(&run, place);
    }
    assert_eq!(experiments(&world), 0);
    let dir = planned(&world, &fixture, &["--runs", "1"]);
    for arguments in [&["resume", &dir, "--max-cost-usd", "9"][..], &["extend", &dir, "--runs", "2"], &run] {
        refused(arguments, &file);
    }
    assert!(saved(&world, "work_dir").is_null(), "what cannot be used is not kept");
    world.scylla(&["resume", &dir, "--max-cost-usd", "9"]).exits(0);
}

#[test]
fn a_results_folder_that_cannot_be_used_is_named() {
    let (world, fixture) = world();
    let file = world.write("file", "").to_str().unwrap().to_owned();
    let below = format!("{file}/below");
    for place in [&file, &below, "/proc/nothing", "/proc"] {
        let run = world.scylla(&["run", "--tiers-dir", &fixture, "--runs", "1", "--results-dir", place]);
        mistake(run, "the results folder cannot be used: cannot ", "`--results-dir DIR` names another one");
    }
    for arguments in [&["list", &file][..], &["status", "--results-dir", &file], &["list", "--results-dir", &file]] {
        let told = world.scylla(arguments).exits(2);
        assert!(told.stderr.contains(&file) && told.stderr.contains("hint: "), "{told}");
    }
}

#[test]
fn without_git_each_command_that_needs_it_names_it() {
    let (world, fixture) = world();
    let dir = planned(&world, &fixture, &["--runs", "1"]);
    let tools = world.path("tools");
    fs::create_dir(&tools).unwrap();
    let shell = output(Command::new("sh").args(["-c", "command -v sh"])).exits(0);
    symlink(shell.stdout.trim(), tools.join("sh")).unwrap();
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--fresh"];
    for arguments in [&run[..], &["fixture", "check", &fixture, "--run"]] {
        let refused = output(world.command(arguments).env("PATH", &tools)).exits(2);
        for part in ["there is no program `git` in `PATH`", "hint: install git 2.36 or newer"] {
            assert!(refused.stderr.contains(part), "no {part}: {refused}");
        }
    }
    assert_eq!(experiments(&world), 1);
    world.scylla(&["resume", &dir, "--max-cost-usd", "9"]).exits(0);
}

#[test]
fn a_current_folder_that_was_removed_is_told() {
    let (world, fixture) = world();
    for arguments in [&["run", &fixture][..], &["list"], &["status"], &["verify"], &["resume"], &["fixture", "list"]] {
        fs::create_dir(world.path("gone")).unwrap();
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            r#"cd gone && rmdir ../gone && exec "$@""#,
            "sh",
            env!("CARGO_BIN_EXE_cargo-scylla"),
            "scylla",
        ]);
        shell.args(arguments).current_dir(world.path(""));
        world.seal(&mut shell);
        mistake(
            output(&mut shell),
            "the current folder cannot be used: cannot find `.`",
            "go to a folder that is there",
        );
    }
}

#[test]
fn a_disk_that_is_full_and_a_place_that_is_read_only_are_told_with_what_to_do() {
    let (world, fixture) = world();
    let script = format!(
        "mkdir small && mount -t tmpfs -o size=64k,nr_inodes=4096 none small || exit 77; \
         \"$0\" scylla run --tiers-dir '{fixture}' --results-dir small --runs 1; code=$?; \
         [ $code = 2 ] || exit $code; \
         mount -o remount,ro small; \"$0\" scylla run --tiers-dir '{fixture}' --results-dir small/new --runs 1"
    );
    let mut unshared = Command::new("unshare");
    unshared.args(["--mount", "--user", "--map-root-user", "sh", "-c", &script, env!("CARGO_BIN_EXE_cargo-scylla")]);
    unshared.current_dir(world.path(""));
    world.seal(&mut unshared);
    let ran = output(&mut unshared);
    if ran.code == Some(77) || ran.code == Some(1) && ran.stderr.contains("unshare") {
        println!("skipped: no small file system can be mounted here");
        return;
    }
    let ran = ran.exits(2);
    for part in ["free space on its disk", "Read-only file system", "`--results-dir DIR` names"] {
        assert!(ran.stderr.contains(part), "no {part}: {ran}");
    }
    // What was begun on the full disk was removed again.
    assert_eq!(experiments(&world), 0);
    let results = world.results();
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", results.to_str().unwrap(), "--runs", "1"]).exits(0);
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}
