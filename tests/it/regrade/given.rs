//! Which edited files of a fixture only change how finished work is graded, and which agents may have been given.

use std::fs;

use serde_json::json;

use super::regrade;
use crate::fixture::TestFixture;
use crate::scenes::{experiment, json};
use crate::world::World;

const AGENT: &str = r#"exec sh "$SCYLLA_FIXTURE/agents/agent.sh""#;
const JUDGE: &str = r#"exec sh "$SCYLLA_FIXTURE/judges/ask.sh""#;

fn made(world: &World, agent: &str) {
    world.write("fixture/agents/agent.sh", "touch done\n");
    world.write("fixture/judges/ask.sh", r#"cat > /dev/null; cat "$SCYLLA_FIXTURE/judges/answer.json""#);
    world.write("fixture/judges/answer.json", super::BAD);
    world.write("fixture/notes/notes.txt", "Notes.\n");
    TestFixture::new().agent("T0/00-one", agent).judge(JUDGE).write(world);
    run(world).exits(0);
}

fn run(world: &World) -> crate::world::Output {
    world.scylla(&["run", "--tiers-dir", "fixture", "--results-dir", "results", "--runs", "1"])
}

#[test]
fn an_edited_program_of_an_agent_is_no_grading_and_what_only_judges_name_is() {
    let world = World::new();
    made(&world, AGENT);
    for file in ["agents/agent.sh", "notes/notes.txt", "agents/new.sh"] {
        let path = world.path("fixture").join(file);
        let former = fs::read_to_string(&path).ok();
        fs::write(&path, "# Edited.\ntouch done\n").unwrap();
        let refused = regrade(&world, &[]).exits(2);
        assert!(refused.stderr.contains(&format!("differs in what agents are given: `{file}`")), "{refused}");
        let dry = ["run", "--tiers-dir", "fixture", "--results-dir", "results", "--runs", "1", "--dry-run"];
        let other = world.scylla(&dry).exits(0);
        assert!(!other.stderr.contains("regrade"), "{file}: {other}");
        match former {
            Some(former) => fs::write(&path, former).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    assert!(!world.experiment().join("config/gradings").exists());
    fs::write(world.path("fixture/judges/answer.json"), super::GOOD).unwrap();
    let told = run(&world).exits(2);
    assert!(told.stderr.contains("differs only in how finished work is graded: `judges/answer.json`"), "{told}");
    regrade(&world, &[]).exits(0);
    let grading = json(&world.experiment().join("config/gradings/02/grading.json"));
    assert_eq!(grading["changed"], json!(["judges/answer.json"]));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn what_a_judge_names_is_an_agents_too_when_it_may_read_the_fixture_as_a_whole() {
    let world = World::new();
    made(&world, r#"(cd "$SCYLLA_FIXTURE" && cat agents/agent.sh) | sh"#);
    fs::write(world.path("fixture/judges/answer.json"), super::GOOD).unwrap();
    let refused = regrade(&world, &[]).exits(2);
    assert!(refused.stderr.contains("differs in what agents are given: `judges/answer.json`"), "{refused}");
}
