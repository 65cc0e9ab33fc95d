//! Finished work is graded again by a mended fixture: no agent is asked, former verdicts stay, and numbers never mix.

mod given;
mod lost;

use std::fs;

use serde_json::{Value, json};

use crate::crash::no_process_is_left;
use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{edit, experiment, json, recorded, status};
use crate::world::{Output, World, wait_until};

const HALF: &str = r#"touch done; printf '{"cost_usd": 0.5}' > "$SCYLLA_RECORD_FILE""#;
/// What a judge says of a run that it passes, or not.
const GOOD: &str = r#"{"items":{"R001":{"score":1}},"cost_usd":0.1}"#;
const BAD: &str = r#"{"items":{"R001":{"score":0}},"cost_usd":0.1}"#;

fn judge(world: &World, answer: &str) -> String {
    format!("cat > /dev/null; {}; printf '%s' '{answer}'", gated(world, "judge"))
}

/// A fixture with two subtests whose judge says this.
fn fixture(world: &World, judge: &str) -> String {
    let agent = format!("{}; {HALF}", gated(world, "agent"));
    TestFixture::new().agent("T0/00-one", &agent).agent("T1/00-two", &agent).judge(judge).write(world)
}

fn made(world: &World, judge: &str, code: i32) -> String {
    let fixture = fixture(world, judge);
    world
        .scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--attempts", "1"])
        .exits(code);
    assert_eq!(world.lines("agent.log"), 4);
    experiment(world)
}

fn regrade(world: &World, more: &[&str]) -> Output {
    let dir = experiment(world);
    world.scylla(
        &[&["regrade", &dir, "--from", "fixture", "--message-format", "json", "--attempts", "1"], more].concat(),
    )
}

fn end(output: &Output) -> Value {
    output.events().pop().unwrap_or_else(|| panic!("{output}"))
}

fn verdicts(world: &World) -> Vec<Value> {
    ["T0/00/1", "T0/00/2", "T1/00/1", "T1/00/2"].map(|run| recorded(world, run)).to_vec()
}

#[test]
fn a_mistake_in_a_judge_is_mended_and_no_agent_is_asked_again() {
    let world = World::new();
    let dir = made(&world, "cat > /dev/null; exit 1", 6);
    assert_eq!(verdicts(&world), ["agent_complete"; 4]);
    let resumed = world.scylla(&["resume", &dir, "--message-format", "json"]).exits(6);
    assert!(resumed.stdout.contains("cargo scylla regrade"), "{resumed}");
    fixture(&world, &judge(&world, GOOD));
    let output = regrade(&world, &["--reason", "the judge's program was wrong"]).exits(0);
    assert_eq!((&end(&output)["end"], &end(&output)["spent"]), (&json!("completed"), &json!(2.4)), "{output}");
    assert_eq!((world.lines("agent.log"), verdicts(&world)), (4, vec![json!("passed"); 4]));
    assert_eq!(status(&world), "completed");
    let grading = json(&world.experiment().join("config/gradings/02/grading.json"));
    assert_eq!((&grading["number"], &grading["reason"]), (&json!(2), &json!("the judge's program was wrong")));
    assert_eq!(grading["changed"], json!(["`judges`", "test.yaml"]));
    let result = json(&world.experiment().join("T1/00/run_01/run_result.json"));
    assert_eq!((&result["grading"], &result["judge_passed"]), (&json!(2), &json!(true)));
    world.scylla(&["verify", &dir]).exits(0);
    assert!(regrade(&world, &[]).exits(0).stderr.contains("0 runs to be checked and judged"));
}

