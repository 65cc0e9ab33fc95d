//! Settings of a workspace: where they are read, which win, and where results go.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, json, output};
use crate::world::{Output, World};

const MEMBER: &str = "[package]\nname = \"member\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

/// A Cargo workspace that is not ours, with a member and these settings in its manifest.
fn workspace(world: &World, settings: &str) {
    TestFixture::new().agent("T0/00-one", AGENT).agent("T1/00-two", AGENT).write(world);
    let manifest = format!(
        "[workspace]\nmembers = [\"member\"]\nresolver = \"2\"\n\n[workspace.metadata.scylla]\ntiers-dir = \"../fixture\"\n{settings}"
    );
    world.write("project/Cargo.toml", &manifest);
    world.write("project/member/Cargo.toml", MEMBER);
    world.write("project/member/src/lib.rs", "");
}

/// Runs the binary in a folder of the world.
fn scylla_in(world: &World, folder: &str, arguments: &[&str]) -> Output {
    output(world.command(arguments).current_dir(world.path(folder)))
}

#[track_caller]
fn only_folder(results: &Path) -> PathBuf {
    let found: Vec<PathBuf> = fs::read_dir(results)
        .unwrap_or_else(|error| panic!("{}: {error}", results.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with(".gitignore"))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[track_caller]
fn config(results: &Path) -> serde_json::Value {
    json(&only_folder(results).join("config/experiment.json"))
}

#[test]
fn the_manifest_of_a_foreign_workspace_gives_defaults_and_results_lie_at_its_root() {
    let world = World::new();
    workspace(&world, "runs = 1\njobs = 3\nmodel = \"small\"\ntiers = [\"T1\"]\n");
    // The settings hold for the whole workspace, whichever folder one stands in.
    scylla_in(&world, "project/member/src", &["run"]).exits(0);
    let config = config(&world.path("project/scylla-results"));
    assert_eq!((&config["runs_per_subtest"], &config["jobs"]), (&1.into(), &3.into()));
    assert_eq!(config["models"], serde_json::json!(["small"]));
    assert_eq!(config["subtests"], serde_json::json!({"T1": ["00"]}));
}

#[test]
fn the_settings_file_wins_over_the_manifest_and_a_flag_over_both() {
    let world = World::new();
    workspace(&world, "runs = 9\njobs = 9\nattempts = 9\nresults-dir = \"wrong\"\n");
    world.write("project/.config/scylla.toml", "runs = 8\njobs = 2\nresults-dir = \"kept\"\n");
    scylla_in(&world, "project/member", &["run", "--runs", "1"]).exits(0);
    let config = config(&world.path("project/kept"));
    let numbers = [&config["runs_per_subtest"], &config["jobs"], &config["attempts"]];
    assert_eq!(numbers, [&1, &2, &9], "flag, file, manifest");
}

#[test]
fn cargo_clean_removes_no_result() {
    let world = World::new();
    workspace(&world, "runs = 1\n");
    scylla_in(&world, "project", &["run"]).exits(0);
    let experiment = only_folder(&world.path("project/scylla-results"));
    let mut clean = std::process::Command::new("cargo");
    world.seal(&mut clean);
    clean.args(["clean", "--offline"]).current_dir(world.path("project"));
    output(&mut clean).exits(0);
    scylla_in(&world, "project", &["verify", experiment.to_str().unwrap()]).exits(0);
    assert_eq!(fs::read_to_string(world.path("project/scylla-results/.gitignore")).unwrap(), "*\n");
    let told = scylla_in(&world, "project", &["run", "--fresh", "--results-dir", "target/mine"]).exits(0);
    assert!(told.stderr.contains("`cargo clean` removes"), "{told}");
}

#[test]
fn outside_of_any_workspace_results_lie_in_the_current_folder() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    fs::create_dir(world.path("empty")).unwrap();
    scylla_in(&world, "empty", &["run", "--tiers-dir", &fixture, "--runs", "1"]).exits(0);
    only_folder(&world.path("empty/scylla-results"));
}

#[test]
fn experiments_in_the_places_of_former_versions_are_found_with_a_word_about_it() {
    for (folder, former) in [("project", "target/scylla"), ("empty", "results")] {
        let world = World::new();
        workspace(&world, "runs = 1\n");
        fs::create_dir(world.path("empty")).unwrap();
        let run = |more: &[&str]| {
            let run = ["run", "--tiers-dir", "../fixture", "--runs", "1"];
            scylla_in(&world, folder, &[&run, more].concat())
        };
        run(&["--results-dir", former, "--max-cost-usd", "0"]).exits(6);
        let there = only_folder(&world.path(folder).join(former));
        let shown = scylla_in(&world, folder, &["status"]).exits(0);
        assert!(shown.stderr.contains(&format!("is the newest experiment in `{former}`")), "{shown}");
        for more in [&["--max-cost-usd", "9"][..], &[]] {
            let output = run(more).exits(0);
            assert!(output.stderr.contains("where former versions kept experiments"), "{output}");
            assert!(!world.path(folder).join("scylla-results").exists(), "{output}");
            assert_eq!(only_folder(&world.path(folder).join(former)), there);
        }
        let part = there.file_name().unwrap().to_str().unwrap();
        scylla_in(&world, folder, &["verify", part]).exits(0);
    }
}

#[test]
fn an_unknown_setting_is_refused_with_the_nearest_known_one() {
    let world = World::new();
    workspace(&world, "run = 1\n");
    let output = scylla_in(&world, "project", &["run"]).exits(2);
    assert!(output.stderr.contains("project/Cargo.toml") && output.stderr.contains("`runs`"), "{output}");
    workspace(&world, "");
    world.write("project/.config/scylla.toml", "runs = 1\n\nresult-dir = \"x\"\njobs = \"many\"\n");
    let output = scylla_in(&world, "project", &["run"]).exits(2);
    for said in [".config/scylla.toml:3", "`results-dir`", ".config/scylla.toml:4"] {
        assert!(output.stderr.contains(said), "no {said} in {output}");
    }
    assert!(!world.path("project/target").exists());
}

#[test]
fn a_mistake_of_settings_in_the_manifest_is_told_with_its_line() {
    let world = World::new();
    workspace(&world, "jobs = \"many\"\n");
    let output = scylla_in(&world, "project", &["run"]).exits(2);
    assert!(output.stderr.contains("project/Cargo.toml:7: `workspace.metadata.scylla.jobs`"), "{output}");
}

#[test]
fn a_manifest_that_cargo_refuses_stops_only_what_needs_it() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    world.write("project/Cargo.toml", "[workspace\n");
    let scylla = |arguments: &[&str]| scylla_in(&world, "project", arguments);
    let output = scylla(&["run"]).exits(2);
    assert!(output.stderr.contains("Cargo.toml"), "{output}");
    let told = "Cargo.toml`, so what it sets is left out";
    let checked = scylla(&["fixture", "check", &fixture]).exits(0);
    assert!(checked.stderr.contains(told), "{checked}");
    scylla(&["fixture", "list", ".."]).exits(0);
    let ran = scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "scylla-results", "--runs", "1"]).exits(0);
    assert!(ran.stderr.contains(told), "{ran}");
    for command in ["status", "verify", "resume"] {
        scylla(&[command]).exits(0);
    }
    // What stands in it for this tool would be left out: that is for a person to decide.
    world.write("project/Cargo.toml", "[workspace\n[workspace.metadata.scylla]\nmodel = \"x\"\n");
    scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "elsewhere"]).exits(2);
    assert!(!world.path("project/elsewhere").exists());
}
