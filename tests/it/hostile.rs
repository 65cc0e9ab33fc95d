//! Files of an experiment with numbers, times and shapes that nobody meant: they are named, and nothing panics, aborts, hangs or
//! takes all memory.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::fixture::{FULL_SCORE, TestFixture};
use crate::scenes::{AGENT, experiment, json, output};
use crate::verify::folder::{copy, remove};
use crate::world::{Output, World};

/// Values as they would be written, in place of any other.
const HOSTILE: [&str; 18] = [
    "null",
    "-1",
    "4000000000",
    "18446744073709551615",
    "99999999999999999999999999",
    "1e308",
    "1e400",
    "NaN",
    "true",
    "\"\"",
    "\"0.12\"",
    "\"\\u0000\"",
    "\"9999-12-31T23:59:59.999Z\"",
    "\"-009999-01-01T00:00:00Z\"",
    "\"+012026-01-01T00:00:00Z\"",
    "[]",
    "{\"T4294967295\": {\"4294967295\": {\"4294967295\": \"passed\"}}}",
    "DEEP",
];

/// Runs a command that may take two gigabytes and no more.
fn bounded(world: &World, arguments: &[&str]) -> Output {
    let command = world.command(arguments);
    let mut bounded = Command::new("sh");
    bounded.args(["-c", "ulimit -v 2000000; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    world.seal(&mut bounded);
    output(bounded.current_dir(world.path("")))
}

#[track_caller]
fn ends_well(world: &World, arguments: &[&str], what: &str) -> Output {
    let output = bounded(world, arguments);
    let known = output.code.is_some_and(|code| matches!(code, 0 | 2..=7));
    assert!(known && !output.stderr.contains("panicked"), "{what}: {arguments:?}: {output}");
    output
}

fn finished() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).judge(FULL_SCORE).write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]).exits(0);
    let dir = experiment(&world);
    copy(Path::new(&dir), &world.path("template"));
    (world, dir)
}

