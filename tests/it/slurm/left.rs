//! Jobs that are left when nobody follows them any more, or when somebody else does: whoever has the experiment finds them, and nobody else
//! touches them.

use std::fs;
use std::path::{Path, PathBuf};

use super::config::Auth;
use super::people::{keys_are_there, killed_with_jobs};
use super::scene::{Ended, Scene};
use super::there::{cannot, program, search_path};
use crate::scenes::{experiment, files_below};
use crate::world::Live;

#[test]
fn an_experiment_that_was_moved_while_it_has_jobs_is_not_gone_on_with_until_it_is_back() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    killed_with_jobs(&scene);
    let (dir, moved) = (scene.world.experiment(), scene.world.path("moved"));
    fs::rename(&dir, &moved).unwrap();
    let refused = scene.scylla(&["resume", moved.to_str().unwrap()]).exits(1);
    assert!(refused.stderr.contains("wait or run for its former folder"), "{refused}");
    fs::rename(&moved, &dir).unwrap();
    scene.open();
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn jobs_of_an_experiment_that_is_reached_by_another_path_are_followed() {
    if !rustix::process::geteuid().is_root() {
        return cannot("only root can mount a folder at another place");
    }
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    killed_with_jobs(&scene);
    let (results, other) = (scene.world.results(), scene.world.path("other"));
    fs::create_dir(&other).unwrap();
    let batches = || fs::read_dir(scene.world.experiment().join(".jobs/batches")).unwrap().count();
    let submitted = batches();
    let there = other.join(scene.world.experiment().file_name().unwrap());
    let arguments = ["resume", there.to_str().unwrap()];
    let mut resumed =
        Live::start(&mut scene.cluster.command_beside_mount(&scene.world, [&results, &other], &arguments));
    resumed.wait_for_reason("experiment-started");
    scene.open();
    let ended = scene.end(resumed);
    scene.is_as_a_local_run(&ended, &[]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
    assert_eq!((batches(), keys_are_there(&scene)), (submitted, false), "nothing is submitted a second time");
}

#[test]
fn a_job_whose_variables_are_gone_starts_no_agent_and_says_so() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    killed_with_jobs(&scene);
    fs::remove_file(Path::new(&experiment(&scene.world)).join(".jobs/variables.json")).unwrap();
    scene.open();
    scene.cluster.wait_for_rest();
    let logs = files_below(&scene.world.experiment().join(".jobs/batches"));
    let says = |path: &&PathBuf| {
        let is_log = path.extension().is_some_and(|ending| ending == "log");
        is_log
            && fs::read_to_string(path).is_ok_and(|log| log.contains("the variables of agents are not there any more"))
    };
    assert_eq!((logs.iter().filter(says).count(), scene.starts().len()), (8, 4), "{}", scene.job_logs());
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn jobs_that_nobody_follows_are_seen_and_stopped() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    killed_with_jobs(&scene);
    let dir = experiment(&scene.world);
    let shown = scene.scylla(&["status", &dir]).exits(0);
    assert!(shown.stdout.contains("Its jobs may wait and run on the cluster"), "{shown}");
    let stopping = Live::start(&mut scene.cluster.command(&scene.world, &["stop", &dir]));
    scene.wait_until("jobs that wait are taken back", || scene.cluster.squeue("%T") == ["RUNNING"; 4]);
    scene.let_go(2);
    scene.wait_until("two of them end", || scene.cluster.squeue("%T") == ["RUNNING"; 2]);
    let now = scene.scylla(&["stop", &dir, "--now"]).exits(0);
    assert!(now.stdout.contains("2 of 12 planned runs done"), "{now}");
    let stopped = scene.end(stopping);
    assert_eq!((stopped.code, keys_are_there(&scene)), (Some(0), false), "{}", stopped.stderr);
    scene.cluster.wait_for_rest();
    assert!(!scene.scylla(&["status", &dir]).exits(0).stdout.contains("Its jobs may wait"));
    scene.open();
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[]);
}

