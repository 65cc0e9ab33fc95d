//! Judges that are models, asked over HTTP: verdicts, kills, hostile work, trouble of the provider, and keys.

mod costs;
mod hostile;
mod metered;
mod proxies;
mod through;
mod trouble;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::{experiment, json};
use crate::world::{Live, World, steady};

/// What opens the scripted server, and must be in no file.
const KEY: &str = "sk-scripted-4711-not-to-be-kept";
/// The variable that holds it.
const VARIABLE: &str = "SCRIPTED_API_KEY";

fn name(api: Api) -> &'static str {
    match api {
        Api::AnthropicMessages => "anthropic",
        Api::OpenAiChat => "openai-chat",
        Api::OpenAiResponses => "openai-responses",
        Api::Gemini => "gemini",
    }
}

/// The lines of a fixture that name a panel of models.
fn panel(server: &ModelServer, judges: &[(&str, Api)]) -> String {
    let mut lines = "judges:\n".to_owned();
    for (model, api) in judges {
        let (base, api) = (server.base_url(*api), name(*api));
        write!(
            lines,
            "  - kind: model\n    name: {model}\n    api: {api}\n    model: {model}\n    base_url: {base}\n    key: {VARIABLE}\n    \
             timeout_seconds: 60\n"
        )
        .unwrap();
    }
    lines
}

fn arguments(fixture: &str) -> [&str; 9] {
    ["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", "1", "--jobs", "1"]
}

fn start(world: &World, fixture: &str) -> Live {
    Live::start(world.command(&arguments(fixture)).env(VARIABLE, KEY))
}

fn resume(world: &World) -> Live {
    Live::start(world.command(&["resume", "--ignore-rate-limit"]).env(VARIABLE, KEY))
}

/// The result of the one run.
fn result(world: &World) -> Value {
    json(&world.experiment().join("T0/00/run_01/run_result.json"))
}

