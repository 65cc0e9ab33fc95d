//! What the setups of a fixture may differ in, where it says so.

use serde_json::Value;

use crate::fixture::TestFixture;
use crate::scenes::experiment;
use crate::world::{Output, World};

/// Two setups whose agents differ in their shell line and their environment.
fn fixture(world: &World, vary: &str) -> String {
    let setup = |version: &str, level: &str| {
        let record = format!("{{\\\"version\\\": \\\"{version}\\\", \\\"end\\\": \\\"finished\\\"}}");
        let shell = format!("echo done > done; printf '{record}' > $SCYLLA_RECORD_FILE");
        format!("agent:\n  kind: command\n  shell: \"{shell}\"\n  environment: {{LEVEL: {level}}}\n")
    };
    TestFixture::new()
        .subtest("T0/00-plain", &setup("1.0.0", "one"))
        .subtest("T1/00-other", &setup("2.0.0", "two"))
        .extra(vary)
        .write(world)
}

fn run(world: &World, fixture: &str) -> Output {
    world.scylla(&["run", fixture, "--runs", "1", "--results-dir", "results"])
}

#[test]
fn a_difference_between_setups_that_vary_does_not_name_is_a_mistake_and_one_that_it_names_is_none() {
    let world = World::new();
    let refused = run(&world, &fixture(&world, "vary: [agent.shell, skills]\n")).exits(2);
    let wrong = "test.yaml:14: `T1/00` differs from `T0/00` in `agent.environment`, which `vary` does not name: \
                 agent's environment LEVEL is `one` there, `two` here";
    assert!(refused.stderr.contains(wrong), "{}", refused.stderr);
    assert!(refused.stderr.contains("add `agent.environment` to `vary`"), "{}", refused.stderr);
    assert_eq!(refused.stderr.matches("differs from").count(), 1, "{}", refused.stderr);
    let unknown = run(&world, &fixture(&world, "vary: [skill]\n")).exits(2);
    assert!(unknown.stderr.contains("`vary` names `skill`") && unknown.stderr.contains("did you mean `skills`?"));
    run(&world, &fixture(&world, "vary: [agent.shell, agent.environment.LEVEL]\n")).exits(0);
    let misspelt = run(&world, &fixture(&world, "vary: [agent.shel]\n")).exits(2);
    assert!(misspelt.stderr.contains("did you mean `agent.shell`?"), "{misspelt}");
}

