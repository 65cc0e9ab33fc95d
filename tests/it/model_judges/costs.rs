//! What models that judge cost: tokens of every answer, and the cost that follows from them, wherever money is told.

use serde_json::{Value, json};

use super::{KEY, VARIABLE, arguments, panel, result, resume, start};
use crate::fixture::TestFixture;
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::{edit_config, experiment, json as read};
use crate::world::{Live, World};

/// What the server says of each answer: 1000 tokens read, 200 from the cache, 30 written.
const TOKENS: [(&str, u64); 3] = [("input_tokens", 1000), ("cache_read_tokens", 200), ("output_tokens", 30)];

fn tokens_of(judge: &Value, times: u64) {
    for (name, count) in TOKENS {
        assert_eq!(judge["token_stats"][name], count * times, "{judge:#}");
    }
}

#[test]
fn tokens_of_every_answer_and_their_estimated_cost_stand_in_judgment_result_totals_and_show() {
    let server = ModelServer::start(|asked| match (asked.model.as_str(), asked.before) {
        ("gpt-5", 0) => Say::Answer("I would rather not.".to_owned()),
        _ => Say::scores(&[("R001", 1.0)]),
    });
    let world = World::new();
    let judges =
        [("claude-sonnet-4-5", Api::AnthropicMessages), ("gpt-5", Api::OpenAiResponses), ("homemade", Api::OpenAiChat)];
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(&panel(&server, &judges)).write(&world);
    let (code, events, stderr) = start(&world, &fixture).end();
    assert_eq!(code, Some(0), "{events:#?}{stderr}");
    let result = result(&world);
    let [claude, gpt, homemade] = [0, 1, 2].map(|number| &result["judges"][number]);
    tokens_of(claude, 1);
    tokens_of(gpt, 2);
    tokens_of(homemade, 1);
    assert_eq!((&claude["cost_usd"], &claude["cost_source"]), (&json!(0.00351), &json!("estimated")));
    assert_eq!(claude["prices"]["model"], "anthropic/claude-sonnet-4-5");
    assert!(claude["prices"]["table"].as_str().unwrap().starts_with("genai-prices "), "{claude:#}");
    // 2000 read at $1.25, 400 from the cache at $0.125 and 60 written at $10, each of a million.
    assert_eq!((&gpt["cost_usd"], &gpt["cost_source"]), (&json!(0.00315), &json!("estimated")));
    assert_eq!((&homemade["cost_usd"], &homemade["prices"]), (&Value::Null, &Value::Null), "nobody knows its price");
    assert_eq!((&result["judge_cost_usd"], &result["judge_cost_unknown"]), (&json!(0.00666), &json!(1)));
    assert_eq!(read(&world.experiment().join("T0/00/run_01/judge/judge_02/judgment.json"))["cost_usd"], 0.00315);
    let dir = experiment(&world);
    let shown = world.scylla(&["show", &dir, "T0/00/1"]).exits(0);
    assert!(shown.stdout.contains("cost ~$0.0032 (estimated from tokens: `openai/gpt-5` in genai-prices "), "{shown}");
    let told = world.scylla(&["report", &dir]).exits(0).stdout;
    let words: Vec<&str> = told.split_whitespace().collect();
    let sentence =
        "The run with a verdict cost at least ~$0.0067, of it $0.0067 estimated: tokens, times the prices of a day.";
    assert!(words.join(" ").contains(sentence) && told.contains("at least ~$0.0067"), "{told}");
    assert!(told.contains("~ a part of it is estimated: tokens, times the prices of a day"), "{told}");
    let told = world.scylla(&["report", &dir, "--format", "json"]).exits(0).stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["experiments"][0]["whole"]["cost_estimated_usd"], 0.00666, "{told:#}");
    assert!(shown.stdout.contains("tokens 2000 read, 60 written, 400 read from the cache"), "{shown}");
    world.scylla(&["verify", &dir]).exits(0);
    // Whoever reads it later computes nothing again: another price changes no figure.
    edit_config(&world, "prices", json!({"gpt-5": {"input": 9.0, "output": 9.0}}));
    world.scylla(&["verify", &dir]).exits(0);
    assert_eq!(super::result(&world), result);
}

#[test]
fn an_answer_that_is_never_valid_is_paid_and_counts_in_totals_and_for_the_ceiling() {
    let server = ModelServer::start(|_| Say::Answer("I would rather not.".to_owned()));
    let world = World::new();
    let prices = "prices:\n  homemade: {input: 1000, output: 2000, cache_read: 500}\n";
    let lines = panel(&server, &[("homemade", Api::OpenAiChat)]) + prices;
    let fixture = TestFixture::new()
        .agent("T0/00-one", "printf '{\"cost_usd\": 0}' > \"$SCYLLA_RECORD_FILE\"; touch done")
        .extra(&lines)
        .write(&world);
    let all = [&arguments(&fixture)[..], &["--attempts", "1", "--max-cost-usd", "2"]].concat();
    let (code, events, _) = Live::start(world.command(&all).env(VARIABLE, KEY)).end();
    assert_eq!(code, Some(6), "{events:#?}");
    // Two answers of 1000 read, 200 from the cache and 30 written.
    let spent = 2.32;
    assert_eq!(events.last().unwrap()["spent"], json!(spent), "{events:#?}");
    let failed = events.iter().find(|event| event["reason"] == "attempt-failed").unwrap();
    let message = failed["failure"]["message"].as_str().unwrap();
    assert!(message.ends_with("; the ~$2.32 that its tokens cost are counted"), "{message}");
    let aside = read(&world.experiment().join("T0/00/run_01/judge/.failed/judge_01_attempt_01/attempt.json"));
    assert_eq!((&aside["cost_usd"], &aside["cost_source"]), (&json!(spent), &json!("estimated")));
    assert_eq!(aside["prices"]["table"], "config");
    tokens_of(&aside, 2);
    let asked = server.asked().len();
    let (code, events, _) = resume(&world).end();
    assert_eq!((code, &events.last().unwrap()["end"]), (Some(6), &json!("budget_reached")), "{events:#?}");
    assert_eq!(server.asked().len(), asked, "what was spent reaches the ceiling");
    world.scylla(&["verify", &experiment(&world)]).exits(6);
}

