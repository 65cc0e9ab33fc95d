//! Whatever a provider does instead of answering is told by its kind, and its key is nowhere.

use std::fs;

use serde_json::{Value, json};

use super::{KEY, VARIABLE, arguments, panel, resume, start};
use crate::fixture::{TestFixture, gated};
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::{experiment, files_below, output, recorded};
use crate::world::{Live, World};

/// A fixture with one judge, which is this model.
fn judged_by(world: &World, server: &ModelServer, api: Api) -> String {
    let agent = format!("{}; touch done", gated(world, "agent"));
    TestFixture::new().agent("T0/00-one", &agent).extra(&panel(server, &[("asked", api)])).write(world)
}

fn failure(events: &[Value]) -> &Value {
    &events.iter().find(|event| event["reason"] == "attempt-failed").unwrap_or_else(|| panic!("{events:#?}"))["failure"]
}

#[test]
fn each_trouble_of_a_provider_is_told_by_its_kind() {
    let refuse = |status: u16, message: &str| Say::refuse(status, message);
    for (trouble, api, kind, told) in [
        (refuse(401, "who are you?"), Api::AnthropicMessages, "auth", "the provider answers with 401: who are you?"),
        (refuse(403, "not you"), Api::Gemini, "auth", "the provider answers with 403: not you"),
        (refuse(529, "overloaded"), Api::AnthropicMessages, "provider", "the provider answers with 529: overloaded"),
        (refuse(503, "busy"), Api::OpenAiChat, "provider", "the provider answers with 503: busy"),
        (
            refuse(404, "no such model"),
            Api::OpenAiResponses,
            "judge",
            "gave no valid answer: the provider answers with 404: no such model",
        ),
        (
            Say::Body("<html>".to_owned()),
            Api::OpenAiChat,
            "provider",
            "the provider answers with what is no answer of the API `openai-chat`",
        ),
        (Say::Cut, Api::OpenAiResponses, "provider", "the provider at 127.0.0.1:"),
    ] {
        let server = ModelServer::start(move |_| trouble.clone());
        let world = World::new();
        let fixture = judged_by(&world, &server, api);
        let (code, events, _) = Live::start(
            world
                .command(&[&arguments(&fixture)[..], &["--attempts", "1", "--hold", "0s"]].concat())
                .env(VARIABLE, KEY),
        )
        .end();
        let failure = failure(&events);
        let message = failure["message"].as_str().unwrap();
        assert_eq!((code, &failure["kind"]), (Some(6), &json!(kind)), "{message}");
        assert!(message.starts_with("judge `asked`") && message.contains(told), "{message}");
        assert_eq!((server.times("asked"), world.lines("agent.log")), (1, 1), "{told}");
        assert_eq!(recorded(&world, "T0/00/1"), "agent_complete");
    }
}

#[test]
fn a_check_of_judges_waits_for_rate_limits_no_longer_than_is_allowed_and_says_so() {
    let wait = vec![("retry-after", "2".to_owned())];
    let server = ModelServer::start(move |_| Say::Refuse(429, wait.clone(), "slow down".to_owned()));
    let world = World::new();
    let fixture = judged_by(&world, &server, Api::AnthropicMessages);
    world.write("fixture/expected/gold/nothing.yaml", "patch: ''\nscores: {R001: 0}\n");
    let first = [&arguments(&fixture)[..], &["--check-judges", "--max-pause", "3s"]].concat();
    for (asked, arguments) in [(2, &first[..]), (4, &["judge", "check", &fixture, "--max-pause", "3s"])] {
        let ended = output(world.command(arguments).env(VARIABLE, KEY)).exits(6);
        assert_eq!((server.times("asked"), world.lines("agent.log")), (asked, 0), "{ended}");
        let words = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("`asked` is not asked until 20"), "a pause is told: {ended}");
        assert!(words.contains("its provider asks to wait longer than `--max-pause` allows"), "{ended}");
    }
}

#[test]
fn a_rate_limit_pauses_the_judges_model_until_its_time_and_burns_no_attempt() {
    for (headers, least, most) in [(vec![("retry-after", "1".to_owned())], 0, 3), (vec![], 55, 65)] {
        let server = ModelServer::start(move |asked| match asked.before {
            0 => Say::Refuse(429, headers.clone(), "slow down".to_owned()),
            _ => Say::scores(&[("R001", 1.0)]),
        });
        let world = World::new();
        let fixture = judged_by(&world, &server, Api::AnthropicMessages);
        let arguments = [&arguments(&fixture)[..], &["--hold", "0s"]].concat();
        let mut live = Live::start(world.command(&arguments).env(VARIABLE, KEY));
        let failed = live.wait_for_reason("attempt-failed");
        assert_eq!(failed["failure"]["kind"], "rate_limit");
        let limited = live.wait_for_reason("rate-limited");
        assert_eq!(limited["model"], "asked");
        let [at, until] = [&limited["at"], &limited["until"]].map(|at| at.as_str().unwrap().parse().unwrap());
        let wait = jiff::Timestamp::as_second(until) - jiff::Timestamp::as_second(at);
        assert!((least..=most).contains(&wait), "{wait} s");
        // Killed while its model is paused, between agent and judge.
        live.kill();
        let (code, events, _) = resume(&world).end();
        assert_eq!((code, server.times("asked"), world.lines("agent.log")), (Some(0), 2, 1), "{events:#?}");
    }
}

