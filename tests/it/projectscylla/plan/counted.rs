//! What is said of the fixtures before anything starts, and what a missing resource stops.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::{case, told, tree};
use crate::scenes::{files_below, json};
use crate::world::{Output, World, steady};

macro_rules! snapshot {
    ($name:literal, $text:expr) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/originals"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, $text) })
    };
}

/// `run` of a fixture with more said, in a world where that may fail.
fn run(name: &str, more: &[&str], before: impl FnOnce(&World)) -> (World, Output) {
    let (world, arguments) = told(case(name));
    before(&world);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
    let output = world.scylla(&arguments);
    (world, output)
}

/// Every file of a world with its bytes.
fn all(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    files_below(&world.path("")).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

#[test]
fn every_key_of_projectscyllas_is_in_the_tree() {
    let yaml = tree::yaml();
    for key in [
        "id: \"test-",
        "description:",
        "language: python",
        "language: rust",
        "language: mojo",
        "repo:",
        "hash:",
        "branch:",
        "prompt_file:",
        "criteria_file:",
        "rubric_file:",
        "models:",
        "tags:",
        "timeout_seconds:",
        "max_cost_usd:",
        "extends_previous: true",
        "extends_previous: false",
        "inherit_best_from:",
        "agent_teams: true",
        "system_prompt_mode: none",
        "system_prompt_mode: default",
        "system_prompt_mode: custom",
        "\n  claude_md:\n    blocks:",
        "\n  skills:\n    categories:",
        "\n  skills:\n    names:",
        "\n  agents:\n    levels:",
        "\n  agents:\n    names:",
        "\n  tools:\n    enabled:",
        "\n  mcp_servers:",
        "\ntools:\n  enabled: all",
        "\ntools:\n  enabled: [",
        "\nmcp_servers:",
        "\nskills:",
        "\nagents:",
        "source: local",
        "config_path:",
        "requirements:",
        "evaluation: \"binary\"",
        "evaluation: \"scaled\"",
        "\n    criteria:",
        "skill_validation:",
        "skill_source:",
        "categories:",
        "scoring_type: \"checklist\"",
        "scoring_type: \"subjective\"",
        "points:",
        "na_condition:",
        "pass_threshold:",
        "grade_scale:",
        "tools_enabled: null",
        "delegation_enabled:",
    ] {
        assert!(yaml.contains(key), "no fixture of the tree says `{key}`");
    }
    for tier in 0..7 {
        assert!(yaml.contains(&format!("  - T{tier}\n")), "no fixture lists T{tier}");
    }
}

#[test]
fn a_dry_run_shows_the_whole_plan_of_a_fixture_and_writes_nothing() {
    let mut before = BTreeMap::new();
    let more = ["--dry-run", "--price-per-run", "0.012"];
    let (world, output) = run("test-001", &more, |world| before = all(world));
    let output = output.exits(0);
    // What a fixture needs may be on this machine or not.
    let mut told = output.stderr.lines().filter(|line| !line.is_empty());
    assert!(told.all(|line| line.ends_with(", which is not installed here")), "{output}");
    assert_eq!(all(&world), before);
    snapshot!("dry_run", steady(&output.stdout, &world));
}

#[test]
fn subtests_that_compose_the_same_are_told_before_they_are_paid_for() {
    let (_, output) = run("test-007", &["--max-cost-usd", "0"], |_| {});
    let output = output.exits(6);
    let told = output.stderr.lines().filter(|line| line.contains("compose the same")).collect::<Vec<_>>();
    assert!(matches!(told[..], [once] if once.ends_with("`T3/02` and `T3/03` compose the same")), "{output}");
    let (_, output) = run("test-007", &["--max-cost-usd", "0"], |world| {
        let subtests = world.path("originals/claude-code/shared/subtests/t3");
        for number in 11..=18 {
            fs::copy(subtests.join("03-reviewer.yaml"), subtests.join(format!("{number}-also.yaml"))).unwrap();
        }
    });
    let many = "`T3/02`, `T3/03`, `T3/11`, `T3/12`, `T3/13`, `T3/14` and 4 more compose the same\n";
    assert!(output.stderr.contains(many), "{output}");
    let (_, output) = run("test-006", &["--dry-run"], |_| {});
    assert!(output.stdout.contains("\nT3/02 and T3/03 compose the same\n"), "{output}");
}

#[test]
fn a_folder_of_skills_that_was_deleted_stops_those_subtests_that_name_them_and_no_other() {
    let skills = "originals/claude-code/shared/skills";
    let delete = |world: &World| fs::remove_dir_all(world.path(skills)).unwrap();
    let (world, output) = run("test-005", &["--tiers", "T0,T1"], delete);
    let output = output.exits(6);
    let told = "T1/01 is not started: there is no skill or category of skills `tracker` among the shared resources";
    assert!(output.stderr.contains(told), "{output}");
    let dir = world.experiment();
    assert!(dir.join("T1/10/run_01/run_result.json").is_file(), "{output}");
    let result = json(&dir.join("T1/10/run_01/run_result.json"));
    assert_eq!(result["inherited_from"].as_array().unwrap().len(), 1, "{result:#}");
    assert!(!dir.join("T1/01/run_01").exists());
    let asked = world.lines("agent.log");
    let dir = dir.to_str().unwrap();
    world.scylla(&["verify", dir]).exits(6);
    assert!(world.scylla(&["resume", dir]).exits(6).stderr.contains(told));
    assert_eq!(world.lines("agent.log"), asked, "nothing is asked again");
    let (_, planned) = run("test-005", &["--tiers", "T1", "--dry-run"], delete);
    assert!(planned.exits(0).stderr.contains(told));
}

#[test]
fn a_tier_of_which_every_subtest_names_what_is_not_there_stops_the_fixture_before_anything_starts() {
    let skills = "originals/claude-code/shared/skills";
    let (world, output) = run("test-005", &[], |world| {
        fs::remove_dir_all(world.path(skills)).unwrap();
        fs::remove_file(world.path("originals/claude-code/shared/subtests/t1/10-no-skill.yaml")).unwrap();
    });
    let output = output.exits(2);
    for category in ["tracker", "craft"] {
        let path = world.path(&format!("{skills}/{category}"));
        assert!(output.stderr.contains(path.to_str().unwrap()), "{output}");
    }
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0);
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (0, 0));
    snapshot!("skills-deleted", steady(&output.stderr, &world));
}

