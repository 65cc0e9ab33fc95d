//! What a grading left that is gone, altered or another's: it is named, its money stays, and nobody is paid again unasked.

use std::fs;

use serde_json::json;

use super::{BAD, GOOD, fixture, judge, made, regrade, verdicts};
use crate::fixture::{TestFixture, close, open};
use crate::scenes::{experiment, json, recorded};
use crate::verify::folder::{copy, edit, remove};
use crate::world::{World, wait_until};

const LATER: &str = "T0/00/run_01/gradings/02";

fn spent(world: &World) -> String {
    let status = world.scylla(&["status", &experiment(world)]);
    let line = status.stdout.lines().find(|line| line.contains("spent")).unwrap_or_else(|| panic!("{status}"));
    line.trim().to_owned()
}

/// Four runs that failed under the first grading and passed under the second.
fn graded_twice(world: &World) -> String {
    let dir = made(world, &judge(world, BAD), 0);
    fixture(world, &judge(world, GOOD));
    regrade(world, &[]).exits(0);
    assert_eq!((world.lines("judge.log"), verdicts(world)), (8, vec![json!("passed"); 4]));
    dir
}

#[test]
fn a_grading_whose_record_is_lost_is_named_and_its_money_its_verdicts_and_its_number_stay() {
    for lost in ["config/gradings/02/grading.json", "config/gradings/02", "config/gradings"] {
        let world = World::new();
        let dir = graded_twice(&world);
        let (before, place) = (spent(&world), world.experiment().join(lost));
        fs::rename(&place, world.path("lost")).unwrap();
        let verified = world.scylla(&["verify", &dir]).exits(5);
        assert!(
            verified.stdout.contains("verdicts of 4 runs name grading 02, and its record is not there"),
            "{lost}: {verified}"
        );
        assert_eq!(spent(&world), before, "{lost}");
        world.scylla(&["repair", &dir]).exits(5);
        assert_eq!(verdicts(&world), vec![json!("passed"); 4], "{lost}: nothing is read another way meanwhile");
        // Without the index, too.
        fs::rename(world.experiment().join("checkpoint.json"), world.path("checkpoint.json")).unwrap();
        world.scylla(&["repair", &dir]).exits(5);
        assert_eq!(verdicts(&world), vec![json!("passed"); 4], "{lost}");
        fixture(&world, &judge(&world, BAD));
        regrade(&world, &[]).exits(5);
        world.scylla(&["resume", &dir]).exits(5);
        assert_eq!((world.lines("judge.log"), world.lines("agent.log")), (8, 4), "{lost}: nobody is paid");
        remove_if_there(&world, lost);
        fs::rename(world.path("lost"), &place).unwrap();
        world.scylla(&["verify", &dir]).exits(0);
        assert_eq!(spent(&world), before, "{lost}");
    }
}

fn remove_if_there(world: &World, place: &str) {
    let path = world.experiment().join(place);
    if path.exists() {
        remove(&path);
    }
}

#[test]
fn a_grading_that_was_begun_and_whose_record_and_verdicts_are_lost_is_missed_in_the_row() {
    let world = World::new();
    let dir = graded_twice(&world);
    fixture(&world, &judge(&world, BAD));
    regrade(&world, &[]).exits(0);
    remove(&world.experiment().join("config/gradings/02"));
    let verified = world.scylla(&["verify", &dir]).exits(5);
    assert!(verified.stdout.contains("lost-grading") && verified.stdout.contains("config/gradings/02"), "{verified}");
    for run in ["T0/00/run_01", "T0/00/run_02", "T1/00/run_01", "T1/00/run_02"] {
        remove(&world.experiment().join(run).join("gradings/02"));
    }
    remove(&world.experiment().join("checkpoint.json"));
    let verified = world.scylla(&["verify", &dir]).exits(5);
    assert!(verified.stdout.contains("there was a grading 02, and its record is not there"), "{verified}");
}

