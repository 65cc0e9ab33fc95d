//! Limits of the whole: the budget's ceiling, the attempts of a run, and failures that come in a row.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{experiment, json, recorded, saved, status};
use crate::world::{Output, World, wait_until};

/// An agent that does the task for a dollar.
const DOLLAR: &str = r#"touch done; printf '{"cost_usd": 1.0}' > "$SCYLLA_RECORD_FILE""#;
/// An agent that costs a dollar and then says that its credentials were refused.
const REFUSED: &str =
    r#"printf '{"cost_usd": 1.0, "failure": {"kind": "auth", "message": "no such key"}}' > "$SCYLLA_RECORD_FILE""#;

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    let arguments = ["run", "--tiers-dir", fixture, "--results-dir", "results", "--message-format", "json"];
    world.scylla(&[&arguments[..], more].concat())
}

fn resume(world: &World, more: &[&str]) -> Output {
    let dir = experiment(world);
    world.scylla(&[&["resume", &dir, "--message-format", "json"], more].concat())
}

#[track_caller]
fn finished(output: &Output) -> Value {
    output.events().pop().filter(|event| event["reason"] == "experiment-finished").unwrap_or_else(|| panic!("{output}"))
}

fn counted(output: &Output, reason: &str) -> usize {
    output.events().iter().filter(|event| event["reason"] == reason).count()
}

