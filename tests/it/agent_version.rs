//! The version that an agent's program says it is: in results, on screens, in the gate and in comparisons.

use crate::fixture::TestFixture;
use crate::scenes::{experiment, json};
use crate::world::World;

/// An agent that solves the task and says in its record that it is of a version: a shell's expression.
fn of_version(version: &str) -> String {
    format!("touch done; printf '{{\"end\":\"finished\",\"version\":\"%s\"}}' \"{version}\" >\"$SCYLLA_RECORD_FILE\"")
}

#[test]
fn a_result_has_the_version_that_the_agent_says_it_is_and_show_names_it() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-says", &of_version("1.4.0"))
        .agent("T0/01-does-not", "touch done")
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]).exits(0);
    let (dir, folder) = (experiment(&world), world.experiment());
    for file in ["agent/result.json", "run_result.json"] {
        let of = |subtest| json(&folder.join(format!("T0/{subtest}/run_01/{file}")));
        assert_eq!(of("00")["agent_version"], "1.4.0", "{file}");
        assert!(!of("01").as_object().unwrap().contains_key("agent_version"), "{file}");
    }
    let shown = |run| world.scylla(&["show", &dir, run]).exits(0).stdout;
    assert!(shown("T0/00/1").contains("; version 1.4.0, "), "{}", shown("T0/00/1"));
    assert!(!shown("T0/01/1").contains("version"), "{}", shown("T0/01/1"));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn the_gate_asks_that_agents_of_a_kind_were_of_one_version_and_names_what_they_said() {
    let world = World::new();
    world.write("home/version", "1.4.0");
    let fixture = TestFixture::new()
        .agent("T0/00-says", &of_version("$(cat $HOME/version)"))
        .subtest("T0/01-nothing", "agent: {kind: nop}\n")
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    let dir = experiment(&world);
    world.scylla(&["verify", &dir, "--same-agent-version"]).exits(0);
    // The program is updated while the experiment grows.
    world.write("home/version", "1.5.0");
    world.scylla(&["extend", &dir, "--runs", "3"]).exits(0);
    world.scylla(&["verify", &dir]).exits(0);
    let told = world.scylla(&["verify", &dir, "--same-agent-version"]).exits(7);
    assert!(
        told.stdout.contains(
            "agents of the kind `command` say more than one version, or not all say one, and \
             `--same-agent-version` asks for one: 1.4.0 in 2 results and 1.5.0 in 1 result\n"
        ),
        "{told}"
    );
    world.write(".config/scylla.toml", "[gate]\nsame-agent-version = true\n");
    world.scylla(&["verify", &dir, "--quick"]).exits(7);
}

#[test]
fn a_comparison_tells_that_the_agents_were_of_other_versions() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-old", &of_version("1.4.0"))
        .agent("T0/01-new", &of_version("1.5.0"))
        .agent("T0/02-silent", "touch done")
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]).exits(0);
    let dir = experiment(&world);
    let told = |later| world.scylla(&["compare", &dir, "T0/00", later]).exits(0).stdout;
    let wanted = "what also differs, and nobody asked for it:\n  version of command: 1.4.0 → 1.5.0\n";
    assert!(told("T0/01").contains(wanted), "{}", told("T0/01"));
    assert!(!told("T0/02").contains("version of"), "what is not known is no difference: {}", told("T0/02"));
    let silent = world.scylla(&["verify", &dir, "--same-agent-version"]).exits(7);
    assert!(silent.stdout.contains("1.4.0 in 1 result, 1.5.0 in 1 result and none in 1 result"), "{silent}");
}
