//! What the agent of one run may use: tokens, turns and money, held while it works where its kind tells what it uses, and named in
//! the result.

use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::{experiment, json as read};
use crate::world::{Live, World, steady};

/// A Claude Code that answers so often, each answer of 1000 tokens read and 100 written, and then hangs or ends.
fn claude(world: &World, answers: usize, then: &str) {
    let message = |number| {
        json!({"type": "assistant", "message": {"id": format!("msg_{number}"), "content": [],
            "usage": {"input_tokens": 1000, "output_tokens": 100}}})
    };
    let lines: Vec<String> = (1..=answers).map(|number| format!("echo '{}'", message(number))).collect();
    let script = format!("#!/bin/sh\ncat > /dev/null\ntouch done\n{}\n{then}\n", lines.join("\n"));
    world.program("bin/claude", &script);
}

fn fixture(world: &World, limits: &str) -> String {
    TestFixture::new().subtest("T0/00-one", "agent: {kind: claude-code}\n").extra(limits).write(world)
}

fn command(world: &World, fixture: &str, more: &[&str]) -> Command {
    let first = ["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", "1"];
    let mut command = world.command(&[&first, more].concat());
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("ANTHROPIC_API_KEY", "scripted");
    command
}

fn result(world: &World) -> Value {
    read(&world.experiment().join("T0/00/run_01/run_result.json"))
}

#[test]
fn an_agent_that_uses_more_than_its_run_may_is_ended_graded_and_the_limit_is_named() {
    for (limits, flags, exceeded) in [
        ("limits: {tokens: 2500}\n", &[][..], json!({"limit": "tokens", "most": 2500, "used": 3300})),
        ("limits: {turns: 2}\n", &[], json!({"limit": "turns", "most": 2, "used": 3})),
        (
            "limits: {tokens: 1}\n",
            &["--max-run-tokens", "100000", "--max-run-cost-usd", "0.01", "--model", "claude-sonnet-4-5"],
            json!({"limit": "cost", "most": 0.01, "used": 0.0135}),
        ),
    ] {
        let world = World::new();
        claude(&world, 3, "exec sleep 1000");
        let fixture = fixture(&world, limits);
        let (code, events, stderr) = Live::start(&mut command(&world, &fixture, flags)).end();
        assert_eq!(code, Some(0), "{limits}: {events:#?}{stderr}");
        let result = result(&world);
        assert_eq!((&result["agent_end"], &result["exceeded"]), (&json!("over_budget"), &exceeded), "{result:#}");
        assert_eq!(
            (&result["judge_passed"], &result["exit_code"]),
            (&json!(true), &Value::Null),
            "what is there is graded"
        );
        assert_eq!(result["token_stats"]["output_tokens"], 300);
        let told = events.iter().filter_map(|event| event["message"].as_str()).find(|it| it.contains("over a limit"));
        assert!(
            told.is_some_and(|told| told.starts_with("T0/00/run_01: the agent ended over a limit: ")),
            "{events:#?}"
        );
        let dir = experiment(&world);
        let shown = world.scylla(&["show", &dir, "T0/00/1"]).exits(0);
        let words = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("; over a limit of the run: "), "{shown}");
        // A list of runs says it in the same words, also of one that passed.
        let row = world.scylla(&["runs", &dir, "--format", "csv"]).exits(0).stdout;
        assert!(row.trim_end().ends_with(&format!(",{}", exceeded["limit"].as_str().unwrap())), "{row}");
        let listed = world.scylla(&["runs", &dir]).exits(0).stdout;
        assert!(listed.contains("passed") && listed.contains(": over a limit of the run"), "{listed}");
        world.scylla(&["verify", &dir]).exits(0);
    }
}

#[test]
fn answers_that_are_each_short_are_not_priced_as_one_long_one_and_end_no_agent_too_early() {
    let world = World::new();
    claude(&world, 300, "true");
    let script = std::fs::read_to_string(world.path("bin/claude")).unwrap();
    world.program("bin/claude", &script.replace("1000", "2000"));
    let fixture = fixture(&world, "limits: {cost_usd: 2.4}\n");
    let flags = ["--model", "claude-sonnet-4-5", "--attempts", "1"];
    let (_, events, _) = Live::start(&mut command(&world, &fixture, &flags)).end();
    // 600,000 tokens read for $3 and 30,000 written for $15 a million: $2.25, and $4.28 if it were one request.
    assert!(
        !events.iter().any(|event| event["message"].as_str().is_some_and(|it| it.contains("limit"))),
        "{events:#?}"
    );
    let failed = events.iter().find(|event| event["reason"] == "attempt-failed").unwrap();
    assert_eq!((&failed["failure"]["kind"], &failed["spent"]), (&json!("no_record"), &json!(2.25)), "{failed:#}");
}

