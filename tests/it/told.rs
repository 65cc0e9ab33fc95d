//! What the manual of containment says is told, is told; and where bubblewrap cannot work, another containment holds.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, containments, json, output, planned};
use crate::world::World;

/// The sentences of an experiment's notices.
fn notices(events: &[Value]) -> Vec<&str> {
    let notices = events.iter().filter(|event| event["reason"] == "notice");
    notices.filter_map(|event| event["message"].as_str()).collect()
}

#[test]
fn what_containment_says_is_told_is_told() {
    for containment in containments() {
        let world = World::new();
        let agent = format!("(setsid sleep 100 > /dev/null 2>&1 &); rm readme.txt; mkfifo readme.txt; {AGENT}");
        let fixture = TestFixture::new().agent("T0/00-told", &agent).write(&world);
        let dir = planned(&world, &fixture, &["--runs", "1", "--containment", containment]);
        let (code, events, stderr) = world.start(&["resume", &dir, "--max-cost-usd", "9"]).end();
        assert_eq!(code, Some(0), "{events:#?}\n{stderr}");
        let started = events.iter().find(|event| event["reason"] == "experiment-started").unwrap();
        assert_eq!(started["containment"], containment);
        let left_out = "T0/00/run_01: no patch can hold `readme.txt`: left out";
        assert!(notices(&events).contains(&left_out), "{containment}: {events:#?}");
        let run = Path::new(&dir).join("T0/00/run_01");
        let agent = json(&run.join("agent/result.json"));
        assert_eq!(agent["containment"], containment);
        let left_over = agent["leftover_processes"].as_u64().unwrap();
        assert!(containment == "bubblewrap" || left_over >= 1, "{containment}: {agent:#}");
    }
}

#[test]
fn where_bubblewrap_cannot_work_another_containment_holds_and_its_name_is_told() {
    if !containments().contains(&"bubblewrap") {
        return;
    }
    // Namespaces of processes cannot be made.
    let lack = "echo 0 > /proc/sys/user/max_pid_namespaces";
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-lacks", AGENT).write(&world);
    let (results, work) = (world.results().to_str().unwrap().to_owned(), world.path("work"));
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "1", "--work-dir"];
    let arguments = [&arguments[..], &[work.to_str().unwrap(), "--message-format", "json"]].concat();
    let lacking = |more: &[&str]| {
        let program = world.command(&[&arguments[..], more].concat());
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.arg(format!("{lack} || exit 77; exec \"$@\"")).arg("sh");
        command.arg(program.get_program()).args(program.get_args()).current_dir(world.path(""));
        world.seal(&mut command);
        output(&mut command)
    };
    let ran = lacking(&[]);
    if ran.code == Some(77) || ran.code == Some(1) && ran.stderr.contains("unshare") {
        return;
    }
    let ran = ran.exits(0);
    let held_by = json(&world.experiment().join("T0/00/run_01/agent/result.json"))["containment"].clone();
    assert!(held_by == "cgroup" || held_by == "walk", "{held_by}");
    let events = ran.events();
    let started = events.iter().find(|event| event["reason"] == "experiment-started").unwrap();
    assert_eq!(started["containment"], held_by);
    let is_said = notices(&events).iter().any(|notice| notice.contains("neither bubblewrap nor control groups work"));
    assert_eq!(is_said, held_by == "walk", "{ran}");
    let asked = lacking(&["--fresh", "--containment", "bubblewrap"]).exits(2);
    assert!(asked.stderr.contains("containment `bubblewrap` does not work here"), "{asked}");
}
