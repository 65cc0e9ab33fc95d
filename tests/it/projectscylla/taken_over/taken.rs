//! What a resume makes of an experiment of ProjectScylla: every committed run stays, the missing ones are made.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::json;

use super::made::{COST, End, Form, Made, PLANNED, all_but, made, made_from, made_from_a_fixture_of_projectscylla};
use crate::projectscylla::fixture::{JUDGE, ProjectScyllaFixture};
use crate::projectscylla::read::made::shared_copy;
use crate::scenes::output;
use crate::verify::folder::{contents, copy, differing, edit, json as read_json, remove, verify};
use crate::world::{Output, World, steady};

/// The bytes of everything in the folders of these runs.
type Kept = BTreeMap<String, Vec<u8>>;

/// The files of a run wherever it lies, by their place below its flat folder.
fn files_of(made: &Made, runs: &[(&str, End)]) -> Kept {
    let mut kept = Kept::new();
    for (run, end) in runs.iter().filter(|(_, end)| matches!(end, End::Passed | End::Failed)) {
        let place = made.place(run, *end);
        let flat = place.strip_prefix("completed/").unwrap_or(&place).to_owned();
        let here = if made.at(&place).is_dir() { place } else { flat.clone() };
        for (below, (kind, _, bytes)) in contents(&made.at(&here)) {
            if kind == 'f' {
                kept.insert(format!("{flat}/{below}"), bytes);
            }
        }
    }
    kept
}

/// Resumes, and holds what comes of it against what must be: nothing of what was committed is touched.
#[track_caller]
fn is_taken_over(made: &Made, runs: &[(&str, End)], more: &[&str]) -> Output {
    let before = files_of(made, runs);
    assert!(before.len() > runs.len(), "{before:?}");
    let (checkpoint, config) =
        (fs::read(made.at("checkpoint.json")).unwrap(), fs::read(made.at("config/experiment.json")).unwrap());
    let resumed = made.world.scylla(&[&["resume", made.dir()], more].concat()).exits(0);
    let committed = runs.iter().filter(|(_, end)| matches!(end, End::Passed | End::Failed)).count();
    assert_eq!(made.asked(), PLANNED.len() - committed, "{resumed}");
    assert!(files_of(made, runs) == before, "a committed run was touched\n{resumed}");
    assert_eq!(fs::read(made.at("config/original/checkpoint.json")).unwrap(), checkpoint);
    assert_eq!(fs::read(made.at("config/original/experiment.json")).unwrap(), config);
    let mut check = Command::new("sha256sum");
    let checked = output(check.args(["-c", "config/original/SHA256SUMS"]).current_dir(&made.dir)).exits(0);
    assert_eq!(checked.stdout.lines().count(), committed, "{checked}");
    let index = made.index();
    assert_eq!((&index["version"], &index["status"]), (&json!("4.2"), &json!("completed")), "{resumed}");
    assert!(!made.at("completed").exists() && !made.at("in_progress").exists());
    for run in PLANNED {
        let parts: Vec<&str> = run.split('/').collect();
        let failed = runs.iter().any(|(other, end)| other == &run && *end == End::Failed);
        let expected = if failed { "failed" } else { "passed" };
        assert_eq!(index["completed_runs"][parts[0]][parts[1]][parts[2]], expected, "{run}");
    }
    let verified = verify(&made.world, &made.dir).exits(0);
    assert!(verified.findings().is_empty(), "{:#}", verified.report);
    // From then on it is an experiment like any other.
    made.world.scylla(&["resume", made.dir()]).exits(0);
    assert_eq!(made.asked(), PLANNED.len() - committed);
    resumed
}

#[track_caller]
fn shows(name: &str, made: &Made, output: &Output) {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, steady(&output.stderr, &made.world)) });
}

#[test]
fn a_flat_experiment_of_january_is_taken_over_and_only_its_missing_runs_are_made() {
    let runs = all_but(&[("T0/00/2", Some(End::Failed)), ("T0/01/2", None), ("T1/02/1", None), ("T1/02/2", None)]);
    let made = made(Form::Flat, &runs);
    is_taken_over(&made, &runs, &[]);
    assert_eq!(read_json(&made.at("config/experiment.json"))["timeout_seconds"], 300);
}

