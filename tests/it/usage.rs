//! What agents and judges do not say that they cost is unknown, in every file and on every screen, and never 0.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{AGENT, experiment, json};
use crate::world::{Output, World, wait_until};

/// An agent that does the task and says nothing.
const SILENT: &str = "touch done";
/// A judge that gives the full score and says no cost.
const SILENT_JUDGE: &str =
    r#"cat > /dev/null; echo '{"items":{"R001":{"score":1,"explanation":"there"}},"reasoning":"good"}'"#;

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    world.scylla(&[&["run", "--tiers-dir", fixture, "--results-dir", "results", "--jobs", "1"], more].concat())
}

fn run_json(world: &World, fixture: &str, more: &[&str]) -> Output {
    run(world, fixture, &[&["--message-format", "json"], more].concat())
}

/// Of a value, what these keys say.
fn keys<const N: usize>(value: &Value, keys: [&str; N]) -> [Value; N] {
    keys.map(|key| value[key].clone())
}

#[track_caller]
fn status(world: &World) -> Value {
    let shown = world.scylla(&["status", &experiment(world), "--message-format", "json"]).exits(0);
    serde_json::from_str(&shown.stdout).unwrap()
}

#[track_caller]
fn notices(output: &Output) -> Vec<String> {
    let events = output.events().into_iter().filter(|event| event["reason"] == "notice");
    events.map(|event| event["message"].as_str().unwrap().to_owned()).filter(|told| told.contains("ceiling")).collect()
}

#[test]
fn what_nobody_says_is_unknown_in_every_file_event_and_report() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-says", AGENT)
        .agent("T0/01-silent", SILENT)
        .agent("T1/00-silent", SILENT)
        .judge(SILENT_JUDGE)
        .write(&world);
    let output = run_json(&world, &fixture, &["--runs", "1"]).exits(0);
    let dir = world.experiment();
    let agent = |run: &str| keys(&json(&dir.join(run).join("agent/result.json")), ["cost_usd", "cost_source"]);
    assert_eq!(agent("T0/00/run_01"), [json!(0.5), json!("reported")]);
    assert_eq!(agent("T0/01/run_01"), [Value::Null, json!("unknown")]);
    assert_eq!(json(&dir.join("T0/01/run_01/agent/result.json"))["token_stats"], json!({}));
    let judge = |judge| keys(&json(&dir.join("T0/01/run_01/judge").join(judge)), ["cost_usd", "cost_source"]);
    assert_eq!(judge("judge_01/judgment.json"), [json!(0.0), json!("metered")], "checks ask nobody");
    assert_eq!(judge("judge_02/judgment.json"), [Value::Null, json!("unknown")]);
    let costs =
        ["cost_usd", "cost_source", "judge_cost_usd", "judge_cost_unknown", "former_cost_usd", "former_cost_unknown"];
    assert_eq!(
        keys(&json(&dir.join("T0/01/run_01/run_result.json")), costs),
        [Value::Null, json!("unknown"), Value::Null, json!(1), json!(0.0), json!(0)]
    );
    let committed: Vec<[Value; 2]> = output
        .events()
        .iter()
        .filter(|event| event["reason"] == "run-committed")
        .map(|event| keys(event, ["cost_usd", "cost_unknown"]))
        .collect();
    assert_eq!(committed, [[json!(0.5), json!(1)], [Value::Null, json!(2)], [Value::Null, json!(2)]]);
    for shown in [output.events().pop().unwrap(), status(&world)] {
        assert_eq!(keys(&shown, ["spent", "spent_unknown"]), [json!(0.5), json!(5)], "{shown:#}");
        let [first, second] = [0, 1].map(|tier: usize| shown["tiers"][tier].clone());
        assert_eq!(keys(&first, ["cost_usd", "cost_unknown", "mean_cost_usd"]), [json!(0.5), json!(3), json!(0.25)]);
        assert_eq!(keys(&second, ["cost_usd", "cost_unknown", "mean_cost_usd"]), [Value::Null, json!(2), Value::Null]);
        assert_eq!(keys(&shown["setups"][1], ["cost_usd", "cost_unknown"]), [Value::Null, json!(2)]);
    }
    let report = world.scylla(&["verify", &experiment(&world), "--format", "junit"]).exits(0).stdout;
    let property = |name: &str, value: &str| format!("<property name=\"{name}\" value=\"{value}\"/>");
    for (name, value, times) in [("cost_usd", "0.5", 1), ("cost_usd", "unknown", 2), ("cost_unknown", "2", 2)] {
        assert_eq!(report.matches(&property(name, value)).count(), times, "{name} {value}: {report}");
    }
}

