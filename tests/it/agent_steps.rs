//! What an agent did, step by step: read from what real agent programs printed, whatever becomes of it, and shown by `show --steps`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use scylla::agent::KINDS;
use scylla::model::agent::{Output, StepsIn};
use scylla::model::steps::{StepKind, Steps};
use serde_json::{Value, json};

use crate::agent_samples::{Silent, folders, in_gallery};
use crate::fixture::TestFixture;
use crate::scenes::output;
use crate::shared::shared;
use crate::world::{World, steady};

/// The kinds that tell their steps, each with the folder of its recorded runs.
const TELLING: [(&str, &str); 5] = [
    ("claude-code", "claude"),
    ("codex", "codex"),
    ("gemini", "gemini"),
    ("mini-swe-agent", "mini-swe-agent"),
    ("opencode", "opencode"),
];

fn steps_of(kind: &str) -> Option<StepsIn> {
    let kind = KINDS.iter().find(|known| known.name == kind)?;
    (kind.read)(&Silent)?.steps()
}

/// The output of each recorded run that tells its steps: of the kinds' folders below one, by kind and run.
fn told(
    folder: &Path,
    name_of: fn(&(&'static str, &'static str)) -> &'static str,
) -> Vec<(&'static str, String, Vec<u8>)> {
    let mut told = Vec::new();
    for named in &TELLING {
        let file = match steps_of(named.0).unwrap().output {
            Output::Record => "record",
            _ => "stdout",
        };
        let samples = folder.join(name_of(named));
        let places: BTreeMap<String, PathBuf> = if samples.is_dir() { folders(&samples) } else { BTreeMap::new() };
        let read = |(run, place): (String, PathBuf)| Some((named.0, run, fs::read(place.join(file)).ok()?));
        told.extend(places.into_iter().filter_map(read));
    }
    assert!(told.len() > 20, "{} recorded runs", told.len());
    told
}

