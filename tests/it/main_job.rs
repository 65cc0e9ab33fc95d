//! The main job: the fixtures that ship with the product are run to their end, and each run ends as its subtest says.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::crash::no_process_is_left;
use crate::scenes::{experiment, json, recorded, status};
use crate::world::{Output, World, shipped};

fn run(world: &World, name: &str, more: &[&str]) -> Output {
    let (fixture, results) = (shipped(name), world.results());
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", results.to_str().unwrap()];
    world.scylla(&[&arguments[..], more].concat())
}

/// The tier's totals in the last event.
#[track_caller]
fn totals(output: &Output, tier: &str) -> Value {
    let events = output.events();
    let finished = events.last().unwrap();
    assert_eq!(finished["reason"], "experiment-finished");
    let tiers = finished["tiers"].as_array().unwrap();
    tiers.iter().find(|totals| totals["tier"] == tier).unwrap_or_else(|| panic!("{tier}: {tiers:?}")).clone()
}

#[test]
fn hello_script_is_solved_by_those_who_write_the_script() {
    let world = World::new();
    let output = run(&world, "hello-script", &["--runs", "2", "--message-format", "json"]).exits(0);
    for tier in ["T0", "T1"] {
        let totals = totals(&output, tier);
        assert_eq!((&totals["planned"], &totals["done"], &totals["passed"]), (&json!(4), &json!(4), &json!(2)));
    }
    for (run, expected) in [("T0/00/1", "failed"), ("T0/01/2", "passed"), ("T1/00/1", "passed"), ("T1/01/2", "failed")]
    {
        assert_eq!(recorded(&world, run), expected, "{run}");
    }
    world.scylla(&["verify", &experiment(&world)]).exits(0);
    no_process_is_left(&world);
}

#[test]
fn fix_the_crate_shows_who_mends_the_crate_and_how_often() {
    let world = World::new();
    let output = run(&world, "fix-the-crate", &["--runs", "3", "--message-format", "json"]).exits(0);
    let (first, second) = (totals(&output, "T0"), totals(&output, "T1"));
    assert_eq!((&first["done"], &first["passed"]), (&json!(6), &json!(0)), "{output}");
    assert_eq!((&second["done"], &second["passed"]), (&json!(9), &json!(8)), "{output}");
    for (run, expected) in [
        ("T0/00/1", "failed"),
        ("T0/01/2", "failed"),
        ("T1/00/2", "passed"),
        ("T1/01/1", "passed"),
        ("T1/02/1", "passed"),
        ("T1/02/2", "failed"),
    ] {
        assert_eq!(recorded(&world, run), expected, "{run}");
    }
    assert_eq!(status(&world), "completed");
    let passed = json(&world.experiment().join("T1/01/run_01/run_result.json"));
    assert_eq!((&passed["judge_grade"], &passed["judges"].as_array().unwrap().len()), (&json!("S"), &2));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
    first_screen(&world.scylla(&["report", &experiment(&world)]).exits(0));
}

/// The table at the top of the README is the one that this experiment gives, but for how long runs took.
#[track_caller]
fn first_screen(report: &Output) {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (screen, _) = readme.split_once("```\n\n![").unwrap();
    let (_, table) = screen.split_once("```text\n").unwrap();
    let is_time = |word: &str| word.ends_with('s') && word.starts_with(|first: char| first.is_ascii_digit());
    let without_time = |line: &str| match line.rsplit_once(' ') {
        Some((rest, last)) if is_time(last) => rest.trim_end().to_owned(),
        _ => line.to_owned(),
    };
    let printed: Vec<String> = report.stdout.lines().map(without_time).collect();
    assert!(table.contains("\nsetup ") && table.lines().count() >= 6, "{table}");
    for line in table.lines() {
        assert!(printed.contains(&without_time(line)), "`{line}` is no line of\n{report}");
    }
}

