//! Logs of Inspect AI: what is in them, that `verify` knows them, and that the real Inspect reads them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment, json as read_json, output, planned};
use crate::shared::shared;
use crate::world::World;

/// An agent that says what it used, with hostile texts around it.
const TELLING: &str = r#"printf '\033[2J```\n<img src=x>\n'; printf '```\n' > notes; touch done; printf '{"cost_usd": 0.25, "token_stats": {"input_tokens": 3, "output_tokens": 4, "cache_read_tokens": 5}}' > "$SCYLLA_RECORD_FILE""#;
const REFUSED: &str = r#"printf '{"failure": {"kind": "auth", "message": "no key"}}' > "$SCYLLA_RECORD_FILE""#;

/// One setup that passes, one that never does and shows a key, and one of which infrastructure fails once.
fn made(world: &World) -> String {
    let key = ["AKIA", "IOSFODNN7EXAMPLE"].concat();
    let sometimes = format!("if [ $SCYLLA_RUN = 1 ]; then {REFUSED}; else {AGENT}; fi");
    let fixture = TestFixture::new()
        .agent("T0/00-tells", TELLING)
        .agent("T0/01-leaks", &format!("echo {key}; echo {key} > notes"))
        .agent("T1/00-refused", &sometimes)
        .write(world);
    let more = ["--results-dir", "results", "--runs", "2", "--attempts", "1"];
    world.scylla(&[&["run", "--tiers-dir", &fixture], &more[..]].concat()).exits(6);
    experiment(world)
}

/// The logs in a folder of the world, in the order of their names.
fn logs(folder: &Path) -> Vec<PathBuf> {
    let mut logs: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| !path.ends_with("stamp.json"));
    logs.sort();
    logs
}

