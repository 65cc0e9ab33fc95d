//! Whole experiments, on three nodes, in which nothing goes wrong.

use super::config::Auth;
use super::scene::{ALL, Scene};

#[test]
fn an_experiment_on_three_nodes_that_know_each_other_by_munge_is_what_a_local_run_gives() {
    let Some(scene) = Scene::new(3, Auth::Munge) else { return };
    let ended = scene.end(scene.run(&["--jobs", "12"]));
    scene.is_as_a_local_run(&ended, &[]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
    let jobs = scene.cluster.log("jobcomp.txt");
    for node in ["NodeList=n1", "NodeList=n2", "NodeList=n3"] {
        assert!(jobs.contains(node), "{jobs}");
    }
    assert!(jobs.lines().all(|job| job.contains(" Name=tested-") && job.contains(" JobState=COMPLETED")), "{jobs}");
}

#[test]
fn agents_work_on_machines_of_their_own_with_what_was_asked_for_them() {
    let Some(scene) = Scene::apart(3) else { return };
    let flags = ["--jobs", "12", "--cpus", "2", "--mem", "100MiB", "--time", "10m", "--sbatch=--nice=7"];
    scene.close();
    let mut live = scene.run(&flags);
    // Two of four processors for each, on three nodes.
    scene.wait_for_starts(&mut live, 6);
    let jobs = scene.cluster.squeue("%T %j %C %m %l %y");
    let (running, waiting): (Vec<&String>, Vec<&String>) = jobs.iter().partition(|job| job.starts_with("RUNNING "));
    assert_eq!((running.len(), waiting.len()), (6, ALL - 6), "{jobs:#?}");
    for job in &jobs {
        let asked: Vec<&str> = job.splitn(6, ' ').skip(1).collect();
        assert!(asked[0].starts_with("tested-"), "{job}");
        assert_eq!(asked[1..], ["2", "100M", "10:00", "7"], "{job}");
    }
    scene.open();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
    for machine in ["n1", "n2", "n3"] {
        assert!(scene.started_on(machine).len() >= 2, "{:?}", scene.starts());
    }
    assert!(scene.started_on("ctl").is_empty());
}

#[test]
fn jobs_go_where_they_are_sent_and_fill_it_but_never_more_at_once_than_jobs() {
    let Some(scene) = Scene::new(3, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "3", "--partition", "last"]);
    scene.wait_for_starts(&mut live, 3);
    let jobs = scene.cluster.squeue("%T %P %N");
    assert_eq!(jobs, ["RUNNING last n3"; 3], "{jobs:#?}");
    scene.open();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
}