/// Stops a session while Slurm does not answer: four jobs of it go on, and the others still wait.
fn stopped_unheard(scene: &mut Scene) -> Ended {
    scene.close();
    let mut live = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut live, 4);
    scene.cluster.wait_for_saved_state();
    scene.cluster.kill_controller();
    for _ in 0..3 {
        live.signal("INT");
        live.wait_for_reason("stopping");
    }
    let stopped = scene.end(live);
    scene.cluster.start_controller();
    stopped
}

#[test]
fn a_resume_while_jobs_of_a_stopped_session_still_begin_counts_none_of_them_as_a_failure() {
    let Some(mut scene) = Scene::new(1, Auth::Nothing) else { return };
    let stopped = stopped_unheard(&mut scene);
    // While the answer is on its way in which they wait, all of them begin and end.
    let (real, gate) = (program("squeue").unwrap(), scene.world.path("gate"));
    let script = format!(
        "#!/bin/sh\nqueue=$({0} \"$@\")\n\
         [ ! -e {1} ] || {{ rm {1}; while [ -n \"$({0} -h)\" ]; do sleep 0.2; done; }}\nprintf '%s\\n' \"$queue\"\n",
        real.display(),
        gate.display()
    );
    scene.world.program("bin/squeue", &script);
    let path = format!("{}:{}", scene.world.path("bin").display(), search_path());
    let dir = experiment(&scene.world);
    let mut command = scene.cluster.command(&scene.world, &["resume", &dir, "--attempts", "1"]);
    let ended = scene.end(Live::start(command.env("PATH", path)));
    scene.is_as_a_local_run(&ended, &[&stopped]);
    assert!(ended.events.iter().all(|event| event["reason"] != "attempt-failed"), "{:#?}", ended.events);
}

#[test]
fn jobs_that_begin_after_a_stop_that_slurm_did_not_hear_begin_no_agent() {
    let Some(mut scene) = Scene::new(1, Auth::Nothing) else { return };
    let stopped = stopped_unheard(&mut scene);
    scene.open();
    scene.cluster.wait_for_rest();
    assert_eq!(scene.starts().len(), 4, "{:?}", scene.starts());
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[&stopped]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn a_coordinator_that_loses_the_experiment_leaves_its_jobs_to_the_next_one() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut live, 4);
    let lock = scene.world.experiment().join("experiment.lock");
    fs::rename(scene.world.write("next", ""), lock).unwrap();
    let lost = scene.end(live);
    assert_eq!(lost.code, Some(1), "{}", lost.stderr);
    assert!(lost.stderr.contains("was removed or replaced while it was held"), "{}", lost.stderr);
    assert!(keys_are_there(&scene));
    let jobs = scene.cluster.squeue("%T");
    assert_eq!((jobs.iter().filter(|state| *state == "RUNNING").count(), jobs.len()), (4, 12), "{jobs:?}");
    let mut next = scene.resume(&[]);
    next.wait_for_reason("experiment-started");
    scene.open();
    let ended = scene.end(next);
    scene.is_as_a_local_run(&ended, &[&lost]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn a_stop_that_waits_for_jobs_touches_nothing_of_a_session_that_goes_on_meanwhile() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    killed_with_jobs(&scene);
    let dir = experiment(&scene.world);
    let stopping = Live::start(&mut scene.cluster.command(&scene.world, &["stop", &dir]));
    scene.wait_until("jobs that wait are taken back", || scene.cluster.squeue("%T") == ["RUNNING"; 4]);
    let mut next = scene.resume(&["--jobs", "12"]);
    scene.wait_until("the others are submitted again", || scene.cluster.squeue("%T").len() == 12);
    let stopped = scene.end(stopping);
    assert_eq!(stopped.code, Some(3), "{}", stopped.stderr);
    assert!(!next.has_ended() && keys_are_there(&scene));
    scene.open();
    let ended = scene.end(next);
    scene.is_as_a_local_run(&ended, &[]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}