#[test]
fn each_setup_is_a_log_whose_missing_runs_are_errors_without_a_score_and_verify_knows_it() {
    let world = World::new();
    let dir = made(&world);
    let written = world.scylla(&["report", &dir, "--format", "inspect"]).exits(0);
    assert!(written.stdout.contains("and 2 files beside it"), "{written}");
    let paths = logs(&Path::new(&dir).join("report"));
    let [telling, leaking, refused] = [0, 1, 2].map(|place| read_json(&paths[place]));
    assert!(paths[0].file_name().unwrap().to_str().unwrap().contains("-T0-00_"), "{paths:?}");

    assert_eq!((&telling["version"], &telling["status"]), (&json!(2), &json!("success")));
    assert_eq!(telling["eval"]["task_args"], json!({"setup": "T0/00", "name": "tells"}));
    assert_eq!(telling["results"]["scores"][0]["metrics"]["accuracy"]["value"], 1.0, "{telling:#}");
    let usage = telling["stats"]["model_usage"].as_object().unwrap().values().next().unwrap();
    assert_eq!((&usage["total_tokens"], &usage["total_cost"]), (&json!(24), &json!(0.5)), "{telling:#}");
    let sample = &telling["samples"][1];
    assert_eq!((&sample["epoch"], &sample["scores"]["passed"]["value"]), (&json!(2), &json!("C")), "{sample:#}");
    assert!(sample["input"].as_str().unwrap().contains("Make a file that is called"), "{sample:#}");
    let said = sample["output"]["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(said.starts_with("````text\n\\u{1b}[2J```\n<img") && said.ends_with("\n````"), "{said}");

    let sample = &leaking["samples"][0];
    assert_eq!(sample["scores"]["passed"]["value"], "I", "{sample:#}");
    for text in ["patch", "output"] {
        assert_eq!(sample["metadata"]["texts"][text]["is_withheld"], true, "{text}: {sample:#}");
    }
    assert!(!fs::read_to_string(&paths[1]).unwrap().contains("AKIA"));

    assert_eq!((&refused["status"], &refused["results"]["completed_samples"]), (&json!("success"), &json!(1)));
    let missing = &refused["samples"][0];
    assert_eq!((&missing["scores"], &missing["error"]["message"]), (&Value::Null, &json!("errored: auth: no key")));
    assert_eq!(refused["results"]["scores"][0]["metrics"]["accuracy"]["value"], 1.0, "a missing run is no failure");

    world.scylla(&["verify", &dir, "--report"]).exits(6);
    let first = fs::read(&paths[0]).unwrap();
    fs::write(&paths[0], String::from_utf8(first.clone()).unwrap().replace("\"success\"", "\"error\"")).unwrap();
    let altered = world.scylla(&["verify", &dir, "--report"]);
    assert!(altered.stdout.contains("altered-report"), "{altered}");
    world.scylla(&["report", &dir, "--again"]).exits(0);
    assert!(fs::read(&paths[0]).unwrap() == first, "the same results give the same bytes");
}

#[test]
fn runs_that_were_not_started_are_in_a_log_that_can_go_on() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-only", AGENT).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "2"]);
    world.scylla(&["report", &dir, "--format", "inspect", "--out", "logs"]).exits(0);
    let log = read_json(&logs(&world.path("logs"))[0]);
    assert_eq!((&log["status"], &log["results"]["total_samples"]), (&json!("cancelled"), &json!(2)), "{log:#}");
    assert_eq!(log["results"]["scores"], json!([]), "nothing is known, and nothing is 0");
    let message = log["samples"][1]["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("not_started: "), "{message}");
}

/// The Python that has Inspect: it is large, so only `cargo xtask inspect` installs it.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("SCYLLA_INSPECT").map(PathBuf::from);
    if python.is_none() {
        println!("skipped: SCYLLA_INSPECT names no Python that has inspect_ai: see `cargo xtask inspect`");
    }
    python
}

fn read_by_inspect(world: &World, python: &Path, folder: &Path) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/inspect/read.py");
    let mut command = Command::new(python);
    world.seal(&mut command);
    let read = output(command.args([Path::new(script), folder])).exits(0);
    let read: Vec<Value> = serde_json::from_str(read.stdout.lines().last().unwrap()).unwrap();
    for log in &read {
        assert_eq!((&log["unknown"], &log["header_agrees"]), (&json!([]), &json!(true)), "{log:#}");
        assert_eq!(log["accuracy"], log["accuracy_of_inspect"], "{log:#}");
    }
    read
}

#[test]
fn the_real_inspect_reads_every_log_drops_no_key_and_comes_to_the_same_accuracy() {
    let Some(python) = python() else { return };
    let world = World::new();
    let dir = made(&world);
    world.scylla(&["report", &dir, "--format", "inspect,json"]).exits(0);
    let read = read_by_inspect(&world, &python, &Path::new(&dir).join("report"));
    assert_eq!(read.len(), 3, "other files of the report are no logs: {read:#?}");
    assert_eq!(read[2]["errors"], json!(["errored: auth: no key", null]));
    assert_eq!((&read[1]["epochs"], &read[1]["accuracy"]), (&json!([1, 2]), &json!(0.0)));
    assert!(read[0]["scorers"].as_array().unwrap().contains(&json!("judge_01")), "{read:#?}");

    let other = World::new();
    let fixture = TestFixture::new().agent("T0/00-only", AGENT).write(&other);
    let begun = planned(&other, &fixture, &["--runs", "2"]);
    other.scylla(&["report", &begun, "--format", "inspect"]).exits(0);
    let read = read_by_inspect(&other, &python, &Path::new(&begun).join("report"));
    assert_eq!((&read[0]["status"], &read[0]["accuracy"]), (&json!("cancelled"), &Value::Null));

    let Some(data) = shared("data/projectscylla-dryrun") else { return };
    world.scylla(&["report", data.to_str().unwrap(), "--format", "inspect", "--out", "logs"]).exits(0);
    let read = read_by_inspect(&world, &python, &world.path("logs"));
    assert_eq!((read.len(), &read[6]["setup"]), (7, &json!("T6/01")));
}
