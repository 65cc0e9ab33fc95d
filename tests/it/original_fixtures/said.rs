//! What is said of the original's fixtures beside their files: agent, judges and limits, and how it is kept.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use scylla::config::fixture::{Said, load, load_with};
use scylla::model::ids::{SubtestId, TierId};
use scylla::model::task::{AgentSpec, Invocation, JudgeSpec};

use super::{DONE, assert_told, flags, named, quoted, told};
use crate::scenes::saved;
use crate::upstream_fixture::{FIXTURE, JUDGE, UpstreamFixture};
use crate::world::{World, steady};

#[test]
fn a_fixture_that_names_no_agent_and_no_judge_says_how_to_name_them() {
    let world = World::new();
    let dir = UpstreamFixture::new().write(&world);
    let output = world.scylla(&["run", "--tiers-dir", &dir, "--results-dir", "results"]).exits(2);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/fixture"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("original-unnamed", steady(&output.stderr, &world));
    });
}

#[test]
fn what_was_said_of_agent_and_judge_is_kept_in_the_experiment_and_a_resume_needs_no_flag() {
    let world = World::new();
    let dir = UpstreamFixture::new().write(&world);
    world.scylla(&flags(&dir, &["--tiers", "T0", "--max-cost-usd", "0"])).exits(6);
    let again = world.scylla(&flags(&dir, &["--tiers", "T0", "--max-cost-usd", "0"])).exits(6);
    assert!(!again.stderr.contains("fixture_digest"), "{again}");
    let experiment = world.experiment();
    let copy = load(&experiment.join("config/fixture")).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert_eq!(copy.judges.iter().map(JudgeSpec::name).collect::<Vec<_>>(), ["judge"]);
    let other = world.scylla(&["run", "--tiers-dir", &dir, "--results-dir", "results", "--agent-command", "true"]);
    assert!(other.exits(2).stderr.contains("there is no other judge"));
    world.scylla(&["resume", experiment.to_str().unwrap(), "--max-cost-usd", "9"]).exits(0);
    let result = crate::scenes::json(&experiment.join("T0/02/run_01/run_result.json"));
    assert_eq!((&result["judge_passed"], &result["judges"][0]["model"]), (&true.into(), &"judge".into()));
}

#[test]
fn any_line_comes_back_from_the_experiments_copy_as_it_was_said() {
    let lines = [
        "echo \"it's\" 'x' # no: comment",
        "a\tb\\n\nsecond: line\n",
        "grüße \u{1F980} \u{85}\u{7f} {x}, [y]",
        "- &a *b !c %d @e `f`",
    ];
    let world = World::new();
    let dir = UpstreamFixture::new().write(&world);
    for line in lines {
        let said =
            Said { agent_command: Some(line.into()), judge_commands: vec![line.into(), "x".into()], ..Said::default() };
        let loaded = load_with(Path::new(&dir), &said).unwrap();
        world.write(&format!("{FIXTURE}/scylla.yaml"), &loaded.parts.written["scylla.yaml"]);
        assert_eq!(load(Path::new(&dir)).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")), loaded.fixture);
        fs::remove_file(world.path(FIXTURE).join("scylla.yaml")).unwrap();
    }
}

#[test]
fn a_flag_wins_over_the_files_and_a_setting_counts_only_where_they_say_nothing() {
    let world = World::new();
    let beside = "agent: {kind: oracle}\nchecks: [{name: made, shell: test -f done, timeout_seconds: 5}]\nenvironment: [MY_KEY]\n";
    let fixture = UpstreamFixture::new().test(&named()).file("scylla.yaml", beside).test("solution_file: prompt.md\n");
    let dir = fixture.write(&world);
    let agent = |said: &Said| {
        let loaded = load_with(Path::new(&dir), said).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let agent = loaded.fixture.tiers[&TierId(0)][&SubtestId(0)].agent.clone();
        let names: Vec<String> = loaded.fixture.judges.iter().map(|judge| judge.name().to_owned()).collect();
        (agent, names.join(" "), loaded)
    };
    let usual = Said {
        usual_agent_command: Some("usual".into()),
        usual_judge_commands: vec!["usual".into()],
        ..Said::default()
    };
    let (of_files, panel, loaded) = agent(&usual);
    assert_eq!((of_files, panel.as_str(), loaded.parts.written.len()), (AgentSpec::Oracle, "looker", 0));
    let said = Said { agent_command: Some("mine".into()), judge_commands: vec!["a".into(), "b".into()], ..usual };
    let (of_flag, panel, loaded) = agent(&said);
    assert!(matches!(of_flag, AgentSpec::Command { run: Invocation::Shell(line), .. } if line == "mine"));
    assert_eq!(panel, "judge-1 judge-2");
    let written = &loaded.parts.written["scylla.yaml"];
    assert!(written.contains("test -f done") && written.contains("MY_KEY"), "{written}");

    let world = World::new();
    let bare = UpstreamFixture::new().write(&world);
    let settings = format!("agent-command = {}\njudge-command = {}\n", quoted(DONE), quoted(JUDGE));
    world.write(".config/scylla.toml", &settings);
    world.scylla(&["fixture", "check", &bare]).exits(0);
}

#[test]
fn a_file_beside_the_test_that_is_broken_stops_only_itself() {
    let torn = UpstreamFixture::new().file("scylla.yaml", "agent: {kind\n");
    assert_told!("original-beside-torn", torn);
    let wrong =
        UpstreamFixture::new().file("scylla.yaml", "agent: {kind: comand}\njudge: x\njudges: []\nenvironment: [1X]\n");
    assert_told!("original-beside", wrong);
}

#[test]
fn an_agent_that_nobody_uses_is_told() {
    let world = World::new();
    let dir = crate::fixture::TestFixture::new().agent("T0/00-one", DONE).write(&world);
    let output = world.scylla(&["fixture", "check", &dir, "--agent-command", "mine"]).exits(2);
    assert!(output.stderr.contains("so `--agent-command` says nothing"), "{output}");
}

/// What the config of a new experiment of this fixture says of its limits, and what was said of them.
fn limits(fixture: &UpstreamFixture, settings: &str, more: &[&str]) -> (Value, Value, bool) {
    let world = World::new();
    let dir = fixture.write(&world);
    world.write(".config/scylla.toml", settings);
    let output = world.scylla(&flags(&dir, &[&["--tiers", "T6"], more].concat()));
    let told = "the fixture's `config.yaml` sets a ceiling of $5.00, which the original's runner never read";
    (saved(&world, "timeout_seconds"), saved(&world, "max_cost_usd"), output.stderr.contains(told))
}

#[test]
fn the_limits_of_the_fixture_count_where_nobody_says_others() {
    let fixture = UpstreamFixture::new();
    assert_eq!(limits(&fixture, "", &[]), (json!(600), json!(5.0), true));
    assert_eq!(limits(&fixture, "max-cost-usd = 3\ntimeout = 50\n", &[]), (json!(50), json!(3.0), false));
    let flags = ["--max-cost-usd", "2", "--timeout", "40"];
    assert_eq!(limits(&fixture, "max-cost-usd = 3\ntimeout = 50\n", &flags), (json!(40), json!(2.0), false));
    let silent = UpstreamFixture::new().test_without("timeout_seconds: 600");
    assert_eq!(limits(&silent, "", &[]), (json!(1800), json!(5.0), true));
}
