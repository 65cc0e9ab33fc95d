//! Judges that are checked before a session starts its agents.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::{FULL_SCORE, TestFixture};
use crate::scenes::{AGENT, edit, experiment, json, planned, recorded};
use crate::world::{Output, World, steady};

macro_rules! assert_shown {
    ($name:literal, $world:expr, $output:expr) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, steady(&format!("{}", $output), $world)) });
    };
}

const RECORD: &str = "config/judge-checks/01.json";
/// An example to which the check gives what it deserves.
const NOTHING: &str = "patch: ''\nscores: {R001: 0}\n";

/// A fixture whose agents leave a line in a log, with these lines for `test.yaml` and a gold example: the tree as it is.
fn fixture(world: &World, fixture: TestFixture) -> String {
    let agent = format!("echo started >> {}; {AGENT}", world.path("agents.log").display());
    let path = fixture.agent("T0/00-one", &agent).write(world);
    world.write("fixture/expected/gold/nothing.yaml", NOTHING);
    path
}

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    let results = world.results();
    let first = ["run", "--tiers-dir", fixture, "--results-dir", results.to_str().unwrap(), "--runs", "2"];
    world.scylla(&[&first, more].concat())
}

fn started(world: &World) -> usize {
    world.lines("agents.log")
}

/// What `verify` says is damaged, each by place and message.
fn damaged(world: &World) -> Vec<(String, String)> {
    let output = world.scylla(&["verify", &experiment(world), "--message-format", "json"]);
    let found: Value = serde_json::from_str(&output.stdout).unwrap();
    let of_files = found["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "damaged-file");
    of_files.map(|it| (it["place"].as_str().unwrap().to_owned(), it["message"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn a_judge_that_drifts_stops_a_run_before_any_agent_and_a_larger_limit_lets_the_resume_go_on() {
    let world = World::new();
    let fixture = fixture(&world, TestFixture::new().judge(FULL_SCORE));
    let refused = run(&world, &fixture, &["--check-judges", "--jobs", "1"]).exits(7);
    assert_shown!("check-judges-drifts", &world, refused);
    assert_eq!(started(&world), 0);
    let record = json(&world.experiment().join(RECORD));
    assert_eq!(
        (&record["fixture"], &record["max_drift"], &record["repeat"]),
        (&json!("tested"), &json!(0.1), &json!(1))
    );
    assert_eq!((&record["judges"][1]["name"], &record["judges"][1]["largest_drift"]), (&json!("asked"), &json!(1.0)));
    let dir = experiment(&world);
    world.scylla(&["resume", &dir, "--check-judges"]).exits(7);
    assert_eq!(started(&world), 0);
    world.scylla(&["resume", &dir, "--check-judges", "--max-drift", "1"]).exits(0);
    assert_eq!(started(&world), 2);
    assert_eq!(json(&world.experiment().join("config/judge-checks/03.json"))["max_drift"], json!(1.0));
    // Nothing is left to do, so nobody is asked.
    world.scylla(&["resume", &dir, "--check-judges"]).exits(0);
    assert_eq!(fs::read_dir(world.experiment().join("config/judge-checks")).unwrap().count(), 3);
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_check_spends_no_more_than_is_left_of_the_ceiling_and_says_what_it_cost_beside_it() {
    let world = World::new();
    let fixture = fixture(&world, TestFixture::new().judge(FULL_SCORE));
    let flags = ["--check-judges", "--jobs", "1", "--max-drift", "1"];
    let refused = run(&world, &fixture, &[&flags[..], &["--max-cost-usd", "0"]].concat()).exits(6);
    assert!(refused.stderr.contains("it was not asked, as `--max-cost-usd` was reached"), "{refused}");
    assert!(
        refused.stderr.contains("raise `--max-cost-usd`") && !refused.stderr.contains("keeps it from"),
        "{refused}"
    );
    assert_eq!(started(&world), 0);
    let dir = experiment(&world);
    let output = world.scylla(&["resume", &dir, "--check-judges", "--max-drift", "1", "--max-cost-usd", "3"]).exits(0);
    let words: Vec<&str> = output.stderr.split_whitespace().collect();
    let told = "note: the check cost $0.0200, and the experiment has spent $0.00 of its ceiling of $3.00, of which the check is no part";
    assert!(words.join(" ").contains(told), "{output}");
}

#[test]
fn a_judge_without_an_answer_stops_a_resume_before_any_agent() {
    let world = World::new();
    let fixture = fixture(&world, TestFixture::new().judge("exit 4"));
    let dir = planned(&world, &fixture, &["--attempts", "1"]);
    let refused = world.scylla(&["resume", &dir, "--check-judges", "--max-cost-usd", "9"]).exits(6);
    assert!(refused.stderr.contains("the judge `asked` gave no answer about `nothing`"), "{refused}");
    assert!(refused.stderr.contains("no agent was started"), "{refused}");
    assert_eq!((started(&world), recorded(&world, "T0/00/1")), (0, Value::Null));
    let status = world.scylla(&["status", &dir]).exits(0).stdout;
    assert!(
        status.contains("the judge `asked` gave no answer about `nothing`: judge `asked` exited with 4"),
        "{status}"
    );
    assert!(status.contains("To continue without a check:") && !status.contains("--max-drift"), "{status}");
    assert!(status.ends_with(&format!("cargo scylla resume {dir} --check-judges\n")), "{status}");
}

#[test]
fn status_says_which_judge_stopped_a_session_by_how_much_it_is_off_and_what_goes_on() {
    let world = World::new();
    let fixture = fixture(&world, TestFixture::new().judge(FULL_SCORE));
    run(&world, &fixture, &["--check-judges"]).exits(7);
    let dir = experiment(&world);
    let status = world.scylla(&["status", &dir]).exits(0);
    for told in [
        "tested: stopped by the check of its judges",
        "  the judge `asked` is 1.00 above what `nothing` deserves\n",
        &format!("  cargo scylla resume {dir} --check-judges --max-drift 1\n"),
        &format!("  cargo scylla resume {dir} --check-judges\n"),
    ] {
        assert!(status.stdout.contains(told), "{told}: {status}");
    }
    let found = || -> Value {
        serde_json::from_str(&world.scylla(&["status", &dir, "--message-format", "json"]).exits(0).stdout).unwrap()
    };
    let stopped = found();
    assert_eq!(
        (&stopped["judge_check"]["stopped_the_session"], &stopped["status"]),
        (&json!(true), &json!("interrupted"))
    );
    let [right, wrong] = [0, 1].map(|judge| &stopped["judge_check"]["judges"][judge]);
    assert_eq!((&right["name"], &right["within_limit"]), (&json!("checks"), &json!(true)));
    assert_eq!(
        (&wrong["name"], &wrong["largest_drift"], &wrong["within_limit"]),
        (&json!("asked"), &json!(1.0), &json!(false))
    );
    // Whoever goes on without a check stops the experiment in another way, and its judges are as they were.
    world.scylla(&["resume", &dir, "--max-cost-usd", "0"]).exits(6);
    let status = world.scylla(&["status", &dir]).exits(0).stdout;
    assert!(status.contains("tested: stopped at the ceiling of its cost"), "{status}");
    assert!(status.contains("the judge `asked` is 1.00 above what `nothing` deserves"), "{status}");
    assert!(!status.contains("--check-judges"), "{status}");
    assert_eq!(found()["judge_check"]["stopped_the_session"], json!(false));
    // The command that it named goes on, and nothing is wrong then.
    let named = ["resume", &dir, "--check-judges", "--max-drift", "1"];
    world.scylla(&[&named[..], &["--max-cost-usd", "9"]].concat()).exits(0);
    let status = world.scylla(&["status", &dir]).exits(0).stdout;
    assert!(status.contains("tested: completed") && !status.contains("judge `asked`"), "{status}");
    assert_eq!(found()["judge_check"]["max_drift"], json!(1.0));
}

#[test]
fn what_was_found_of_judges_is_held_by_verify_and_keeps_nobody_from_going_on() {
    let world = World::new();
    let fixture = fixture(&world, TestFixture::new());
    run(&world, &fixture, &["--check-judges"]).exits(0);
    let dir = experiment(&world);
    world.scylla(&["verify", &dir]).exits(0);
    let record = world.experiment().join(RECORD);
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("\"largest_drift\": 0.0", "\"largest_drift\": 0.1")).unwrap();
    world.scylla(&["verify", &dir]).exits(5);
    assert_eq!(damaged(&world), [(RECORD.to_owned(), "it was altered or torn".to_owned())]);
    world.scylla(&["extend", &dir, "--runs", "3", "--plan-only"]).exits(0);
    world.scylla(&["resume", &dir, "--check-judges"]).exits(0);
    assert_eq!(started(&world), 3);
    fs::remove_file(&record).unwrap();
    assert_eq!(damaged(&world), [(RECORD.to_owned(), "it is gone, and a later one is there".to_owned())]);
}

#[test]
fn judges_are_not_checked_against_nothing_and_no_experiment_is_made_for_that() {
    let world = World::new();
    let fixture = fixture(&world, TestFixture::new());
    run(&world, &fixture, &["--max-drift", "0.2"]).exits(2);
    fs::remove_dir_all(world.path("fixture/expected/gold")).unwrap();
    let refused = run(&world, &fixture, &["--check-judges"]).exits(2);
    assert!(refused.stderr.contains("the fixture `tested` has no gold example"), "{refused}");
    assert_eq!(fs::read_dir(world.results()).map_or(0, Iterator::count), 0);
}

#[test]
fn a_task_of_a_repository_is_taken_from_the_experiment_when_its_source_is_gone() {
    let world = World::new();
    let path = fixture(&world, TestFixture::new());
    world.write("task/readme.txt", "A task.\n");
    let git = |arguments: &[&str]| {
        let who = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
        let out = Command::new("git").current_dir(world.path("task")).args(who).args(arguments).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "task"]);
    let source = format!("source:\n  repo: ../task\n  hash: {}\n", git(&["rev-parse", "HEAD"]));
    edit(&world, "fixture/test.yaml", "tiers:", &format!("{source}tiers:"));
    fs::remove_dir_all(world.path("fixture/source")).unwrap();
    let dir = planned(&world, &path, &["--runs", "1"]);
    fs::remove_dir_all(world.path("task")).unwrap();
    world.scylla(&["resume", &dir, "--check-judges", "--max-cost-usd", "9"]).exits(0);
    assert_eq!(json(&world.experiment().join(RECORD))["judges"][0]["within_limit"], json!(true));
    assert_eq!(started(&world), 1);
}

#[test]
fn a_report_says_in_every_form_how_far_judges_were_off_when_they_were_checked_last() {
    let world = World::new();
    let fixture = fixture(&world, TestFixture::new().judge(FULL_SCORE));
    run(&world, &fixture, &["--check-judges"]).exits(7);
    let dir = experiment(&world);
    let report = |form: &str| world.scylla(&["report", &dir, "--format", form]).exits(0).stdout;
    assert!(report("md").contains("beyond the limit of 0.10"), "{}", report("md"));
    world.scylla(&["resume", &dir, "--check-judges", "--max-drift", "1"]).exits(0);
    let day = json(&world.experiment().join("config/judge-checks/02.json"))["at"].as_str().unwrap()[..10].to_owned();
    let sentence = format!("Judge asked: mean difference +1.00, largest distance 1.00 over 1 gold example ({day}).");
    // On a terminal sentences are broken.
    let terminal = report("terminal").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(terminal.contains(&sentence), "{terminal}");
    let markdown = report("md").replace('\\', "");
    assert!(markdown.contains(&sentence), "{markdown}");
    let document: Value = serde_json::from_str(&report("json")).unwrap();
    let check = &document["experiments"][0]["judge_check"];
    assert_eq!((&check["max_drift"], &check["examples"]), (&json!(1.0), &json!(1)));
    assert_eq!((&check["judges"][1]["mean_difference"], &check["judges"][1]["answered"]), (&json!(1.0), &json!(1)));
    world.scylla(&["report", &dir, "--format", "html"]).exits(0);
    let page = fs::read_to_string(world.experiment().join("report/report.html")).unwrap();
    assert!(page.contains(&format!("<li>{sentence}</li>")), "{page}");
    world.scylla(&["verify", &dir]).exits(0);
    // A later check says something else, so the page is out of date.
    world.scylla(&["extend", &dir, "--runs", "3", "--plan-only"]).exits(0);
    world.scylla(&["resume", &dir, "--check-judges"]).exits(7);
    let verified = world.scylla(&["verify", &dir]).exits(7);
    assert!(format!("{verified}").contains("made from other results"), "{verified}");
    world.scylla(&["report", &dir, "--again"]).exits(0);
    let verified = world.scylla(&["verify", &dir]).exits(6);
    assert!(!format!("{verified}").contains("made from other results"), "{verified}");
    let page = fs::read_to_string(world.experiment().join("report/report.html")).unwrap();
    assert!(page.contains("which is beyond the limit of 0.10"), "{page}");
}
