//! Controls measure the task and no agent: they win nothing, and one that does otherwise than is expected is told everywhere.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment};
use crate::world::World;

const NOP: &str = "name: Nothing\nagent: {kind: nop}\n";
const ORACLE: &str = "name: Oracle\nagent: {kind: oracle}\n";
/// An agent that does nothing, and says what that cost.
const IDLE: &str = r#"printf '{"cost_usd": 0.1}' > "$SCYLLA_RECORD_FILE""#;
const SOLUTION: &str = "--- /dev/null\n+++ b/done\n@@ -0,0 +1 @@\n+done\n";

/// A task with both controls in its first tier, whose reference solution is this patch.
fn task(world: &World, solution: &str) -> TestFixture {
    world.write("fixture/expected/solution.patch", solution);
    TestFixture::new()
        .subtest("T0/00-nothing", NOP)
        .subtest("T0/01-oracle", ORACLE)
        .extra("solution_file: expected/solution.patch\n")
}

/// Runs it, and gives the folder and what was printed at its end.
fn run(world: &World, fixture: &str) -> (String, String) {
    let ran = world.scylla(&["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    (experiment(world), ran.stdout)
}

fn report(world: &World, dir: &str) -> Value {
    let report = world.scylla(&["report", dir, "--format", "json"]).exits(0).stdout;
    serde_json::from_str::<Value>(&report).unwrap()["experiments"][0].clone()
}

fn answers(report: &Value) -> Vec<&str> {
    report["answers"].as_array().unwrap().iter().map(|answer| answer["sentence"].as_str().unwrap()).collect()
}

#[test]
fn a_control_wins_nothing_in_any_form_of_the_report_and_is_compared_with_nobody() {
    let world = World::new();
    let fixture = task(&world, SOLUTION).agent("T1/00-well", AGENT).agent("T1/01-idle", IDLE).write(&world);
    let (dir, ran) = run(&world, &fixture);
    for row in ["T0/00  Nothing (control)", "T0/01  Oracle (control)", "all but controls"] {
        assert!(ran.contains(row), "{row}: {ran}");
    }
    let all = ran.lines().find(|line| line.contains("all but controls")).unwrap();
    assert!(all.contains("4/4       2       50 %"), "{all}");
    // Both tiers together, and none of agents in the first one.
    let tiers = world.scylla(&["status", &dir, "--by", "tier"]).exits(0).stdout;
    assert!(tiers.contains("T0 (controls)") && tiers.contains("all but controls"), "{tiers}");

    let report = report(&world, &dir);
    let setups = report["setups"].as_array().unwrap();
    let key = |key: &str| setups.iter().map(|setup| setup[key].clone()).collect::<Vec<_>>();
    assert_eq!(key("control"), [json!("must_fail"), json!("must_pass"), json!(null), json!(null)]);
    // What passes nothing stands on no frontier either, though it costs least.
    assert_eq!(key("is_on_frontier"), [json!(false), json!(false), json!(true), json!(false)]);
    assert!(key("beside_best")[..3].iter().all(Value::is_null) && !key("beside_best")[3].is_null(), "{setups:#?}");
    assert_eq!(report["broken_controls"], json!([]));
    assert_eq!((&report["whole"]["passed"], &report["measured"]["passed"]), (&json!(4), &json!(2)));
    assert_eq!((report["tiers"].as_array().unwrap().len(), &report["tiers"][0]["tier"]), (1, &json!("T1")));
    let answers = answers(&report);
    assert!(answers[0].starts_with("T1/00 (well) solved its task most often"), "{answers:#?}");
    assert!(!answers.iter().any(|sentence| sentence.contains("T0")), "{answers:#?}");

    for (form, mark) in [("terminal", "Oracle (control)"), ("md", "Oracle (control)"), ("latex", "Oracle (control)")] {
        let text = world.scylla(&["report", &dir, "--format", form]).exits(0).stdout;
        let row = text.lines().find(|line| line.contains(mark)).unwrap_or_else(|| panic!("{text}"));
        assert!(!row.contains('★') && !row.contains("star"), "{row}");
        assert!(text.contains("it wins nothing, and is compared with nobody"), "{text}");
    }
    world.scylla(&["report", &dir, "--format", "html"]).exits(0);
    let page = fs::read_to_string(world.path(&dir).join("report/report.html")).unwrap();
    assert!(page.contains("<td class=\"word\">Oracle (control)</td>") && page.contains("Controls are not drawn."));
    let chart = page.split_once("<svg class=\"chart\"").unwrap().1.split_once("</svg>").unwrap().0;
    assert!(chart.contains("T1/00") && !chart.contains("T0/01"), "{chart}");

    // A tier or an experiment is compared without its controls, and a control that is named itself is called one.
    let compare = |sides: &[&str]| world.scylla(&[&["compare", &dir], sides].concat());
    let told = compare(&["T0/01", "T1"]).exits(0).stdout;
    assert!(told.contains("Oracle of") && told.contains("(a control, which measures no agent)"), "{told}");
    let none = compare(&["T0", "T1"]).exits(2);
    assert!(none.stderr.contains("measures no agent in T0: every setup there is a control"), "{none}");
    fs::rename(world.path(&dir), world.path("other")).unwrap();
    let (again, _) = run(&world, &fixture);
    let told = world.scylla(&["compare", "other", &again]).exits(0).stdout;
    assert!(told.contains("without its controls T0/00 and T0/01, which measure no agent"), "{told}");
    assert!(told.contains("(2 of 4 runs against 2 of 4)"), "{told}");
}

#[test]
fn a_control_that_does_otherwise_is_told_at_the_end_by_status_by_verify_and_in_every_form_of_the_report() {
    let world = World::new();
    let wrong = SOLUTION.replace("b/done", "b/other");
    let fixture = task(&world, &wrong).agent("T1/00-well", AGENT).write(&world);
    let (dir, ran) = run(&world, &fixture);
    let fact = "`oracle` failed 2 of 2 runs, T0/01/run_01 first, so nothing measured on this task can be trusted: its checks \
                or judges refuse the reference solution, or that solves nothing";
    let sentence = format!("Broken control: {fact}.");
    let shows = "-tested T0/01/1` shows why";
    let status = world.scylla(&["status", &dir]).exits(0).stdout;
    for text in [&ran, &status] {
        assert!(text.contains(&sentence) && text.contains(shows), "{text}");
    }
    let broken =
        json!([{"tier": "T0", "subtest": "01", "control": "must_pass", "run": "T0/01/run_01", "runs": 2, "of": 2}]);
    let json: Value =
        serde_json::from_str(&world.scylla(&["status", &dir, "--message-format", "json"]).exits(0).stdout).unwrap();
    assert_eq!(json["broken_controls"], broken, "{json:#}");
    let again = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--message-format", "json"];
    let events = world.scylla(&again).exits(0).events();
    assert_eq!(events.last().unwrap()["broken_controls"], broken, "{events:#?}");

    let report = report(&world, &dir);
    assert_eq!(report["broken_controls"], broken, "{report:#}");
    assert_eq!(report["answers"][0]["about"], "broken_control", "{report:#}");
    assert!(answers(&report)[0].starts_with(&sentence), "{report:#}");
    let written = world.scylla(&["report", &dir, "--format", "terminal,md,latex,html,csv,inspect"]).exits(0);
    assert!(written.stderr.contains(&sentence), "{written}");
    for file in ["report.txt", "report.md", "report.tex", "report.html"] {
        let text = fs::read_to_string(world.path(&dir).join("report").join(file)).unwrap();
        let text: Vec<&str> = text.split_whitespace().collect();
        assert!(text.join(" ").contains("so nothing measured on this task can be trusted"), "{file}");
    }
    let mut logs = fs::read_dir(world.path(&dir).join("report")).unwrap().map(|entry| entry.unwrap().path());
    let log = logs.find(|path| path.to_str().unwrap().contains("-T1-00_")).unwrap();
    let log: Value = serde_json::from_str(&fs::read_to_string(log).unwrap()).unwrap();
    assert_eq!(log["eval"]["metadata"]["broken_controls"], broken, "{log:#}");

    let verified = world.scylla(&["verify", &dir]).exits(0).stdout;
    assert!(verified.contains("broken-control") && verified.contains(fact), "{verified}");
    world.scylla(&["verify", &dir, "--deny-warnings"]).exits(7);
}

#[test]
fn what_is_said_of_a_tier_or_of_all_counts_no_control_and_one_that_is_named_itself_is_told() {
    let world = World::new();
    let fixture = task(&world, SOLUTION).agent("T0/02-idle", IDLE).write(&world);
    let (dir, ran) = run(&world, &fixture);
    // Nobody asks why the one fails that must.
    let status = world.scylla(&["status", &dir]).exits(0).stdout;
    for text in [&ran, &status] {
        let (_, why) = text.split_once("Why runs did not pass:").unwrap_or_else(|| panic!("{text}"));
        assert!(why.contains("T0/02:") && !why.contains("T0/00:"), "{text}");
    }
    // With its controls the tier would have passed a third.
    for asked in ["T0=0.3", "0.3"] {
        let refused = world.scylla(&["verify", &dir, "--min-pass-rate", asked]).exits(7);
        assert!(format!("{refused}").contains("passed 0 of 2 results"), "{refused}");
    }
    world.scylla(&["verify", &dir, "--min-pass-rate", "T0/01=1"]).exits(0);
    world.scylla(&["verify", &dir, "--min-pass-rate", "T0/00=0.5"]).exits(7);
    let tier = world.scylla(&["show", &dir, "T0"]).exits(0).stdout;
    assert!(tier.starts_with("T0: 3 setups, 0 of 2 (0 %) judged runs passed without 2 controls\n"), "{tier}");
    assert!(tier.contains("Nothing (control)") && tier.contains("Oracle (control)"), "{tier}");
    assert!(tier.trim_end().ends_with(" T0/02"), "what is shown first is an agent's: {tier}");
    let setup = world.scylla(&["show", &dir, "T0/01"]).exits(0).stdout;
    assert!(setup.starts_with("T0/01  Oracle (control, which measures no agent): 2 of 2"), "{setup}");
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&world.scylla(arguments).exits(0).stdout).unwrap_or_else(|error| panic!("{error}"))
    };
    let listed = json(&["list", "--results-dir", "results", "--format", "json"]);
    let key = |key: &str| listed[0][key].clone();
    assert_eq!(
        [key("done"), key("passed"), key("agents_done"), key("agents_passed")],
        [6, 2, 2, 0].map(|it| json!(it))
    );
    let rows = json(&["runs", &dir, "--format", "json"]);
    let controls: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["control"]).collect();
    assert_eq!(
        controls[..5],
        [&json!("must_fail"), &json!("must_fail"), &json!("must_pass"), &json!("must_pass"), &json!(null)]
    );
    assert!(world.scylla(&["runs", &dir]).exits(0).stdout.contains("Oracle (control)"));
    let dry = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--dry-run"];
    let plan = json(&[&dry[..], &["--message-format", "json"]].concat());
    assert_eq!(plan["outlook"]["assumed_pass_rate"], json!(0.0), "{plan:#}");
}

