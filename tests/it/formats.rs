//! Experiments of earlier formats are verified, resumed and extended, and nothing of them is paid for again.

use std::fs;
use std::path::{Path, PathBuf};

use scylla::store::own_digest;
use serde_json::Value;

use crate::verify::folder::{contents, copy, differing, edit, json, remove, verify};
use crate::world::{Output, World};

/// A copy of the kept experiment of a version, in a world whose agents and judges tell a log that they were asked.
fn kept(version: &str) -> (World, PathBuf) {
    let world = World::new();
    let dir = world.path("results/kept");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats").join(version), &dir);
    (world, dir)
}

#[track_caller]
fn scylla(world: &World, words: &[&str]) -> Output {
    let mut command = world.command(words);
    command.env("TASK_LOG", world.path("asked.log"));
    crate::world::finish(
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap(),
    )
}

/// What agents and judges told.
fn asked(world: &World) -> Vec<String> {
    let mut told: Vec<String> =
        fs::read_to_string(world.path("asked.log")).unwrap_or_default().lines().map(str::to_owned).collect();
    told.sort();
    told
}

#[test]
fn an_experiment_of_each_format_is_verified_as_it_was() {
    for version in ["4.0", "4.1", "4.1-silent", "4.2"] {
        let (world, dir) = kept(version);
        let found = verify(&world, &dir).exits(6);
        let missing = ("missing-run".to_owned(), "T1/00/run_01".to_owned());
        assert_eq!(found.places(), [missing].into(), "nothing that {version} did not write is missed");
        assert_eq!(found.report["agreeing"], 2, "{:#}", found.report);
        for (run, told) in [("T0/00/1", "grade "), ("T1/00/1", "cargo scylla resume ")] {
            let shown = scylla(&world, &["show", dir.to_str().unwrap(), run]).exits(0);
            assert!(shown.stdout.contains(told) && !shown.stdout.contains("damaged"), "{version}: {shown}");
        }
        let before = contents(&dir);
        scylla(&world, &["repair", dir.to_str().unwrap()]).exits(0);
        assert!(differing(&before, &contents(&dir)).is_empty());
    }
}

#[test]
fn an_experiment_of_format_4_1_or_4_2_is_resumed_without_paying_again_graded_again_and_extended() {
    for version in ["4.1", "4.1-silent", "4.2"] {
        resumed_graded_again_and_extended(version);
    }
}

fn resumed_graded_again_and_extended(version: &str) {
    let (world, dir) = kept(version);
    let name = dir.to_str().unwrap();
    let first = fs::read(dir.join("T0/00/run_01/run_result.json")).unwrap();
    scylla(&world, &["resume", name, "--jobs", "2"]).exits(0);
    assert_eq!(asked(&world), ["judge"], "the agent of the run that was stopped is done");
    verify(&world, &dir).exits(0);
    assert_eq!(fs::read(dir.join("T0/00/run_01/run_result.json")).unwrap(), first, "a result is never written again");
    let mended = world.path("mended");
    copy(&dir.join("config/fixture"), &mended);
    fs::write(mended.join("expected/criteria.md"), "Work is done.\n").unwrap();
    scylla(&world, &["regrade", name, "--from", mended.to_str().unwrap()]).exits(0);
    assert_eq!(asked(&world), ["judge"; 4], "three runs are judged again");
    verify(&world, &dir).exits(0);
    scylla(&world, &["extend", name, "--runs", "2"]).exits(0);
    verify(&world, &dir).exits(0);
}

