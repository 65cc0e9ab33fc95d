//! What agents and judges ask their models and are answered, recorded and replayed: the same work for no money and without a network,
//! and a request that was not recorded goes nowhere.

mod exact;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::model_server::{Api, Asked, ModelServer, Say};
use crate::network::is_skipped;
use crate::scenes::{edit, experiment, files_below, json as read, output, saved};
use crate::world::{Live, Output, World, steady};

/// The real key.
const KEY: &str = "sk-ant-the-real-key-0123456789";
const MODEL: &str = "claude-sonnet-4-5";
const JUDGE: &str = "judging-model";
/// What each answer to the agent costs.
const COST: f64 = 0.003_51;

/// An agent that writes down what its model answers to each of these words, and tells it where it works, when, and with which key.
fn asks(words: &str, then: &str) -> String {
    format!(
        r#"cat > .git/ask.sh <<'END'
url=${{ANTHROPIC_BASE_URL#http://}}; host=${{url%%/*}}; path=${{url#"$host"}}
say="$1 in $PWD at $(date +%T) with $ANTHROPIC_API_KEY at $ANTHROPIC_BASE_URL"
body="{{\"model\":\"{MODEL}\",\"max_tokens\":9,\"messages\":[{{\"role\":\"user\",\"content\":\"$say\"}}]}}"
exec 3<>"/dev/tcp/${{host%:*}}/${{host#*:}}"
printf 'POST %s/v1/messages HTTP/1.1\r\nhost: %s\r\nx-api-key: %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s' "$path" "$host" "$ANTHROPIC_API_KEY" "${{#body}}" "$body" >&3
cat <&3
END
for word in {words}; do bash .git/ask.sh $word | grep -o 'answer [^"]*' >> answers; done; touch done; {then}"#
    )
}

/// A world with a server, whose model answers with a number that grows, and a model that judges.
struct Place {
    world: World,
    server: Option<ModelServer>,
    fixture: String,
}

impl Place {
    fn new(agent: &str) -> Self {
        Self::saying(agent, |asked| Say::Answer(format!("answer {}", asked.before)))
    }

    fn saying(agent: &str, says: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let server = ModelServer::start(move |asked: &Asked| match asked.model.as_str() {
            JUDGE => Say::scores(&[("R001", 1.0)]),
            _ => says(asked),
        });
        let world = World::new();
        let base = server.base_url(Api::AnthropicMessages);
        let judges = format!(
            "environment: [ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, MY_TOKEN]\njudges:\n  - {{kind: model, name: {JUDGE}, api: anthropic, model: {JUDGE}, base_url: '{base}'}}\n"
        );
        let fixture = TestFixture::new().agent("T0/00-one", agent).extra(&judges).write(&world);
        Self { world, server: Some(server), fixture }
    }

    fn command(&self, more: &[&str]) -> Command {
        let run = ["run", "--tiers-dir", &self.fixture, "--results-dir", "results", "--model", MODEL, "--jobs", "1"];
        self.world.command(&[&run[..], more].concat())
    }

    /// Records so many runs, into `recorded/`.
    fn record(&self, runs: &str, more: &[&str]) -> Output {
        self.record_what("exchanges", runs, more)
    }

    fn record_what(&self, what: &str, runs: &str, more: &[&str]) -> Output {
        let ended = output(&mut self.recording(&[&["--record", what, "--runs", runs], more].concat())).exits(0);
        fs::rename(self.world.experiment(), self.world.path("recorded")).unwrap();
        ended
    }

    /// A run through the gateway, with a key.
    fn recording(&self, more: &[&str]) -> Command {
        let mut command = self.command(&[&["--gateway", "require"], more].concat());
        let base = self.server.as_ref().unwrap().base_url(Api::AnthropicMessages);
        command.env("ANTHROPIC_API_KEY", KEY).env("ANTHROPIC_BASE_URL", base).env("MY_TOKEN", "the-value-of-then");
        command
    }

    /// Replays so many runs, with no key.
    fn replay(&self, runs: &str, more: &[&str]) -> Output {
        output(&mut self.command(&[&["--replay", "recorded", "--runs", runs], more].concat()))
    }

    fn asked(&self) -> usize {
        self.server.as_ref().unwrap().asked().len()
    }

    fn own(&self, below: &str) -> PathBuf {
        self.world.experiment().join(below)
    }
}

/// The exchanges of a run, as they are kept.
fn exchanges(run: &Path) -> String {
    let file = fs::File::open(run.join("agent/exchanges.jsonl.zst")).unwrap();
    let mut text = String::new();
    scylla::os::compressed::reader(file).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn result(run: &Path) -> Value {
    read(&run.join("run_result.json"))
}

#[test]
fn what_was_recorded_is_replayed_without_key_or_server_for_no_money_and_gives_the_same_work_use_and_verdict() {
    let mut place = Place::new(&asks("first second", "true"));
    place.record("2", &[]);
    drop(place.server.take());
    let ended = place.replay("2", &["--max-cost-usd", "0.001"]).exits(0);
    assert!(ended.stdout.contains("spent   $0.00"), "{ended}");
    for run in ["T0/00/run_01", "T0/00/run_02"] {
        let recorded = place.world.path("recorded").join(run);
        let patch = |run: PathBuf| fs::read_to_string(run.join("changes.patch")).unwrap();
        assert_eq!(patch(place.own(run)), patch(recorded.clone()), "{run}");
        let (is, was) = (result(&place.own(run)), result(&recorded));
        for key in ["token_stats", "agent_end", "exit_code", "agent_models", "judge_score", "judge_passed"] {
            assert_eq!(is[key], was[key], "{run}: {key}");
        }
        assert_eq!(was["cost_usd"], json!(2.0 * COST), "{was:#}");
        assert_eq!(
            (&is["cost_usd"], &is["cost_source"], &is["judge_cost_usd"]),
            (&json!(0.0), &json!("metered"), &json!(0.0))
        );
        assert_eq!(is["judges"][0]["token_stats"], was["judges"][0]["token_stats"], "{is:#}");
        assert_eq!((&is["flags"], &is["replayed"]["run"]), (&json!(["played_back"]), &json!(run)), "{is:#}");
        assert_eq!(is["replayed"]["cost_usd"], was["cost_usd"], "{is:#}");
    }
    assert!(patch_of(&place).contains("+answer 0\n+answer 1"), "{}", patch_of(&place));
    let dir = experiment(&place.world);
    place.world.scylla(&["verify", &dir]).exits(0);
    let shown = place.world.scylla(&["show", &dir, "T0/00/2"]).exits(0).stdout;
    let at = shown.find("  played back").unwrap();
    assert!(shown[at..].starts_with("  played back  T0/00/run_02 of tested: agent command"), "{shown}");
    // It needs the recording no more, and goes on without a flag.
    fs::remove_dir_all(place.world.path("recorded")).unwrap();
    place.world.scylla(&["rerun", &dir, "--run", "T0/00/1"]).exits(0);
    assert_eq!(result(&place.own("T0/00/run_01"))["replayed"]["run"], "T0/00/run_01");
    let more = place.world.scylla(&["extend", &dir, "--runs", "3"]).exits(2);
    assert!(more.stderr.contains("`recorded` has no recorded exchanges of `T0/00/run_03` to be replayed"), "{more}");
}

fn patch_of(place: &Place) -> String {
    fs::read_to_string(place.own("T0/00/run_01/changes.patch")).unwrap()
}

#[test]
fn a_request_that_was_not_recorded_fails_its_attempt_with_the_difference_and_goes_nowhere() {
    let place = Place::new(&asks("first second", "true"));
    place.record("1", &[]);
    let asked = place.asked();
    edit(&place.world, "fixture/tiers/T0/00-one.yaml", "first second", "first other");
    let ended = place.replay("1", &["--attempts", "1"]).exits(6);
    let difference = "request 2 to a model, `POST /v1/messages`, is not in the record: it has `…";
    assert!(ended.stdout.contains(difference), "{ended}");
    assert!(ended.stdout.contains("other in ⟦work⟧/") && ended.stdout.contains("where `…"), "{ended}");
    assert!(!place.own("T0/00/run_01/run_result.json").exists());
    let attempt = read(&place.own("T0/00/.failed/run_01_attempt_01/attempt.json"));
    assert_eq!((&attempt["failure"]["kind"], &attempt["cost_usd"]), (&json!("unrecorded"), &json!(0.0)), "{attempt:#}");
    fs::remove_dir_all(place.world.results()).unwrap();
    // One that asks for nothing was not recorded so, either; and a judge is not asked anew.
    edit(&place.world, "fixture/tiers/T0/00-one.yaml", "first other", "");
    let silent = place.replay("1", &[]).exits(6);
    assert!(!place.own("T0/00/.failed/run_01_attempt_02").exists(), "nothing else can come of it: {silent}");
    assert!(silent.stdout.contains("the agent asked no model, and 2 requests were recorded"), "{silent}");
    assert!(silent.stdout.contains("spent   $0.00"), "{silent}");
    fs::remove_dir_all(place.world.results()).unwrap();
    edit(&place.world, "fixture/tiers/T0/00-one.yaml", "for word in ;", "for word in first second;");
    edit(&place.world, "fixture/expected/criteria.md", "The file is there.", "The file is here.");
    let judged = place.replay("1", &[]).exits(6);
    assert_eq!(judged.stdout.matches("would be asked what was not recorded").count(), 1, "{judged}");
    let difference = format!("judge `{JUDGE}` would be asked what was not recorded: `…");
    assert!(judged.stdout.contains(&difference) && judged.stdout.contains("here."), "{judged}");
    assert!(place.own("T0/00/run_01/agent/result.json").exists(), "the agent's work stays: {judged}");
    assert_eq!(place.asked(), asked, "nobody was asked anything");
    let dir = experiment(&place.world);
    place.world.scylla(&["verify", &dir]).exits(6);
}

#[test]
fn no_key_and_no_place_of_the_attempt_is_in_a_recording_which_repeats_nothing() {
    let place = Place::new(&asks("first second third", "true"));
    place.record("1", &[]);
    let run = place.world.path("recorded/T0/00/run_01");
    let kept = exchanges(&run);
    assert_eq!(kept.lines().count(), 3, "{kept}");
    let first: Value = serde_json::from_str(kept.lines().next().unwrap()).unwrap();
    let asked: Value = serde_json::from_str(first["request"].as_str().unwrap()).unwrap();
    let said = asked["messages"][0]["content"].as_str().unwrap();
    assert!(
        said.starts_with("first in ⟦work⟧/") && said.ends_with("with ⟦key⟧ at http://⟦gateway⟧/⟦token⟧/anthropic"),
        "{said}"
    );
    assert_eq!((&first["status"], &first["path"]), (&json!(200), &json!("/v1/messages")));
    for file in files_below(&place.world.path("recorded")) {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains(KEY), "{}", file.display());
    }
    assert!(!kept.contains(KEY), "{kept}");
    let seal = fs::read_to_string(run.join("SHA256SUMS")).unwrap();
    assert!(seal.contains("agent/exchanges.jsonl.zst"), "{seal}");
    // Without the flag nothing is kept, and nothing is kept of who asks past the gateway, which is told.
    let plain = Place::new(&asks("first", "true"));
    plain.record_what("none", "1", &[]);
    let past = plain.command(&["--record", "exchanges", "--dry-run"]).output().unwrap();
    let told = String::from_utf8_lossy(&past.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("nothing of what an agent of the kind `command` asks is recorded: it asks past the gateway"),
        "{told}"
    );
    assert!(!plain.world.path("recorded/T0/00/run_01/agent/exchanges.jsonl.zst").exists());
}

#[test]
fn what_was_answered_at_a_limit_is_answered_so_again() {
    let mut place = Place::new(&asks("first second third", "true"));
    place.record("1", &["--max-run-cost-usd", "0.007"]);
    let was = result(&place.world.path("recorded/T0/00/run_01"));
    assert_eq!(was["agent_end"], "over_budget", "{was:#}");
    drop(place.server.take());
    place.replay("1", &[]).exits(0);
    let is = result(&place.own("T0/00/run_01"));
    for key in ["agent_end", "exceeded", "token_stats", "judge_score"] {
        assert_eq!(is[key], was[key], "{key}: {is:#}");
    }
    place.world.scylla(&["verify", &experiment(&place.world)]).exits(0);
}

#[test]
fn one_recorded_run_answers_every_run_and_what_is_replayed_can_be_killed_and_goes_on() {
    let mut place = Place::new(&asks("first", "test ! -e \"$HOME/hold\" || exec sleep 1000"));
    place.record("1", &[]);
    drop(place.server.take());
    place.world.write("home/hold", "");
    let mut live = Live::start(&mut place.command(&["--replay", "recorded/T0/00/run_01", "--runs", "2"]));
    live.wait_for_reason("run-started");
    let ledger = || place.own("T0/00/run_01/agent/usage.jsonl");
    crate::world::wait_until("the first answer is given", || fs::metadata(ledger()).is_ok_and(|file| file.len() > 0));
    live.kill();
    fs::remove_file(place.world.path("home/hold")).unwrap();
    fs::remove_dir_all(place.world.path("recorded")).unwrap();
    let dir = experiment(&place.world);
    place.world.scylla(&["resume", &dir]).exits(0);
    for run in ["T0/00/run_01", "T0/00/run_02"] {
        assert_eq!(result(&place.own(run))["replayed"]["run"], "T0/00/run_01", "{run}");
    }
    assert_eq!(saved(&place.world, "replay"), "recorded/T0/00/run_01");
    place.world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn what_is_replayed_needs_no_network() {
    if is_skipped() {
        return;
    }
    let mut place = Place::new(&asks("first second", "true"));
    place.record("1", &[]);
    drop(place.server.take());
    place.replay("1", &["--sandbox", "bubblewrap", "--network", "model"]).exits(0);
    let is = result(&place.own("T0/00/run_01"));
    assert_eq!(
        (&is["network"], &is["flags"], &is["judge_passed"]),
        (&json!("model"), &json!(["played_back"]), &json!(true))
    );
    // Who is given the experiment alone needs no fixture beside it.
    fs::rename(place.world.results(), place.world.path("before")).unwrap();
    let given = ["run", "--tiers-dir", "recorded/config/fixture", "--results-dir", "results", "--model", MODEL];
    place.world.scylla(&[&given[..], &["--runs", "1", "--replay", "recorded"]].concat()).exits(0);
    assert_eq!(result(&place.own("T0/00/run_01"))["replayed"]["run"], "T0/00/run_01");
    let none = place.replay("1", &["--sandbox", "bubblewrap", "--network", "none", "--fresh"]).exits(2);
    assert!(
        none.stderr.contains("reaches agents by the gateway, and with `--network none` they reach nothing"),
        "{none}"
    );
}

#[test]
fn what_cannot_be_recorded_or_replayed_is_told_before_anything_starts() {
    let place = Place::new(&asks("first", "true"));
    place.record("1", &[]);
    let asked = place.asked();
    let mut told = Vec::new();
    let mut tell = |arguments: &[&str], ended: Output| {
        told.push(format!("$ run {}\n{}", arguments.join(" "), steady(&ended.exits(2).stderr, &place.world)));
    };
    let run = |arguments: &[&str]| output(&mut place.command(&[arguments, &["--runs", "1"]].concat()));
    for arguments in [
        &["--replay", "nowhere"][..],
        &["--replay", "fixture"],
        &["--replay", "recorded", "--gateway", "off"],
        &["--replay", "recorded", "--record", "exchanges"],
        &["--record", "exchanges", "--gateway", "off"],
        &["--replay", "recorded", "--check-judges"],
    ] {
        tell(arguments, run(arguments));
    }
    tell(&["--replay", "recorded", "--runs", "2"], place.replay("2", &[]));
    let tape = place.world.path("recorded/T0/00/run_01/agent/exchanges.jsonl.zst");
    let whole = fs::read(&tape).unwrap();
    for (what, bytes) in [("cut off", &whole[..whole.len() / 2]), ("emptied", &[])] {
        fs::write(&tape, bytes).unwrap();
        tell(&["--replay", "recorded", "#", what], run(&["--replay", "recorded"]));
    }
    fs::remove_file(&tape).unwrap();
    tell(&["--replay", "recorded", "#", "removed"], run(&["--replay", "recorded"]));
    tell(&["--replay", "recorded/T0/00/run_01"], run(&["--replay", "recorded/T0/00/run_01"]));
    place.world.scylla(&["verify", "recorded"]).exits(5);
    place.world.scylla(&["verify", "recorded/T0/00/run_01"]).exits(5);
    fs::write(&tape, &whole).unwrap();
    assert!(!place.world.results().exists() || fs::read_dir(place.world.results()).unwrap().count() == 0);
    // An experiment that was begun with a recording goes on with it alone.
    edit(&place.world, "fixture/tiers/T0/00-one.yaml", "in first", "in other");
    place.replay("1", &["--attempts", "1"]).exits(6);
    tell(&["#", "without the recording"], run(&[]));
    let off = place.world.scylla(&["resume", &experiment(&place.world), "--gateway", "off"]);
    tell(&["#", "resume --gateway off"], off);
    assert_eq!(place.asked(), asked, "nobody was asked anything");
    let told = regex::Regex::new(r"results/\S+-tested")
        .unwrap()
        .replace_all(&told.join("\n"), "results/[EXPERIMENT]")
        .into_owned();
    crate::agent_samples::in_gallery(|| insta::assert_snapshot!("recording_mistakes", told));
}

#[test]
fn a_plan_says_that_no_model_is_asked_and_needs_no_key() {
    let place = Place::new(&asks("first", "true"));
    place.record("1", &[]);
    let plan = place.replay("1", &["--dry-run"]).exits(0);
    assert!(plan.stdout.contains("answers from the recording `recorded`: no model is asked"), "{plan}");
    assert!(!plan.stderr.contains("key"), "{plan}");
}

#[test]
fn a_key_that_an_agent_sent_to_its_model_is_not_published_in_a_recording() {
    let key = format!("sk-ant-{}", "aB3".repeat(14));
    let place = Place::new(&asks(&key, "true"));
    place.record("1", &[]);
    let refused = place.world.scylla(&["publish", "recorded", "--out", "bundle.tar.zst"]);
    assert!(refused.to_string().contains("agent/exchanges.jsonl.zst"), "{refused}");
}

#[test]
fn a_replayed_experiment_is_extended_by_what_is_recorded_and_a_later_grading_of_it_asks_its_judges() {
    let place = Place::new(&asks("first second", "true"));
    place.record("2", &[]);
    place.replay("1", &[]).exits(0);
    let (dir, asked) = (experiment(&place.world), place.asked());
    place.world.scylla(&["extend", &dir, "--runs", "2"]).exits(0);
    assert_eq!(result(&place.own("T0/00/run_02"))["replayed"]["run"], "T0/00/run_02");
    assert_eq!(place.asked(), asked, "nobody was asked anything");
    edit(&place.world, "fixture/expected/criteria.md", "The file is there.", "The file is here.");
    // The fixture is given without what is replayed, which the experiment keeps.
    place.world.scylla(&["regrade", &dir, "--from", &place.fixture]).exits(0);
    assert_eq!(place.server.as_ref().unwrap().times(JUDGE), 4, "two were asked when it was recorded, and two now");
    place.world.scylla(&["verify", &dir]).exits(0);
}
