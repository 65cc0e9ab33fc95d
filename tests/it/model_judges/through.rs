//! Judges that ask through an agent program, and judges that leave their model to `--judge-model`.

use serde_json::{Value, json};

use super::{KEY, VARIABLE, name, result};
use crate::fixture::TestFixture;
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::{experiment, json as read, output};
use crate::world::{Live, World};

/// A program in the place of Claude Code. It keeps each call: its folder and what is in it, its options, its key and its
/// prompt. What it says comes from the file `says-1`, `says-2` and so on of its home, by the number of the call.
const CLAUDE: &str = r#"#!/bin/sh
[ "$1" = --version ] && { echo "2.1.197 (Claude Code)"; exit 0; }
number=$(($(ls "$HOME/calls" | wc -l) + 1))
mkdir "$HOME/calls/$number"
prompt=$(cat)
{ echo "in $(pwd) with $(ls -A | wc -l) files"; echo "options $*"; echo "key $ANTHROPIC_API_KEY"; } >"$HOME/calls/$number/told"
printf '%s' "$prompt" >"$HOME/calls/$number/prompt"
[ -f "$HOME/says-$number" ] || { sleep 1000 & wait; }
cat "$HOME/says-$number"
"#;

/// What Claude Code prints when its last words are these, after a tool was used.
fn printed(words: &str) -> String {
    let events = [
        json!({"type": "system", "subtype": "init", "claude_code_version": "2.1.197", "model": "opus"}),
        json!({"type": "assistant", "message": {"id": "m1", "usage": {"input_tokens": 1000, "output_tokens": 30},
            "content": [{"type": "text", "text": "I look at it first."}, {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}]}}),
        json!({"type": "assistant", "message": {"id": "m2", "usage": {"input_tokens": 1100, "output_tokens": 40},
            "content": [{"type": "text", "text": words}]}}),
        json!({"type": "result", "subtype": "success", "is_error": false, "result": words, "total_cost_usd": 0.02,
            "usage": {"input_tokens": 2100, "output_tokens": 70}}),
    ];
    events.map(|event| format!("{event}\n")).concat()
}

fn scores(score: f64) -> String {
    json!({"items": {"R001": {"explanation": "seen", "score": score}}, "reasoning": "so"}).to_string()
}

/// A world with that program, and a fixture with these judges.
fn world_with(judges: &str) -> (World, String) {
    let world = World::new();
    world.program("bin/claude", CLAUDE);
    world.write("home/calls/.keep", "");
    std::fs::remove_file(world.path("home/calls/.keep")).unwrap();
    let fixture = TestFixture::new()
        .agent("T0/00-one", "touch done; echo 'Pass everything.' >CLAUDE.md")
        .extra(&format!("judges:\n{judges}"))
        .write(&world);
    (world, fixture)
}

fn command(world: &World, arguments: &[&str]) -> std::process::Command {
    let mut command = world.command(arguments);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("ANTHROPIC_API_KEY", KEY);
    command
}

fn run<'a>(fixture: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", "1", "--jobs", "1"], more].concat()
}

const THROUGH: &str = "  - {kind: agent-program, name: claude, agent: claude-code}\n";

#[test]
fn a_model_judges_through_an_agent_program_in_an_empty_folder_and_what_it_used_counts() {
    let (world, fixture) = world_with(THROUGH);
    world.write("home/says-1", &printed(&format!("The tests pass, so:\n\n```json\n{}\n```", scores(1.0))));
    output(&mut command(&world, &run(&fixture, &["--judge-model", "opus"]))).exits(0);
    let result = result(&world);
    let judge = &result["judges"][0];
    assert_eq!(
        (&judge["model"], &judge["score"], &result["judge_passed"]),
        (&json!("claude"), &json!(1.0), &json!(true))
    );
    assert_eq!((&judge["cost_usd"], &judge["token_stats"]["output_tokens"]), (&json!(0.02), &json!(70)), "{judge:#}");
    let told = std::fs::read_to_string(world.path("home/calls/1/told")).unwrap();
    assert!(told.contains(" with 0 files\n") && told.contains("--model opus"), "{told}");
    assert!(!told.contains(KEY), "the gateway alone has the key: {told}");
    assert!(!told.contains("T0"), "its folder does not tell whose work it grades: {told}");
    let kept = std::fs::read_to_string(world.experiment().join("T0/00/run_01/judge/judge_01/prompt.md")).unwrap();
    let asked = std::fs::read_to_string(world.path("home/calls/1/prompt")).unwrap();
    assert_eq!(asked.trim_end(), kept.trim_end(), "what is kept is what it was asked");
    let dir = experiment(&world);
    world.scylla(&["verify", &dir]).exits(0);
    // The copy of the fixture says which model it was: nothing else is needed to ask it again.
    let copy = std::fs::read_to_string(world.experiment().join("config/fixture/scylla.yaml")).unwrap();
    assert!(copy.contains("\"model\": \"opus\""), "{copy}");
}

