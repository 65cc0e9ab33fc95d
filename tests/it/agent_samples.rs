//! What real agent programs printed, read as it grows: how each recorded run ended, what it used, and what a cut costs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use scylla::agent::KINDS;
use scylla::model::agent::{EndedAgent, Output, Reader};
use scylla::model::program::{Invocation, Keys};
use serde_json::Value;

use crate::fixture::TestFixture;
use crate::scenes::{json, output};
use crate::shared::shared;
use crate::world::{Output as Ended, World};

/// A fixture that says nothing but the kind.
pub(crate) struct Silent;

impl Keys for Silent {
    fn run(&self) -> Option<Invocation> {
        None
    }
    fn variables(&self, _: &'static str) -> Option<BTreeMap<String, String>> {
        Some(BTreeMap::new())
    }
    fn choice(&self, _: &'static str, _: &[&'static str]) -> Option<&'static str> {
        None
    }
    fn seconds(&self, _: &'static str) -> Option<u64> {
        None
    }
    fn name(&self) -> Option<String> {
        None
    }
    fn reserve_name(&self, _: &str) {}
    fn has_solution(&self) -> bool {
        false
    }
    fn mistake(&self, key: &'static str, message: String) {
        panic!("{key}: {message}");
    }
    fn mistake_with_hint(&self, message: String, hint: String) {
        panic!("{message}: {hint}");
    }
}

fn reader(kind: &str) -> Box<dyn Reader> {
    let kind = KINDS.iter().find(|known| known.name == kind).unwrap();
    (kind.read)(&Silent).unwrap().reader().unwrap()
}

fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

/// How a recorded run ended, in one word, and what it used: tokens and dollars.
fn ending(kind: &str, sample: &Path) -> (String, Option<u64>, Option<f64>) {
    let code = json(&sample.join("meta.json"))["exit_code"].as_i64().unwrap();
    let code = i32::try_from(code).unwrap();
    let ended = if code < 0 { EndedAgent::Signaled(-code) } else { EndedAgent::Exited(code) };
    let mut reader = reader(kind);
    let mut before = Some(0);
    for (output, bytes) in outputs(&*reader, sample) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            // In two pieces, because a piece may end anywhere.
            let (first, later) = piece.split_at(piece.len() / 2);
            reader.feed(output, first);
            reader.feed(output, later);
            let so_far = reader.reading(now()).and_then(|reading| reading.usage.tokens.total()).or(Some(0));
            assert!(so_far >= before, "{}: what was used grows less", sample.display());
            before = so_far;
        }
    }
    let usage = reader.reading(now()).map(|reading| reading.usage).unwrap_or_default();
    let usd = usage.cost.usd().map(|usd| serde_json::to_value(usd).unwrap().as_f64().unwrap());
    let word = match reader.outcome(ended, now()) {
        Ok(outcome) => format!("{:?}", outcome.end),
        Err(failure) => {
            let until = failure.retry_at.map(|at| format!(" until {at}")).unwrap_or_default();
            format!("failure: {}{until}", failure.kind)
        }
    };
    (word, usage.tokens.total(), usd)
}

/// The recorded outputs that a reader wants.
fn outputs(reader: &dyn Reader, sample: &Path) -> Vec<(Output, Vec<u8>)> {
    let name = |output: &Output| match output {
        Output::Stdout => "stdout",
        Output::Stderr => "stderr",
        Output::Record => "record",
    };
    let read = |output: &Output| Some((*output, fs::read(sample.join(name(output))).ok()?));
    reader.wants().iter().filter_map(read).collect()
}

/// The folders in a folder, by their names.
pub(crate) fn folders(folder: &Path) -> BTreeMap<String, PathBuf> {
    let places = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    places.map(|place| (place.file_name().unwrap().to_str().unwrap().to_owned(), place)).collect()
}

pub(crate) fn in_gallery(assert: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/agents"));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(assert);
}

/// How the recorded runs of a program ended, by its folder of samples.
fn endings(kind: &str, folder: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let samples = shared(&format!("data/agent-samples/{folder}"))?;
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, sample) in folders(&samples) {
        // These print words only: they were not asked for events.
        let asked = fs::read_to_string(sample.join("meta.json")).unwrap();
        let has_no_events = match kind {
            "gemini" => !asked.contains("stream-json"),
            "opencode" => !asked.contains("\"json\""),
            "codex" => !asked.contains("--json"),
            _ => name == "ok-text",
        };
        if has_no_events {
            continue;
        }
        let (word, tokens, usd) = ending(kind, &sample);
        if word == "Finished" {
            assert!(tokens > Some(0), "{name}: {tokens:?} tokens");
            assert_eq!(usd.is_some(), matches!(kind, "claude-code" | "opencode"), "{name}: {usd:?} dollars");
        }
        seen.entry(word).or_default().push(name);
    }
    Some(seen)
}

