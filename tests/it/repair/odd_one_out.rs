//! One damaged file among good ones: the odd one out is the damage, no committed run moves, and nothing is paid again.

use std::fs;
use std::path::Path;

use crate::fixture::{FULL_SCORE, TestFixture, gated};
use crate::verify::folder::{copy, json, remove, verify};
use crate::world::World;

const RESULT: &str = "T0/00/run_02/run_result.json";

/// Two finished runs of two setups each. Agents and judges tell a log that they were asked.
fn finished() -> World {
    let world = World::new();
    let agent =
        format!("{}; touch done; printf '{{\"cost_usd\": 1}}' > \"$SCYLLA_RECORD_FILE\"", gated(&world, "asked"));
    let fixture = TestFixture::new()
        .agent("T0/00-a", &agent)
        .agent("T0/01-b", &agent)
        .judge(&format!("{}; {FULL_SCORE}", gated(&world, "asked")))
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "-q"]).exits(0);
    copy(&world.experiment(), &world.path("whole"));
    world
}

/// Flips the lowest bit of the first byte of what a key says.
fn flip(path: &Path, key: &str) {
    let mut bytes = fs::read(path).unwrap();
    let after = format!("\"{key}\": ");
    let text = String::from_utf8(bytes.clone()).unwrap();
    let mut at = text.find(&after).unwrap_or_else(|| panic!("no `{key}` in {text}")) + after.len();
    while bytes[at] == b'"' {
        at += 1;
    }
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Damages a copy, and lets everything that goes on by itself go on: `verify` names the place, and nothing is paid again.
fn damaged(world: &World, what: &str, place: &str, exit: i32, damage: impl Fn(&Path)) {
    let experiment = world.experiment();
    remove(&experiment);
    copy(&world.path("whole"), &experiment);
    damage(&experiment);
    let (dir, asked) = (experiment.to_str().unwrap(), world.lines("asked.log"));
    let found = verify(world, &experiment).exits(exit);
    let places = found.places();
    assert!(places.iter().any(|(_, found)| place.starts_with(found.as_str())), "{what}: {places:?}");
    let fixture = world.path("fixture");
    for command in [
        &["repair", dir][..],
        &["resume", dir],
        &["repair", dir],
        &["run", "--tiers-dir", fixture.to_str().unwrap(), "--results-dir", "results"],
    ] {
        let said = world.scylla(command);
        assert_ne!(said.code, Some(1), "{what}: {said}");
        // A resume looks at results alone, and not at all evidence.
        if exit == 5 && command[0] == "repair" {
            assert_eq!(said.code, Some(5), "{what}: {command:?} leaves it to a person\n{said}");
        }
    }
    assert_eq!(world.lines("asked.log"), asked, "{what}: nobody is asked again");
    let mut committed = fs::read_dir(world.results()).unwrap();
    assert!(committed.next().is_some() && committed.next().is_none(), "{what}: it is still the one experiment");
    if exit == 5 {
        assert!(!experiment.join(".quarantine").exists(), "{what}: no committed run moves");
    }
    for run in ["T0/00/run_01", "T0/00/run_02", "T0/01/run_01", "T0/01/run_02"] {
        assert!(experiment.join(run).join("run_result.json").exists(), "{what}: {run}");
    }
}

#[test]
fn one_flipped_bit_of_what_a_file_calls_itself_moves_no_committed_run_and_buys_nothing() {
    let world = finished();
    for key in ["experiment_id", "fixture_digest", "task_commit", "version"] {
        damaged(&world, key, "config/experiment.json", 5, |dir| flip(&dir.join("config/experiment.json"), key));
    }
    for key in ["tier", "subtest", "experiment_id", "version"] {
        damaged(&world, key, "T0/00/run_02", 5, |dir| flip(&dir.join(RESULT), key));
    }
    damaged(&world, "config_hash, its first letter", "T0/00/run_02", 5, |dir| flip(&dir.join(RESULT), "config_hash"));
    damaged(&world, "config_hash", "T0/00/run_02", 5, |dir| {
        let text = fs::read_to_string(dir.join(RESULT)).unwrap();
        let hash = json(&dir.join(RESULT))["config_hash"].as_str().unwrap().to_owned();
        let last = if hash.ends_with('0') { "1" } else { "0" };
        fs::write(dir.join(RESULT), text.replace(&hash, &format!("{}{last}", &hash[..hash.len() - 1]))).unwrap();
    });
    for key in ["experiment_id", "config_hash"] {
        damaged(&world, key, "checkpoint.json", 4, |dir| {
            let text = fs::read_to_string(dir.join("checkpoint.json")).unwrap();
            let said = json(&dir.join("checkpoint.json"))[key].as_str().unwrap().to_owned();
            let last = if said.ends_with('0') { "1" } else { "0" };
            fs::write(dir.join("checkpoint.json"), text.replace(&said, &format!("{}{last}", &said[..said.len() - 1])))
                .unwrap();
        });
    }
}

#[test]
fn one_file_that_is_torn_or_gone_buys_nothing() {
    let world = finished();
    let torn = |place: &'static str| move |dir: &Path| fs::write(dir.join(place), "{").unwrap();
    let gone = |place: &'static str| move |dir: &Path| remove(&dir.join(place));
    for (place, exit) in [
        ("checkpoint.json", 4),
        ("config/experiment.json", 5),
        ("T0/00/run_02/SHA256SUMS", 5),
        ("T0/00/run_02/agent/result.json", 5),
        ("T0/00/run_02/judge/judge_02/judgment.json", 5),
        ("T0/00/run_02/checks/result.json", 5),
    ] {
        damaged(&world, &format!("{place} torn"), place, exit, torn(place));
        damaged(&world, &format!("{place} gone"), place, exit, gone(place));
    }
    // The stages of the run are whole, so it is committed again from them.
    let asked = world.lines("asked.log");
    let experiment = world.experiment();
    remove(&experiment);
    copy(&world.path("whole"), &experiment);
    torn(RESULT)(&experiment);
    let dir = experiment.to_str().unwrap();
    world.scylla(&["repair", dir]).exits(0);
    world.scylla(&["resume", dir]).exits(0);
    assert_eq!(world.lines("asked.log"), asked);
    verify(&world, &experiment).exits(0);
}
