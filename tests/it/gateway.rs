//! The gateway between agents and models: agents have keys of their own, every answer is metered, and whoever goes around is found.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::model_server::{Api, Asked, ModelServer, Say, USED};
use crate::scenes::{experiment, files_below, json as read, output};
use crate::world::{Live, World};

/// The real key.
const KEY: &str = "sk-ant-the-real-key-0123456789";
const MODEL: &str = "claude-sonnet-4-5";
/// What every answer of the server costs: 1000 tokens read, 200 from the cache, 30 written.
pub(crate) const COST: f64 = 0.003_51;

/// An agent that asks its model so often and says nothing of what it used, and then does this.
pub(crate) fn asks(times: usize, then: &str) -> String {
    format!(
        r#"cat > ask.sh <<'END'
url=${{ANTHROPIC_BASE_URL#http://}}; host=${{url%%/*}}; path=${{url#"$host"}}
body='{{"model":"{MODEL}","max_tokens":9,"messages":[{{"role":"user","content":"go"}}]}}'
exec 3<>"/dev/tcp/${{host%:*}}/${{host#*:}}"
printf 'POST %s/v1/messages HTTP/1.1\r\nhost: %s\r\nx-api-key: %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s' "$path" "$host" "$ANTHROPIC_API_KEY" "${{#body}}" "$body" >&3
cat <&3
END
for number in $(seq {times}); do bash ask.sh; done; touch done; env; {then}"#
    )
}

pub(crate) struct Place {
    pub(crate) world: World,
    server: ModelServer,
    fixture: String,
}

impl Place {
    pub(crate) fn new(agent: &str) -> Self {
        Self::scripted(agent, |_| Say::Answer("done".to_owned()))
    }

    pub(crate) fn scripted(agent: &str, script: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let server = ModelServer::start(script);
        let world = World::new();
        let fixture = TestFixture::new()
            .agent("T0/00-one", agent)
            .extra("environment: [ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL]\n")
            .write(&world);
        Self { world, server, fixture }
    }

    pub(crate) fn command(&self, verb: &[&str], more: &[&str]) -> Command {
        let mut command = self.world.command(&[verb, more].concat());
        let base = self.server.base_url(Api::AnthropicMessages);
        command.env("ANTHROPIC_API_KEY", KEY).env("ANTHROPIC_BASE_URL", base);
        command
    }

    fn run(&self, more: &[&str]) -> Command {
        self.runs("1", more)
    }

    pub(crate) fn runs(&self, runs: &str, more: &[&str]) -> Command {
        let run = ["--tiers-dir", &self.fixture, "--results-dir", "results", "--runs", runs, "--model", MODEL];
        self.command(&["run"], &[&run[..], more].concat())
    }

    pub(crate) fn ledger(&self, run: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.world.experiment().join(run).join("agent/usage.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How many requests came to the server.
    pub(crate) fn asked(&self) -> usize {
        self.server.asked().len()
    }

    fn keys_at_the_server(&self) -> Vec<String> {
        self.server.asked().iter().map(|asked| asked.header("x-api-key").unwrap_or_default().to_owned()).collect()
    }
}

/// The tokens of so many answers.
fn tokens(answers: u64) -> Value {
    let (read, cached, written) = USED;
    json!({"input_tokens": (read - cached) * answers, "output_tokens": written * answers, "cache_read_tokens": cached * answers})
}

fn used(result: &Value) -> [Value; 3] {
    ["input_tokens", "output_tokens", "cache_read_tokens"].map(|key| result["token_stats"][key].clone())
}

#[track_caller]
fn assert_used(result: &Value, answers: u64) {
    let expected = tokens(answers);
    assert_eq!(used(&json!({"token_stats": expected})), used(result), "{result:#}");
    let cost = result["cost_usd"].as_f64().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a few answers")]
    let expected = COST * answers as f64;
    assert!((cost - expected).abs() < 1e-6 && result["cost_source"] == "metered", "{expected}: {result:#}");
}

#[test]
fn an_agent_asks_with_a_key_of_its_own_and_every_answer_is_metered() {
    let place = Place::new(&asks(2, "true"));
    output(&mut place.run(&["--gateway", "require"])).exits(0);
    assert_eq!(place.keys_at_the_server(), [KEY, KEY], "the real key is put in on the way");
    let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
    assert_used(&result, 2);
    let ledger = place.ledger("T0/00/run_01");
    let told = |line: &Value| json!([line["interface"], line["model"], line["status"], line["passage"]]);
    assert_eq!(ledger.iter().map(told).collect::<Vec<_>>(), vec![json!(["anthropic", MODEL, 200, "whole"]); 2]);
    // The agent has printed its environment.
    for file in files_below(&place.world.experiment()) {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains(KEY), "{}", file.display());
    }
    let printed = fs::read_to_string(place.world.experiment().join("T0/00/run_01/agent/stdout.log")).unwrap();
    assert!(
        printed.contains("ANTHROPIC_API_KEY=") && printed.contains("ANTHROPIC_BASE_URL=http://127.0.0.1:"),
        "{printed}"
    );
    assert!(!printed.contains("***"), "no real key was there to be redacted: {printed}");
    place.world.scylla(&["verify", &experiment(&place.world)]).exits(0);
}

#[test]
fn an_agent_of_ones_own_is_left_alone_unless_the_gateway_is_required() {
    for more in [&["--gateway", "meter"][..], &["--gateway", "off"], &[]] {
        let place = Place::new(&asks(1, "true"));
        output(&mut place.run(more)).exits(0);
        assert_eq!(place.keys_at_the_server(), [KEY], "{more:?}");
        let run = place.world.experiment().join("T0/00/run_01");
        assert!(!run.join("agent/usage.jsonl").exists(), "{more:?}");
        assert_eq!(read(&run.join("run_result.json"))["cost_source"], "unknown", "{more:?}");
    }
}

#[test]
fn an_agent_that_goes_around_a_required_gateway_has_failed() {
    let place = Place::new("touch done");
    let ended = output(&mut place.run(&["--gateway", "require", "--attempts", "1"])).exits(6);
    assert!(ended.stdout.contains("asked no model through the gateway"), "{ended}");
    assert!(!place.world.experiment().join("T0/00/run_01/run_result.json").exists());
}

#[test]
fn a_proxy_that_cannot_be_used_is_not_passed_by() {
    let place = Place::new(&asks(1, "true"));
    let mut run = place.run(&["--gateway", "require", "--attempts", "1"]);
    let ended = output(run.env("HTTPS_PROXY", "ftp://127.0.0.1:9")).exits(6);
    assert!(ended.stdout.contains("`HTTPS_PROXY` names a proxy that cannot be used"), "{ended}");
    assert!(place.server.asked().is_empty(), "{ended}");
}

#[test]
fn what_a_killed_agent_used_is_known_to_its_last_answer() {
    let place = Place::new(&asks(2, "exec sleep 1000"));
    output(&mut place.run(&["--gateway", "require", "--timeout", "5"])).exits(0);
    let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!(result["agent_end"], "timed_out", "{result:#}");
    assert_used(&result, 2);
}

#[test]
fn what_an_attempt_used_whose_session_was_killed_is_spent() {
    let place = Place::new(&asks(1, "test -e \"$HOME/again\" || exec sleep 1000"));
    let mut session = Live::start(&mut place.run(&["--gateway", "require"]));
    place.server.wait_for(MODEL, 1);
    let folder = place.world.results();
    crate::world::wait_until("the answer is written down", || {
        files_below(&folder)
            .iter()
            .any(|file| file.ends_with("agent/usage.jsonl") && fs::read(file).is_ok_and(|it| !it.is_empty()))
    });
    session.kill();
    place.world.write("home/again", "");
    let dir = experiment(&place.world);
    output(&mut place.command(&["resume", &dir, "--gateway", "off"], &[])).exits(0);
    let attempt = read(&place.world.experiment().join("T0/00/.failed/run_01_attempt_01/attempt.json"));
    assert!((attempt["cost_usd"].as_f64().unwrap() - COST).abs() < 1e-6, "{attempt:#}");
    place.world.scylla(&["verify", &dir]).exits(0);
}

/// An agent that asks until it is refused.
const INSATIABLE: &str = "while bash ask.sh | grep -q '\"usage\"'; do :; done";

#[test]
fn an_agent_at_its_limit_is_refused_by_the_gateway_and_what_it_did_is_graded() {
    for (limit, exceeded) in [
        (["--max-run-cost-usd", "0.007"], json!({"limit": "cost", "most": 0.007, "used": 0.007_02})),
        (["--max-run-tokens", "1231"], json!({"limit": "tokens", "most": 1231, "used": 2460})),
    ] {
        let place = Place::new(&asks(1, INSATIABLE));
        let ended = output(&mut place.run(&[&["--gateway", "require"][..], &limit].concat())).exits(0);
        assert!(ended.stderr.contains("the agent ended over a limit"), "{ended}");
        let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
        assert_eq!((&result["agent_end"], &result["exceeded"]), (&json!("over_budget"), &exceeded), "{result:#}");
        assert_used(&result, 2);
        assert_eq!(place.server.asked().len(), 2, "{limit:?}");
        let passages: Vec<Value> = place.ledger("T0/00/run_01").iter().map(|line| line["passage"].clone()).collect();
        assert_eq!(passages, ["whole", "whole", "refused"], "{limit:?}");
        place.world.scylla(&["verify", &experiment(&place.world)]).exits(0);
    }
}

#[test]
fn an_agent_that_goes_on_asking_at_its_limit_is_ended() {
    let place = Place::new(&asks(1, "while :; do bash ask.sh; sleep 1; done"));
    output(&mut place.run(&["--gateway", "require", "--max-run-tokens", "1230"])).exits(0);
    let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!(result["agent_end"], "over_budget", "{result:#}");
    assert_used(&result, 1);
}

#[test]
fn the_ceiling_of_the_experiment_holds_while_agents_work() {
    let place = Place::new(&asks(1, INSATIABLE));
    output(&mut place.runs("3", &["--gateway", "require", "--max-cost-usd", "0.02", "--jobs", "2"])).exits(6);
    let spent = place.server.asked().len();
    // Six answers cost more than the ceiling; each of two agents may have one more on its way.
    assert!((6..=7).contains(&spent), "{spent}");
    let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!((&result["agent_end"], &result["exceeded"]["limit"]), (&json!("over_budget"), &json!("experiment")));
    place.world.scylla(&["verify", &experiment(&place.world)]).exits(6);
}

#[test]
fn a_rate_limit_that_passes_soon_is_held_back_from_the_agent() {
    let place = Place::scripted(&asks(1, "true"), |asked| match asked.before {
        0 => Say::Refuse(429, vec![("retry-after", "1".to_owned())], "slow down".to_owned()),
        _ => Say::Answer("done".to_owned()),
    });
    let ended =
        output(&mut place.run(&["--gateway", "require", "--message-format", "json", "--attempts", "1"])).exits(0);
    assert!(ended.stdout.contains("\"rate-limited\""), "the coordinator knows of it: {ended}");
    assert!(!ended.stdout.contains("\"attempt-failed\""), "{ended}");
    let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
    assert_used(&result, 1);
    let statuses: Vec<Value> = place.ledger("T0/00/run_01").iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, [429, 200]);
}

#[test]
fn an_agent_that_only_waits_for_a_rate_limit_has_not_timed_out() {
    let place = Place::scripted(&asks(1, "exec sleep 1000"), |_| {
        Say::Refuse(429, vec![("retry-after", "3600".to_owned())], "slow down".to_owned())
    });
    let mut live = Live::start(&mut place.run(&["--gateway", "require", "--timeout", "3", "--attempts", "1"]));
    let failed = live.wait_for_reason("attempt-failed");
    assert_eq!(failed["failure"]["kind"], "rate_limit", "{failed:#}");
    live.signal("TERM");
    live.end();
}

#[test]
fn an_agent_that_nobody_answered_until_its_time_was_over_was_not_measured() {
    let refused = |status: u16| Say::refuse(status, "not now");
    for (first, then, kind, told) in [
        (refused(529), refused(529), "provider", "time was over and its model had never answered, in 2 requests"),
        (refused(500), Say::Cut, "provider", "was not reached, or broke off"),
        (refused(429), refused(429), "rate_limit", "answered the last one with 429"),
        (Say::Hang, Say::Hang, "provider", "its provider never answered"),
        (
            Say::Answer("go".to_owned()),
            refused(529),
            "provider",
            "time was over while its model did not answer, in 1 request",
        ),
    ] {
        let said = [first, then];
        let place = Place::scripted(&asks(2, "exec sleep 1000"), move |asked| said[asked.before.min(1)].clone());
        let limits = ["--timeout", "4", "--attempts", "1", "--hold", "0s"];
        let mut live = Live::start(&mut place.run(&[&["--gateway", "require"][..], &limits].concat()));
        let failure = live.wait_for_reason("attempt-failed")["failure"].clone();
        assert_eq!(failure["kind"], kind, "{failure:#}");
        assert!(failure["message"].as_str().unwrap().contains(told), "{failure:#}");
        if kind == "rate_limit" {
            live.signal("TERM");
        }
        live.end();
    }
    // Who was answered and then worked until its time was over, has timed out.
    let place = Place::new(&asks(2, "exec sleep 1000"));
    output(&mut place.run(&["--gateway", "require", "--timeout", "3"])).exits(0);
    let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!(result["agent_end"], "timed_out", "{result:#}");
}

#[test]
fn an_agent_at_a_limit_whose_program_says_that_its_provider_failed_is_graded() {
    let fails = r#"printf '{"failure": {"kind": "provider", "message": "Credit balance is too low"}}' > "$SCYLLA_RECORD_FILE"; exit 1"#;
    for (limit, word, code) in [("--max-run-cost-usd", "cost", 0), ("--max-cost-usd", "experiment", 0)] {
        let place = Place::new(&asks(1, &format!("{INSATIABLE}; {fails}")));
        let ended = output(&mut place.run(&["--gateway", "require", limit, "0.007"])).exits(code);
        let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
        assert_eq!(
            (&result["agent_end"], &result["exceeded"]["limit"]),
            (&json!("over_budget"), &json!(word)),
            "{ended}"
        );
        assert_used(&result, 2);
    }
}

#[test]
fn answers_are_turns_of_an_agent_that_does_not_count_them() {
    let place = Place::new(&asks(3, "true"));
    output(&mut place.run(&["--gateway", "require", "--max-run-turns", "2"])).exits(0);
    let result = read(&place.world.experiment().join("T0/00/run_01/run_result.json"));
    let exceeded = json!({"limit": "turns", "most": 2, "used": 3});
    assert_eq!((&result["agent_end"], &result["exceeded"]), (&json!("over_budget"), &exceeded), "{result:#}");
}

#[test]
fn a_provider_that_is_down_is_no_rate_limit_and_a_time_that_nobody_named_is_none() {
    let record = |kind: &str| {
        format!(r#"printf '{{"failure": {{"kind": "{kind}", "message": "no"}}}}' > "$SCYLLA_RECORD_FILE"; exit 1"#)
    };
    for (status, kind, waits_a_minute) in
        [(503, "provider", false), (529, "provider", false), (429, "rate_limit", true)]
    {
        for hold in ["0s", "1s"] {
            let place = Place::scripted(&asks(1, &record(kind)), move |_| Say::refuse(status, "no"));
            let mut live = Live::start(&mut place.run(&["--gateway", "require", "--attempts", "1", "--hold", hold]));
            let failed = live.wait_for_reason("attempt-failed");
            assert_eq!(failed["failure"]["kind"], kind, "{status} {hold}: {failed:#}");
            assert_eq!(failed["failure"]["retry_at"], Value::Null, "{status} {hold}: nobody named a time: {failed:#}");
            if waits_a_minute {
                live.signal("TERM");
            }
            live.end();
        }
    }
}
