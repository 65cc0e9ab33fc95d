//! A dozen fixtures in ProjectScylla's formats: each is run, killed in the middle, resumed and verified, and each of its
//! subtests composed what it declares.

mod cases;
mod counted;
mod tree;

use std::collections::BTreeMap;
use std::fs;

use cases::{CASES, Case};
use tree::composed;

use crate::crash::no_process_is_left;
use crate::fixture::{close, open};
use serde_json::{Value, json};

use crate::scenes::{experiment, json, saved, status};
use crate::world::{World, wait_until};

#[track_caller]
fn case(name: &str) -> &'static Case {
    CASES.iter().find(|case| case.name == name).unwrap()
}

/// A world with all fixtures, and what is said to `run` in it for one of them.
fn told(case: &Case) -> (World, Vec<String>) {
    let world = World::new();
    tree::lay(&world);
    world.write("favourites", case.favourites);
    let mut arguments = vec!["run".to_owned(), "--tiers-dir".to_owned(), tree::fixture(&world, case.name)];
    arguments.extend(["--results-dir", "results", "--jobs", "1", "--agent-command"].map(str::to_owned));
    arguments.push(tree::line(&world, "agent"));
    for _ in 0..case.judges {
        arguments.extend(["--judge-command".to_owned(), tree::line(&world, "judge")]);
    }
    arguments.extend(case.flags.iter().map(|flag| (*flag).to_owned()));
    (world, arguments)
}

/// How often each run was asked for.
fn asked(world: &World, log: &str) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for line in fs::read_to_string(world.path(log)).unwrap_or_default().lines() {
        *asked.entry(line.split(' ').next().unwrap().to_owned()).or_default() += 1;
    }
    asked
}

/// Runs a fixture until the agent or the judge of a run is at work, and kills the coordinator there.
#[track_caller]
fn killed(case: &Case) -> World {
    let (world, arguments) = told(case);
    let (who, run) = case.killed_at;
    let gate = format!("{who}-{}", run.replace('/', "-"));
    close(&world, &gate);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut live = world.start(&arguments);
    wait_until(run, || asked(&world, &format!("{who}.log")).contains_key(run) || live.has_ended());
    assert!(!live.has_ended(), "it ended before {run}: {:#?}", live.end());
    live.kill();
    open(&world, &gate);
    let done: usize = asked(&world, "agent.log").len();
    assert!(done < case.runs, "the stop is not in the middle: {done} of {} runs had begun", case.runs);
    world
}

/// The experiment is whole: nobody who had ended was asked again, `verify` has nothing to say, and each subtest composed
/// what it declares.
#[track_caller]
fn is_whole(case: &Case, world: &World) {
    let dir = experiment(world);
    let verified = world.scylla(&["verify", &dir]).exits(0);
    let agreed = format!("{0} of {0} planned runs agree.", case.runs);
    assert_eq!(verified.stdout.lines().nth(1), Some(agreed.as_str()), "{verified}");
    assert_eq!(status(world), "completed");
    let (who, run) = case.killed_at;
    for (asked_of, judges) in [("agent", 1), ("judge", case.judges)] {
        let asked = asked(world, &format!("{asked_of}.log"));
        assert_eq!(asked.len(), case.runs, "{asked:?}");
        for (asked_for, times) in asked {
            let again = usize::from(asked_of == who && asked_for == run);
            assert_eq!(times, judges + again, "{asked_of} of {asked_for}");
        }
    }
    let places = case.composed.iter().map(|line| line.split(':').next().unwrap());
    let found: Vec<String> = places.map(|place| composed(world, &world.experiment(), place)).collect();
    assert_eq!(found, case.composed);
    no_process_is_left(world);
}

/// The fixture comes to its end in spite of the stop.
#[track_caller]
fn comes_through(name: &str) -> World {
    let case = case(name);
    let world = killed(case);
    world.scylla(&["resume", &experiment(&world)]).exits(0);
    is_whole(case, &world);
    world
}