#[test]
fn what_was_copied_to_a_run_as_a_grading_that_does_not_exist_is_named() {
    let world = World::new();
    let dir = graded_twice(&world);
    let (at, copied) = (world.experiment().join(LATER), world.experiment().join("T0/00/run_01/gradings/03"));
    copy(&at, &copied);
    let verified = world.scylla(&["verify", &dir]).exits(5);
    assert!(verified.stdout.contains("it says that it is of grading 02"), "{verified}");
    world.scylla(&["repair", &dir]).exits(0);
    world.scylla(&["verify", &dir]).exits(0);
    copy(&at, &copied);
    remove(&copied.join("result.json"));
    let verified = world.scylla(&["verify", &dir]).exits(5);
    assert!(verified.stdout.contains("there was a grading 03, and its record is not there"), "{verified}");
    remove(&copied);
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_verdict_that_is_gone_is_named_and_its_judges_are_paid_again_only_when_a_person_gives_it_up() {
    let world = World::new();
    let dir = graded_twice(&world);
    let gone = world.experiment().join(LATER);
    fs::rename(&gone, world.path("lost")).unwrap();
    for _ in 0..2 {
        let verified = world.scylla(&["verify", &dir]).exits(5);
        assert!(verified.stdout.contains("the run had a verdict under grading 02, and it is gone"), "{verified}");
        world.scylla(&["resume", &dir]);
        assert_eq!(world.lines("judge.log"), 8, "nobody is paid again before a person has looked");
    }
    // Back from a backup, everything agrees.
    fs::rename(world.path("lost"), &gone).unwrap();
    world.scylla(&["repair", &dir]).exits(0);
    world.scylla(&["verify", &dir]).exits(0);
    // Without the index nothing is missed that is there.
    remove(&world.experiment().join("checkpoint.json"));
    world.scylla(&["repair", &dir]).exits(0);
    world.scylla(&["verify", &dir]).exits(0);
    // The index that was rebuilt names it as well.
    remove(&world.experiment().join("T0/00/run_01/gradings"));
    world.scylla(&["verify", &dir]).exits(5);
    world.scylla(&["repair", &dir]);
    world.scylla(&["verify", &dir]).exits(6);
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!((world.lines("judge.log"), world.lines("agent.log")), (9, 4));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_verdict_of_a_grading_in_progress_that_is_gone_is_named_too_and_a_rerun_is_no_loss() {
    let world = World::new();
    let dir = made(&world, &judge(&world, BAD), 0);
    fixture(&world, &judge(&world, GOOD));
    regrade(&world, &["--run", "T0/00/1", "--run", "T0/00/2"]).exits(6);
    world.scylla(&["rerun", &dir, "--run", "T0/00/2"]);
    let asked = world.lines("judge.log");
    world.scylla(&["verify", &dir]);
    remove(&world.experiment().join(LATER));
    let verified = world.scylla(&["verify", &dir]).exits(5);
    assert_eq!(verified.stdout.matches("the run had a verdict").count(), 1, "{verified}");
    world.scylla(&["resume", &dir]);
    let judge_of_it = world.experiment().join(LATER);
    assert!(!judge_of_it.exists(), "its judges are not asked again");
    assert!(world.lines("judge.log") >= asked);
}

#[test]
fn a_judgment_that_was_altered_while_its_grading_is_in_progress_is_named_and_nobody_is_asked_again() {
    let world = World::new();
    let dir = made(&world, &judge(&world, BAD), 0);
    // A second judge, which waits: the first has answered then.
    let slow = format!("cat > /dev/null; {}; printf '%s' '{GOOD}'", crate::fixture::gated(&world, "second"));
    let agent = format!("{}; {}", crate::fixture::gated(&world, "agent"), super::HALF);
    let more = format!(
        "judges:\n  - kind: checks\n  - kind: command\n    name: first\n    shell: {:?}\n  - kind: command\n    name: second\n    shell: {:?}\n",
        judge(&world, GOOD),
        slow
    );
    TestFixture::new().agent("T0/00-one", &agent).agent("T1/00-two", &agent).extra(&more).write(&world);
    close(&world, "second");
    let mut live = world.start(&["regrade", &dir, "--from", "fixture", "--jobs", "1", "--containment", "walk"]);
    wait_until("the second judge works", || world.lines("second.log") == 1);
    live.kill();
    open(&world, "second");
    world.scylla(&["repair", &dir]);
    world.scylla(&["verify", &dir]).exits(6);
    let judgment = world.experiment().join(LATER).join("judge/judge_02/judgment.json");
    let whole = fs::read(&judgment).unwrap();
    for (file, bytes) in [("judgment.json", &whole[..whole.len() / 2]), ("response.txt", &b"altered"[..])] {
        let path = judgment.with_file_name(file);
        let former = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let verified = world.scylla(&["verify", &dir]).exits(5);
        assert!(
            verified.stdout.contains("broken-grading") && verified.stdout.contains("judge/judge_02/judgment.json"),
            "{file}: {verified}"
        );
        fs::write(&path, former).unwrap();
    }
    world.scylla(&["verify", &dir]).exits(6);
    fs::write(&judgment, &whole[..whole.len() / 2]).unwrap();
    let asked = world.lines("judge.log");
    world.scylla(&["resume", &dir]).exits(5);
    assert_eq!(world.lines("judge.log"), asked + 3, "the other runs' judges are asked, and not this one's");
    world.scylla(&["repair", &dir]);
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!((world.lines("judge.log"), world.lines("agent.log")), (asked + 4, 4));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_checkpoint_that_somebody_edited_invents_no_grading() {
    let world = World::new();
    let dir = made(&world, &judge(&world, BAD), 0);
    let path = world.experiment().join("checkpoint.json");
    let mut checkpoint = json(&path);
    checkpoint["graded"] = json!({ "7": ["T0/00/1"] });
    fs::write(&path, serde_json::to_vec_pretty(&checkpoint).unwrap()).unwrap();
    world.scylla(&["verify", &dir]).exits(4);
    world.scylla(&["repair", &dir]);
    edit(&path, |checkpoint| assert!(checkpoint.get("graded").is_none(), "{checkpoint}"));
    world.scylla(&["verify", &dir]).exits(0);
    assert_eq!(recorded(&world, "T0/00/1"), "failed");
}