/// What `status` says was spent, and how many agents and judges did not say what they cost.
fn spent(world: &World, dir: &Path) -> (f64, u64) {
    let status = scylla(world, &["status", dir.to_str().unwrap(), "--message-format", "json"]).exits(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    (status["spent"].as_f64().unwrap(), status["spent_unknown"].as_u64().unwrap())
}

#[test]
fn a_cost_that_format_4_1_wrote_as_0_because_nobody_said_it_is_read_as_unknown() {
    for (version, expected) in [("4.0", (1.39, 0)), ("4.1", (1.39, 0)), ("4.1-silent", (0.77, 4)), ("4.2", (0.77, 4))] {
        let (world, dir) = kept(version);
        let (known, unknown) = spent(&world, &dir);
        assert!((known - expected.0).abs() < 1e-6 && unknown == expected.1, "{version}: {known}, {unknown}");
        // A run of today over stages of then, and a former attempt of then below it.
        scylla(&world, &["resume", dir.to_str().unwrap()]).exits(0);
        let result = json(&dir.join("T1/00/run_01/run_result.json"));
        let is_silent = expected.1 > 0;
        let cost = if is_silent { (Value::Null, "unknown") } else { (0.5.into(), "reported") };
        assert_eq!((&result["version"], &result["cost_usd"]), (&"4.2".into(), &cost.0), "{version}: {result:#}");
        assert_eq!((&result["cost_source"], &result["judge_cost_usd"]), (&cost.1.into(), &0.02.into()), "{version}");
        assert_eq!(result["token_stats"], serde_json::json!({}), "{version}: its agent says no tokens");
        scylla(&world, &["rerun", dir.to_str().unwrap(), "--run", "T0/01/1"]).exits(0);
        let (_, unknown) = spent(&world, &dir);
        // T0/01 is made once more, and says nothing once more: its agent, twice, and its judge.
        let again = if is_silent { 2 } else { 0 };
        assert_eq!(unknown, expected.1 + again, "{version}");
        verify(&world, &dir).exits(0);
    }
}

#[test]
fn an_experiment_of_a_newer_format_is_looked_at_and_never_written() {
    for version in ["4.3", "4.9", "5.0"] {
        let (world, dir) = kept("4.2");
        let name = dir.to_str().unwrap();
        for file in ["checkpoint.json", "config/experiment.json"] {
            let mut newer = json(&dir.join(file));
            newer["version"] = version.into();
            newer.as_object_mut().unwrap().remove("digest");
            let text = serde_json::to_vec_pretty(&newer).unwrap();
            fs::write(dir.join(file), own_digest::add([text, b"\n".to_vec()].concat())).unwrap();
        }
        let before = contents(&dir);
        let found = verify(&world, &dir).exits(5);
        assert_eq!(found.of("newer-version"), ["checkpoint.json", "config/experiment.json"], "{:#}", found.report);
        scylla(&world, &["status", name]).exits(0);
        for command in ["resume", "extend --runs 2", "regrade", "rerun --run T0/00/1", "repair"] {
            let words: Vec<&str> = command.split(' ').collect();
            let refused = scylla(&world, &[&[words[0], name], &words[1..]].concat()).exits(5);
            let told = format!("{}{}", refused.stdout, refused.stderr);
            assert!(told.contains(version) && told.contains("newer"), "{command}: {refused}");
        }
        assert_eq!(asked(&world), [""; 0]);
        assert!(differing(&before, &contents(&dir)).is_empty(), "{version}");
    }
}

#[test]
fn an_experiment_of_format_4_0_is_resumed_without_paying_again_and_extended() {
    let (world, dir) = kept("4.0");
    let name = dir.to_str().unwrap();
    let first = fs::read(dir.join("T0/00/run_01/run_result.json")).unwrap();
    edit(&dir.join("config/experiment.json"), |config| config["of_others"] = serde_json::json!([1]));
    scylla(&world, &["resume", name, "--jobs", "2"]).exits(0);
    assert_eq!(asked(&world), ["judge"], "the agent of the run that was stopped is done");
    verify(&world, &dir).exits(0);
    let result = json(&dir.join("T1/00/run_01/run_result.json"));
    assert_eq!((&result["version"], &result["judge_passed"]), (&Value::from("4.2"), &Value::from(true)));
    assert!(result["digest"].is_string() && result["baseline_commit"].is_string(), "{result:#}");
    assert_eq!(fs::read(dir.join("T0/00/run_01/run_result.json")).unwrap(), first, "a result is never written again");
    let config = json(&dir.join("config/experiment.json"));
    assert_eq!((&config["version"], &config["of_others"]), (&Value::from("4.2"), &serde_json::json!([1])));
    scylla(&world, &["extend", name, "--runs", "2"]).exits(0);
    verify(&world, &dir).exits(0);
    // T0/00 fails once before it works.
    assert_eq!(asked(&world).iter().filter(|told| *told == "agent").count(), 4);
    let status = scylla(&world, &["status", name, "--message-format", "json"]).exits(0);
    let spent = serde_json::from_str::<Value>(&status.stdout).unwrap()["spent"].as_f64().unwrap();
    let baselines = ["T0-00", "T1-00"].map(|name| dir.join("repo.git/refs/heads/baseline").join(name));
    let commits = baselines.each_ref().map(|baseline| fs::read(baseline).unwrap());
    assert_ne!(commits[0], commits[1]);
    for (baseline, commit) in baselines.iter().zip(commits.iter().rev()) {
        fs::write(baseline, commit).unwrap();
    }
    assert_eq!(verify(&world, &dir).exits(5).of("damaged-file").len(), 2, "two baselines were swapped");
    assert!((spent - 2.82).abs() < 1e-6, "{spent}: what was spent under 4.0 counts");
}

#[test]
fn a_fixture_keeps_the_digest_that_it_had_under_format_4_0() {
    let (world, dir) = kept("4.0");
    copy(&dir.join("config/fixture"), &world.path("fixture"));
    scylla(&world, &["run", "fixture", "--results-dir", "other", "--runs", "1", "--max-subtests", "1"]);
    let made = fs::read_dir(world.path("other")).unwrap().map(|entry| entry.unwrap().path());
    let made: Vec<PathBuf> = made.filter(|path| path.join("config").is_dir()).collect();
    let digest = |dir: &Path| json(&dir.join("config/experiment.json"))["fixture_digest"].clone();
    assert!(digest(&dir).is_string());
    assert_eq!(digest(&made[0]), digest(&dir));
}

#[test]
fn damage_of_an_experiment_of_format_4_0_is_found_by_its_seals() {
    let (world, dir) = kept("4.0");
    for (key, value) in [("cost_usd", serde_json::json!(0.25)), ("judge_grade", serde_json::json!("A"))] {
        let path = dir.join("T0/00/run_01/run_result.json");
        let whole = fs::read(&path).unwrap();
        edit(&path, |result| result[key] = value);
        let found = verify(&world, &dir).exits(5);
        assert_eq!(found.of("altered-result"), ["T0/00/run_01"], "{key}");
        fs::write(&path, whole).unwrap();
    }
    remove(&dir.join("T0/01/run_01/checks/result.json"));
    assert_eq!(verify(&world, &dir).exits(5).of("broken-seal"), ["T0/01/run_01"]);
}