#[test]
fn a_judge_that_is_killed_between_its_answers_has_cost_the_first_one() {
    let server = ModelServer::start(|asked| match asked.before {
        0 => Say::Answer("I would rather not.".to_owned()),
        1 => Say::Hang,
        _ => Say::scores(&[("R001", 1.0)]),
    });
    let world = World::new();
    let lines = panel(&server, &[("gpt-5", Api::OpenAiChat)]);
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(&lines).write(&world);
    let mut live = start(&world, &fixture);
    server.wait_for("gpt-5", 2);
    live.kill();
    let (code, events, _) = resume(&world).end();
    assert_eq!((code, server.times("gpt-5")), (Some(0), 3), "{events:#?}");
    let result = result(&world);
    assert_eq!(
        (&result["failed_judge_cost_usd"], &result["failed_judge_cost_unknown"]),
        (&json!(0.001_575), &json!(0))
    );
    assert_eq!(result["judges"][0]["cost_usd"], 0.001_575);
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn a_program_that_judges_or_works_may_say_tokens_in_place_of_a_cost() {
    let world = World::new();
    let tokens = r#""token_stats": {"input_tokens": 1000, "output_tokens": 100}"#;
    let judge = format!(r#"cat > /dev/null; echo '{{"items": {{"R001": {{"score": 1}}}}, {tokens}}}'"#);
    let agent = format!("printf '%s' '{{{tokens}}}' > \"$SCYLLA_RECORD_FILE\"; touch done");
    let fixture = TestFixture::new().agent("T0/00-one", &agent).judge(&judge).write(&world);
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    let models = ["--model", "gpt-5", "--judge-model", "claude-sonnet-4-5"];
    let ended = world.scylla(&[&run[..], &models].concat()).exits(0);
    let result = result(&world);
    assert_eq!(result["judge_cost_estimated"], true);
    assert_eq!((&result["cost_usd"], &result["cost_source"]), (&json!(0.00225), &json!("estimated")));
    assert_eq!(result["prices"]["model"], "openai/gpt-5");
    assert_eq!(result["judges"][1]["cost_usd"], json!(0.0045));
    let dir = experiment(&world);
    let shown = world.scylla(&["show", &dir, "T0/00/1"]).exits(0);
    assert!(shown.stdout.contains("agent ~$0.0022 (estimated from tokens"), "{shown}");
    assert!(shown.stdout.contains("judges ~$0.0045"), "{shown}");
    totals_are_marked(&world, &dir, &ended.stdout);
    world.scylla(&["verify", &dir]).exits(0);
    // A model that nobody knows leaves the cost unknown.
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &agent).judge(&judge).write(&world);
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--model", "homemade"];
    world.scylla(&run).exits(0);
    assert_eq!(super::result(&world)["cost_usd"], Value::Null);
}

/// Everywhere a total stands of which a part is estimated, that is said.
fn totals_are_marked(world: &World, dir: &str, summary: &str) {
    let status = world.scylla(&["status", dir]).exits(0).stdout;
    for screen in [summary, &status] {
        let line = |of: &str| screen.lines().find(|line| line.contains(of)).unwrap_or_else(|| panic!("{screen}"));
        let spent = line("  spent ");
        assert!(
            spent.contains(" ~$0.0067") && spent.contains("a part is estimated: tokens, times the prices"),
            "{screen}"
        );
        assert!(line("T0/00").contains(" ~$0.0067 "), "{screen}");
    }
    for command in [&["runs", dir][..], &["list"], &["show", dir, "T0/00"], &["report", dir]] {
        let shown = world.scylla(command).exits(0).stdout;
        assert!(shown.contains(" ~$0.0067"), "{command:?}: {shown}");
    }
    let status = world.scylla(&["status", dir, "--message-format", "json"]).exits(0).stdout;
    let status: Value = serde_json::from_str(&status).unwrap();
    let told =
        [&status["spent_estimated"], &status["tiers"][0]["cost_estimated"], &status["setups"][0]["cost_estimated"]];
    assert_eq!(told, [&json!(true); 3], "{status:#}");
}

#[test]
fn whoever_names_a_price_wrongly_is_told_every_mistake() {
    let world = World::new();
    let prices = "prices:\n  a: {input: 1}\n  b: {input: -1, output: x, cache_reads: 1}\n  c: 3\n";
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(prices).write(&world);
    let told = world.scylla(&["fixture", "check", &fixture]).exits(2);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/fixture"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("prices", crate::world::steady(&format!("{}{}", told.stdout, told.stderr), &world));
    });
}