/// `nop` and `oracle` are controls: that they differ from what is measured is what they are for.
#[test]
fn controls_are_no_difference_and_what_reads_alike_is_one() {
    let world = World::new();
    let path = fixture(&world, "solution_file: solution.patch\nvary: [agent.shell, agent.environment]\n");
    world.write("fixture/solution.patch", "--- a/readme.txt\n+++ b/readme.txt\n");
    world.write("fixture/tiers/T0/02-nothing.yaml", "agent: {kind: nop}\n");
    world.write("fixture/tiers/T0/03-oracle.yaml", "agent: {kind: oracle}\n");
    let plan = |path: &str| world.scylla(&["run", path, "--dry-run"]);
    plan(&path).exits(0);
    world.write("fixture/tiers/T2/00-words.yaml", "agent: {kind: command, command: [agent, 'a, b']}\n");
    world.write("fixture/tiers/T2/01-more.yaml", "agent: {kind: command, command: [agent, a, b]}\n");
    std::fs::remove_dir_all(world.path("fixture/tiers/T1")).unwrap();
    std::fs::remove_file(world.path("fixture/tiers/T0/00-plain.yaml")).unwrap();
    let yaml = std::fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    let yaml = yaml.replace("T1", "T2").replace("[agent.shell, agent.environment]", "[files]");
    world.write("fixture/test.yaml", &yaml);
    let told = plan(&path).exits(2);
    assert!(told.stderr.contains(r#"agent's command is `["agent","a, b"]` there, `["agent","a","b"]` here"#), "{told}");
}

#[test]
fn files_over_the_tree_that_are_the_same_are_no_difference_wherever_they_lie() {
    let world = World::new();
    let setup = |name: &str| format!("agent: {{kind: command, shell: touch done}}\noverlay: overlays/{name}\n");
    let fixture = TestFixture::new()
        .subtest("T0/00-one", &setup("one"))
        .subtest("T0/01-same", &setup("same"))
        .extra("vary: [skills]\n")
        .write(&world);
    for name in ["one", "same"] {
        world.write(&format!("fixture/overlays/{name}/notes/hint.md"), "Make it.\n");
    }
    let plan = |flags: &[&str]| world.scylla(&[&["run", &fixture, "--dry-run"], flags].concat());
    let told = plan(&["--message-format", "json"]).exits(0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["differ_in"], serde_json::json!([]));
    assert_eq!(told["alike"], serde_json::json!([["T0/00", "T0/01"]]), "they measure one setup twice");
    run(&world, &fixture).exits(0);
    world.write("fixture/overlays/same/notes/hint.md", "Leave it.\n");
    let told = plan(&[]).exits(2);
    assert!(told.stderr.contains("`T0/01` differs from `T0/00` in `files`, which `vary` does not name"), "{told}");
}

#[test]
fn a_dry_run_lists_what_setups_differ_in() {
    let world = World::new();
    let path = fixture(&world, "");
    let plan = world.scylla(&["run", &path, "--dry-run", "--message-format", "json"]).exits(0);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["differ_in"], serde_json::json!(["agent.environment", "agent.shell"]));
    let shown = world.scylla(&["run", &path, "--dry-run"]).exits(0);
    assert!(shown.stdout.contains("setups differ in `agent.environment` and `agent.shell`"), "{}", shown.stdout);
    let one = world.scylla(&["run", &path, "--dry-run", "--tiers", "T1"]).exits(0);
    assert!(!one.stdout.contains("setups differ"), "{}", one.stdout);
}

#[test]
fn another_version_of_an_agent_is_a_difference_that_verify_finds_unless_vary_names_it() {
    for (vary, exit) in [("[agent.shell, agent.environment]", 7), ("[agent]", 0)] {
        let world = World::new();
        run(&world, &fixture(&world, &format!("vary: {vary}\n"))).exits(0);
        let verified = world.scylla(&["verify", &experiment(&world)]).exits(exit);
        assert_eq!(verified.stdout.contains("2.0.0"), exit == 7, "{}", verified.stdout);
        // Nobody typed the flag that asks for the same.
        assert!(!verified.stdout.contains("--same-agent-version"), "{}", verified.stdout);
        let told = "and `vary` of the fixture does not name `agent.version`: 1.0.0 in 1 result and 2.0.0 in 1 result";
        assert_eq!(verified.stdout.contains(told), exit == 7, "{}", verified.stdout);
    }
}

/// A program in the place of Claude Code, which keeps what it was told and does the task.
const CLAUDE: &str = r#"#!/bin/sh
[ "$1" = --version ] && { echo "2.1.197 (Claude Code)"; exit 0; }
cat >/dev/null
echo "$*" >>"$HOME/told.log"
touch done
echo '{"type":"result","subtype":"success","is_error":false,"total_cost_usd":0.02,"usage":{"input_tokens":10,"output_tokens":3}}'
"#;

#[test]
fn setups_that_name_their_models_are_compared_in_one_experiment_whatever_model_flags_name() {
    let world = World::new();
    world.program("bin/claude", CLAUDE);
    let setup = |model: &str| format!("agent: {{kind: claude-code, model: {model}}}\n");
    let path = TestFixture::new()
        .subtest("T0/00-large", &setup("claude-opus-4-6"))
        .subtest("T0/01-small", &setup("claude-haiku-4-5"))
        .subtest("T0/02-told", "agent: {kind: claude-code}\n")
        .extra("vary: [agent.model]\n")
        .write(&world);
    let arguments = ["run", &path, "--runs", "1", "--results-dir", "results", "--model", "sonnet", "--jobs", "1"];
    let found = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let told = crate::scenes::output(world.command(&arguments).env("PATH", found).env("ANTHROPIC_API_KEY", "fake"));
    told.exits(0);
    let told = std::fs::read_to_string(world.path("home/told.log")).unwrap();
    let models: Vec<&str> = told.lines().filter_map(|line| line.split("--model ").nth(1)).collect();
    assert_eq!(models, ["claude-opus-4-6", "claude-haiku-4-5", "sonnet"], "{told}");
    let rows = world.scylla(&["runs", &experiment(&world), "--format", "json"]).exits(0);
    let rows: Value = serde_json::from_str(&rows.stdout).unwrap();
    let models: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["model"]).collect();
    assert_eq!(models, ["claude-opus-4-6", "claude-haiku-4-5", "sonnet"]);
    let compared = world.scylla(&["compare", &experiment(&world), "T0/00", "T0/01"]).exits(0);
    assert!(compared.stdout.contains("agent's model: claude-opus-4-6 → claude-haiku-4-5"), "{compared}");
}
