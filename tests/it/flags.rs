//! A resume with other flags: the saved config wins, each difference is told with both values, and how the work is done
//! can be changed. A resume never turns into a fresh start.

use std::fs;

use clap::{Args, Command};
use serde_json::{Value, json};

use scylla::cli::args::ConfigFlags;

use crate::fixture::{TestFixture, close, gated, open};
use crate::resources::limited;
use crate::scenes::{AGENT, edit, edit_config, experiment, files_below, json, planned, saved};
use crate::world::{Output, World, wait_until};

/// A flag of a resume: what the experiment was started with, what the resume says, the config's field, both values as
/// they are told, and the field's class.
struct Row {
    flag: &'static str,
    before: &'static str,
    after: &'static str,
    field: &'static str,
    told: (Value, Value),
    class: &'static str,
}

fn row(
    flag: &'static str,
    (before, after): (&'static str, &'static str),
    field: &'static str,
    told: (Value, Value),
    class: &'static str,
) -> Row {
    Row { flag, before, after, field, told, class }
}

/// A sandbox as a config has it.
fn sandbox(choice: &str, network: &str) -> Value {
    json!({"use": choice, "network": network})
}

/// What an experiment was not started with.
const NOT_GIVEN: &str = "";

/// Flags of limits that need control groups.
const RESOURCES: [&str; 3] = ["max-memory", "max-processes", "max-processors"];

fn rows() -> Vec<Row> {
    vec![
        row("model", ("small", "large"), "models", (json!(["small"]), json!(["large"])), "result"),
        row("judge-model", ("mild", "hard"), "judge_models", (json!(["mild"]), json!(["hard"])), "result"),
        row("thinking", ("low", "ultrathink"), "thinking_mode", (json!("Low"), json!("UltraThink")), "result"),
        row("timeout", ("50", "60"), "timeout_seconds", (json!(50), json!(60)), "result"),
        row("max-run-tokens", ("1000", "2000"), "max_run_tokens", (json!(1000), json!(2000)), "result"),
        row("max-run-turns", ("10", "20"), "max_run_turns", (json!(10), json!(20)), "result"),
        row("max-run-cost-usd", ("9", "8"), "max_run_cost_usd", (json!(9.0), json!(8.0)), "result"),
        row("max-memory", ("1GiB", "512MiB"), "max_memory", (json!("1GiB"), json!("512MiB")), "result"),
        row("max-processes", ("900", "800"), "max_processes", (json!(900), json!(800)), "result"),
        row("max-processors", ("2", "0.5"), "max_processors", (json!(2.0), json!(0.5)), "result"),
        row("sandbox", ("none", "auto"), "sandbox", (Value::Null, sandbox("auto", "open")), "result"),
        row("network", ("open", "none"), "sandbox", (Value::Null, sandbox("none", "none")), "result"),
        row("inherit", ("as-declared", "none"), "inherit", (json!("as-declared"), json!("none")), "result"),
        row("jobs", ("1", "3"), "jobs", (json!(1), json!(3)), "operational"),
        row("attempts", ("1", "2"), "attempts", (json!(1), json!(2)), "operational"),
        row("max-cost-usd", ("0", "0.000001"), "max_cost_usd", (json!(0.0), json!(0.000_001)), "operational"),
        row("max-time", ("1h", "2h"), "max_time_seconds", (json!(3600), json!(7200)), "operational"),
        row("max-pause", ("1h", "2h"), "rate_limit_seconds", (json!(3600), json!(7200)), "operational"),
        row("keep-workspaces", ("none", "failed"), "keep_workspaces", (json!("none"), json!("failed")), "operational"),
        row("work-dir", ("/var/tmp", "/tmp"), "work_dir", (json!("/var/tmp"), json!("/tmp")), "operational"),
        row("record", ("exchanges", "none"), "record", (json!("exchanges"), json!("none")), "operational"),
        row("replay", (NOT_GIVEN, "elsewhere"), "replay", (Value::Null, json!("elsewhere")), "result"),
        row("gateway", ("meter", "off"), "gateway", (json!("meter"), json!("off")), "operational"),
        row("hold", ("90s", "0s"), "hold_seconds", (json!(90), json!(0)), "operational"),
        row("backend", (NOT_GIVEN, "local"), "backend", (Value::Null, json!("local")), "operational"),
        row("cpus", (NOT_GIVEN, "4"), "job_cpus", (Value::Null, json!(4)), "operational"),
        row("mem", (NOT_GIVEN, "2GiB"), "job_memory", (Value::Null, json!("2GiB")), "operational"),
        row("time", (NOT_GIVEN, "2h"), "job_seconds", (Value::Null, json!(7200)), "operational"),
        row("partition", (NOT_GIVEN, "two"), "job_partition", (Value::Null, json!("two")), "operational"),
        row("sbatch", (NOT_GIVEN, "--exclusive"), "job_options", (json!([]), json!(["--exclusive"])), "operational"),
        row("containment", ("walk", "auto"), "containment", (json!("walk"), json!("auto")), "operational"),
    ]
}