#[test]
fn a_nop_that_passes_breaks_the_task_and_where_only_controls_ran_no_agent_was_measured() {
    let world = World::new();
    let fixture = task(&world, SOLUTION).check("true").write(&world);
    let (dir, ran) = run(&world, &fixture);
    assert!(ran.contains("Broken control: `nop` passed 2 of 2 runs, T0/00/run_01 first"), "{ran}");
    let refused = world.scylla(&["verify", &dir, "--min-pass-rate", "T0=0"]).exits(7);
    assert!(format!("{refused}").contains("T0 measures no agent, every setup there is a control"), "{refused}");
    let tier = world.scylla(&["show", &dir, "T0"]).exits(0).stdout;
    assert!(tier.starts_with("T0: 2 setups, all of them controls, which measure no agent\n"), "{tier}");
    assert!(!ran.contains("all"), "there is nothing to add up: {ran}");
    let report = report(&world, &dir);
    let answers = answers(&report);
    assert!(answers[1].starts_with("No agent was measured: every run with a verdict is of a control"), "{answers:#?}");
    assert_eq!(answers.len(), 2, "{answers:#?}");
}

#[test]
fn a_later_tier_takes_over_the_best_setup_of_an_agent_and_never_a_control() {
    let world = World::new();
    let heir = "inherit_best_from: [T0]\nagent:\n  kind: command\n  record: optional\n  shell: touch other\n";
    let fixture = task(&world, SOLUTION).agent("T0/02-idle", IDLE).subtest("T5/00-heir", heir).write(&world);
    let (dir, _) = run(&world, &fixture);
    let inherited = fs::read_to_string(world.path(&dir).join("config/inherited/T5.json")).unwrap();
    let inherited: Value = serde_json::from_str(&inherited).unwrap();
    assert_eq!(inherited["sources"]["T0"]["subtest"], "02", "{inherited:#}");
    world.scylla(&["verify", &dir]).exits(0);
}