#[test]
fn no_value_in_any_file_of_an_experiment_makes_a_command_panic_abort_or_take_all_memory() {
    let (world, dir) = finished();
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let commands = [&["verify"][..], &["status", "--message-format", "json"], &["repair", "--dry-run"], &["status"]];
    let mut tried = 0;
    for file in [
        "checkpoint.json",
        "config/experiment.json",
        "experiment.lock",
        "T0/00/run_01/run_result.json",
        "T0/00/run_01/agent/result.json",
        "T0/00/run_01/judge/judge_02/judgment.json",
    ] {
        let path = Path::new(&dir).join(file);
        let whole = fs::read(&path).unwrap();
        let lock = r#"{"pid": 1, "host": "h", "since": "2026-01-01T00:00:00Z"}"#;
        let content: Value = if whole.is_empty() { serde_json::from_str(lock).unwrap() } else { json(&path) };
        for key in content.as_object().unwrap().keys() {
            for step in 0..2 {
                tried += 1;
                let hostile = HOSTILE[(tried * 7 + step) % HOSTILE.len()];
                let mut altered = content.clone();
                altered[key] = Value::from("@@");
                let text = altered.to_string().replace("\"@@\"", if hostile == "DEEP" { &deep } else { hostile });
                // Every fifth time the key is there twice.
                let text = if tried % 5 == 0 { text.replacen('{', &format!("{{\"{key}\":0,"), 1) } else { text };
                fs::write(&path, text).unwrap();
                let [command, more @ ..] = commands[tried % commands.len()] else { panic!() };
                ends_well(&world, &[&[command, &*dir], more].concat(), &format!("{file}: `{key}` is {hostile}"));
            }
        }
        fs::write(&path, whole).unwrap();
    }
    assert!(tried > 100, "{tried}");
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn what_writes_takes_no_absurd_number_of_a_config_either() {
    let (world, dir) = finished();
    for (key, hostile) in [
        ("runs_per_subtest", "4000000000"),
        ("runs_per_subtest", "100001"),
        ("jobs", "4294967295"),
        ("jobs", "0"),
        ("attempts", "0"),
        ("grace_seconds", "18446744073709551615"),
        ("rate_limit_seconds", "18446744073709551615"),
        ("created_at", "\"9999-12-31T23:59:59.999Z\""),
        ("created_after", "\"9999-12-31T23:59:59.999Z\""),
    ] {
        remove(Path::new(&dir));
        copy(&world.path("template"), Path::new(&dir));
        let path = Path::new(&dir).join("config/experiment.json");
        let mut config = json(&path);
        config[key] = Value::from("@@");
        fs::write(&path, config.to_string().replace("\"@@\"", hostile)).unwrap();
        let what = format!("`{key}` is {hostile}");
        for arguments in
            [&["extend", &*dir, "--max-subtests", "7", "--plan-only"][..], &["resume", &dir], &["repair", &dir]]
        {
            let ended = ends_well(&world, arguments, &what);
            let told = "and at most 100000 can be planned";
            assert!(key != "runs_per_subtest" || format!("{ended}").contains(told), "{what}: {ended}");
        }
        ends_well(&world, &["run", "--tiers-dir", "fixture", "--results-dir", "results", "--runs", "1"], &what);
    }
}

#[test]
fn no_plan_is_larger_than_what_can_be_kept_in_memory() {
    let (world, dir) = finished();
    let too_many = |arguments: &[&str], told: &str| {
        let refused = bounded(&world, arguments).exits(2);
        assert!(refused.stderr.contains(told), "{refused}");
    };
    let run = ["run", "--tiers-dir", "fixture", "--results-dir", "results", "--fresh"];
    too_many(&[&run[..], &["--runs", "4000000000"]].concat(), "4000000000 is not in 1..=100000");
    too_many(&["extend", &dir, "--runs", "4000000000"], "4000000000 is not in 1..=100000");
    for (setting, most) in [("runs = 4000000000", 100_000), ("jobs = 5000", 4096), ("attempts = 1001", 1000)] {
        world.write(".config/scylla.toml", &format!("{setting}\n"));
        too_many(&run, &format!("not a whole number from 1 to {most}"));
    }
    world.write(".config/scylla.toml", "");
    let mut fixture = TestFixture::new();
    for number in 0..11 {
        fixture = fixture.agent(&format!("T0/{number:02}-one"), AGENT);
    }
    fixture.write(&world);
    too_many(
        &[&run[..], &["--runs", "100000", "--dry-run"]].concat(),
        "the plan has 1100000 runs, and an experiment has at most 1000000",
    );
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 1, "nothing was begun");
}

#[test]
fn a_name_with_an_absurd_time_and_a_clock_that_was_ahead_hide_no_later_experiment() {
    let (world, dir) = finished();
    let named = world.results().join("9999-99-99T99-99-99-tested");
    let ahead = world.results().join("2099-01-01T00-00-00-tested");
    copy(Path::new(&dir), &named);
    let config = named.join("config/experiment.json");
    fs::remove_file(&config).unwrap();
    ends_well(&world, &["verify", named.to_str().unwrap()], "absurd name");
    remove(&named);
    fs::rename(&dir, &ahead).unwrap();
    let config = ahead.join("config/experiment.json");
    let text = fs::read_to_string(&config).unwrap();
    let created = json(&config)["created_at"].as_str().unwrap().to_owned();
    fs::write(&config, text.replace(&created, "2099-01-01T00:00:00Z")).unwrap();
    // The newest one measures two runs now, and asks no more.
    let run = ["run", "--tiers-dir", "fixture", "--results-dir", "results", "--runs", "2"];
    world.scylla(&[&run[..], &["--fresh"]].concat()).exits(0);
    let again = world.scylla(&run).exits(0);
    assert!(again.stderr.contains("is finished and left alone: 1 subtest, 2 runs of each"), "{again}");
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 2, "{again}");
    let newest = ahead.file_name().unwrap().to_str().unwrap();
    let other = fs::read_dir(world.results()).unwrap().map(|entry| entry.unwrap().path()).find(|path| *path != ahead);
    let config = json(&other.unwrap().join("config/experiment.json"));
    assert_eq!(config["created_after"], "2099-01-01T00:00:00Z", "{newest}");
}