/// What a run of `trouble` is expected to leave.
enum Left {
    /// A result with this end of the agent and this verdict.
    Graded(&'static [&'static str], bool),
    /// So many failed attempts of this kind in this stage, and no result.
    Errored(usize, &'static str),
    /// So many failed attempts of this kind, then a result that passed.
    Healed(usize, &'static str),
    /// The agent's work, unjudged.
    AgentComplete,
}

use Left::{AgentComplete, Errored, Graded, Healed};

const TROUBLE: [(&str, Left); 19] = [
    ("T0/00", Graded(&["finished"], true)),
    ("T0/01", Graded(&["timed_out"], false)),
    ("T0/02", Graded(&["no_progress"], true)),
    // A slow machine does not write up to the limit within the task's time.
    ("T0/03", Graded(&["output_limit", "timed_out"], true)),
    ("T0/04", Graded(&["over_budget"], false)),
    ("T0/05", Graded(&["refused"], false)),
    ("T0/06", Graded(&["finished"], true)),
    ("T0/07", Graded(&["finished"], true)),
    ("T1/00", Errored(2, "spawn")),
    ("T1/01", Errored(2, "no_record")),
    ("T1/02", Errored(2, "auth")),
    ("T1/03", Errored(2, "provider")),
    ("T1/04", Healed(1, "provider")),
    ("T1/05", Healed(1, "rate_limit")),
    ("T1/06", Errored(2, "out_of_memory")),
    ("T1/07", Errored(2, "no_record")),
    ("T1/08", Errored(2, "killed")),
    ("T2/00", Graded(&["finished"], true)),
    ("T2/01", AgentComplete),
];

#[track_caller]
fn assert_left(world: &World, subtest: &str, left: &Left) {
    let folder = world.experiment().join(subtest);
    let (run, failed) = (folder.join("run_01"), folder.join(".failed"));
    let result = run.join("run_result.json");
    let entry = recorded(world, &format!("{subtest}/1"));
    let (attempts, kind) = match left {
        Graded(..) | AgentComplete => (0, ""),
        Errored(attempts, kind) | Healed(attempts, kind) => (*attempts, *kind),
    };
    assert_eq!(fs::read_dir(&failed).map_or(0, Iterator::count), attempts, "{subtest}");
    for number in 1..=attempts {
        let attempt = json(&failed.join(format!("run_01_attempt_{number:02}/attempt.json")));
        assert_eq!((&attempt["stage"], &attempt["failure"]["kind"]), (&json!("agent"), &json!(kind)), "{subtest}");
    }
    match left {
        Graded(ends, passed) => {
            let result = json(&result);
            let end = result["agent_end"].as_str().unwrap();
            assert!(ends.contains(&end), "{subtest} {end}");
            assert_eq!(result["timed_out"], matches!(end, "timed_out" | "no_progress"), "{subtest} {end}");
            assert_eq!(result["judge_passed"], *passed, "{subtest}");
            assert_eq!(entry, if *passed { "passed" } else { "failed" }, "{subtest}");
        }
        Healed(..) => {
            assert_eq!(json(&result)["judge_passed"], true, "{subtest}");
            assert_eq!(entry, "passed", "{subtest}");
        }
        Errored(..) => {
            assert!(!run.exists(), "{subtest}");
            assert_eq!(entry, "errored", "{subtest}");
        }
        AgentComplete => {
            assert!(run.join("agent/result.json").is_file() && !result.exists(), "{subtest}");
            assert_eq!(entry, "agent_complete", "{subtest}");
        }
    }
}

#[test]
fn trouble_ends_as_each_of_its_subtests_says() {
    let world = World::new();
    let options = ["--runs", "1", "--attempts", "2", "--jobs", "3", "--message-format", "json"];
    let output = run(&world, "trouble", &options).exits(6);
    for (subtest, left) in &TROUBLE {
        assert_left(&world, subtest, left);
    }
    let events = output.events();
    let finished = events.last().unwrap();
    assert_eq!(finished["end"], "incomplete");
    assert_eq!(finished["missing"], json!({"agent_complete": 1, "errored": 7}), "{output}");
    assert_eq!(json(&world.experiment().join("T0/00/run_01/run_result.json"))["exit_code"], 3);
    rate_limit_was_waited_for(&events);
    the_judge_was_asked_again_and_the_agent_was_not(&events, &world.experiment());
    no_process_is_left(&world);
    assert!(!world.experiment().join("T0/07/run_01/workspace").exists());
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(6);
    assert!(verified.stdout.contains("T2/01/run_01") && !verified.stdout.contains("run_99"), "{verified}");
    let status = world.scylla(&["status", &experiment(&world), "--message-format", "json"]).exits(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((&status["missing"], &status["spent"]), (&finished["missing"], &finished["spent"]));
}

/// The run went on by itself when the two seconds that the provider named were over, and that was told.
#[track_caller]
fn rate_limit_was_waited_for(events: &[Value]) {
    let place = |reason: &str| events.iter().position(|event| event["reason"] == reason).unwrap();
    let time = |value: &Value| -> Timestamp { value.as_str().unwrap().parse().unwrap() };
    let (limited, over) = (place("rate-limited"), place("rate-limit-over"));
    let until = time(&events[limited]["until"]);
    let between = &events[limited..over];
    assert!(time(&events[over]["at"]) >= until, "{between:#?}");
    assert!(between.iter().all(|event| event["reason"] != "run-started"), "{between:#?}");
}

#[track_caller]
fn the_judge_was_asked_again_and_the_agent_was_not(events: &[Value], folder: &Path) {
    for (run, times) in [("T2/00/run_01", 2), ("T2/01/run_01", 2)] {
        let stages = |stage: &str| {
            let of_run = events.iter().filter(|event| event["reason"] == "stage-started" && event["run"] == run);
            of_run.filter(|event| event["stage"] == stage).count()
        };
        assert_eq!(stages("agent"), 1, "{run}");
        let asked = events.iter().filter(|event| event["run"] == run && event["judge"] == 2).count();
        assert_eq!(asked, times, "{run}");
        // What the judge said the first time is kept.
        let kept = folder.join(run).join("judge/.failed/judge_02_attempt_01/response.txt");
        assert!(fs::read_to_string(kept).unwrap().contains("I feel"), "{run}");
    }
}

#[test]
fn a_result_that_an_agent_plants_is_never_counted() {
    let world = World::new();
    let output = run(
        &world,
        "trouble",
        &[
            "--tiers",
            "T0",
            "--runs",
            "1",
            "--keep-workspaces",
            "all",
            "--max-subtests",
            "7",
            "--message-format",
            "json",
        ],
    )
    .exits(0);
    let workspace = world.experiment().join("T0/06/run_01/workspace");
    for planted in ["run_result.json", "T0/00/run_01/run_result.json", "run_99/run_result.json"] {
        assert!(workspace.join(planted).is_file(), "{planted}");
    }
    assert_eq!(totals(&output, "T0")["done"], 7);
    world.scylla(&["verify", &experiment(&world)]).exits(0);
    let repaired = world.scylla(&["repair", &experiment(&world)]).exits(0);
    assert!(!repaired.stdout.contains("99"), "{repaired}");
}
