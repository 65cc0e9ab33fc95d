//! Every failure shows its cause where it is reported, at once and the next morning.

use serde_json::Value;

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment};
use crate::world::{Output, World};

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    let arguments = ["run", "--tiers-dir", fixture, "--results-dir", "results", "--jobs", "1", "--runs", "2"];
    world.scylla(&[&arguments[..], more].concat())
}

fn status(world: &World) -> (String, Value) {
    let dir = experiment(world);
    let json = world.scylla(&["status", &dir, "--message-format", "json"]).exits(0).stdout;
    (world.scylla(&["status", &dir]).exits(0).stdout, serde_json::from_str(&json).unwrap())
}

/// The lines of a text from one that is this one to the next empty one.
#[track_caller]
fn block<'a>(text: &'a str, from: &str) -> Vec<&'a str> {
    let lines = text.lines().skip_while(|line| !line.contains(from));
    let block: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    assert!(!block.is_empty(), "no `{from}` in\n{text}");
    block
}

#[test]
fn why_a_run_is_missing_is_said_by_status_and_verify_long_after_the_run() {
    let world = World::new();
    let gone = "agent:\n  kind: command\n  command: [nosuchagent]\n";
    let broken = "echo 'no such model' >&2; exit 3";
    let fixture = TestFixture::new().subtest("T0/00-gone", gone).agent("T1/00-well", AGENT).judge(broken).write(&world);
    let ran = run(&world, &fixture, &["--attempts", "1"]).exits(6);
    let (human, json) = status(&world);
    let told = block(&ran.stdout, "planned runs are missing");
    assert_eq!(block(&human, "planned runs are missing"), told, "{ran}{human}");
    let told = told.join("\n");
    let agents = "T0/00/run_01, T0/00/run_02: spawn: program `nosuchagent` is not found";
    assert!(told.contains(agents), "{told}");
    assert!(told.contains("T1/00/run_01, T1/00/run_02: judge `asked` exited with 3"), "{told}");
    assert!(told.contains("no such model"), "{told}");
    assert_eq!(json["errored"][0]["runs"], serde_json::json!(["T0/00/run_01", "T0/00/run_02"]), "{json:#}");
    assert_eq!(json["errored"][1]["failure"]["excerpt"]["text"], "no such model", "{json:#}");
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(6).stdout;
    assert!(verified.contains("attempts were used up: spawn: program `nosuchagent` is not found"), "{verified}");
    assert!(verified.contains("the judges are not: judge `asked` exited with 3"), "{verified}");
    assert!(verified.contains("ends with `no such model`"), "{verified}");
}

#[test]
fn why_an_agents_work_failed_is_said_once_for_each_setup_below_the_table() {
    let world = World::new();
    let record = "agent:\n  kind: command\n  record: optional\n  shell: ";
    let fixture = TestFixture::new()
        .subtest("T0/00-key", &format!("{record}\"echo 'API key is not valid' >&2; exit 1\"\n"))
        .subtest("T0/01-half", &format!("{record}echo x > half\n"))
        .subtest("T0/02-idle", &format!("{record}\"true\"\n"))
        .subtest("T0/03-well", &format!("{record}touch done\n"))
        .check("test -f done || { echo 'no done here'; exit 1; }")
        .write(&world);
    let ran = run(&world, &fixture, &[]).exits(0);
    let (human, json) = status(&world);
    let told = block(&ran.stdout, "Why runs did not pass");
    assert_eq!(
        told[1..],
        [
            "  T0/00: 2 of 2 agents exited with 1 and changed nothing: `API key is not valid` (T0/00/run_01/agent/stderr.log)",
            "  T0/01: check `done` failed 2 times of 2: `no done here` (T0/01/run_01/checks/done.log)",
            "  T0/02: 2 of 2 agents changed nothing",
        ],
        "{ran}"
    );
    assert_eq!(block(&human, "Why runs did not pass"), told, "{human}");
    assert_eq!(json["shortfalls"][0]["exit_code"], 1, "{json:#}");
    let events = run(&world, &fixture, &["--fresh", "--message-format", "json"]).exits(0).events();
    let committed: Vec<&Value> = events.iter().filter(|event| event["reason"] == "run-committed").collect();
    assert_eq!(committed[0]["exit_code"], 1, "{committed:#?}");
    assert_eq!(events.last().unwrap()["shortfalls"], json["shortfalls"], "{events:#?}");
}

#[test]
fn where_every_run_passed_nothing_is_explained() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-well", AGENT).write(&world);
    let ran = run(&world, &fixture, &[]).exits(0);
    let (human, json) = status(&world);
    assert!(!ran.stdout.contains("Why") && !human.contains("Why"), "{ran}{human}");
    assert_eq!(json["shortfalls"], serde_json::json!([]), "{json:#}");
}

#[test]
fn a_check_that_ran_out_of_time_is_called_so() {
    let world = World::new();
    let checks = "checks:\n  - name: many\n    shell: sleep 100\n    timeout_seconds: 1\n";
    let fixture = TestFixture::new().agent("T0/00-well", AGENT).write(&world);
    let yaml = std::fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    let rest = yaml.split_once("checks:\n").unwrap();
    let tail = rest.1.split_once("tiers:").unwrap().1;
    world.write("fixture/test.yaml", &format!("{}{checks}tiers:{tail}", rest.0));
    crate::scenes::edit(&world, "fixture/expected/rubric.yaml", "rests_on: done", "rests_on: many");
    let ran = run(&world, &fixture, &[]).exits(0);
    assert!(ran.stderr.contains("check `many` timed out after 1 s"), "{ran}");
    let (human, _) = status(&world);
    assert!(human.contains("T0/00: check `many` timed out after 1 s 2 times of 2"), "{human}");
}
