//! What agents asked their models, as the gateway wrote it down, is shown: request by request, for people and for programs.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::agent_samples::in_gallery;
use crate::fixture::TestFixture;
use crate::gateway::asks;
use crate::model_server::{Api, Asked, ModelServer, Say};
use crate::scenes::{experiment, output};
use crate::world::{Live, Output, World, steady, wait_until};

const MODEL: &str = "claude-sonnet-4-5";

/// An experiment of one run, whose agent asks this server.
struct Place {
    world: World,
    server: ModelServer,
    fixture: String,
}

impl Place {
    fn new(agent: &str, script: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let server = ModelServer::start(script);
        let world = World::new();
        let fixture = TestFixture::new()
            .agent("T0/00-one", agent)
            .subtest("T0/01-nop", "agent: {kind: nop}\n")
            .extra("environment: [ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL]\n")
            .write(&world);
        Self { world, server, fixture }
    }

    fn run(&self, more: &[&str]) -> Output {
        let run = ["run", "--tiers-dir", &self.fixture, "--results-dir", "results", "--runs", "1", "--model", MODEL];
        let mut command: Command = self.world.command(&[&run[..], more].concat());
        let base = self.server.base_url(Api::AnthropicMessages);
        output(command.env("ANTHROPIC_API_KEY", "sk-ant-real").env("ANTHROPIC_BASE_URL", base))
    }

    fn show(&self, run: &str, more: &[&str]) -> Output {
        self.world.scylla(&[&["show", &experiment(&self.world), run, "--exchanges"], more].concat()).exits(0)
    }

    fn json(&self, run: &str) -> Value {
        serde_json::from_str(&self.show(run, &["--format", "json"]).stdout).unwrap()
    }
}

