//! Judges ask their models through the gateway: with keys of their own, metered, and held back where a provider asks to wait.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{KEY, VARIABLE, arguments, panel, result, resume, start};
use crate::agent_samples::in_gallery;
use crate::exchanges::without_times;
use crate::fixture::TestFixture;
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::{experiment, files_below};
use crate::world::{Live, World, steady};

fn judged_by(world: &World, server: &ModelServer, judges: &[(&str, Api)]) -> String {
    TestFixture::new().agent("T0/00-one", "touch done").extra(&panel(server, judges)).write(world)
}

/// What the gateway wrote down of a judge.
fn ledger(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("usage.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The environments of the programs in a judge's place that were started in this world.
fn environments(world: &World) -> Vec<String> {
    let root = world.path("").display().to_string();
    let programs = fs::read_dir("/proc").unwrap().flatten().filter_map(|process| {
        let read = |file: &str| Some(String::from_utf8_lossy(&fs::read(process.path().join(file)).ok()?).into_owned());
        let asks = read("cmdline")?.split('\0').any(|word| word == "ask-model");
        read("environ").filter(|environment| asks && environment.contains(&root))
    });
    programs.collect()
}

#[test]
fn a_judge_asks_with_a_key_of_its_own_and_every_answer_is_metered() {
    let server = ModelServer::start(|asked| match (asked.model.as_str(), asked.before) {
        ("gemini-2.5-pro", 0) => Say::Hang,
        ("gpt-5", 0) => Say::Answer("I would rather not.".to_owned()),
        _ => Say::scores(&[("R001", 1.0)]),
    });
    let world = World::new();
    let judges = [
        ("claude-sonnet-4-5", Api::AnthropicMessages),
        ("gpt-5", Api::OpenAiResponses),
        ("homemade", Api::OpenAiChat),
        ("gemini-2.5-pro", Api::Gemini),
    ];
    let fixture = judged_by(&world, &server, &judges);
    let mut live = start(&world, &fixture);
    server.wait_for("gemini-2.5-pro", 1);
    let seen = environments(&world);
    assert!(
        !seen.is_empty() && seen.iter().all(|environment| environment.contains("SCYLLA_SENT_TO=http://127.0.0.1:"))
    );
    assert!(seen.iter().all(|environment| !environment.contains(KEY)), "no program of a judge has the real key");
    live.kill();
    let (code, events, stderr) = resume(&world).end();
    assert_eq!(code, Some(0), "{events:#?}\n{stderr}");
    for asked in server.asked() {
        let keys = ["x-api-key", "x-goog-api-key", "authorization"].iter().filter_map(|name| asked.header(name));
        let keys: Vec<&str> = keys.map(|key| key.trim_start_matches("Bearer ")).collect();
        assert_eq!(keys, [KEY], "the real key is put in on the way");
    }
    let run = world.experiment().join("T0/00/run_01/judge");
    for (number, (model, times)) in [("claude-sonnet-4-5", 1), ("gpt-5", 2), ("homemade", 1)].iter().enumerate() {
        let lines = ledger(&run.join(format!("judge_{:02}", number + 1)));
        let told =
            |line: &Value| json!([line["model"], line["status"], line["passage"], line["tokens"]["output_tokens"]]);
        assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), vec![json!([model, 200, "whole", 30]); *times]);
    }
    for file in files_below(&world.experiment()) {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains(KEY), "{}", file.display());
    }
    // Both say the same, so that the prices are told with which the cost was computed.
    let result = result(&world);
    let gpt = &result["judges"][1];
    assert_eq!((&gpt["cost_usd"], &gpt["prices"]["model"]), (&json!(0.00315), &json!("openai/gpt-5")), "{gpt:#}");
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn what_each_judge_asked_is_shown_beside_what_the_agent_did() {
    let server = ModelServer::start(|asked| match (asked.model.as_str(), asked.before) {
        ("gpt-5", 0) => Say::refuse(500, "out of order"),
        ("gpt-5", 1) => Say::Answer("I would rather not.".to_owned()),
        _ => Say::scores(&[("R001", 1.0)]),
    });
    let world = World::new();
    let judges = [("claude-sonnet-4-5", Api::AnthropicMessages), ("gpt-5", Api::OpenAiResponses)];
    let fixture = judged_by(&world, &server, &judges);
    let (code, events, stderr) = start(&world, &fixture).end();
    assert_eq!(code, Some(0), "{events:#?}\n{stderr}");
    let dir = experiment(&world);
    let show = |more: &[&str]| world.scylla(&[&["show", &dir, "T0/00/1", "--exchanges"], more].concat()).exits(0);
    let shown = show(&[]);
    in_gallery(|| {
        insta::assert_snapshot!("show_exchanges_judges", without_times(&steady(&format!("{shown}"), &world)));
    });
    let told: Value = serde_json::from_str(&show(&["--format", "json"]).stdout).unwrap();
    let of = |judge: &Value| {
        let sum = &judge["sum"];
        json!([judge["judge"], judge["is_former"], sum["requests"], sum["answered"], sum["refused"]])
    };
    let judges = told["judges"].as_array().unwrap();
    let expected = [json!([1, false, 1, 1, 0]), json!([2, true, 1, 0, 1]), json!([2, false, 2, 2, 0])];
    assert_eq!(judges.iter().map(of).collect::<Vec<_>>(), expected, "{told:#}");
    let run = world.experiment().join("T0/00/run_01/judge");
    for (judge, folder) in judges.iter().zip(["judge_01", ".failed/judge_02_attempt_01", "judge_02"]) {
        assert_eq!(judge["exchanges"], json!(ledger(&run.join(folder))), "they are the lines themselves");
    }
    assert_eq!(told["sum"]["requests"], 0, "its agent asked nobody: {told:#}");
    // A damaged line is named, as of an agent.
    let file = run.join("judge_01/usage.jsonl");
    fs::write(&file, fs::read_to_string(&file).unwrap() + "no line\n").unwrap();
    let shown = show(&[]).stdout;
    assert!(shown.contains("1 line of") && shown.contains("judge_01/usage.jsonl says nothing that can be"), "{shown}");
}