fn world() -> (World, String) {
    let world = World::new();
    let agent = format!("echo \"$SCYLLA_MODEL\" >> {}; {AGENT}", world.path("models.log").display());
    let fixture = TestFixture::new().agent("T0/00-one", &format!("{}; {agent}", gated(&world, "agent"))).write(&world);
    (world, fixture)
}

#[test]
fn every_flag_of_a_resume_has_a_row_here() {
    let flags = ConfigFlags::augment_args(Command::new("resume"));
    // What takes no value is asked for once, and is no field of the config.
    let of_fields = flags.get_arguments().filter(|flag| flag.get_action().takes_values());
    let mut known: Vec<&str> = of_fields.filter_map(clap::Arg::get_long).collect();
    let mut tried: Vec<&str> = rows().iter().map(|row| row.flag).collect();
    known.sort_unstable();
    tried.sort_unstable();
    assert_eq!(tried, known);
}

#[test]
fn each_flag_that_differs_is_told_and_only_operational_ones_take_effect() {
    let (world, fixture) = world();
    let mut first = vec!["--runs", "2"];
    // Limits can be asked for only where they can be had.
    let has_limits = !limited().is_empty();
    let rows: Vec<Row> = rows().into_iter().filter(|row| has_limits || !RESOURCES.contains(&row.flag)).collect();
    let names: Vec<String> = rows.iter().map(|row| format!("--{}", row.flag)).collect();
    for (row, name) in rows.iter().zip(&names).filter(|(row, _)| row.flag != "max-cost-usd" && row.before != NOT_GIVEN)
    {
        first.extend([name.as_str(), row.before]);
    }
    let dir = planned(&world, &fixture, &first);
    for (row, name) in rows.iter().zip(&names) {
        let told = |output: &Output| -> Vec<Value> {
            output.events().into_iter().filter(|event| event["reason"] == "flag-differs").collect()
        };
        assert_eq!(saved(&world, row.field), row.told.0, "{name}");
        if row.before != NOT_GIVEN {
            let same = world.scylla(&["resume", &dir, name, row.before, "--message-format", "json"]).exits(6);
            assert!(told(&same).is_empty(), "{name}: {same}");
        }
        // A ceiling of nothing keeps everything from starting, but for the row that raises it.
        if row.flag == "max-cost-usd" {
            continue;
        }
        let other = world.scylla(&["resume", &dir, name, row.after, "--message-format", "json"]).exits(6);
        let events = told(&other);
        assert_eq!(events.len(), 1, "{name}: {other}");
        let event = &events[0];
        assert_eq!((&event["field"], &event["class"]), (&json!(row.field), &json!(row.class)), "{name}");
        assert_eq!((&event["saved"], &event["given"]), (&row.told.0, &row.told.1), "{name}");
        let expected = if row.class == "operational" { &row.told.1 } else { &row.told.0 };
        assert_eq!(saved(&world, row.field), *expected, "{name}");
    }
    assert_eq!(world.lines("agent.log"), 0);
    let said = world.scylla(&["resume", &dir, "--model", "large", "--max-cost-usd", "100"]).exits(0);
    assert!(
        said.stderr.contains("`--model large` is asked for, `--model small` was saved: the saved value holds"),
        "{said}"
    );
    assert!(
        said.stderr.contains(
            "`--max-cost-usd 100.0` is asked for, `--max-cost-usd 0.0` was saved: the new value takes effect"
        ),
        "{said}"
    );
    assert_eq!(saved(&world, "max_cost_usd"), 100.0);
    assert_eq!(fs::read_to_string(world.path("models.log")).unwrap(), "small\nsmall\n");
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn more_jobs_on_a_resume_are_at_work_at_once_and_are_saved() {
    let (world, fixture) = world();
    close(&world, "agent");
    let dir = planned(&world, &fixture, &["--runs", "4", "--jobs", "1"]);
    let mut one = world.start(&["resume", &dir, "--max-cost-usd", "100"]);
    wait_until("one agent works", || world.lines("agent.log") == 1);
    one.kill();
    let mut two = world.start(&["resume", &dir, "--jobs", "2"]);
    // Both wait at the gate, so both are in flight.
    wait_until("two agents work", || world.lines("agent.log") == 3);
    assert_eq!(two.wait_for_reason("experiment-started")["jobs"], 2);
    assert_eq!(saved(&world, "jobs"), 2);
    open(&world, "agent");
    let (code, events, _) = two.end();
    assert_eq!(code, Some(0), "{events:#?}");
    assert_eq!(most_in_flight(&events), 2);
    assert_eq!(world.lines("agent.log"), 5);
}

fn most_in_flight(events: &[Value]) -> usize {
    let (mut now, mut most) = (0, 0);
    for event in events {
        match event["reason"].as_str() {
            Some("run-started") => now += 1,
            Some("run-committed") => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

/// The content of every file of the experiment but the lock, whose holder is told anew.
fn content(world: &World) -> Vec<(String, Vec<u8>)> {
    let folder = world.experiment();
    let files = files_below(&folder).into_iter().filter(|file| !file.ends_with("experiment.lock"));
    files.map(|file| (file.display().to_string(), fs::read(&file).unwrap())).collect()
}

/// Does something to the config of a world's experiment.
type Damage = fn(&World);

#[test]
fn a_config_that_was_changed_or_is_gone_stops_a_resume_and_nothing_is_started() {
    let damages: [(&str, Damage); 7] = [
        ("a result field is changed", |world| {
            let file = world.experiment().join("config/experiment.json");
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, text.replace("\"timeout_seconds\": 100", "\"timeout_seconds\": 700")).unwrap();
        }),
        ("a field is gone", |world| {
            let path = world.experiment().join("config/experiment.json");
            let mut config = json(&path);
            config.as_object_mut().unwrap().remove("models");
            fs::write(path, config.to_string()).unwrap();
        }),
        ("the config is gone", |world| fs::remove_file(world.experiment().join("config/experiment.json")).unwrap()),
        ("the config is torn", |world| fs::write(world.experiment().join("config/experiment.json"), "{").unwrap()),
        ("the prompt is changed", |world| {
            let path = world.experiment().join("config/fixture/prompt.md");
            fs::write(path, "Do something else.\n").unwrap();
        }),
        ("the fixture is gone", |world| fs::remove_dir_all(world.experiment().join("config/fixture")).unwrap()),
        ("a newer version wrote it", |world| edit_config(world, "version", json!("99.0"))),
    ];
    for (what, damage) in damages {
        let (world, fixture) = world();
        let dir = planned(&world, &fixture, &["--runs", "2"]);
        damage(&world);
        let before = content(&world);
        let results = world.results().to_str().unwrap().to_owned();
        let run = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--max-cost-usd", "9"];
        for arguments in [&["resume", &dir, "--max-cost-usd", "9"][..], &["extend", &dir, "--runs", "3"], &run] {
            let output = world.scylla(arguments);
            assert_eq!(output.code, Some(5), "{what}: {arguments:?}\n{output}");
            assert!(output.stderr.contains("hint: "), "{what}: {output}");
        }
        assert_eq!(world.lines("agent.log"), 0, "{what}");
        assert_eq!(experiment(&world), dir, "{what}: a second experiment was started");
        assert!(content(&world) == before, "{what}: files were changed");
        let verified = world.scylla(&["verify", &dir]);
        assert_eq!(verified.code, Some(5), "{what}: {verified}");
    }
}

#[test]
fn a_setting_of_the_fixture_that_changed_outside_does_not_matter_to_a_resume() {
    let (world, fixture) = world();
    let dir = planned(&world, &fixture, &["--runs", "1"]);
    edit(&world, "fixture/test.yaml", "timeout_seconds: 100", "timeout_seconds: 1");
    fs::remove_dir_all(world.path("fixture/tiers")).unwrap();
    world.scylla(&["resume", &dir, "--max-cost-usd", "9"]).exits(0);
    assert_eq!(saved(&world, "timeout_seconds"), 100);
}