fn kept() -> Vec<(&'static str, String, Vec<u8>)> {
    told(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents"), |named| named.0)
}

/// How many steps of each kind, in words, and which tools were called.
fn counts(steps: &Steps) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for step in steps.kept() {
        let word = match &step.kind {
            StepKind::Thought => "thought".to_owned(),
            StepKind::Message => "message".to_owned(),
            StepKind::ToolCall { name } => format!("call of {name}"),
            StepKind::ToolOutput { is_error: false } => "output".to_owned(),
            StepKind::ToolOutput { is_error: true } => "output of an error".to_owned(),
        };
        *counts.entry(word).or_default() += 1;
    }
    let words: Vec<String> = counts.into_iter().map(|(word, count)| format!("{count} {word}")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// The steps of recorded runs, by kind and run.
fn counted(told: Vec<(&'static str, String, Vec<u8>)>) -> BTreeMap<&'static str, BTreeMap<String, String>> {
    let mut seen: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for (kind, run, bytes) in told {
        let steps = (steps_of(kind).unwrap().read)(&bytes);
        seen.entry(kind).or_default().insert(run, counts(&steps));
    }
    seen
}

#[test]
fn every_recorded_run_of_an_agent_program_tells_its_steps() {
    in_gallery(|| insta::assert_json_snapshot!("steps_documented", counted(kept())));
    let Some(samples) = shared("data/agent-samples") else { return };
    in_gallery(|| insta::assert_json_snapshot!("steps", counted(told(&samples, |named| named.1))));
}

#[test]
fn kinds_without_structured_output_tell_no_steps() {
    let silent: Vec<&str> =
        KINDS.iter().filter(|kind| !TELLING.iter().any(|(name, _)| *name == kind.name)).map(|kind| kind.name).collect();
    assert_eq!(silent, ["command", "aider", "acp", "oracle", "replay", "nop"]);
    assert!(steps_of("aider").is_none() && steps_of("nop").is_none());
}

#[test]
fn an_output_that_is_cut_anywhere_tells_the_steps_until_there() {
    let shared = shared("data/agent-samples").map(|samples| told(&samples, |named| named.1));
    for (kind, run, bytes) in kept().into_iter().chain(shared.unwrap_or_default()) {
        let read = steps_of(kind).unwrap().read;
        let whole = read(&bytes);
        let ends = (0..bytes.len()).filter(|at| bytes[*at] == b'\n');
        for end in ends.flat_map(|end| [end / 2, end.saturating_sub(1), end, end + 1]) {
            let cut = read(&bytes[..end]);
            // The last one may be a message that goes on.
            let same = cut.kept().len().saturating_sub(1);
            assert_eq!(cut.kept()[..same], whole.kept()[..same], "{kind}: {run} at {end}");
            assert!(cut.kept().len() <= whole.kept().len(), "{kind}: {run} at {end}");
        }
    }
}

/// Every value in a value, by the way to it.
fn ways(value: &Value, way: &str, into: &mut Vec<String>) {
    into.push(way.to_owned());
    match value {
        Value::Array(parts) => {
            parts.iter().enumerate().for_each(|(at, part)| ways(part, &format!("{way}/{at}"), into));
        }
        Value::Object(parts) => parts.iter().for_each(|(name, part)| ways(part, &format!("{way}/{name}"), into)),
        _ => {}
    }
}

#[test]
fn any_value_in_the_place_of_any_other_is_read_without_a_fault() {
    let values = [json!(null), json!(-1), json!("\u{0}"), json!([[], {}, null, "x"]), json!({"type": 1})];
    let lines: Vec<(&str, Value)> = (kept().iter())
        .flat_map(|(kind, _, bytes)| bytes.split(|byte| *byte == b'\n').map(move |line| (*kind, line)))
        .chain(LINES.lines().map(|line| ("claude-code", line.as_bytes())))
        .filter_map(|(kind, line)| Some((kind, serde_json::from_slice(line).ok()?)))
        .collect();
    let mut read = 0;
    for (kind, line) in lines {
        let mut all = Vec::new();
        ways(&line, "", &mut all);
        for way in all {
            for value in &values {
                let mut changed = line.clone();
                *changed.pointer_mut(&way).unwrap_or(&mut Value::Null) = value.clone();
                let text = changed.to_string();
                read += (steps_of(kind).unwrap().read)(text.as_bytes()).kept().len();
            }
        }
    }
    assert!(read > 100, "{read} steps");
}

/// What a program in Claude Code's place prints.
const LINES: &str = r#"{"type":"system","subtype":"init","session_id":"s"}
{"type":"assistant","message":{"id":"m1","usage":{"input_tokens":100,"output_tokens":7},"content":[{"type":"thinking","thinking":"A file is missing.\nI look first.","signature":"x"}]}}
{"type":"assistant","message":{"id":"m1","usage":{"input_tokens":100,"output_tokens":7},"content":[{"type":"text","text":"I make it.\u001b[2J"}]}}
{"type":"assistant","message":{"id":"m1","usage":{"input_tokens":100,"output_tokens":7},"content":[{"type":"tool_use","id":"t1","name":"Write","input":{"file_path":"done","content":"one\n::error::two\n"}}]}}
{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"File created: done"}]}}
{"type":"assistant","message":{"id":"m2","usage":{"input_tokens":100,"output_tokens":7},"content":[{"type":"tool_use","id":"t2","name":"Bash","input":{"command":"cargo test"}}]}}
{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t2","is_error":true,"content":[{"type":"text","text":"LONG"},{"type":"image","source":{}}]}]}}
no event
{"type":"user","message":{"role":"user","content":[{"type":"text","text":"what somebody else says is no step of the agent"}]}}
{"type":"assistant","message":{"id":"m3","usage":{"input_tokens":100,"output_tokens":7},"content":[{"type":"text","text":"Done."}]}}
{"type":"result","subtype":"success","is_error":false,"total_cost_usd":0.25,"usage":{"input_tokens":300,"output_tokens":21}}
"#;

/// An experiment of an agent that tells its steps, and one that tells none; and the search path with the first one's program.
fn of_a_teller_and_a_silent_one(world: &World, lines: &str) -> String {
    world.program("bin/claude", "#!/bin/sh\ncat >/dev/null\ntouch done\ncat \"$HOME/lines\"\n");
    world.write("home/lines", lines);
    let fixture = TestFixture::new()
        .subtest("T0/00-claude", "agent: {kind: claude-code}\n")
        .agent("T0/01-plain", "touch done; echo I did it")
        .check("test -f done")
        .write(world);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--attempts", "1"];
    output(world.command(&[&arguments[..], &["--model", "sonnet"]].concat()).env("PATH", &path)).exits(0);
    format!("results/{}", world.experiment().file_name().unwrap().to_str().unwrap())
}

#[test]
fn what_agents_did_is_exported_in_a_format_that_its_own_package_accepts() {
    let world = World::new();
    let dir = of_a_teller_and_a_silent_one(&world, &LINES.replace("LONG", "failed"));
    let exported = world.scylla(&["export", &dir, "--format", "atif", "--to", "out"]).exits(0);
    in_gallery(|| insta::assert_snapshot!("export_atif", steady(&format!("{exported}"), &world)));
    assert_eq!(fs::read_dir(world.path("out/T0")).unwrap().count(), 1);
    let file = world.path("out/T0/00/1.json");
    let text = fs::read_to_string(&file).unwrap();
    let name = world.experiment().file_name().unwrap().to_str().unwrap().to_owned();
    in_gallery(|| insta::assert_snapshot!("trajectory_atif", text.replace(&name, "[EXPERIMENT]")));
    world.scylla(&["export", &dir, "--format", "atif", "--to", "out"]).exits(2);
    let check = "import sys; from atif import Trajectory; Trajectory.model_validate_json(open(sys.argv[1]).read())";
    // `.ci/run` installs it there.
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
    let python = if installed.exists() { installed } else { PathBuf::from("python3") };
    let run = |arguments: &[&str]| std::process::Command::new(&python).args(arguments).output();
    if !run(&["-c", "import atif"]).is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "the Python package atif is not installed");
        return println!("skipped: the Python package atif is not installed, and nothing is held against it");
    }
    let said = run(&["-c", check, file.to_str().unwrap()]).unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn the_steps_of_a_run_are_shown_for_people_and_programs_and_who_tells_none_has_a_log() {
    let world = World::new();
    let long = (1..=30).map(|line| format!("test {line} failed")).collect::<Vec<_>>().join("\\n");
    let dir = of_a_teller_and_a_silent_one(&world, &LINES.replace("LONG", &long));
    let show = |run: &str, more: &[&str]| world.scylla(&[&["show", &dir, run, "--steps"], more].concat()).exits(0);
    let shown = show("T0/00/1", &[]);
    let screen = |shown| steady(&format!("{shown}"), &world);
    in_gallery(|| insta::assert_snapshot!("show_steps", screen(shown)));
    let plain = show("T0/01/1", &[]);
    in_gallery(|| insta::assert_snapshot!("show_no_steps", screen(plain)));
    let of = |run: &str| serde_json::from_str::<Value>(&show(run, &["--format", "json"]).stdout).unwrap();
    let steps = of("T0/00/1");
    assert_eq!(steps["steps"].as_array().map(Vec::len), Some(7), "{steps:#}");
    assert_eq!(steps["steps"][5]["is_error"], true);
    assert_eq!(
        steps["steps"][2],
        json!({"kind": "tool_call", "name": "Write", "left_out_bytes": 0,
               "text": "{\"file_path\":\"done\",\"content\":\"one\\n::error::two\\n\"}"})
    );
    assert_eq!(steps["told_by"], format!("{dir}/T0/00/run_01/agent/stdout.log"));
    assert_eq!(of("T0/01/1")["steps"], Value::Null);
    // An output that is gone is not an agent without steps.
    fs::remove_file(world.experiment().join("T0/00/run_01/agent/stdout.log")).unwrap();
    let gone = show("T0/00/1", &[]);
    assert!(gone.stdout.starts_with("what its agent wrote is not there, so none are known of T0/00/run_01"), "{gone}");
}