#[test]
fn an_experiment_of_the_first_days_is_verified_and_taken_over() {
    let runs = all_but(&[("T0/00/2", Some(End::Failed)), ("T1/02/2", None)]);
    let made = made(Form::First, &runs);
    let verified = verify(&made.world, &made.dir).exits(6);
    assert_eq!(verified.of("missing-run"), ["T1/02/run_02"], "{:#}", verified.report);
    assert_eq!(verified.of("foreign-file"), [""; 0]);
    is_taken_over(&made, &runs, &[]);
    let config = read_json(&made.at("config/experiment.json"));
    assert_eq!((&config["language"], &config["judge_models"]), (&json!("shell"), &json!(["claude-opus-4-5-20251101"])));
    // Nothing is there from which the trees of its runs could be made: what can be done instead is named.
    let regraded =
        made.world.scylla(&["regrade", made.dir(), "--from", &format!("{}/config/fixture", made.dir())]).exits(2);
    assert!(regraded.stderr.contains("whose runs keep no patch from which a tree could be made"), "{regraded}");
    assert!(regraded.stderr.contains(&format!("`cargo scylla rerun {} --run T0/00/1`", made.dir())), "{regraded}");
}

#[test]
fn a_config_that_no_hash_explains_is_told_and_the_experiment_is_taken_over_all_the_same() {
    let runs = all_but(&[("T1/02/2", None)]);
    let made = made(Form::Flat, &runs);
    edit(&made.at("config/experiment.json"), |config| config["timeout_seconds"] = json!(7));
    let resumed = is_taken_over(&made, &runs, &[]);
    assert!(resumed.stderr.contains("the hash"), "{resumed}");
    assert_eq!(read_json(&made.at("config/experiment.json"))["timeout_seconds"], 7);
}

#[test]
fn a_phased_experiment_is_taken_over_and_its_runs_move_to_their_tiers() {
    let runs = all_but(&[("T0/00/2", Some(End::Failed)), ("T0/01/2", Some(End::Begun)), ("T1/02/2", None)]);
    let made = made(Form::Phased, &runs);
    fs::write(made.at("completed/T0/result.json"), "{}").unwrap();
    let resumed = is_taken_over(&made, &runs, &["--jobs", "1"]);
    assert!(made.at("T0/01/.failed/run_02_attempt_01/attempt.json").is_file(), "{resumed}");
    assert!(made.at("config/original/completed/T0/result.json").is_file());
}

#[test]
fn what_is_taken_over_is_said_before_anything_starts() {
    let runs = all_but(&[("T0/01/2", Some(End::Begun)), ("T1/02/2", None)]);
    let made = made(Form::Phased, &runs);
    let resumed = made.world.scylla(&["resume", made.dir(), "--jobs", "1"]).exits(0);
    let said: String =
        resumed.stderr.lines().take_while(|line| !line.contains("Begins")).collect::<Vec<_>>().join("\n");
    shows("adopts", &made, &Output { stdout: String::new(), stderr: said, code: None });
}

#[test]
fn agents_of_runs_that_were_never_judged_are_paid_again_only_when_that_is_asked_for() {
    for form in [Form::Flat, Form::Phased] {
        let runs = all_but(&[("T0/00/1", Some(End::Unjudged)), ("T0/00/2", Some(End::Unjudged)), ("T1/02/2", None)]);
        let made = made(form, &runs);
        let before = contents(&made.dir);
        let refused = made.world.scylla(&["resume", made.dir()]).exits(2);
        assert!(refused.stderr.contains("T0/00/run_01 and T0/00/run_02"), "{refused}");
        assert!(refused.stderr.contains("--redo-unjudged"), "{refused}");
        let changed = differing(&before, &contents(&made.dir));
        assert!(changed.iter().all(|place| place == "experiment.lock"), "{changed:?}");
        is_taken_over(&made, &runs, &["--redo-unjudged"]);
        let attempt = read_json(&made.at("T0/00/.failed/run_01_attempt_01/attempt.json"));
        assert_eq!(attempt["cost_usd"], COST, "what was paid still counts");
    }
}

#[test]
fn former_attempts_of_projectscylla_count_with_their_cost_whatever_they_are_called() {
    let runs = all_but(&[("T1/02/2", None)]);
    for (form, failed) in [(Form::Flat, "T0/00/.failed"), (Form::Phased, "in_progress/T0/00/.failed")] {
        let made = made(form, &runs);
        let paid = made.at(&made.place("T0/00/1", End::Passed)).join("agent");
        for name in ["run_01", "run_01_attempt_01", "run_01_failed_1"] {
            copy(&paid, &made.at(&format!("{failed}/{name}/agent")));
        }
        is_taken_over(&made, &runs, &[]);
        for number in 1..=3 {
            assert!(made.at(&format!("T0/00/.failed/run_01_attempt_{number:02}/agent/result.json")).is_file());
        }
        let status = made.world.scylla(&["status", made.dir(), "--message-format", "json"]);
        let spent = serde_json::from_str::<serde_json::Value>(&status.stdout).unwrap()["spent"].clone();
        assert_eq!(spent, json!((7.0 + 3.0) * COST), "{status}");
    }
}