#[test]
fn screens_say_at_least_where_a_part_is_not_known_and_unknown_where_nothing_is() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-says", AGENT).agent("T0/01-silent", SILENT).write(&world);
    let output = run(&world, &fixture, &["--runs", "1"]).exits(0);
    let told = output.stderr.clone();
    assert!(told.contains("score 1.00 (S), $0.5000, ") && told.contains("score 1.00 (S), cost unknown, "), "{output}");
    let shown = world.scylla(&["status", &experiment(&world)]).exits(0);
    for screen in [&output.stdout, &shown.stdout] {
        let line = |of: &str| screen.lines().find(|line| line.contains(of)).unwrap_or_else(|| panic!("{screen}"));
        assert!(line("T0/00").contains(" $0.5000 "), "{screen}");
        assert!(line("T0/01").contains(" unknown "), "{screen}");
        assert!(line("  all ").contains(" at least $0.2500 "), "{screen}");
        let spent = line("  spent ");
        assert!(spent.contains("at least $0.5000"), "{screen}");
        assert!(spent.ends_with("; one agent or judge did not say what it cost"), "{screen}");
        assert!(!screen.contains("$0.00"), "{screen}");
    }
}

#[test]
fn who_asks_no_model_costs_nothing_and_that_is_known() {
    let world = World::new();
    let kind = |kind: &str| format!("agent: {{kind: {kind}}}\n");
    let fixture = TestFixture::new().subtest("T0/00-nop", &kind("nop")).write(&world);
    let output = run_json(&world, &fixture, &["--runs", "1"]).exits(0);
    let spent = keys(&output.events().pop().unwrap(), ["spent", "spent_unknown"]);
    assert_eq!(spent, [json!(0.0), json!(0)], "{output}");
    let agent = json(&world.experiment().join("T0/00/run_01/agent/result.json"));
    assert_eq!(keys(&agent, ["cost_usd", "cost_source"]), [json!(0.0), json!("metered")]);
    assert_eq!(agent["token_stats"]["output_tokens"], 0);
    let human = world.scylla(&["status", &experiment(&world)]).exits(0);
    assert!(human.stdout.contains("spent    $0.00\n"), "{human}");
}

