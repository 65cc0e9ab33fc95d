//! Jobs that Slurm has given up and started again elsewhere, while they live on: as long as they can be seen to live the run is
//! theirs, and of none is there a second result.

use super::config::Auth;
use super::scene::Scene;
use crate::world::{Live, PATIENCE};

/// Eight runs of twelve are at their agents, four of them on the first node of three. The third node is free.
#[track_caller]
fn begun(scene: &Scene) -> (Live, Vec<String>) {
    scene.close();
    let mut live = scene.run(&["--jobs", "8", "--timeout", "600"]);
    scene.wait_for_starts(&mut live, 8);
    let jobs = scene.cluster.squeue("%N");
    assert_eq!(jobs, ["n1", "n1", "n1", "n1", "n2", "n2", "n2", "n2"]);
    (live, scene.started_on("n1"))
}

/// Waits until Slurm has given the jobs of the first node up.
#[track_caller]
fn given_up(scene: &Scene) {
    scene.wait_until("jobs are given up", || !scene.cluster.squeue("%T %N").contains(&"RUNNING n1".to_owned()));
}

/// No agent was started twice.
fn each_started_once(scene: &Scene) {
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn jobs_of_a_killed_slurmd_keep_their_runs() {
    let Some(mut scene) = Scene::new(3, Auth::Nothing) else { return };
    let (live, _) = begun(&scene);
    // Nobody is there who could tell the jobs of this node to end.
    scene.cluster.kill_node(1);
    scene.cluster.down(1);
    given_up(&scene);
    scene.open();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
    each_started_once(&scene);
}

#[test]
fn a_node_that_is_cut_off_from_all_but_the_folder_ends_its_runs_there() {
    let Some(scene) = Scene::apart(3) else { return };
    let (live, _) = begun(&scene);
    scene.cluster.partition(1);
    given_up(&scene);
    scene.open();
    let ended = scene.end(live);
    scene.cluster.heal(1);
    scene.is_as_a_local_run(&ended, &[]);
    each_started_once(&scene);
    scene.cluster.wait_for_node(1, "idle");
}

#[test]
fn a_cut_that_heals_ends_the_ghosts_and_their_runs_are_made_anew() {
    let Some(scene) = Scene::apart(3) else { return };
    let (live, cut_off) = begun(&scene);
    scene.cluster.partition(1);
    given_up(&scene);
    scene.cluster.heal(1);
    // Slurm learns that jobs run there which it has given to others, and ends them.
    scene.wait_until("agents start anew", || cut_off.iter().all(|run| scene.starts()[run] == 2));
    scene.open();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
    for (run, count) in scene.starts() {
        assert_eq!(count, if cut_off.contains(&run) { 2 } else { 1 }, "{run}");
    }
}

#[test]
fn a_machine_that_stood_still_for_too_long_has_lost_its_runs_and_writes_nothing_when_it_goes_on() {
    let Some(scene) = Scene::apart(3) else { return };
    let (live, frozen) = begun(&scene);
    scene.cluster.freeze_node(1);
    let start_anew = || frozen.iter().all(|run| scene.starts()[run] == 2);
    // The coordinator waits for three quarters of a minute, and so does each worker that is to take a run over.
    scene.wait_for_up_to(2 * PATIENCE, "agents start anew", start_anew);
    // Agents of both may work on at once.
    scene.open();
    scene.cluster.thaw_node(1);
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
    for (run, count) in scene.starts() {
        assert_eq!(count, if frozen.contains(&run) { 2 } else { 1 }, "{run}");
    }
}
