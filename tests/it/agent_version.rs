//! The version that an agent's program says it is, alone because results, screens, the gate and comparisons have it.

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