#[test]
fn former_verdicts_stay_and_the_index_follows_the_newest_complete_grading() {
    let world = World::new();
    let dir = made(&world, &judge(&world, BAD), 0);
    assert_eq!(verdicts(&world), ["failed"; 4]);
    let former = fs::read(world.experiment().join("T0/00/run_01/run_result.json")).unwrap();
    fixture(&world, &judge(&world, GOOD));
    let some = regrade(&world, &["--run", "T0/00/1", "--run", "T1/00/2"]).exits(6);
    assert_eq!((world.lines("judge.log"), verdicts(&world)), (6, vec![json!("failed"); 4]), "{some}");
    assert!(some.stdout.contains("grading 02 is incomplete: 2 committed runs left; grading 01 counts"), "{some}");
    let verified = world.scylla(&["verify", &dir]).exits(6);
    assert!(
        verified.stdout.contains("2 of 4 committed runs have no verdict under it yet; grading 01 counts"),
        "{verified}"
    );
    let output = world.scylla(&["resume", &dir, "--message-format", "json"]).exits(0);
    assert_eq!((world.lines("judge.log"), world.lines("agent.log")), (8, 4), "each is judged once by each grading");
    assert_eq!((verdicts(&world), &end(&output)["spent"]), (vec![json!("passed"); 4], &json!(2.8)));
    assert_eq!(end(&output)["tiers"][0]["passed"], 2);
    assert_eq!(fs::read(world.experiment().join("T0/00/run_01/run_result.json")).unwrap(), former);
    let later = json(&world.experiment().join("T0/00/run_01/gradings/02/result.json"));
    assert_eq!((&later["judge_passed"], &later["grading"]), (&json!(true), &json!(2)));
    world.scylla(&["verify", &dir]).exits(0);
    // The index follows from the folder alone.
    fs::remove_file(world.experiment().join("checkpoint.json")).unwrap();
    world.scylla(&["repair", &dir]).exits(0);
    assert_eq!(verdicts(&world), ["passed"; 4]);
    // What is made from now on is graded by it too.
    world.scylla(&["extend", &dir, "--runs", "3"]).exits(0);
    assert_eq!((world.lines("agent.log"), recorded(&world, "T0/00/3")), (6, json!("passed")));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_grading_that_is_killed_goes_on_and_no_judge_is_asked_twice() {
    let world = World::new();
    let dir = made(&world, "cat > /dev/null; exit 1", 6);
    fixture(&world, &judge(&world, GOOD));
    close(&world, "judge");
    let mut live = world.start(&["regrade", &dir, "--from", "fixture", "--jobs", "1"]);
    wait_until("a judge works", || world.lines("judge.log") == 1);
    live.kill();
    open(&world, "judge");
    world.scylla(&["verify", &dir]);
    world.scylla(&["resume", &dir]).exits(0);
    // The one that was killed had said nothing.
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (4, 5));
    assert_eq!(verdicts(&world), ["passed"; 4]);
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn checks_and_rubric_are_mended_too_and_judged_in_a_tree_that_is_made_anew() {
    let world = World::new();
    let agent = format!("{}; {HALF}", gated(&world, "agent"));
    let mut task = TestFixture::new().agent("T0/00-one", &agent);
    task = task.check("test -f wrong-name");
    let written = task.write(&world);
    world.scylla(&["run", "--tiers-dir", &written, "--results-dir", "results", "--runs", "1"]).exits(0);
    assert_eq!(recorded(&world, "T0/00/1"), "failed");
    task.check("test -f done").write(&world);
    regrade(&world, &[]).exits(0);
    assert_eq!((recorded(&world, "T0/00/1"), world.lines("agent.log")), (json!("passed"), 1));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn what_agents_are_given_cannot_be_changed_by_a_grading() {
    let world = World::new();
    made(&world, &judge(&world, BAD), 0);
    let nothing = regrade(&world, &[]).exits(2);
    assert!(nothing.stderr.contains("nothing in the fixture differs"), "{nothing}");
    fs::write(world.path("fixture/prompt.md"), "Do something else.\n").unwrap();
    fs::write(world.path("fixture/source/new.txt"), "new\n").unwrap();
    fs::write(world.path("fixture/tiers/T1/00-two.yaml"), "agent: {kind: nop}\n").unwrap();
    let refused = regrade(&world, &[]).exits(2);
    assert!(
        refused.stderr.contains("differs in what agents are given: `prompt`, `T1/00`, `source/new.txt`"),
        "{refused}"
    );
    assert!(!world.experiment().join("config/gradings").exists());
    let unknown = world.scylla(&["regrade", &experiment(&world)]).exits(2);
    assert!(unknown.stderr.contains("--from FIXTURE"), "{unknown}");
}

#[test]
fn a_grading_that_was_altered_is_named_and_is_graded_again_when_a_person_sets_it_aside() {
    let world = World::new();
    let dir = made(&world, &judge(&world, BAD), 0);
    fixture(&world, &judge(&world, GOOD));
    regrade(&world, &[]).exits(0);
    let log = world.experiment().join("T0/00/run_01/gradings/02/judge/judge_02/response.txt");
    fs::write(&log, "altered").unwrap();
    let verified = world.scylla(&["verify", &dir]).exits(5);
    assert!(
        verified.stdout.contains("broken-grading")
            && verified.stdout.contains("`judge/judge_02/response.txt` was altered"),
        "{verified}"
    );
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!(world.lines("judge.log"), 8, "nobody is paid again before a person has looked");
    world.scylla(&["repair", &dir]);
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!((world.lines("judge.log"), world.lines("agent.log")), (9, 4));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_torn_result_of_a_run_that_a_later_grading_committed_is_committed_again_and_nobody_is_asked() {
    let world = World::new();
    let dir = made(&world, "cat > /dev/null; exit 1", 6);
    fixture(&world, &judge(&world, GOOD));
    regrade(&world, &[]).exits(0);
    fs::write(world.experiment().join("T1/00/run_01/run_result.json"), "{").unwrap();
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!(
        (world.lines("agent.log"), world.lines("judge.log"), verdicts(&world)),
        (4, 4, vec![json!("passed"); 4])
    );
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_grading_that_is_killed_leaves_the_runs_own_evidence_alone_and_its_judge_is_found_and_ended() {
    let world = World::new();
    let dir = made(&world, &judge(&world, BAD), 0);
    fixture(&world, &judge(&world, GOOD));
    close(&world, "judge");
    let mut live = world.start(&["regrade", &dir, "--from", "fixture", "--jobs", "1", "--containment", "walk"]);
    wait_until("a judge works", || world.lines("judge.log") == 5);
    live.kill();
    let verified = world.scylla(&["verify", &dir]).exits(4);
    assert!(verified.stdout.contains("stray-process") && !verified.stdout.contains("broken-seal"), "{verified}");
    open(&world, "judge");
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!((world.lines("agent.log"), verdicts(&world)), (4, vec![json!("passed"); 4]));
    world.scylla(&["verify", &dir]).exits(0);
    no_process_is_left(&world);
}

#[test]
fn a_run_of_a_finished_experiment_names_regrade_when_only_the_grading_was_edited_and_nothing_is_paid() {
    let world = World::new();
    let dir = made(&world, &judge(&world, BAD), 0);
    let run = ["run", "--tiers-dir", "fixture", "--results-dir", "results", "--runs", "2"];
    fixture(&world, &judge(&world, GOOD));
    let refused = world.scylla(&run).exits(2);
    for told in
        ["differs only in how finished work is graded: `test.yaml` is changed", "--fresh` pays for every run again"]
    {
        assert!(refused.stderr.contains(told), "{refused}");
    }
    assert!(refused.stderr.contains("`cargo scylla regrade results/"), "{refused}");
    fs::write(world.path("fixture/expected/criteria.md"), "The file is there, and is empty.\n").unwrap();
    let refused = world.scylla(&run).exits(2);
    assert!(refused.stderr.contains("`expected/criteria.md` and `test.yaml` are changed"), "{refused}");
    assert_eq!((world.lines("agent.log"), status(&world)), (4, "completed".to_owned()));
    // The command that was named does it, and then there is nothing left to do.
    regrade(&world, &[]).exits(0);
    let same = world.scylla(&run).exits(0);
    assert!(same.stderr.contains("is finished and left alone"), "{same}");
    // A comment changes nothing.
    let yaml = fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    fs::write(world.path("fixture/test.yaml"), format!("# One more line.\n{yaml}")).unwrap();
    world.scylla(&run).exits(0);
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (4, 8));
    world.scylla(&["verify", &dir]).exits(0);
    // What agents are given is another question.
    fs::write(world.path("fixture/prompt.md"), "Do something else.\n").unwrap();
    let other = world.scylla(&[&run[..], &["--dry-run"]].concat()).exits(0);
    assert!(!other.stderr.contains("regrade"), "{other}");
}

#[test]
fn a_third_grading_another_fixture_and_runs_that_cannot_be_graded_are_told_apart() {
    let world = World::new();
    let dir = made(&world, &judge(&world, BAD), 0);
    fixture(&world, &judge(&world, GOOD));
    regrade(&world, &["--run", "T0/00/1"]).exits(6);
    // What was graded already is no mistake: the same command may have been killed.
    let again = regrade(&world, &["--run", "T0/00/1"]).exits(6);
    assert!(again.stderr.contains("0 runs to be checked and judged"), "{again}");
    let unknown = regrade(&world, &["--run", "T0/00/9"]).exits(2);
    assert!(unknown.stderr.contains("nothing is to be graded of `T0/00/run_09`"), "{unknown}");
    fs::write(world.path("fixture/expected/criteria.md"), "The file is there, and is empty.\n").unwrap();
    regrade(&world, &[]).exits(0);
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (4, 4 + 1 + 4));
    let third = json(&world.experiment().join("config/gradings/03/grading.json"));
    assert_eq!(third["changed"], json!(["`criteria`", "expected/criteria.md"]));
    world.scylla(&["verify", &dir]).exits(0);
    let yaml = fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    fs::write(world.path("fixture/test.yaml"), yaml.replace("id: tested", "id: other")).unwrap();
    let other = regrade(&world, &[]).exits(2);
    assert!(other.stderr.contains("the fixture is `other`, and the experiment is one of `tested`"), "{other}");
    close(&world, "judge");
    fs::write(world.path("fixture/test.yaml"), yaml.replace("The file", "A file")).unwrap();
    fs::write(world.path("fixture/expected/criteria.md"), "Once more.\n").unwrap();
    let live = world.start(&["regrade", &dir, "--from", "fixture", "--jobs", "1"]);
    wait_until("a judge works", || world.lines("judge.log") == 10);
    regrade(&world, &[]).exits(3);
    open(&world, "judge");
    assert_eq!(live.end().0, Some(0));
}

#[test]
fn a_check_that_fails_before_any_agent_is_mended_by_a_regrade_and_the_runs_are_made_under_it() {
    let world = World::new();
    let agent = format!("{}; {HALF}", gated(&world, "agent"));
    let task = |check: &str| {
        let fixture = TestFixture::new().agent("T0/00-one", &agent).agent("T1/00-two", &agent);
        let written = fixture.judge(&judge(&world, GOOD)).write(&world);
        edit(&world, "fixture/test.yaml", r#"shell: "test -f done""#, &format!("command: {check}"));
        written
    };
    let written = task("[nosuchcheck, a]");
    let run = ["run", "--tiers-dir", &written, "--results-dir", "results", "--runs", "1", "--attempts", "1"];
    let failed = world.scylla(&run).exits(6);
    assert!(failed.stdout.contains("program `nosuchcheck` is not found"), "{failed}");
    let dir = experiment(&world);
    task("[test, -f, done]");
    let hint = world.scylla(&run).exits(2);
    assert!(hint.stderr.contains("regrade") && hint.stderr.contains("--from"), "{hint}");
    let graded = regrade(&world, &[]).exits(6);
    assert!(graded.stderr.contains("no agent is done yet"), "{graded}");
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!((world.lines("agent.log"), world.lines("judge.log")), (2, 2));
    assert_eq!([recorded(&world, "T0/00/1"), recorded(&world, "T1/00/1")], ["passed", "passed"]);
    let checks = json(&world.experiment().join("T0/00/run_01/gradings/02/checks/result.json"));
    assert_eq!((&checks["checks"][0]["passed"], &checks["checks"][0]["before"]), (&json!(true), &json!("failed")));
    world.scylla(&["verify", &dir]).exits(0);
    assert!(world.scylla(&run).exits(0).stderr.contains("is finished and left alone"));
    // By the next grading, what the former one found out of the untouched tree is no fact about a check that changed.
    task("[test, -e, done]");
    regrade(&world, &[]).exits(0);
    let later = json(&world.experiment().join("T0/00/run_01/gradings/03/checks/result.json"));
    assert_eq!((&later["checks"][0]["passed"], &later["checks"][0]["before"]), (&json!(true), &Value::Null));
    world.scylla(&["verify", &dir]).exits(0);
    assert_eq!(world.lines("agent.log"), 2);
}
