//! What agents asked their models, as the gateway wrote it down, is shown: request by request, for people and for programs.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::agent_samples::in_gallery;
use crate::fixture::TestFixture;
use crate::gateway::asks;
use crate::model_server::{Api, Asked, ModelServer, Say};
use crate::scenes::{experiment, output};
use crate::world::{Output, World, steady};

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
fn without_times(screen: &str) -> String {
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