#[test]
fn every_recorded_run_of_claude_code_ends_as_it_did() {
    let Some(seen) = endings("claude-code", "claude") else { return };
    in_gallery(|| insta::assert_json_snapshot!("claude_code", seen));
}

#[test]
fn every_recorded_run_of_codex_gemini_and_opencode_ends_as_it_did() {
    for kind in ["codex", "gemini", "opencode"] {
        let Some(seen) = endings(kind, kind) else { return };
        in_gallery(|| insta::assert_json_snapshot!(kind, seen));
    }
}

#[test]
fn every_run_of_an_agent_program_under_the_command_that_is_documented_ends_as_it_did() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents");
    let mut seen: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (kind, folder) in folders(&kept) {
        for (name, sample) in folders(&folder) {
            let (word, tokens, usd) = ending(&kind, &sample);
            let tokens = tokens.map_or_else(|| "unknown".to_owned(), |tokens| tokens.to_string());
            let usd = usd.map_or_else(|| "unknown".to_owned(), |usd| format!("${usd:.6}"));
            let line = format!("{word}; tokens {tokens}, cost {usd}");
            assert!(seen.entry(kind.clone()).or_default().insert(name, line).is_none());
        }
    }
    in_gallery(|| insta::assert_json_snapshot!("documented", seen));
}

#[test]
fn what_an_agent_program_printed_means_the_same_whatever_pieces_it_comes_in() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents");
    for (kind, folder) in folders(&kept) {
        for (name, sample) in folders(&folder) {
            let (mut bytewise, mut whole) = (reader(&kind), reader(&kind));
            for (output, bytes) in outputs(&*whole, &sample) {
                whole.feed(output, &bytes);
                for byte in bytes {
                    bytewise.feed(output, &[byte]);
                }
            }
            assert_eq!(bytewise.reading(now()), whole.reading(now()), "{kind}: {name}");
        }
    }
}

#[test]
fn usage_of_claude_code_is_counted_once_for_each_message_and_known_before_its_end() {
    let Some(samples) = shared("data/agent-samples/claude") else { return };
    let whole = ending("claude-code", &samples.join("ok-stream-json"));
    assert_eq!(whole, ("Finished".to_owned(), Some(2400 + 600 + 9000 + 84), Some(0.01341)));
    // Killed in the middle: two events of one message.
    let (word, tokens, usd) = ending("claude-code", &samples.join("tool-SIGTERM-stream"));
    assert_eq!((word.as_str(), usd), ("failure: killed", None));
    assert!(tokens.is_some_and(|tokens| (6000..6200).contains(&tokens)), "{tokens:?}");
    // Its result says that nothing was read.
    let (word, _, usd) = ending("claude-code", &samples.join("budget"));
    assert_eq!((word.as_str(), usd), ("OverBudget", Some(0.006_705)));
}

/// A program in Claude Code's place: it takes what it is given as Claude Code does, and prints what that prints.
const PROGRAM: &str = r#"#!/bin/sh
[ "$1" = --print ] || exit 9
{ printf '%s\n' "$@"; cat; echo "variable $CLAUDE_CODE_MAX_RETRIES"; } >"$HOME/asked"
if [ -e "$HOME/refused" ]; then
    echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":401,"result":"Invalid API key","total_cost_usd":0}'
    exit 1
fi
touch done
echo '{"type":"system","subtype":"init","session_id":"s","claude_code_version":"2.1.197"}'
for part in text tool_use; do
    echo '{"type":"assistant","message":{"id":"m1","usage":{"input_tokens":100,"output_tokens":7}}}'
done
printf '%s' '{"type":"result","subtype":"success","is_error":false,"total_cost_usd":0.25,"usage":{"input_tokens":100,"output_tokens":7}}'
"#;

/// A run of a fixture that names Claude Code, with that program; its key is refused.
fn run(world: &World, is_refused: bool) -> Ended {
    world.program("bin/claude", PROGRAM);
    if is_refused {
        world.write("home/refused", "");
    }
    let fixture =
        TestFixture::new().subtest("T0/00-claude", "agent: {kind: claude-code}\n").check("test -f done").write(world);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--attempts", "1"];
    output(world.command(&[&arguments[..], &["--model", "sonnet"]].concat()).env("PATH", &path))
}

