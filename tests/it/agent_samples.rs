//! What real agent programs printed, read as it grows: how each recorded run ended, what it used, and what a cut costs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

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
struct Silent;

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
    let stdout = fs::read(sample.join("stdout")).unwrap_or_default();
    let mut reader = reader(kind);
    let mut before = Some(0);
    for piece in stdout.split_inclusive(|byte| *byte == b'\n') {
        // In two pieces, because a piece may end anywhere.
        let (first, later) = piece.split_at(piece.len() / 2);
        reader.feed(Output::Stdout, first);
        reader.feed(Output::Stdout, later);
        let so_far = reader.reading(now()).unwrap().usage.tokens.total().or(Some(0));
        assert!(so_far >= before, "{}: what was used grows less", sample.display());
        before = so_far;
    }
    let usage = reader.reading(now()).map(|reading| reading.usage).unwrap_or_default();
    let usd = usage.cost.usd().map(|usd| serde_json::to_value(usd).unwrap().as_f64().unwrap());
    let word = match reader.outcome(ended, now()) {
        Ok(outcome) => format!("{:?}", outcome.end),
        Err(failure) => format!("failure: {}", failure.kind),
    };
    (word, usage.tokens.total(), usd)
}

#[test]
fn every_recorded_run_of_claude_code_ends_as_it_did() {
    let Some(samples) = shared("data/agent-samples/claude") else { return };
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(samples).unwrap() {
        let sample = entry.unwrap().path();
        let name = sample.file_name().unwrap().to_str().unwrap().to_owned();
        // It prints no events where it was asked for words only.
        if name == "ok-text" {
            continue;
        }
        let (word, tokens, usd) = ending("claude-code", &sample);
        if word == "Finished" {
            assert!(tokens > Some(0) && usd > Some(0.0), "{name}: {tokens:?} tokens, {usd:?} dollars");
        }
        seen.entry(word).or_default().push(name);
    }
    for names in seen.values_mut() {
        names.sort();
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/agents");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_json_snapshot!("claude_code", seen));
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
echo '{"type":"system","subtype":"init","session_id":"s"}'
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
        (&result["agent_end"], &result["cost_usd"], &result["token_stats"]["input_tokens"]),
        (&Value::from("finished"), &Value::from(0.25), &Value::from(100)),
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