#[test]
fn a_fixture_of_projectscylla_goes_on_with_its_experiment_and_inherits_from_results_that_were_taken_over() {
    let runs = all_but(&[("T1/02/2", None)]);
    let made = made_from_a_fixture_of_projectscylla(Form::Phased, &runs);
    let agent = format!("echo asked >> {}; touch done", made.world.path("agent.log").display());
    let resumed = is_taken_over(&made, &runs, &["--agent-command", &agent, "--judge-command", JUDGE]);
    // Said once, where what is missing reads any such text.
    let told = "is worded otherwise than ProjectScylla words it: docs/migration.md lists how";
    assert_eq!(resumed.stderr.matches(told).count(), 1, "{resumed}");
    assert!(!made.world.scylla(&["resume", made.dir()]).exits(0).stderr.contains(told));
    let winner = read_json(&made.at("config/inherited/T1.json"));
    assert_eq!(winner["sources"]["T0"]["subtest"], "00", "{winner:#}");
    let result = read_json(&made.at("T1/02/run_02/run_result.json"));
    assert_eq!(result["inherited_from"], json!(["T0/00"]));
    assert!(made.at("config/fixture/shared").is_dir());
}

#[test]
fn a_tier_behind_two_that_are_complete_takes_over_what_their_winners_rest_on() {
    let runs = [all_but(&[]), vec![("T2/01/1", End::Passed)]].concat();
    let tiers = ["T0", "T1", "T2"];
    let made = made_from(&ProjectScyllaFixture::new().tiers(&tiers), &tiers, Form::Phased, &runs);
    let agent = format!("echo asked >> {}; touch done", made.world.path("agent.log").display());
    let resume = ["resume", made.dir(), "--agent-command", &agent, "--judge-command", JUDGE];
    let resumed = made.world.scylla(&resume).exits(0);
    assert_eq!(made.asked(), 3, "{resumed}");
    for (tier, source, winner) in [("T1", "T0", "00"), ("T2", "T1", "01")] {
        let frozen = read_json(&made.at(&format!("config/inherited/{tier}.json")));
        assert_eq!(frozen["sources"][source]["subtest"], winner, "{frozen:#}");
    }
    let result = read_json(&made.at("T2/01/run_02/run_result.json"));
    assert_eq!((&result["inherited_from"], result["composed"].is_string()), (&json!(["T1/01"]), true));
    verify(&made.world, &made.dir).exits(0);
}

#[test]
fn a_fixture_without_the_winner_that_others_take_over_is_refused_before_anything_is_moved() {
    let runs = [all_but(&[]), vec![("T2/01/1", End::Passed)]].concat();
    let tiers = ["T0", "T1", "T2"];
    let fixture = ProjectScyllaFixture::new().tiers(&tiers).without_shared("subtests/t1/01");
    let made = made_from(&fixture, &tiers, Form::Phased, &runs);
    let before = contents(&made.dir);
    let resume = ["resume", made.dir(), "--agent-command", "true", "--judge-command", "true"];
    let refused = made.world.scylla(&resume).exits(2);
    assert!(refused.stderr.contains("the fixture has no subtest `T1/01`"), "{refused}");
    let changed = differing(&before, &contents(&made.dir));
    assert!(changed.iter().all(|place| place == "experiment.lock"), "{changed:?}");
}

#[test]
fn a_config_that_says_nothing_of_thinking_is_completed_from_the_prompts_of_its_runs() {
    let runs = all_but(&[("T1/02/2", None)]);
    let made = made(Form::Phased, &runs);
    let task = fs::read_to_string(made.world.path("fixture/prompt.md")).unwrap();
    for (run, end) in &runs {
        fs::write(made.at(&made.place(run, *end)).join("agent/prompt.md"), format!("ultrathink\n\n{task}")).unwrap();
    }
    let resumed = is_taken_over(&made, &runs, &["--thinking", "Low"]);
    assert!(resumed.stderr.contains("the prompts of its runs say `UltraThink`"), "{resumed}");
    assert_eq!(read_json(&made.at("config/experiment.json"))["thinking_mode"], "UltraThink");
    let given = fs::read_to_string(made.at("T1/02/run_02/agent/prompt.md")).unwrap();
    assert!(given.starts_with("ultrathink\n\n"), "{given}");
}