#[test]
fn a_fixture_that_names_claude_code_has_it_solve_the_task() {
    let world = World::new();
    run(&world, false).exits(0);
    let result = json(&world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!(
        (&result["agent_end"], &result["cost_usd"], &result["token_stats"]["input_tokens"], &result["agent_version"]),
        (&Value::from("finished"), &Value::from(0.25), &Value::from(100), &Value::from("2.1.197")),
        "{result:#}"
    );
    let asked = fs::read_to_string(world.path("home/asked")).unwrap();
    for line in
        ["--output-format", "stream-json", "--model", "sonnet", "Make a file that is called `done`.", "variable 2"]
    {
        assert!(asked.lines().any(|said| said == line), "{line}: {asked}");
    }
}

#[test]
fn a_key_that_is_refused_is_no_result_whatever_claude_code_calls_it() {
    let world = World::new();
    let refused = run(&world, true);
    assert!(refused.stderr.contains("auth: Invalid API key"), "{refused}");
    assert!(!world.experiment().join("T0/00/run_01/run_result.json").exists());
}

/// Programs in the place of the real ones, and what they leave: what the real ones printed, and wrote as their record.
const REAL: [(&str, &str); 5] = [
    ("aider", "aider"),
    ("codex", "codex"),
    ("gemini", "gemini"),
    ("mini-swe-agent", "mini"),
    ("opencode", "opencode"),
];

/// It says what it was asked and how, does the task, and leaves what the real one left.
const IN_PLACE: &str = r#"#!/bin/sh
name="${0##*/}"
if [ "$1" = --version ]; then
    echo "$name 7.7.7"
    exit
fi
{
    printf '%s\n' "$@"
    [ "$name" = mini ] || [ "$name" = aider ] || cat
    env | grep -e '^CI=' -e ^CODEX -e ^GEMINI -e ^LITELLM -e ^MSWEA -e ^OPENCODE -e ^BROWSER | sort
} >"$HOME/asked-$name"
touch done
[ ! -e "$HOME/left-$name/stdout" ] || cat "$HOME/left-$name/stdout"
[ ! -e "$HOME/left-$name/record" ] || cat "$HOME/left-$name/record" >"$SCYLLA_RECORD_FILE"
"#;

#[test]
fn five_agent_programs_in_one_experiment_are_asked_as_documented_and_all_solve_the_task() {
    let world = World::new();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents");
    let mut fixture = TestFixture::new();
    for (number, (kind, program)) in REAL.iter().enumerate() {
        world.program(&format!("bin/{program}"), IN_PLACE);
        for file in ["stdout", "record"] {
            if let Ok(left) = fs::read_to_string(kept.join(kind).join("ok").join(file)) {
                world.write(&format!("home/left-{program}/{file}"), &left);
            }
        }
        fixture = fixture.subtest(&format!("T0/0{number}-{kind}"), &format!("agent: {{kind: {kind}}}\n"));
    }
    let fixture = fixture.check("test -f done").write(&world);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--attempts", "1"];
    let options = ["--model", "some-model", "--thinking", "High"];
    output(world.command(&[&arguments[..], &options].concat()).env("PATH", &path)).exits(0);
    let mut asked = BTreeMap::new();
    for (number, (kind, program)) in REAL.iter().enumerate() {
        let result = json(&world.experiment().join(format!("T0/0{number}/run_01/run_result.json")));
        assert_eq!(result["agent_end"], "finished", "{kind}: {result:#}");
        assert!(result["token_stats"]["input_tokens"].as_u64() > Some(0), "{kind}: {result:#}");
        let version = match *kind {
            "aider" => Value::from("0.86.2"),
            "mini-swe-agent" => Value::from("2.4.6"),
            // Their output does not say it, so they are asked.
            _ => Value::from("7.7.7"),
        };
        assert_eq!(result["agent_version"], version, "{kind}");
        let lines = fs::read_to_string(world.path(&format!("home/asked-{program}"))).unwrap();
        asked.insert(*kind, lines.lines().map(scrubbed).collect::<Vec<String>>());
    }
    in_gallery(|| insta::assert_json_snapshot!("asked", asked));
}

/// A line without the places of one run.
fn scrubbed(line: &str) -> String {
    match line.find("/var/tmp/").or_else(|| line.find("/dev/shm/")).or_else(|| line.find("/tmp/")) {
        Some(at) => format!("{}…/{}", &line[..at], line.rsplit('/').next().unwrap_or_default()),
        None => line.to_owned(),
    }
}