#[test]
fn a_judge_whose_provider_asks_to_wait_a_moment_is_held_back_and_no_attempt_fails() {
    let server = ModelServer::start(|asked| match asked.before {
        0 => Say::Refuse(429, vec![("retry-after", "1".to_owned())], "slow down".to_owned()),
        _ => Say::scores(&[("R001", 1.0)]),
    });
    let world = World::new();
    let fixture = judged_by(&world, &server, &[("asked", Api::AnthropicMessages)]);
    let (code, events, _) = start(&world, &fixture).end();
    assert_eq!((code, server.times("asked")), (Some(0), 2), "{events:#?}");
    assert!(!events.iter().any(|event| event["reason"] == "attempt-failed"), "{events:#?}");
    let lines = ledger(&world.experiment().join("T0/00/run_01/judge/judge_01"));
    let told: Vec<&Value> = lines.iter().map(|line| &line["status"]).collect();
    assert_eq!(told, [&json!(429), &json!(200)]);
}

#[test]
fn a_judge_is_refused_by_its_provider_before_its_own_time_is_over_and_the_wait_is_kept() {
    let server = ModelServer::start(|_| Say::Refuse(429, vec![("retry-after", "2".to_owned())], "slow".to_owned()));
    let world = World::new();
    let judges =
        panel(&server, &[("asked", Api::AnthropicMessages)]).replace("timeout_seconds: 60", "timeout_seconds: 3");
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(&judges).write(&world);
    let mut command = world.command(&[&arguments(&fixture)[..], &["--max-pause", "1s"]].concat());
    let (code, events, _) = Live::start(command.env(VARIABLE, KEY)).end();
    assert_eq!((code, server.times("asked")), (Some(6), 1), "nobody holds for longer than may be waited: {events:#?}");
    let failed = events.iter().find(|event| event["reason"] == "attempt-failed").unwrap();
    assert_eq!(failed["failure"]["kind"], "rate_limit", "{failed:#}");
}

#[test]
fn without_a_gateway_a_judge_asks_by_itself() {
    let server = ModelServer::start(|_| Say::scores(&[("R001", 1.0)]));
    let world = World::new();
    let fixture = judged_by(&world, &server, &[("asked", Api::OpenAiChat)]);
    let mut command: Command = world.command(&[&arguments(&fixture)[..], &["--gateway", "off"]].concat());
    let (code, events, _) = Live::start(command.env(VARIABLE, KEY)).end();
    assert_eq!((code, server.times("asked")), (Some(0), 1), "{events:#?}");
    assert!(!world.experiment().join("T0/00/run_01/judge/judge_01/usage.jsonl").exists());
}
