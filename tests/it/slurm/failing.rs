//! Daemons and nodes that fail while an experiment is made, and people who cancel jobs.

use std::time::{Duration, Instant};

use super::config::Auth;
use super::scene::{ALL, Scene};

#[test]
fn a_slurmctld_that_is_killed_within_a_second_of_a_submit_forgets_jobs_and_no_run_is_lost_or_made_twice() {
    let Some(mut scene) = Scene::new(2, Auth::Nothing) else { return };
    scene.close();
    let live = scene.run(&["--jobs", "12"]);
    scene.wait_until("jobs are submitted", || !scene.cluster.squeue("%i").is_empty());
    let submitted = Instant::now();
    scene.cluster.kill_controller();
    assert!(submitted.elapsed() < Duration::from_secs(1));
    // What it had begun goes on meanwhile.
    scene.cluster.start_controller();
    scene.open();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
}

#[test]
fn a_slurmctld_that_is_away_for_a_while_is_waited_for() {
    let Some(mut scene) = Scene::new(2, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "4"]);
    scene.wait_for_starts(&mut live, 4);
    scene.cluster.wait_for_saved_state();
    scene.cluster.kill_controller();
    scene.open();
    // Results are found without it.
    let mut committed = 0;
    while committed < 4 {
        live.wait_for_reason("run-committed");
        committed += 1;
    }
    assert!(!live.has_ended());
    scene.cluster.start_controller();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn the_runs_of_a_node_that_loses_its_power_are_made_on_another() {
    let Some(mut scene) = Scene::apart(3) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut live, ALL);
    let lost = scene.started_on("n1");
    assert_eq!(lost.len(), 4, "{:?}", scene.starts());
    scene.cluster.kill_node(1);
    scene.open();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
    for (run, count) in scene.starts() {
        assert_eq!(count, if lost.contains(&run) { 2 } else { 1 }, "{run}");
    }
}

#[test]
fn a_job_that_somebody_cancels_is_made_again() {
    let Some(scene) = Scene::new(2, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut live, 8);
    let jobs = scene.cluster.squeue("%T %i");
    let of = |state: &str| jobs.iter().find_map(|job| job.strip_prefix(state)).unwrap().trim().to_owned();
    let cancelled = [of("RUNNING"), of("PENDING")];
    for job in &cancelled {
        scene.cluster.tool("scancel", &[job]);
    }
    // An agent that lives on for a moment would find its gate open.
    scene.wait_until("they are gone", || !scene.cluster.squeue("%i").iter().any(|job| cancelled.contains(job)));
    scene.open();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
    assert_eq!(scene.starts().values().sum::<usize>(), ALL + 1);
}

#[test]
fn a_job_that_somebody_puts_back_into_the_queue_is_made_again() {
    let Some(scene) = Scene::new(2, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "8"]);
    scene.wait_for_starts(&mut live, 8);
    let running = scene.cluster.squeue("%T %i");
    let job = running[0].strip_prefix("RUNNING ").unwrap();
    scene.cluster.scontrol(&["requeue", job]);
    let there = ["RUNNING", "COMPLETING"].map(|state| format!("{state} {job}"));
    scene.wait_until("it is not where it was", || !scene.cluster.squeue("%T %i").iter().any(|one| there.contains(one)));
    scene.open();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
    assert_eq!(scene.starts().values().sum::<usize>(), ALL + 1);
}