#[test]
fn all_fixtures_of_the_tree_are_checked_in_one_table() {
    let (world, _) = told(case("test-001"));
    let said = ["--agent-command", "true", "--judge-command", "true"];
    let checked = world.scylla(&[&["fixture", "check", "originals/tests"], &said[..]].concat()).exits(0);
    snapshot!("check", steady(&checked.stdout, &world));
    // Who works on the task is not the fixture's to say.
    let unsaid = world.scylla(&["fixture", "check", "originals/tests"]).exits(0);
    assert_eq!(unsaid.stdout, checked.stdout);
    let one = world.scylla(&["fixture", "check", "originals/tests/test-001"]).exits(0);
    // Which programs are installed differs from machine to machine.
    let steadily = |text: &str| {
        let lines = text.lines().filter(|line| !line.ends_with("which is not installed here"));
        lines.flat_map(|line| [line, "\n"]).collect::<String>()
    };
    snapshot!("check-unsaid", format!("{}{}{}", steadily(&unsaid.stderr), one.stdout, steadily(&one.stderr)));
}

#[test]
fn the_tree_moves_with_its_shared_folder_named() {
    let (world, _) = told(case("test-002"));
    fs::rename(world.path("originals/claude-code/shared"), world.path("shelf")).unwrap();
    let fixture = tree::fixture(&world, "test-002");
    let said = ["--agent-command", "true", "--judge-command", "true"];
    world.scylla(&[&["fixture", "check", &fixture], &said[..]].concat()).exits(2);
    world.scylla(&[&["fixture", "check", &fixture, "--shared-dir", "shelf"], &said[..]].concat()).exits(0);
}