#[test]
fn the_limit_that_claude_code_keeps_itself_is_named_as_any_other() {
    let world = World::new();
    let last = json!({"type": "result", "subtype": "error_max_turns", "is_error": true, "total_cost_usd": 0.01,
        "usage": {"input_tokens": 3000, "output_tokens": 300}});
    claude(&world, 3, &format!("echo '{last}'; exit 1"));
    let fixture = fixture(&world, "limits: {tokens: 1000000, turns: 3}\n");
    let (code, events, stderr) = Live::start(&mut command(&world, &fixture, &[])).end();
    assert_eq!(code, Some(0), "{events:#?}{stderr}");
    let exceeded = json!({"limit": "turns", "most": 3, "used": 3});
    assert_eq!((&result(&world)["agent_end"], &result(&world)["exceeded"]), (&json!("over_budget"), &exceeded));
    let shown = world.scylla(&["show", &experiment(&world), "T0/00/1"]).exits(0);
    assert!(shown.stdout.contains("3 turns of at most 3"), "{shown}");
}

#[test]
fn an_agent_whose_model_refused_or_that_ran_out_of_time_beyond_a_limit_names_the_limit_too() {
    let record = |end: &str| {
        format!(
            r#"printf '{{"end": "{end}", "cost_usd": 2.5, "token_stats": {{"input_tokens": 900}}}}' > "$SCYLLA_RECORD_FILE""#
        )
    };
    for (agent, end) in
        [(record("refused"), "refused"), (format!("{}; exec sleep 1000", record("finished")), "timed_out")]
    {
        let world = World::new();
        let fixture = TestFixture::new().agent("T0/00-one", &agent).extra("limits: {cost_usd: 1.5}\n").write(&world);
        let (code, events, stderr) = Live::start(&mut command(&world, &fixture, &["--timeout", "3"])).end();
        assert_eq!(code, Some(0), "{events:#?}{stderr}");
        let exceeded = json!({"limit": "cost", "most": 1.5, "used": 2.5});
        assert_eq!((&result(&world)["agent_end"], &result(&world)["exceeded"]), (&json!(end), &exceeded));
        assert!(events.iter().any(|event| event["message"].as_str().is_some_and(|it| it.contains("over a limit"))));
        world.scylla(&["verify", &experiment(&world)]).exits(0);
    }
}

#[test]
fn an_agent_within_its_limits_is_left_alone_and_its_program_is_told_them() {
    let world = World::new();
    let last = json!({"type": "result", "subtype": "success", "is_error": false, "total_cost_usd": 0.01,
        "usage": {"input_tokens": 3000, "output_tokens": 300}});
    claude(&world, 3, &format!("echo '{last}'"));
    let fixture = fixture(&world, "limits: {tokens: 3300, turns: 3, cost_usd: 0.5}\n");
    let (code, events, stderr) = Live::start(&mut command(&world, &fixture, &[])).end();
    assert_eq!(code, Some(0), "{events:#?}{stderr}");
    assert_eq!((&result(&world)["agent_end"], &result(&world)["exceeded"]), (&json!("finished"), &Value::Null));
    let started = read(&world.experiment().join("T0/00/run_01/agent/command.json"))["argv"].to_string();
    assert!(started.contains(r#""--max-turns","3","--max-budget-usd","0.5""#), "{started}");
    assert_eq!(read(&world.experiment().join("config/experiment.json"))["max_run_tokens"], 3300);
}

#[test]
fn who_tells_what_it_used_only_at_its_end_is_told_its_limits_and_held_to_them_then() {
    let world = World::new();
    let agent = r#"printf '{"token_stats": {"input_tokens": 900, "output_tokens": 200}}' > "$SCYLLA_RECORD_FILE"; echo "$SCYLLA_MAX_TOKENS $SCYLLA_MAX_TURNS $SCYLLA_MAX_COST_USD" > done"#;
    let limits = "limits: {tokens: 1000, turns: 7, cost_usd: 1.5}\n";
    let fixture = TestFixture::new().agent("T0/00-one", agent).extra(limits).write(&world);
    let (code, events, stderr) = Live::start(&mut command(&world, &fixture, &[])).end();
    assert_eq!(code, Some(0), "{events:#?}{stderr}");
    let result = result(&world);
    assert_eq!(result["agent_end"], "over_budget");
    assert_eq!(result["exceeded"], json!({"limit": "tokens", "most": 1000, "used": 1100}));
    let patch = std::fs::read_to_string(world.experiment().join("T0/00/run_01/changes.patch")).unwrap();
    assert!(patch.contains("+1000 7 1.5\n"), "{patch}");
    let told = "what an agent of the kind `command` uses is known only when it has ended: no limit of tokens, turns or cost ends it before, unless its own program has one";
    assert!(events.iter().any(|event| event["message"] == told), "{events:#?}");
    let dry = world.scylla(&["run", "--tiers-dir", &fixture, "--fresh", "--dry-run"]).exits(0);
    assert!(dry.stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(told), "{dry}");
}

#[test]
fn whoever_names_a_limit_wrongly_is_told_every_mistake() {
    let world = World::new();
    let fixture = fixture(&world, "limits: {tokens: 0, turns: many, cost_usd: -1, seconds: 4}\n");
    let told = world.scylla(&["fixture", "check", &fixture]).exits(2);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/fixture"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("run-limits", steady(&format!("{}{}", told.stdout, told.stderr), &world));
    });
}