/// What each check of a subtest's first run came to.
#[track_caller]
fn checks(world: &World, place: &str) -> BTreeMap<String, String> {
    let result = json(&world.experiment().join(place).join("run_01/run_result.json"));
    let came_to = |check: &Value| match (check.get("not_applicable"), check["passed"].as_bool().unwrap()) {
        (Some(_), _) => "not applicable",
        (None, true) => "passed",
        (None, false) => "failed",
    };
    let checks = result["checks"].as_array().unwrap().iter();
    checks.map(|check| (check["name"].as_str().unwrap().to_owned(), came_to(check).to_owned())).collect()
}

#[test]
fn every_fixture_of_the_tree_has_its_case() {
    let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    assert_eq!(tree::names(), names);
}

#[test]
fn a_fixture_of_all_seven_tiers_inherits_as_declared() {
    let world = comes_through("test-001");
    let digest = |run: &str| json(&world.experiment().join(run).join("run_01/run_result.json"))["composed"].clone();
    assert!(digest("T0/03").is_string());
    assert_eq!(digest("T3/02"), digest("T3/03"));
    assert_ne!(digest("T3/01"), digest("T3/02"));
}

#[test]
fn a_fixture_of_system_prompts_takes_the_projects_words_away_where_it_says_so() {
    comes_through("test-002");
}

#[test]
fn a_fixture_in_rust_is_checked_by_cargo() {
    let world = comes_through("test-003");
    let checks = checks(&world, "T0/00");
    assert_eq!((checks["build"].as_str(), checks["test"].as_str()), ("passed", "passed"), "{checks:?}");
}

#[test]
fn a_fixture_in_mojo_has_no_check_that_failed_for_want_of_a_program() {
    let world = comes_through("test-004");
    let checks = checks(&world, "T2/02");
    assert_eq!(checks.keys().collect::<Vec<_>>(), ["build", "format", "pre-commit", "test"]);
    assert!(!checks.values().any(|came_to| came_to == "failed"), "{checks:?}");
    let judged = json(&world.experiment().join("T2/02/run_01/run_result.json"));
    assert!(judged["judge_score"].as_f64().unwrap() > 0.5, "{judged:#}");
}

#[test]
fn a_fixture_with_two_favourites_inherits_the_one_that_took_fewer_tokens() {
    let world = comes_through("test-005");
    let taken = &json(&world.experiment().join("config/inherited/T1.json"))["sources"]["T0"];
    assert_eq!((&taken["subtest"], &taken["by_tokens"]), (&json!("04"), &json!(true)), "{taken:#}");
}

#[test]
fn a_fixture_with_a_gap_between_its_tiers_inherits_over_the_gap() {
    comes_through("test-006");
}

#[test]
fn a_fixture_of_teams_comes_through() {
    comes_through("test-007");
}

#[test]
fn a_fixture_in_which_everyone_inherits_comes_through() {
    comes_through("test-008");
}

#[test]
fn a_fixture_in_which_nobody_inherits_has_its_own_resources_only() {
    comes_through("test-009");
}

#[test]
fn a_fixture_with_a_ceiling_stops_there_and_goes_on_when_it_is_raised() {
    let case = case("test-010");
    let world = killed(case);
    let limits = [("max_cost_usd", json!(0.03)), ("timeout_seconds", json!(2400))];
    for (field, value) in limits {
        assert_eq!(saved(&world, field), value, "{field}");
    }
    let stopped = world.scylla(&["resume", &experiment(&world)]).exits(6);
    assert_eq!((status(&world).as_str(), asked(&world, "agent.log").len()), ("budget_reached", 2), "{stopped}");
    world.scylla(&["resume", &experiment(&world), "--max-cost-usd", "0.5"]).exits(0);
    is_whole(case, &world);
}

#[test]
fn a_fixture_with_a_shared_folder_of_its_own_comes_through() {
    comes_through("test-011");
}

#[test]
fn a_fixture_with_two_judges_comes_through() {
    comes_through("test-012");
}