#[test]
fn a_record_of_a_cost_of_0_is_known_and_one_without_a_cost_is_not() {
    for (record, expected) in [
        (r#"{"cost_usd": 0}"#, [json!(0.0), json!(0)]),
        (r#"{"cost_usd": null, "end": "finished"}"#, [Value::Null, json!(1)]),
        (r#"{"token_stats": {"input_tokens": 3}}"#, [Value::Null, json!(1)]),
        ("{}", [Value::Null, json!(1)]),
    ] {
        let world = World::new();
        let agent = format!(r#"touch done; printf '%s' '{record}' > "$SCYLLA_RECORD_FILE""#);
        let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
        let output = run_json(&world, &fixture, &["--runs", "1"]).exits(0);
        assert_eq!(keys(&output.events().pop().unwrap(), ["spent", "spent_unknown"]), expected, "{record}: {output}");
        world.scylla(&["verify", &experiment(&world)]).exits(0);
    }
}

#[test]
fn attempts_and_answers_that_failed_without_a_word_of_their_cost_are_unknown() {
    let world = World::new();
    let refused = r#"printf '{"failure": {"kind": "auth"}}' > "$SCYLLA_RECORD_FILE""#;
    let agent = format!(r#"if [ "$SCYLLA_ATTEMPT" = 1 ]; then {refused}; else {AGENT}; fi"#);
    let judge = format!(r#"if [ "$SCYLLA_ATTEMPT" = 1 ]; then echo Hm; else {FULL_SCORE}; fi"#);
    let fixture = TestFixture::new().agent("T0/00-one", &agent).judge(&judge).write(&world);
    let output = run_json(&world, &fixture, &["--runs", "1"]).exits(0);
    let dir = world.experiment();
    let attempt = json(&dir.join("T0/00/.failed/run_01_attempt_01/attempt.json"));
    assert_eq!(keys(&attempt, ["cost_usd", "cost_unknown"]), [Value::Null, json!(1)]);
    let result = json(&dir.join("T0/00/run_01/run_result.json"));
    for (key, cost, unknown) in
        [("judge", json!(0.02), 0), ("failed_judge", Value::Null, 1), ("former", Value::Null, 1)]
    {
        let [said, parts] = ["cost_usd", "cost_unknown"].map(|name| result[format!("{key}_{name}")].clone());
        assert_eq!((said, parts), (cost, json!(unknown)), "{key}: {result:#}");
    }
    for shown in [output.events().pop().unwrap(), status(&world)] {
        assert_eq!(keys(&shown, ["spent", "spent_unknown"]), [json!(0.52), json!(2)]);
    }
    world.scylla(&["verify", &experiment(&world)]).exits(0);
    let again = world.scylla(&["rerun", &experiment(&world), "--run", "T0/00/1", "--message-format", "json"]).exits(0);
    let finished = again.events().pop().unwrap();
    assert_eq!(
        keys(&finished, ["spent", "spent_unknown"]),
        [json!(1.04), json!(3)],
        "a rerun forgets no part: {again}"
    );
    assert_eq!(keys(&status(&world), ["spent", "spent_unknown"]), [json!(1.04), json!(3)]);
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn who_was_never_started_cost_nothing_and_that_is_known() {
    let nowhere = "agent:\n  kind: command\n  command: [no-such-program]\n";
    let world = World::new();
    let fixture = TestFixture::new().subtest("T0/00-nowhere", nowhere).write(&world);
    let output = run_json(&world, &fixture, &["--runs", "1", "--attempts", "2"]).exits(6);
    for shown in [output.events().pop().unwrap(), status(&world)] {
        assert_eq!(keys(&shown, ["spent", "spent_unknown"]), [json!(0.0), json!(0)], "{output}");
    }
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(6);
    assert!(verified.stdout.contains("program `no-such-program` is not found"), "{verified}");

    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).judge("true").write(&world);
    let yaml = fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    world.write("fixture/test.yaml", &yaml.replace("shell: \"true\"", "command: [no-such-program]"));
    let output = run_json(&world, &fixture, &["--runs", "1", "--attempts", "2"]).exits(6);
    for shown in [output.events().pop().unwrap(), status(&world)] {
        assert_eq!(keys(&shown, ["spent", "spent_unknown"]), [json!(0.5), json!(0)], "{output}");
    }
    let aside = world.experiment().join("T0/00/run_01/judge/.failed");
    assert_eq!(fs::read_dir(&aside).unwrap().count(), 2, "both attempts are kept");
    world.scylla(&["verify", &experiment(&world)]).exits(6);
}

#[test]
fn who_was_not_started_because_the_disk_was_full_cost_nothing() {
    let world = World::new();
    let fills = format!("head -c 150000 /dev/urandom | base64 > noise; {AGENT}");
    let fixture = TestFixture::new().agent("T0/00-fills", &fills).judge(FULL_SCORE).write(&world);
    let results = world.path("small");
    fs::create_dir(&results).unwrap();
    let script = "mount -t tmpfs -o size=2500k none \"$0\" || exit 77; \"$@\"; code=$?; mount -o remount,size=40m \"$0\"; \
                  \"$1\" \"$2\" resume \"$0\"/* > \"$0.out\" || exit 78; exit $code";
    let program = world.command(&["run", "--tiers-dir", &fixture, "--runs", "12", "--attempts", "1"]);
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(&results);
    command.arg(program.get_program()).args(program.get_args()).args(["--containment", "walk", "--results-dir"]);
    command.arg(&results).current_dir(world.path(""));
    world.seal(&mut command);
    let ran = crate::scenes::output(&mut command);
    if ran.code == Some(77) || ran.code == Some(1) && ran.stderr.contains("unshare") {
        return;
    }
    let resumed = fs::read_to_string(world.path("small.out")).unwrap();
    assert_ne!(ran.code, Some(0), "the disk was full: {ran}");
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("cargo scylla resume"), "{ran}");
    assert!(resumed.contains("spent   $6.24,"), "{ran}{resumed}");
}

#[test]
fn an_agent_that_was_killed_before_it_said_its_cost_is_unknown_and_one_that_never_began_is_not() {
    let world = World::new();
    let agent = format!("{}; {AGENT}", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
    close(&world, "agent");
    let live = world.start(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--jobs", "1"]);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    live.signal("KILL");
    live.end();
    assert_eq!(keys(&status(&world), ["spent", "spent_unknown"]), [Value::Null, json!(1)]);
    let live = world.start(&["resume", &experiment(&world)]);
    // The agent that outlived its coordinator is ended before a new one begins: it never says its cost.
    wait_until("the next agent works", || world.lines("agent.log") == 2);
    open(&world, "agent");
    let (code, events, told) = live.end();
    assert_eq!(code, Some(0), "{told}");
    for shown in [events.last().unwrap(), &status(&world)] {
        assert_eq!(keys(shown, ["spent", "spent_unknown"]), [json!(1.0), json!(1)], "{shown:#}");
    }
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn a_damaged_result_and_one_in_quarantine_cost_what_is_not_known() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    run(&world, &fixture, &["--runs", "2"]).exits(0);
    fs::write(world.experiment().join("T0/00/run_02/run_result.json"), "{").unwrap();
    assert_eq!(keys(&status(&world), ["spent", "spent_unknown"]), [json!(0.5), json!(1)]);
    let human = world.scylla(&["status", &experiment(&world)]).exits(0);
    assert!(human.stdout.contains("spent    at least $0.5000; one agent or judge did not say"), "{human}");
}

#[test]
fn the_ceiling_counts_a_silent_attempt_as_the_dearest_of_its_tier_and_says_what_it_cannot_hold() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-says", AGENT).agent("T0/01-silent", SILENT).write(&world);
    let output = run_json(&world, &fixture, &["--runs", "4", "--max-cost-usd", "1.6"]).exits(6);
    let told = notices(&output);
    assert_eq!(told.len(), 1, "how such an attempt counts is said once: {output}");
    assert!(
        told[0].starts_with("agents that owe no record may not say what they cost: the ceiling of $1.60"),
        "{told:?}"
    );
    let said = |event: &Value| event["message"] == "what T0/01/run_01 cost is not known";
    assert!(output.events().iter().any(said), "{output}");
    let reached = output.events().into_iter().find(|event| event["reason"] == "budget-reached").unwrap();
    let expected = [json!(1.0), json!(1), json!(0.5), json!(0.5)];
    assert_eq!(keys(&reached, ["spent", "spent_unknown", "assumed", "expected"]), expected, "{output}");
    let resumed = world.scylla(&["resume", &experiment(&world), "--message-format", "json"]).exits(6);
    assert!(notices(&resumed)[0].starts_with("one agent or judge did not say what it cost: the ceiling"), "{resumed}");
    let started = resumed.events().iter().filter(|event| event["reason"] == "run-started").count();
    assert_eq!(started, 0, "a resume counts what former sessions do not know as they did: {resumed}");
    let human = world.scylla(&["resume", &experiment(&world)]).exits(6);
    let line = "at least $1.00 spent, $0.5000 counted for what is not known and $0.5000 expected";
    assert!(human.stderr.contains(line), "{human}");
}

#[test]
fn where_nothing_is_known_the_ceiling_holds_nothing_and_owed_records_are_no_news() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-silent", SILENT).write(&world);
    let output = run_json(&world, &fixture, &["--runs", "3", "--max-cost-usd", "0.01"]).exits(0);
    assert_eq!(keys(&output.events().pop().unwrap(), ["spent", "spent_unknown"]), [Value::Null, json!(3)]);
    let owed = World::new();
    let agent = format!("agent:\n  kind: command\n  record: required\n  shell: {}\n", json!(AGENT));
    let fixture = TestFixture::new().subtest("T0/00-owes", &agent).write(&owed);
    let output = run_json(&owed, &fixture, &["--runs", "1", "--max-cost-usd", "5"]).exits(0);
    assert!(notices(&output).is_empty(), "{output}");
}

#[test]
fn a_silent_agent_uses_no_fewer_tokens_than_one_that_counts_them() {
    let world = World::new();
    let counts =
        r#"touch done; printf '{"token_stats": {"input_tokens": 3, "output_tokens": 4}}' > "$SCYLLA_RECORD_FILE""#;
    let fixture = TestFixture::new()
        .agent("T0/00-counts", counts)
        .agent("T0/01-silent", SILENT)
        .subtest(
            "T1/00-heir",
            &format!("inherit_best_from: [T0]\nagent: {{kind: command, shell: {}}}\n", json!(SILENT)),
        )
        .write(&world);
    let output = run_json(&world, &fixture, &["--runs", "1"]).exits(0);
    let inherits = output.events().into_iter().find(|event| event["reason"] == "tier-inherits").unwrap();
    let winner = &inherits["sources"]["T0"];
    assert_eq!((&winner["subtest"], &winner["by_tokens"]), (&json!("00"), &json!(false)), "{winner:#}");
    let tokens: Vec<&Value> = winner["ranked"].as_array().unwrap().iter().map(|ranked| &ranked["tokens"]).collect();
    assert_eq!(tokens, [&json!(7), &Value::Null]);
}

#[test]
fn what_is_not_known_is_exported_as_projectscylla_writes_it() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-silent", SILENT).write(&world);
    run(&world, &fixture, &["--runs", "1"]).exits(0);
    let to = world.path("exported");
    world.scylla(&["export", &experiment(&world), "--format", "scylla-3.1", "--to", to.to_str().unwrap()]).exits(0);
    let run = to.join("completed/T0/00/run_01");
    let tokens = json!({"input_tokens": 0, "output_tokens": 0, "cache_creation_tokens": 0, "cache_read_tokens": 0});
    for file in ["run_result.json", "agent/result.json"] {
        let written = fs::read_to_string(run.join(file)).unwrap();
        assert!(written.contains("\"cost_usd\": 0.0"), "{file}: {written}");
        assert_eq!(json(&run.join(file))["token_stats"], tokens, "{file}");
    }
}
