//! The models that answered an agent, as the gateway saw them or its program says: in its result, where they are another one than was
//! asked for, and over several sessions.

use std::fs;

use serde_json::json;

use crate::fixture::TestFixture;
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::{experiment, json as read, output};
use crate::world::{Output, World};

/// A Claude Code that is answered by the models in the file `answers` of its home, and keeps its options.
const CLAUDE: &str = r#"#!/bin/sh
cat > /dev/null
echo "$*" >> "$HOME/asked"
touch done
echo '{"type":"system","subtype":"init","session_id":"s","claude_code_version":"2.1.197","model":"made-up"}'
number=0
for model in $(cat "$HOME/answers"); do
    number=$((number + 1))
    echo "{\"type\":\"assistant\",\"message\":{\"id\":\"m$number\",\"model\":\"$model\",\"usage\":{\"input_tokens\":100,\"output_tokens\":7}}}"
done
echo '{"type":"result","subtype":"success","is_error":false,"total_cost_usd":0.25,"usage":{"input_tokens":100,"output_tokens":7}}'
"#;

fn fixture(world: &World, answers: &str) -> String {
    world.program("bin/claude", CLAUDE);
    world.write("home/answers", answers);
    TestFixture::new().subtest("T0/00-claude", "agent: {kind: claude-code}\n").check("test -f done").write(world)
}

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let arguments = ["run", "--tiers-dir", fixture, "--results-dir", "results", "--jobs", "1"];
    output(world.command(&[&arguments[..], more].concat()).env("PATH", path).env("ANTHROPIC_API_KEY", "k"))
}

#[test]
fn a_result_names_the_models_that_answered_and_another_one_than_was_asked_for_is_reported() {
    let other = "the agent was told to use `sonnet`, and its program says that `claude-haiku-4-5` answered";
    for (answers, models, is_other) in [
        (
            "claude-haiku-4-5 claude-sonnet-4-5 claude-haiku-4-5",
            json!(["claude-haiku-4-5", "claude-sonnet-4-5"]),
            false,
        ),
        ("claude-haiku-4-5 <synthetic>", json!(["claude-haiku-4-5"]), true),
        ("", json!(null), false),
    ] {
        let world = World::new();
        let fixture = fixture(&world, answers);
        let ran = run(&world, &fixture, &["--runs", "1", "--model", "sonnet"]).exits(0);
        assert_eq!(ran.stderr.contains(&format!("T0/00/run_01: {other}")), is_other, "{ran}");
        for file in ["run_result.json", "agent/result.json"] {
            assert_eq!(read(&world.experiment().join("T0/00/run_01").join(file))["agent_models"], models, "{file}");
        }
        let shown = world.scylla(&["show", &experiment(&world), "T0/00/1"]).exits(0);
        let words = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words.contains("answered by claude-haiku-4-5"), !answers.is_empty(), "{shown}");
        world.scylla(&["verify", &experiment(&world)]).exits(0);
    }
}

#[test]
fn the_gateway_is_believed_about_the_models_that_answered_whatever_a_program_says() {
    for (gateway, answered, who) in
        [("meter", "claude-haiku-4-5-20251001", "the gateway saw"), ("off", "claude-opus-4-6", "its program says")]
    {
        let server = ModelServer::start(|_| {
            Say::Body(r#"{"model":"claude-haiku-4-5-20251001","usage":{"input_tokens":1}}"#.to_owned())
        });
        let world = World::new();
        let fixture = fixture(&world, "claude-opus-4-6");
        let asks = crate::gateway::asks(1, ":").replace("cat <&3", "cat <&3 >/dev/null").replace("; env;", ";");
        world.program("bin/claude", &CLAUDE.replace("touch done", &format!("{asks}; rm ask.sh")));
        let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
        let mut run = world.command(&["run", &fixture, "--results-dir", "results", "--runs", "1"]);
        run.args(["--model", "claude-sonnet-4-5", "--gateway", gateway]).env("PATH", path);
        let base = server.base_url(Api::AnthropicMessages);
        let ran = output(run.env("ANTHROPIC_API_KEY", "k").env("ANTHROPIC_BASE_URL", base)).exits(0);
        let result = read(&world.experiment().join("T0/00/run_01/run_result.json"));
        assert_eq!(result["agent_models"], json!([answered]), "{result:#}");
        let told = format!("the agent was told to use `claude-sonnet-4-5`, and {who} that `{answered}` answered");
        assert!(ran.stderr.contains(&told), "{ran}");
        assert_eq!(server.asked().len(), 1, "{ran}");
    }
}

#[test]
fn another_model_that_is_asked_for_when_an_unfinished_experiment_goes_on_is_reported_and_never_mixed_in() {
    let world = World::new();
    let fixture = fixture(&world, "claude-sonnet-4-5");
    run(&world, &fixture, &["--runs", "2", "--model", "sonnet", "--max-cost-usd", "0.25"]).exits(6);
    let went_on = run(&world, &fixture, &["--runs", "2", "--model", "opus", "--max-cost-usd", "9", "--quiet"]).exits(0);
    let told = "`--model opus` is asked for, `--model sonnet` was saved: the saved value holds, for results to stay comparable; \
                a new experiment, by `run --fresh`, can have the other one";
    assert!(went_on.stderr.contains(told), "{went_on}");
    let asked = fs::read_to_string(world.path("home/asked")).unwrap();
    assert_eq!(asked.lines().filter(|line| line.contains("--model sonnet")).count(), 2, "{asked}");
    assert_eq!(asked.lines().count(), 2, "{asked}");
    assert_eq!(read(&world.experiment().join("config/experiment.json"))["models"], json!(["sonnet"]));
}