#[test]
fn a_provider_that_never_answers_is_left_when_the_time_is_over() {
    let server = ModelServer::start(|_| Say::Hang);
    let world = World::new();
    let judges = panel(&server, &[("asked", Api::Gemini)]).replace("timeout_seconds: 60", "timeout_seconds: 1");
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(&judges).write(&world);
    let arguments = [&arguments(&fixture)[..], &["--attempts", "1"]].concat();
    let (code, events, _) = Live::start(world.command(&arguments).env(VARIABLE, KEY)).end();
    let failure = failure(&events);
    assert_eq!((code, &failure["kind"]), (Some(6), &json!("provider")));
    let message = failure["message"].as_str().unwrap();
    assert!(message.ends_with("does not answer: there was no whole reply within 1 s"), "{message}");
}

#[test]
fn without_the_key_of_a_judge_no_agent_is_started_and_a_finished_experiment_needs_none() {
    let server = ModelServer::start(|_| Say::scores(&[("R001", 1.0)]));
    let world = World::new();
    let fixture = judged_by(&world, &server, Api::OpenAiChat);
    let refused = world.scylla(&arguments(&fixture)).exits(2);
    let why = "error: the judge `asked` needs the variable `SCRIPTED_API_KEY`, which is not set\n";
    assert!(refused.stderr.starts_with(why) && refused.stderr.contains("hint: set it"), "{refused}");
    assert_eq!(fs::read_dir(world.path("results")).map_or(0, Iterator::count), 0, "nothing is made");

    assert_eq!(start(&world, &fixture).end().0, Some(0));
    let dir = experiment(&world);
    world.scylla(&["resume", &dir]).exits(0);
    world.scylla(&["extend", &dir, "--runs", "2"]).exits(2);
    assert_eq!(server.asked().len(), 1);
    assert!(!world.path(&dir).join("T0/00/run_02/agent").exists(), "nobody is paid");
    let (code, ..) = resume(&world).end();
    assert_eq!((code, server.asked().len()), (Some(0), 2));
}

#[test]
fn the_key_is_in_no_file_and_no_agent_or_check_is_given_it() {
    // Providers repeat a wrong key in their words.
    let server = ModelServer::start(|asked| match asked.before {
        0 => Say::refuse(401, &format!("Incorrect API key provided: {KEY}")),
        1 => Say::json(json!({"items": {"R001": {"explanation": KEY, "score": 9}}})),
        _ => Say::json(json!({"items": {"R001": {"explanation": KEY, "score": 1}}})),
    });
    let world = World::new();
    let agent = format!("env > {}; touch done", world.path("agent.env").display());
    let check = format!("env > {}; test -f done", world.path("check.env").display());
    let judges = panel(&server, &[("asked", Api::OpenAiChat)]);
    let fixture = TestFixture::new().agent("T0/00-one", &agent).check(&check).extra(&judges).write(&world);
    let (code, events, stderr) = start(&world, &fixture).end();
    let (code, stderr) = match code {
        // A key that is not accepted stops the session.
        Some(6) => {
            let (code, _, more) = resume(&world).end();
            (code, stderr + &more)
        }
        code => (code, stderr),
    };
    assert_eq!((code, server.times("asked")), (Some(0), 3), "{stderr}");
    assert!(!serde_json::to_string(&events).unwrap().contains(KEY) && !stderr.contains(KEY));
    for file in ["agent.env", "check.env"] {
        let given = fs::read_to_string(world.path(file)).unwrap();
        assert!(!given.contains(VARIABLE) && !given.contains(KEY), "{file}");
    }
    for file in files_below(&world.experiment()) {
        let bytes = fs::read(&file).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(KEY), "{}", file.display());
    }
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn a_judge_of_the_model_that_agents_use_is_told_once_before_anyone_is_asked() {
    let server = ModelServer::start(|_| Say::scores(&[("R001", 1.0)]));
    let world = World::new();
    let fixture = judged_by(&world, &server, Api::OpenAiChat);
    let told = |model: &str| {
        let arguments = [&arguments(&fixture)[..], &["--fresh", "--model", model]].concat();
        let (code, events, stderr) = Live::start(world.command(&arguments).env(VARIABLE, KEY)).end();
        assert_eq!(code, Some(0), "{stderr}");
        let same =
            "the judge `asked` and the agents use the same model, `asked`, and models tend to like their own work";
        events.iter().filter(|event| event["message"] == same).count()
    };
    assert_eq!((told("asked"), told("other")), (1, 0));
}