/// Numbers of seconds are what a machine takes.
pub(crate) fn without_times(screen: &str) -> String {
    let word = |word: &str| {
        let digits = word.strip_suffix('s').is_some_and(|number| number.parse::<f64>().is_ok());
        if digits { "0.0s".to_owned() } else { word.to_owned() }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    screen.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_request_of_a_run_is_shown_with_what_it_took_and_what_became_of_it() {
    let place = Place::new(&asks(4, "true"), |asked| match asked.before {
        1 => Say::refuse(500, "out of order"),
        2 => Say::Cut,
        _ => Say::Answer("done".to_owned()),
    });
    place.run(&["--gateway", "require", "--tiers", "T0"]).exits(0);
    let shown = place.show("T0/00/1", &[]);
    in_gallery(|| insta::assert_snapshot!("show_exchanges", without_times(&steady(&format!("{shown}"), &place.world))));
    let told = place.json("T0/00/1");
    let lines = told["exchanges"].as_array().unwrap();
    let statuses: Vec<[&Value; 2]> = lines.iter().map(|line| [&line["status"], &line["passage"]]).collect();
    assert_eq!(statuses[0], [&json!(200), &json!("whole")], "{told:#}");
    assert_eq!(statuses[1], [&json!(500), &json!("whole")], "{told:#}");
    assert_eq!(statuses[2][1], "cut", "{told:#}");
    let ledger = fs::read_to_string(place.world.experiment().join("T0/00/run_01/agent/usage.jsonl")).unwrap();
    let written: Vec<Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(*lines, written, "they are the lines themselves");
    let sum = &told["sum"];
    assert_eq!([&sum["requests"], &sum["answered"], &sum["retries"]], [4, 2, 2], "{sum:#}");
    let result = crate::scenes::json(&place.world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!(sum["token_stats"]["output_tokens"], result["token_stats"]["output_tokens"]);
    assert_eq!(sum["cost_usd"], result["cost_usd"], "what is shown is what is counted");
}

#[test]
fn a_run_without_requests_says_why_there_are_none() {
    let said = |agent: &str, more: &[&str], run: &str| {
        let place = Place::new(agent, |_| Say::Answer("done".to_owned()));
        place.run(more).exits(0);
        let json = place.json(run);
        assert_eq!(json["sum"]["requests"], 0, "{json:#}");
        let shown = place.show(run, &[]).stdout;
        let why = json["why"].as_str().unwrap_or_default().to_owned();
        assert!(shown.starts_with(&format!("no request of {run} is known")), "{shown}");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&shown).contains(&words(&why)), "{shown}");
        why
    };
    let silent = "touch done";
    let told = r#"touch done; printf '{"token_stats": {"input_tokens": 7}}' > "$SCYLLA_RECORD_FILE""#;
    for (agent, more, run, why) in [
        (silent, &["--gateway", "off"][..], "T0/00/1", "the gateway of its experiment is off (`--gateway off`)"),
        (silent, &[], "T0/00/1", "agents of the kind `command` ask through the gateway with `--gateway require` alone"),
        (told, &[], "T0/01/1", "agents of the kind `nop` ask no model"),
    ] {
        assert_eq!(said(agent, more, run), why, "{more:?} {run}");
    }
}

#[test]
fn a_line_that_was_damaged_is_named_and_the_others_are_shown() {
    let place = Place::new(&asks(2, "true"), |_| Say::Answer("done".to_owned()));
    place.run(&["--gateway", "require"]).exits(0);
    let file = place.world.experiment().join("T0/00/run_01/agent/usage.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    fs::write(&file, format!("{first}\nno line\u{1b}[2J\n{}", &second[..50])).unwrap();
    let shown = place.show("T0/00/1", &[]);
    in_gallery(|| {
        insta::assert_snapshot!("show_exchanges_damaged", without_times(&steady(&format!("{shown}"), &place.world)));
    });
    let told = place.json("T0/00/1");
    assert_eq!((told["sum"]["requests"].clone(), told["damaged_lines"].clone()), (json!(1), json!(2)), "{told:#}");
    assert_eq!([&told["damaged"][0]["line"], &told["damaged"][1]["line"]], [2, 3]);
    let verified = place.world.scylla(&["verify", &experiment(&place.world)]).exits(5);
    assert!(verified.stdout.contains("usage.jsonl"), "{verified}");
}

#[test]
fn what_a_former_attempt_asked_is_told_below_that_of_the_present_one() {
    let agent = asks(
        1,
        r#"[ "$SCYLLA_ATTEMPT" != 1 ] || { printf '{"failure": {"kind": "auth"}}' > "$SCYLLA_RECORD_FILE"; exit 1; }"#,
    );
    let place = Place::new(&agent, |_| Say::Answer("done".to_owned()));
    place.run(&["--gateway", "require", "--attempts", "2"]).exits(0);
    let shown = place.show("T0/00/1", &[]).stdout;
    assert!(shown.contains("\nFormer attempts\n  1  1 request, 1230 tokens, $0.0035"), "{shown}");
    let told = place.json("T0/00/1");
    let former = &told["former_attempts"][0];
    assert_eq!((former["attempt"].clone(), former["sum"]["requests"].clone()), (json!(1), json!(1)), "{told:#}");
}

/// A program in Claude Code's place that asks its model so often, does this, and says that it used so many tokens.
fn claude(times: usize, does: &str, read: u64) -> String {
    let result = json!({"type": "result", "subtype": "success", "is_error": false, "total_cost_usd": 0.25,
        "usage": {"input_tokens": read, "output_tokens": 60, "cache_read_input_tokens": 400}});
    format!("#!/bin/bash\ncat >/dev/null\n{{ {}; }} >/dev/null\necho '{result}'\n", asks(times, does))
}

/// A command with that program, which asks this server.
fn with_claude(world: &World, server: &ModelServer, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let base = server.base_url(Api::AnthropicMessages);
    command.env("PATH", path).env("ANTHROPIC_API_KEY", "sk-ant-real").env("ANTHROPIC_BASE_URL", base);
    command
}

#[test]
fn what_an_agent_says_of_itself_is_kept_beside_what_is_metered_and_both_are_shown() {
    for (read, differs) in [(2000, false), (7000, true)] {
        let (world, server) = (World::new(), ModelServer::start(|_| Say::Answer("done".to_owned())));
        world.program("bin/claude", &claude(2, "touch done", read));
        let fixture = TestFixture::new().subtest("T0/00-claude", "agent: {kind: claude-code}\n").write(&world);
        let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--model", MODEL];
        output(&mut with_claude(&world, &server, &run)).exits(0);
        let result = crate::scenes::json(&world.experiment().join("T0/00/run_01/run_result.json"));
        assert_eq!((&result["cost_source"], &result["token_stats"]["input_tokens"]), (&json!("metered"), &json!(2000)));
        let said = json!({"token_stats": {"input_tokens": read, "output_tokens": 60, "cache_read_tokens": 400},
            "cost_usd": 0.25, "cost_source": "reported"});
        assert_eq!(result["reported"], said, "{result:#}");
        let flags = result["flags"].to_string();
        assert_eq!(flags.contains("usage_differs"), differs, "{flags}");
        let dir = experiment(&world);
        let both = [
            format!("{read} read, 60 written, 400 read from the cache; cost $0.2500"),
            "tokens 2000 read, 60 written, ".to_owned(),
        ];
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = words(&world.scylla(&["show", &dir, "T0/00/1"]).exits(0).stdout);
        assert!(both.iter().all(|words| shown.contains(words)), "{shown}");
        let exchanges = world.scylla(&["show", &dir, "T0/00/1", "--exchanges"]).exits(0).stdout;
        assert!(exchanges.contains(&format!("its agent says itself: {}", both[0])), "{exchanges}");
        world.scylla(&["verify", &dir]).exits(0);
    }
}

#[test]
fn the_doctor_says_how_often_the_tiny_run_asked_and_what_became_of_it() {
    let (world, server) = (
        World::new(),
        ModelServer::start(|asked| match asked.before {
            0 => Say::Refuse(429, vec![("retry-after", "1".to_owned())], "slow down".to_owned()),
            1 => Say::refuse(500, "out of order"),
            _ => Say::Answer("done".to_owned()),
        }),
    );
    let doctor = |more: &[&str]| {
        let arguments = [&["agents", "doctor", "claude-code", "--model", MODEL], more].concat();
        output(&mut with_claude(&world, &server, &arguments))
    };
    world.program("bin/claude", &claude(3, "echo pebble > answer.txt", 2000));
    let told = doctor(&[]).exits(0).stdout;
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(
            "requests 4 requests: 2 answered, 2 refused by the provider; 2 ask again; held back for 1.0s in all"
        ),
        "{told}"
    );
    assert!(words.contains("tokens 2000 read, 400 read from the cache, 0 written to the cache, 60 written"), "{told}");
    let told: Value = serde_json::from_str(&doctor(&["--format", "json"]).exits(0).stdout).unwrap();
    assert_eq!((&told["exchanges"]["requests"], &told["exchanges"]["answered"]), (&json!(3), &json!(3)), "{told:#}");
    // One that asks nobody is told so.
    world.program("bin/claude", &claude(0, "echo pebble > answer.txt", 2000));
    let told = doctor(&[]).exits(0).stdout;
    assert!(told.contains("requests none passed through the gateway"), "{told}");
}

#[test]
fn while_agents_work_status_says_how_many_tokens_and_dollars_they_have_used() {
    let waits = "while [ ! -e \"$HOME/go\" ]; do sleep 0.05; done";
    let place = Place::new(&asks(2, waits), |_| Say::Answer("done".to_owned()));
    let run = ["run", "--tiers-dir", &place.fixture, "--results-dir", "results", "--runs", "1", "--model", MODEL];
    let mut command = place.world.command(&[&run[..], &["--gateway", "require"]].concat());
    let base = place.server.base_url(Api::AnthropicMessages);
    let live = Live::start(command.env("ANTHROPIC_API_KEY", "sk-ant-real").env("ANTHROPIC_BASE_URL", base));
    place.server.wait_for(MODEL, 2);
    let status = |more: &[&str]| {
        let dir = experiment(&place.world);
        place.world.scylla(&[&["status", &dir], more].concat()).exits(0).stdout
    };
    let told = || -> Value { serde_json::from_str(&status(&["--message-format", "json"])).unwrap() };
    wait_until("the second answer is written down", || told()["in_flight"][0]["tokens"] == 2460);
    let (told, shown) = (told(), status(&[]));
    assert_eq!((&told["in_flight"][0]["cost_usd"], &told["spent"]), (&json!(0.007_02), &json!(0.007_02)), "{told:#}");
    assert!(shown.contains("1 run in flight; their agents used 2.5k tokens, $0.0070:"), "{shown}");
    assert!(shown.contains("  2.5k tokens  $0.0070  one"), "{shown}");
    place.world.write("home/go", "");
    live.end();
    assert!(!status(&[]).contains("in flight"), "nothing of it is read when it is done");
}