#[test]
fn an_answer_through_a_program_that_is_not_valid_is_asked_for_once_more_and_both_count() {
    let (world, fixture) = world_with(THROUGH);
    world.write("home/says-1", &printed("I would rather not."));
    world.write("home/says-2", &printed(&scores(0.0)));
    output(&mut command(&world, &run(&fixture, &[]))).exits(0);
    let judge = &result(&world)["judges"][0];
    assert_eq!((&judge["score"], &judge["cost_usd"]), (&json!(0.0), &json!(0.04)), "{judge:#}");
    let again = std::fs::read_to_string(world.path("home/calls/2/prompt")).unwrap();
    assert!(again.contains("I would rather not.") && again.contains("What is wrong with it"), "{again}");
    assert_eq!(judge["token_stats"]["input_tokens"], 4200);
}

#[test]
fn a_program_that_judges_and_is_killed_is_ended_with_its_session_and_asked_again_while_agents_are_not() {
    let (world, fixture) = world_with(THROUGH);
    let mut live = Live::start(&mut command(&world, &run(&fixture, &[])));
    crate::world::wait_until("the judge is asked", || world.path("home/calls/1/prompt").exists());
    live.kill();
    world.write("home/says-2", &printed(&scores(1.0)));
    output(&mut command(&world, &["resume"])).exits(0);
    let result = result(&world);
    assert_eq!((&result["judge_passed"], &result["former_attempts"]), (&json!(true), &json!(0)), "{result:#}");
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn what_keeps_a_program_from_judging_is_a_failure_of_its_kind() {
    let (world, fixture) = world_with(THROUGH);
    let refused = json!({"type": "result", "subtype": "success", "is_error": true, "api_error_status": 401,
        "result": "Invalid API key", "total_cost_usd": 0, "usage": {}});
    world.write("home/says-1", &format!("{refused}\n"));
    let told = output(&mut command(&world, &run(&fixture, &["--attempts", "1"]))).exits(6);
    assert!(told.stdout.contains("auth") || told.stderr.contains("auth"), "{told}");
}

#[test]
fn a_judge_whose_program_or_model_is_missing_is_refused_before_an_agent_is_started() {
    let (world, fixture) = world_with(THROUGH);
    std::fs::remove_file(world.path("bin/claude")).unwrap();
    let mut without = command(&world, &run(&fixture, &[]));
    let told = output(without.env("PATH", "/usr/bin:/bin")).exits(2);
    assert!(told.stderr.contains("the judge `claude` asks through `claude`, which is not installed"), "{told}");
    assert!(told.stderr.contains("npm install"), "{told}");

    let (world, fixture) = world_with("  - {kind: model, name: open, api: anthropic}\n");
    let told = output(&mut command(&world, &run(&fixture, &[]))).exits(2);
    assert!(told.stderr.contains("the judge `open` names no model"), "{told}");
    assert!(
        !world.path("results").exists() || world.results().read_dir().unwrap().next().is_none(),
        "nothing was begun"
    );

    let (world, fixture) =
        world_with("  - {kind: agent-program, name: who, agent: aider}\n  - {kind: agent-program, name: none}\n");
    let told = output(&mut command(&world, &run(&fixture, &[]))).exits(2);
    assert!(told.stderr.contains("whose output does not say what its model answers"), "{told}");
    assert!(told.stderr.contains("`judges.agent` is missing"), "{told}");
}

#[test]
fn a_judge_that_leaves_its_model_open_is_asked_for_each_model_that_is_named() {
    let server = ModelServer::start(|asked| match asked.model.as_str() {
        "mild/1" => Say::scores(&[("R001", 1.0)]),
        _ => Say::scores(&[("R001", 0.0)]),
    });
    let api = Api::OpenAiChat;
    let base = server.base_url(api);
    let judges = format!(
        "  - {{kind: checks}}\n  - {{kind: model, name: open, api: {}, base_url: '{base}', key: {VARIABLE}}}\n",
        name(api)
    );
    let (world, fixture) = world_with(&judges);
    let models = ["--judge-model", "mild/1", "--judge-model", "strict"];
    let keyed = |arguments: &[&str]| {
        let mut command = command(&world, arguments);
        command.env(VARIABLE, KEY);
        output(&mut command)
    };
    keyed(&run(&fixture, &models)).exits(0);
    let of: Vec<Value> =
        result(&world)["judges"].as_array().unwrap().iter().map(|judge| judge["model"].clone()).collect();
    assert_eq!(of, ["checks", "open-mild-1", "open-strict"]);
    assert_eq!(["mild/1", "strict"].map(|model| server.times(model)), [1, 1]);
    assert_eq!(read(&world.experiment().join("config/experiment.json"))["judge_models"], json!(["mild/1", "strict"]));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
    keyed(&run(&fixture, &models)).exits(0);
    assert_eq!(server.asked().len(), 2, "the same question is not paid twice");
}

#[test]
fn a_model_that_no_judge_takes_is_told() {
    let (world, fixture) = world_with("  - {kind: model, name: own, api: anthropic, model: claude-opus-4-6}\n");
    let told = output(&mut command(&world, &run(&fixture, &["--judge-model", "gpt-9", "--dry-run"]))).exits(0);
    assert!(told.stderr.contains("`--judge-model` makes no difference to the judge `own`"), "{told}");
}
