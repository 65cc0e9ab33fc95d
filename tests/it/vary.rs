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
    run(&world, &fixture(&world, "vary: [agent.shell, agent.environment]\n")).exits(0);
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
    }
}