#[test]
fn where_nothing_says_how_much_agents_were_told_to_think_it_is_asked_for_and_never_made_up() {
    let runs = all_but(&[("T1/02/2", None)]);
    let made = made(Form::Flat, &runs);
    for (run, end) in &runs {
        remove(&made.at(&made.place(run, *end)).join("agent/prompt.md"));
    }
    let before = contents(&made.dir);
    let refused = made.world.scylla(&["resume", made.dir()]).exits(2);
    assert!(refused.stderr.contains("--thinking"), "{refused}");
    let changed = differing(&before, &contents(&made.dir));
    assert!(changed.iter().all(|place| place == "experiment.lock"), "{changed:?}");
    is_taken_over(&made, &runs, &["--thinking", "high"]);
    assert_eq!(read_json(&made.at("config/experiment.json"))["thinking_mode"], "High");
}

#[test]
fn a_moved_experiment_is_taken_over_where_it_is() {
    let runs = all_but(&[("T1/02/2", None)]);
    let made = made(Form::Phased, &runs);
    let moved = made.world.path("elsewhere/mine");
    fs::create_dir_all(moved.parent().unwrap()).unwrap();
    fs::rename(&made.dir, &moved).unwrap();
    let made = Made::moved(made, moved);
    is_taken_over(&made, &runs, &[]);
}

#[test]
fn a_complete_experiment_of_projectscylla_is_left_as_it_is() {
    for form in [Form::Flat, Form::Phased] {
        let made = made(form, &all_but(&[]));
        // No fixture is needed where nothing is missing.
        remove(&made.world.path("fixture"));
        let before = contents(&made.dir);
        let resumed = made.world.scylla(&["resume", made.dir()]).exits(0);
        let changed = differing(&before, &contents(&made.dir));
        assert!(changed.iter().all(|place| place == "experiment.lock"), "{changed:?}\n{resumed}");
        shows("adopts_nothing", &made, &resumed);
        verify(&made.world, &made.dir).exits(0);
    }
}

#[test]
fn a_result_that_was_taken_over_is_sealed_and_no_other_result_without_a_seal_is_accepted() {
    let runs = all_but(&[("T1/02/2", None)]);
    let made = made(Form::Flat, &runs);
    is_taken_over(&made, &runs, &[]);
    let result = made.at("T0/00/run_01/run_result.json");
    let whole = fs::read(&result).unwrap();
    edit(&result, |result| result["cost_usd"] = json!(0.0));
    let found = verify(&made.world, &made.dir).exits(5);
    assert_eq!(found.of("broken-seal"), ["T0/00/run_01"], "{:#}", found.report);
    fs::write(&result, &whole).unwrap();
    verify(&made.world, &made.dir).exits(0);
    // One that was made here has a seal; another in its place does not.
    fs::write(
        made.at("T1/02/run_02/run_result.json"),
        String::from_utf8(whole).unwrap().replace("\"run_number\": 1", "\"run_number\": 2"),
    )
    .unwrap();
    let found = verify(&made.world, &made.dir).exits(5);
    assert_eq!(found.of("altered-result"), ["T1/02/run_02"], "{:#}", found.report);
}

#[test]
fn an_experiment_that_was_taken_over_can_grow() {
    let runs = all_but(&[("T1/02/2", None)]);
    let made = made(Form::Flat, &runs);
    is_taken_over(&made, &runs, &[]);
    made.world.scylla(&["extend", made.dir(), "--runs", "3"]).exits(0);
    assert_eq!(made.asked(), 1 + 4);
    verify(&made.world, &made.dir).exits(0);
}

#[test]
fn the_published_experiment_of_projectscylla_is_complete_and_left_alone() {
    let world = World::new();
    let Some(dir) = shared_copy(&world, "projectscylla-dryrun") else { return };
    let before = contents(&dir);
    world.scylla(&["resume", dir.to_str().unwrap()]).exits(0);
    let changed = differing(&before, &contents(&dir));
    assert!(changed.iter().all(|place| place == "experiment.lock"), "{changed:?}");
}