#[test]
fn models_of_every_api_judge_a_run_and_the_panel_gives_the_verdict() {
    let server = ModelServer::start(|asked| match asked.model.as_str() {
        "strict" => Say::scores(&[("R001", 0.0)]),
        _ => Say::scores(&[("R001", 1.0)]),
    });
    let world = World::new();
    let judges = [
        ("kind", Api::AnthropicMessages),
        ("plain", Api::OpenAiChat),
        ("new", Api::OpenAiResponses),
        ("strict", Api::Gemini),
    ];
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(&panel(&server, &judges)).write(&world);
    let (code, events, stderr) = start(&world, &fixture).end();
    assert_eq!(code, Some(0), "{events:#?}\n{stderr}");
    let result = result(&world);
    assert_eq!((&result["judge_score"], &result["judge_passed"]), (&json!(0.75), &json!(true)));
    let of: Vec<(&Value, &Value)> =
        result["judges"].as_array().unwrap().iter().map(|judge| (&judge["model"], &judge["score"])).collect();
    assert_eq!(
        of,
        [
            (&json!("kind"), &json!(1.0)),
            (&json!("plain"), &json!(1.0)),
            (&json!("new"), &json!(1.0)),
            (&json!("strict"), &json!(0.0))
        ]
    );
    // Nobody says what it cost, so that is not known, and not 0.
    assert_eq!(result["judges"][0]["cost_usd"], Value::Null, "{result:#}");
    assert_eq!(server.asked().len(), 4);
    for asked in server.asked() {
        let header = match asked.api {
            Api::AnthropicMessages => ("x-api-key", KEY.to_owned()),
            Api::Gemini => ("x-goog-api-key", KEY.to_owned()),
            Api::OpenAiChat | Api::OpenAiResponses => ("authorization", format!("Bearer {KEY}")),
        };
        assert_eq!(asked.header(header.0), Some(header.1.as_str()));
        let kept = world.experiment().join("T0/00/run_01/judge/judge_01/prompt.md");
        assert_eq!(asked.question(), std::fs::read_to_string(kept).unwrap(), "what is kept is what was sent");
    }
    let answer = json(&world.experiment().join("T0/00/run_01/judge/judge_01/response.txt"));
    assert_eq!(
        answer["tokens"],
        json!({"input_tokens": 1000, "output_tokens": 30, "cache_creation_tokens": 0, "cache_read_tokens": 200})
    );
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn killed_between_two_models_and_resumed_nobody_who_has_answered_is_asked_again() {
    let server = ModelServer::start(|asked| match (asked.model.as_str(), asked.before) {
        ("second", 0) => Say::Hang,
        _ => Say::scores(&[("R001", 1.0)]),
    });
    let world = World::new();
    let judges = [("first", Api::AnthropicMessages), ("second", Api::OpenAiChat), ("third", Api::Gemini)];
    let agent = format!("{}; touch done", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-one", &agent).extra(&panel(&server, &judges)).write(&world);
    let mut live = start(&world, &fixture);
    server.wait_for("second", 1);
    live.kill();
    let (code, events, _) = resume(&world).end();
    assert_eq!(code, Some(0), "{events:#?}");
    assert_eq!(
        ["first", "second", "third"].map(|model| server.times(model)),
        [1, 2, 1],
        "the second one hung at first"
    );
    assert_eq!((world.lines("agent.log"), &result(&world)["judge_passed"]), (1, &json!(true)));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn an_answer_that_is_not_valid_is_asked_for_once_more_and_then_the_judge_is_missing_with_its_answers_kept() {
    let server = ModelServer::start(|asked| match (asked.model.as_str(), asked.before) {
        ("mends", 0) => Say::json(json!({"items": {"R001": {"explanation": "7 of 10", "score": 7}}})),
        ("never", _) => Say::Answer("I would rather not.".to_owned()),
        _ => Say::scores(&[("R001", 1.0)]),
    });
    let world = World::new();
    let judges = [("mends", Api::OpenAiResponses), ("never", Api::OpenAiChat)];
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(&panel(&server, &judges)).write(&world);
    let (code, events, _) = start(&world, &fixture).end();
    assert_eq!(code, Some(6), "{events:#?}");
    assert_eq!((server.times("mends"), server.times("never")), (2, 6), "two questions in each of three attempts");
    let asked = server.asked();
    assert!(
        asked[1].question().contains("\nitem `R001`: `7` is not a score between 0 and 1\n"),
        "{}",
        asked[1].question()
    );
    assert!(asked[1].question().starts_with(&asked[0].question()));
    let failed = events.iter().find(|event| event["reason"] == "attempt-failed").unwrap();
    assert_eq!(failed["failure"]["kind"], "judge");
    let message = failed["failure"]["message"].as_str().unwrap();
    assert!(message.starts_with("judge `never` gave no valid answer: the answer must be a JSON object"), "{message}");
    let aside = world.experiment().join("T0/00/run_01/judge/.failed/judge_02_attempt_01/response.txt");
    let kept = json(&aside);
    assert_eq!(kept["replies"].as_array().unwrap().len(), 2, "{kept:#}");
    assert!(kept["replies"][1]["body"].as_str().unwrap().contains("I would rather not."));
    assert_eq!(kept["tokens"]["output_tokens"], 60, "both answers are counted");
}

#[test]
fn whoever_names_a_model_wrongly_is_told_every_mistake_and_a_key_that_was_written_there_is_not_repeated() {
    let world = World::new();
    let judges = "judges:
  - {kind: model, name: a, api: anthropics, model: m}
  - {kind: model, name: b, api: openai-chat, base_url: 'localhost:11434/v1', key: PATH}
  - {kind: model, name: c, api: gemini, model: '', base_url: 'https://me:hunter2@example.com', prompt_file: gone.md}
  - {kind: model, name: d, api: anthropic, model: m, key: sk-ant-4711-secret, structured: maybe, timeout_seconds: 0, temperature: 0}
";
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(judges).write(&world);
    let told = world.scylla(&["fixture", "check", &fixture]).exits(2);
    assert!(!told.stderr.contains("hunter2") && !told.stderr.contains("4711"), "{told}");
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/fixture"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("models", steady(&format!("{}{}", told.stdout, told.stderr), &world));
    });
}

#[test]
fn a_program_that_is_updated_while_its_agents_work_asks_its_judges_all_the_same() {
    let server = ModelServer::start(|_| Say::scores(&[("R001", 1.0)]));
    let world = World::new();
    let agent = format!("{}; touch done", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-one", &agent).extra(&panel(&server, &[("asked", Api::OpenAiChat)]));
    let fixture = fixture.write(&world);
    let (installed, newer) = (world.path("installed"), world.path("newer"));
    for file in [&installed, &newer] {
        std::fs::copy(env!("CARGO_BIN_EXE_cargo-scylla"), file).unwrap();
    }
    close(&world, "agent");
    let mut command = std::process::Command::new(&installed);
    command.arg("scylla").args(arguments(&fixture)).current_dir(world.path(""));
    world.seal(&mut command);
    let mut live = Live::start(command.env(VARIABLE, KEY));
    live.wait_for("agent", |event| event["stage"] == "agent");
    // An update puts another file in its place.
    std::fs::rename(&newer, &installed).unwrap();
    open(&world, "agent");
    let (code, events, stderr) = live.end();
    assert_eq!((code, server.times("asked")), (Some(0), 1), "{events:#?}\n{stderr}");
}

#[test]
fn with_min_judges_a_verdict_does_without_who_never_answers_and_says_so() {
    let server = ModelServer::start(|asked| match asked.model.as_str() {
        "down" => Say::refuse(503, "busy"),
        "strict" => Say::scores(&[("R001", 0.0)]),
        _ => Say::scores(&[("R001", 1.0)]),
    });
    let judges = [("first", Api::OpenAiChat), ("down", Api::AnthropicMessages), ("strict", Api::Gemini)];
    let run = |least: u32| {
        let world = World::new();
        let panel = panel(&server, &judges) + &format!("min_judges: {least}\n");
        let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(&panel).write(&world);
        let arguments = [&arguments(&fixture)[..], &["--attempts", "2", "--hold", "0s"]].concat();
        let (code, events, _) = Live::start(world.command(&arguments).env(VARIABLE, KEY)).end();
        (world, code, events)
    };
    let (world, code, events) = run(2);
    assert_eq!(
        (code, ["first", "down", "strict"].map(|model| server.times(model))),
        (Some(0), [1, 2, 1]),
        "{events:#?}"
    );
    let told =
        events.iter().filter_map(|event| event["message"].as_str()).find(|told| told.contains("without a judge"));
    assert_eq!(
        told,
        Some("T0/00/run_01: the verdict is without a judge: judge `down`: the provider answers with 503: busy"),
        "{events:#?}"
    );
    let verdict = json(&world.experiment().join("T0/00/run_01/judge/result.json"));
    assert_eq!((&verdict["score"], &verdict["passed"]), (&json!(0.5), &json!(false)));
    assert_eq!((&verdict["spread"], &verdict["missing_judges"]), (&json!(1.0), &json!(1)));
    let dir = experiment(&world);
    let shown = world.scylla(&["show", &dir, "T0/00/1"]).exits(0);
    let line = "first passed it; strict failed it; their scores are 1.00 apart; down gave no answer";
    let words: Vec<&str> = shown.stdout.split_whitespace().collect();
    assert!(words.join(" ").contains(line), "{shown}");
    assert!(
        words.join(" ").contains("down: gave no answer provider: judge `down`: the provider answers with 503: busy"),
        "{shown}"
    );
    let told = world.scylla(&["report", &dir, "--format", "md"]).exits(0).stdout;
    let sentence =
        "1 of 1 verdict does without some judge of the panel (1 lacks 1 judge): down gave no answer about 1 run.";
    assert!(told.contains(sentence), "{told}");
    let report = world.scylla(&["report", &dir, "--format", "json"]).exits(0).stdout;
    let panel = &serde_json::from_str::<Value>(&report).unwrap()["experiments"][0]["judges"];
    assert_eq!(panel["verdicts_without"], json!({"1": 1}));
    assert_eq!(
        panel["silent"],
        json!([{"number": 2, "name": "down", "runs": 1, "first": "T0/00/run_01"}]),
        "{panel:#}"
    );
    world.scylla(&["verify", &dir]).exits(0);
    // Too few have answered: no verdict.
    let (world, code, _) = run(3);
    assert_eq!((code, crate::scenes::recorded(&world, "T0/00/1")), (Some(6), json!("agent_complete")));
}