fn one(agent: &str) -> (World, String) {
    let world = World::new();
    let agent = format!("{}; {agent}", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
    (world, fixture)
}

#[test]
fn at_the_ceiling_nothing_more_is_started_and_a_higher_one_goes_on() {
    let (world, fixture) = one(DOLLAR);
    let output = run(&world, &fixture, &["--runs", "10", "--jobs", "2", "--max-cost-usd", "3.5"]).exits(6);
    let reached = finished(&output);
    assert_eq!((&reached["end"], &reached["spent"]), (&json!("budget_reached"), &json!(3.0)), "{output}");
    assert_eq!((counted(&output, "budget-reached"), world.lines("agent.log")), (1, 3));
    assert_eq!(status(&world), "budget_reached");
    // The saved ceiling still holds.
    let same = resume(&world, &[]).exits(6);
    assert_eq!((counted(&same, "run-started"), &finished(&same)["end"]), (0, &json!("budget_reached")));
    let higher = resume(&world, &["--max-cost-usd", "6"]).exits(6);
    assert_eq!((&finished(&higher)["spent"], world.lines("agent.log")), (&json!(6.0), 6));
    let highest = resume(&world, &["--max-cost-usd", "100"]).exits(0);
    assert_eq!((&finished(&highest)["spent"], world.lines("agent.log")), (&json!(10.0), 10));
    assert_eq!((status(&world).as_str(), saved(&world, "max_cost_usd")), ("completed", json!(100.0)));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn no_more_is_spent_than_the_ceiling_and_what_was_in_flight() {
    // Nothing is known of the cost when the first runs start: all of them may be in flight at once.
    for (jobs, ceiling) in [(1_u32, 1.5), (3, 2.0), (4, 0.5), (2, 4.0)] {
        let (world, fixture) = one(DOLLAR);
        let (jobs, most) = (jobs.to_string(), f64::from(jobs));
        let words = ceiling.to_string();
        let output = run(&world, &fixture, &["--runs", "9", "--jobs", &jobs, "--max-cost-usd", &words]).exits(6);
        let spent = finished(&output)["spent"].as_f64().unwrap();
        assert!(spent <= ceiling + most, "{jobs} jobs, ceiling {ceiling}: {spent}");
        let expected =
            output.events().iter().any(|event| event["reason"] == "budget-reached" && event["ceiling"] == ceiling);
        assert!(expected, "{output}");
    }
}

#[test]
fn what_failed_attempts_cost_counts() {
    let (world, fixture) = one(REFUSED);
    let output = run(&world, &fixture, &["--runs", "1", "--attempts", "9", "--max-cost-usd", "2"]).exits(6);
    let reached = finished(&output);
    assert_eq!((&reached["end"], &reached["spent"]), (&json!("budget_reached"), &json!(2.0)), "{output}");
    assert_eq!(world.lines("agent.log"), 2);
    let shown = world.scylla(&["status", &experiment(&world), "--message-format", "json"]).exits(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!((&shown["spent"], &shown["max_cost_usd"]), (&json!(2.0), &json!(2.0)));
    assert_eq!(counted(&resume(&world, &[]).exits(6), "run-started"), 0, "former attempts count for a resume too");
}

#[test]
fn what_judges_cost_counts() {
    let world = World::new();
    let judge = r#"cat > /dev/null; echo '{"items":{"R001":{"score":1,"explanation":"there"}},"cost_usd":1.0}'"#;
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").judge(judge).write(&world);
    let output = run(&world, &fixture, &["--runs", "5", "--jobs", "1", "--max-cost-usd", "2"]).exits(6);
    assert_eq!(finished(&output)["spent"], 2.0);
}

#[test]
fn a_run_whose_attempts_are_used_up_is_missing_and_a_later_resume_tries_it_again() {
    let world = World::new();
    let healed = world.path("healed");
    let agent =
        format!("{}; if [ -e {} ]; then {DOLLAR}; else {REFUSED}; fi", gated(&world, "agent"), healed.display());
    let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
    let output = run(&world, &fixture, &["--runs", "1", "--attempts", "2"]).exits(6);
    assert_eq!((counted(&output, "attempt-failed"), counted(&output, "run-errored")), (2, 1), "{output}");
    assert_eq!(
        (finished(&output)["missing"].clone(), recorded(&world, "T0/00/1")),
        (json!({"errored": 1}), json!("errored"))
    );
    let totals = &finished(&output)["tiers"][0];
    assert_eq!((&totals["done"], &totals["pass_rate"], &totals["mean_score"]), (&json!(0), &Value::Null, &Value::Null));
    let last = world.experiment().join("T0/00/.failed/run_01_attempt_02/attempt.json");
    assert_eq!((&json(&last)["failure"]["kind"], &json(&last)["last"]), (&json!("auth"), &json!(true)));
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(6);
    assert!(verified.stdout.contains("attempts were used up"), "{verified}");
    let again = resume(&world, &[]).exits(6);
    assert_eq!((counted(&again, "attempt-failed"), world.lines("agent.log")), (2, 4), "{again}");
    world.write("healed", "");
    let healed = resume(&world, &[]).exits(0);
    assert_eq!((finished(&healed)["spent"].clone(), recorded(&world, "T0/00/1")), (json!(5.0), json!("passed")));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn the_same_failure_many_times_in_a_row_pauses_its_tier_and_no_other() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-refused", &format!("{}; {REFUSED}", gated(&world, "refused")))
        .agent("T1/00-well", &format!("{}; {DOLLAR}", gated(&world, "well")))
        .write(&world);
    let output = run(&world, &fixture, &["--runs", "9", "--attempts", "1", "--jobs", "1"]).exits(6);
    let paused: Vec<Value> = output.events().into_iter().filter(|event| event["reason"] == "tier-paused").collect();
    assert_eq!(paused.len(), 1, "{output}");
    let [tier, kind, times, left] = ["tier", "kind", "times", "left"].map(|key| &paused[0][key]);
    assert_eq!((tier, kind, times, left), (&json!("T0"), &json!("auth"), &json!(5), &json!(4)));
    assert_eq!((world.lines("refused.log"), world.lines("well.log")), (5, 9));
    assert_eq!(finished(&output)["missing"], json!({"errored": 5, "not_started": 4}));
    // It gave up, and nobody interrupted it.
    let status = world.scylla(&["status", &experiment(&world)]).exits(0);
    let listed = world.scylla(&["list", "--results-dir", "results"]).exits(0);
    for told in [&status.stdout, &listed.stdout] {
        assert!(told.contains("incomplete") && !told.contains("interrupted"), "{told}");
    }
    let human = world.scylla(&["resume", &experiment(&world)]).exits(6);
    assert!(human.stderr.contains("Gives up    T0            auth failures in 5 runs in a row"), "{human}");
    assert!(human.stderr.contains("planned runs stay missing"), "{human}");
}

#[test]
fn a_failure_while_the_experiment_drains_is_not_tried_again_and_not_held_against_the_run() {
    let (world, fixture) = one(REFUSED);
    close(&world, "agent");
    let mut live = world.start(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]);
    live.wait_for("the agent's stage", |event| event["stage"] == "agent");
    live.signal("INT");
    live.wait_for_reason("stopping");
    open(&world, "agent");
    let (code, events, _) = live.end();
    assert_eq!((code, &events.last().unwrap()["missing"]), (Some(130), &json!({"unfinished": 1})));
    assert_eq!(world.lines("agent.log"), 1);
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(6);
    assert!(verified.stdout.contains("it was started and not finished"), "{verified}");
}

/// An agent that costs a dollar and makes a mistake in its record.
const MISTAKEN: &str = r#"printf '{"cost_usd": 1.0, "end": "done"}' > "$SCYLLA_RECORD_FILE""#;

#[test]
fn what_an_unreadable_record_says_of_its_cost_counts_and_the_ceiling_holds() {
    for agent in [
        MISTAKEN,
        r#"printf '{"cost_usd": 1.0, "token_stats": {"input_to' > "$SCYLLA_RECORD_FILE""#,
        r#"printf '{"cost_usd": "1.0"}' > "$SCYLLA_RECORD_FILE""#,
    ] {
        let (world, fixture) = one(agent);
        let output = run(&world, &fixture, &["--runs", "8", "--jobs", "1", "--max-cost-usd", "2"]).exits(6);
        assert_eq!((&finished(&output)["spent"], world.lines("agent.log")), (&json!(2.0), 2), "{agent}: {output}");
        let failed = output.events().into_iter().find(|event| event["reason"] == "attempt-failed").unwrap();
        let message = failed["failure"]["message"].as_str().unwrap();
        assert!(message.ends_with("; the $1.00 that it says it cost are counted"), "{message}");
        let same = resume(&world, &[]).exits(6);
        assert_eq!((counted(&same, "run-started"), &finished(&same)["spent"]), (0, &json!(2.0)), "{agent}");
    }
}

#[test]
fn an_agent_that_is_ended_at_a_limit_has_cost_what_its_unreadable_record_says() {
    let (world, fixture) = one(&format!("{MISTAKEN}; sleep 60"));
    let output = run(&world, &fixture, &["--runs", "1", "--timeout", "4"]).exits(0);
    assert_eq!(finished(&output)["spent"], 1.0, "{output}");
}

#[test]
fn a_cost_that_cannot_be_one_is_told_and_takes_nothing_off() {
    for cost in ["-5", "1e300", "NaN"] {
        let (world, fixture) = one(&format!(r#"printf '{{"cost_usd": {cost}}}' > "$SCYLLA_RECORD_FILE""#));
        let output = run(&world, &fixture, &["--runs", "1", "--attempts", "1"]).exits(6);
        let (spent, unknown) = (&finished(&output)["spent"], &finished(&output)["spent_unknown"]);
        assert_eq!((spent, unknown), (&Value::Null, &json!(1)), "{output}");
        let failed = output.events().into_iter().find(|event| event["reason"] == "attempt-failed").unwrap();
        let message = failed["failure"]["message"].as_str().unwrap();
        assert!(message.ends_with("; what it cost is not known"), "{message}");
    }
}

/// A judge that costs a dollar whatever it says.
fn dear(said: &str) -> String {
    format!("cat > /dev/null; printf '%s' '{said}'")
}

#[test]
fn what_an_invalid_answer_says_of_its_cost_counts_and_the_ceiling_holds() {
    let invalid = dear(r#"{"items":{"R001":{"score":1.5}},"cost_usd":1}"#);
    let cut = dear(r#"{"cost_usd":1,"items":{"R001":{"sco"#);
    let broken = format!("{}; exit 3", dear(r#"{"items":{"R001":{"score":1}},"cost_usd":1}"#));
    for judge in [invalid, cut, broken] {
        let world = World::new();
        let judge = format!("{}; {judge}", gated(&world, "judge"));
        let fixture = TestFixture::new().agent("T0/00-one", "touch done").judge(&judge).write(&world);
        let output = run(&world, &fixture, &["--runs", "8", "--jobs", "1", "--max-cost-usd", "2"]).exits(6);
        assert_eq!((&finished(&output)["spent"], world.lines("judge.log")), (&json!(2.0), 2), "{judge}: {output}");
        let shown = world.scylla(&["status", &experiment(&world), "--message-format", "json"]).exits(0);
        assert_eq!(serde_json::from_str::<Value>(&shown.stdout).unwrap()["spent"], 2.0, "{shown}");
        let same = resume(&world, &[]).exits(6);
        assert_eq!((counted(&same, "run-started"), &finished(&same)["spent"]), (0, &json!(2.0)), "{judge}");
    }
}

#[test]
fn a_committed_result_keeps_what_judges_cost_that_failed_on_the_way() {
    let world = World::new();
    let good = r#"{"items":{"R001":{"score":1}},"cost_usd":1}"#;
    let judge = format!(
        r#"cat > /dev/null; if [ "$SCYLLA_ATTEMPT" -lt 3 ]; then printf '%s' 'Well: {good}'; else printf '%s' '{good}'; fi"#
    );
    let fixture = TestFixture::new().agent("T0/00-one", DOLLAR).judge(&judge).write(&world);
    let output = run(&world, &fixture, &["--runs", "1"]).exits(0);
    assert_eq!(finished(&output)["spent"], 4.0, "{output}");
    let result = json(&world.experiment().join("T0/00/run_01/run_result.json"));
    let costs = ["cost_usd", "judge_cost_usd", "failed_judge_cost_usd"].map(|key| result[key].clone());
    assert_eq!(costs, [json!(1.0), json!(1.0), json!(2.0)]);
    let shown = world.scylla(&["status", &experiment(&world), "--message-format", "json"]).exits(0);
    assert_eq!(serde_json::from_str::<Value>(&shown.stdout).unwrap()["spent"], 4.0, "{shown}");
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn a_judge_that_is_killed_has_cost_what_it_has_said_already() {
    let world = World::new();
    let judge = format!(
        r#"cat > /dev/null; printf '{{"cost_usd":1,'; {}; echo '"items":{{"R001":{{"score":1}}}}}}'"#,
        gated(&world, "judge")
    );
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").judge(&judge).write(&world);
    close(&world, "judge");
    let live = world.start(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]);
    wait_until("the judge works", || world.lines("judge.log") == 1);
    // What is on its way through the coordinator dies with it.
    let response = world.experiment().join("T0/00/run_01/judge/judge_02/response.txt");
    wait_until("what it has said is kept", || fs::read(&response).is_ok_and(|said| said == br#"{"cost_usd":1,"#));
    live.signal("KILL");
    live.end();
    open(&world, "judge");
    let resumed = resume(&world, &[]).exits(0);
    assert_eq!(finished(&resumed)["spent"], 2.0, "{resumed}");
}

#[test]
fn the_command_that_is_named_at_the_ceiling_continues_also_when_no_run_is_done() {
    let world = World::new();
    let limited =
        r#"printf '{"cost_usd": 0.5, "failure": {"kind": "rate_limit", "retry_at": 0.1}}' > "$SCYLLA_RECORD_FILE""#;
    let agent = format!("if [ -e {} ]; then {DOLLAR}; else {limited}; fi", world.path("free").display());
    let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--max-cost-usd", "1"];
    let ran = world.scylla(&arguments).exits(6);
    world.write("free", "");
    let last = ran.stdout.lines().last().unwrap();
    let words: Vec<&str> = last.trim().split(' ').skip(2).collect();
    assert!(words.contains(&"--max-cost-usd"), "{ran}");
    world.scylla(&words).exits(0);
}

#[test]
fn a_dry_run_says_what_its_runs_can_show_before_they_are_paid() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-a", "touch done").agent("T0/01-b", "exit 0").write(&world);
    let run = |more: &[&str]| {
        world.scylla(&[&["run", "--tiers-dir", &fixture, "--results-dir", "results"], more].concat()).exits(0)
    };
    run(&["--runs", "1"]);
    // What is finished tells how often such runs pass.
    let dir = experiment(&world);
    let plan = run(&["--dry-run", "--fresh", "--runs", "20", "--message-format", "json"]).stdout;
    let outlook = serde_json::from_str::<Value>(&plan).unwrap()["outlook"].take();
    let name = Path::new(&dir).file_name().unwrap().to_str().unwrap();
    assert_eq!((&outlook["assumed_from"], &outlook["runs_per_setup"]), (&json!(format!("results/{name}")), &json!(20)));
    assert_eq!((&outlook["assumed_pass_rate"], &outlook["shows_difference"]), (&json!(0.5), &json!(0.45)));
    fs::remove_file(world.path(&dir).join("T0/01/run_01/run_result.json")).unwrap();
    let unknown = run(&["--dry-run", "--fresh", "--runs", "20"]);
    assert!(unknown.stdout.contains("50 % of runs pass: no experiment of this fixture is finished"), "{unknown}");
}
