//! A coordinator that is killed or stopped while its jobs wait and run.

use std::fs;
use std::path::Path;

use super::config::Auth;
use super::scene::{ALL, Scene};
use crate::scenes::{experiment, status};
use crate::world::Live;

#[test]
fn jobs_outlive_a_killed_coordinator_and_the_next_one_finds_those_that_wait_and_run() {
    let Some(scene) = Scene::new(2, Auth::Nothing) else { return };
    scene.close();
    let mut first = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut first, 8);
    first.kill();
    let before = scene.cluster.squeue("%i %T");
    assert_eq!((before.len(), before.iter().filter(|job| job.ends_with(" RUNNING")).count()), (ALL, 8), "{before:#?}");
    let mut second = scene.resume(&[]);
    second.wait_for_reason("experiment-started");
    // Whatever it does about them, it has looked when the next few seconds have passed and nothing was started.
    scene.open();
    let ended = scene.end(second);
    scene.is_as_a_local_run(&ended, &[]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn a_coordinator_that_was_killed_is_followed_by_one_on_another_machine() {
    let Some(scene) = Scene::apart(2) else { return };
    scene.close();
    let mut first = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut first, 8);
    first.kill();
    let dir = experiment(&scene.world);
    let mut second = Live::start(&mut scene.cluster.command_on(2, &scene.world, &["resume", &dir]));
    second.wait_for_reason("experiment-started");
    assert!(fs::read_to_string(Path::new(&dir).join("experiment.lock")).unwrap().contains("\"n2\""));
    scene.open();
    let ended = scene.end(second);
    scene.is_as_a_local_run(&ended, &[]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn what_jobs_finish_while_nobody_coordinates_is_taken_as_it_is() {
    let Some(scene) = Scene::new(2, Auth::Nothing) else { return };
    scene.close();
    let mut first = scene.run(&["--jobs", "8"]);
    scene.wait_for_starts(&mut first, 8);
    first.kill();
    scene.open();
    scene.cluster.wait_for_rest();
    assert_eq!(scene.world.lines("judged"), 8);
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn one_interrupt_lets_running_jobs_end_and_takes_back_those_that_wait() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut live, 4);
    live.signal("INT");
    live.wait_for_reason("stopping");
    scene.wait_until("jobs that wait are taken back", || scene.cluster.squeue("%T") == ["RUNNING"; 4]);
    scene.open();
    let stopped = scene.end(live);
    assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
    assert_eq!((scene.starts().len(), status(&scene.world).as_str()), (4, "interrupted"));
    scene.cluster.wait_for_rest();
    scene.scylla(&["verify", &experiment(&scene.world)]).exits(6);
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[&stopped]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn two_interrupts_end_running_jobs_whose_runs_are_then_no_results() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut live, 4);
    for _ in 0..2 {
        live.signal("INT");
        live.wait_for_reason("stopping");
    }
    let stopped = scene.end(live);
    assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
    scene.cluster.wait_for_rest();
    no_agent_is_left(&scene);
    assert_eq!(scene.world.lines("judged"), 0);
    scene.scylla(&["verify", &experiment(&scene.world)]).exits(6);
    scene.open();
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[&stopped]);
    assert_eq!(scene.starts().values().sum::<usize>(), ALL + 4);
    no_agent_is_left(&scene);
}

/// No agent, judge or worker is alive, whoever started it; daemons of the cluster are.
fn no_agent_is_left(scene: &Scene) {
    scene.wait_until("no process of a job is left", || scene.cluster.processes().is_empty());
}

#[test]
fn at_the_budget_jobs_that_wait_are_taken_back_and_a_higher_one_goes_on() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "12", "--max-cost-usd", "1.5"]);
    scene.wait_for_starts(&mut live, 4);
    // It costs half a dollar. From then on it is known what those that run will cost, and one that takes its place may run.
    scene.let_go(1);
    scene.wait_until("jobs that wait are taken back", || !scene.cluster.squeue("%T").contains(&"PENDING".to_owned()));
    scene.open();
    let reached = scene.end(live);
    assert_eq!((reached.code, status(&scene.world).as_str()), (Some(6), "budget_reached"), "{}", reached.stderr);
    assert!((4..=5).contains(&scene.starts().len()), "{:?}", scene.starts());
    scene.cluster.wait_for_rest();
    let ended = scene.end(scene.resume(&["--max-cost-usd", "100"]));
    scene.is_as_a_local_run(&ended, &[&reached]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}
