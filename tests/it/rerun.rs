//! A new attempt of runs that a person names: the former one is kept, its cost counts, and nothing else is made.

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{experiment, json, recorded};
use crate::world::{Output, World, wait_until};

/// An agent that costs half a dollar, and does the task from its second attempt on.
const SECOND: &str = r#"[ "$SCYLLA_ATTEMPT" = 1 ] || touch done; printf '{"cost_usd": 0.5}' > "$SCYLLA_RECORD_FILE""#;

fn finished_experiment() -> World {
    let world = World::new();
    let agent = format!("{}; {SECOND}", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-one", &agent).agent("T1/00-two", &agent).write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    assert_eq!((world.lines("agent.log"), recorded(&world, "T1/00/2")), (4, json!("failed")));
    world
}

fn rerun(world: &World, more: &[&str]) -> Output {
    let dir = experiment(world);
    world.scylla(&[&["rerun", &dir, "--message-format", "json"], more].concat())
}

fn end(output: &Output) -> Value {
    output.events().pop().unwrap_or_else(|| panic!("{output}"))
}

#[test]
fn a_named_run_is_made_again_and_its_former_attempt_is_kept_and_counts() {
    let world = finished_experiment();
    let former = std::fs::read(world.experiment().join("T1/00/run_02/run_result.json")).unwrap();
    let output = rerun(&world, &["--run", "T1/00/2"]).exits(0);
    assert_eq!((&end(&output)["end"], &end(&output)["spent"]), (&json!("completed"), &json!(2.5)), "{output}");
    assert_eq!((world.lines("agent.log"), recorded(&world, "T1/00/2")), (5, json!("passed")));
    assert_eq!(recorded(&world, "T1/00/1"), json!("failed"), "nothing else is made again");
    let kept = world.experiment().join("T1/00/.failed/run_02_attempt_01");
    assert_eq!(std::fs::read(kept.join("run_result.json")).unwrap(), former);
    let record = json(&kept.join("attempt.json"));
    assert_eq!(
        (&record["why"], &record["stage"], &record["cost_usd"]),
        (&json!("rerun"), &json!("commit"), &json!(0.5))
    );
    assert_eq!(json(&world.experiment().join("T1/00/run_02/run_result.json"))["attempt"], 2);
    world.scylla(&["verify", &experiment(&world)]).exits(0);
    let again = rerun(&world, &["--run", "T1/00/2", "--run", "T0/00/1"]).exits(0);
    assert_eq!((&end(&again)["spent"], world.lines("agent.log")), (&json!(3.5), 7));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn a_rerun_that_is_killed_goes_on_by_a_resume() {
    let world = finished_experiment();
    close(&world, "agent");
    let dir = experiment(&world);
    let mut live = world.start(&["rerun", &dir, "--run", "T0/00/1", "--run", "T0/00/2", "--jobs", "1"]);
    wait_until("the agent works", || world.lines("agent.log") == 5);
    live.kill();
    open(&world, "agent");
    world.scylla(&["verify", &dir]);
    let output = world.scylla(&["resume", &dir, "--message-format", "json"]).exits(0);
    assert_eq!(end(&output)["spent"], 3.0, "{output}");
    for run in ["T0/00/1", "T0/00/2"] {
        assert_eq!(recorded(&world, run), json!("passed"), "{run}");
    }
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_rerun_that_was_killed_before_the_first_run_moved_sets_it_aside_all_the_same() {
    let world = finished_experiment();
    let path = world.experiment().join("checkpoint.json");
    // What is on the disk then: the wish is recorded, and the entry is gone.
    let mut checkpoint = json(&path);
    checkpoint["rerun"] = json!(["T0/00/1"]);
    checkpoint["status"] = json!("interrupted");
    checkpoint["completed_runs"]["T0"]["00"].as_object_mut().unwrap().remove("1");
    std::fs::write(&path, checkpoint.to_string()).unwrap();
    let dir = experiment(&world);
    let output = world.scylla(&["resume", &dir, "--message-format", "json"]).exits(0);
    assert_eq!((&end(&output)["spent"], world.lines("agent.log")), (&json!(2.5), 5), "{output}");
    assert_eq!((recorded(&world, "T0/00/1"), json(&path)["rerun"].clone()), (json!("passed"), Value::Null));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn what_is_not_planned_is_refused_and_nothing_is_touched() {
    let world = finished_experiment();
    let before = std::fs::read(world.experiment().join("checkpoint.json")).unwrap();
    let output = rerun(&world, &["--run", "T0/00/1", "--run", "T0/00/9", "--run", "T5/00/1"]).exits(2);
    assert!(output.stderr.contains("the plan has no `T0/00/run_09`, `T5/00/run_01`"), "{output}");
    rerun(&world, &[]).exits(2);
    assert_eq!(std::fs::read(world.experiment().join("checkpoint.json")).unwrap(), before);
    assert_eq!(world.lines("agent.log"), 4);
}

#[test]
fn errored_runs_are_made_again_and_agents_that_are_done_are_not_asked() {
    let world = World::new();
    let refused = r#"printf '{"failure": "auth"}' > "$SCYLLA_RECORD_FILE""#;
    let healed = world.path("healed");
    let healing = format!("[ -e {} ]", healed.display());
    let agent = format!("{}; {healing} && touch done || {refused}", gated(&world, "agent"));
    let done = format!("{}; touch done", gated(&world, "done"));
    let judge = format!(r#"cat > /dev/null; {healing} && echo '{{"items":{{"R001":{{"score":1}}}}}}'"#);
    let fixture = TestFixture::new().agent("T0/00-one", &agent).agent("T1/00-two", &done).judge(&judge).write(&world);
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--attempts", "1"];
    world.scylla(&run).exits(6);
    assert_eq!((recorded(&world, "T0/00/1"), recorded(&world, "T1/00/1")), (json!("errored"), json!("agent_complete")));
    world.write("healed", "");
    rerun(&world, &["--errored"]).exits(0);
    assert_eq!((world.lines("agent.log"), world.lines("done.log")), (2, 1));
    let nothing = rerun(&world, &["--errored"]).exits(0);
    assert!(nothing.stderr.contains("nothing is to be made again"), "{nothing}");
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn a_former_attempt_that_lies_where_one_of_another_run_should_is_named() {
    let world = finished_experiment();
    rerun(&world, &["--run", "T0/00/1", "--run", "T0/00/2", "--run", "T1/00/1"]).exits(0);
    let (dir, at) = (experiment(&world), |place: &str| world.experiment().join(place));
    let swap = |left: &str, right: &str| {
        std::fs::rename(at(left), world.path("between")).unwrap();
        std::fs::rename(at(right), at(left)).unwrap();
        std::fs::rename(world.path("between"), at(right)).unwrap();
    };
    let (of_tier, of_other_tier) = ("T0/00/.failed/run_01_attempt_01", "T1/00/.failed/run_01_attempt_01");
    for (left, right, found) in [
        (of_tier, of_other_tier, "it is attempt 1 of `T1/00/run_01`"),
        (of_tier, "T0/00/.failed/run_02_attempt_01", "it is attempt 1 of `T0/00/run_02`"),
    ] {
        swap(left, right);
        let verified = world.scylla(&["verify", &dir]).exits(5);
        assert!(verified.stdout.contains("damaged-attempt") && verified.stdout.contains(found), "{verified}");
        swap(left, right);
    }
    world.scylla(&["verify", &dir]).exits(0);
}
