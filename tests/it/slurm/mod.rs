//! Experiments on real Slurm: each test has a cluster of its own, which begins in a second and of which nothing lives on.

mod apart;
mod asking;
mod cluster;
mod config;
mod coordinator;
mod failing;
mod ghosts;
mod left;
mod people;
mod processes;
mod scale;
mod scene;
mod there;
mod whole;

use std::fs;

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment, is_alive};
use crate::world::{World, wait_until};
use cluster::Cluster;
use config::Auth;
use there::Wanted;

/// Submits a script as `count` tasks of an array and returns the number of the job.
#[track_caller]
fn submit(cluster: &Cluster, count: u32, script: &str) -> String {
    let array = format!("--array=1-{count}");
    let arguments = ["--parsable", "--export=NONE", "--output=/dev/null", &array, "--wrap", script];
    cluster.tool("sbatch", &arguments).trim().to_owned()
}

/// The lines that jobs wrote into a log of the world, sorted.
fn lines(world: &World, log: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        fs::read_to_string(world.path(log)).unwrap_or_default().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Starts the tasks of a job at once that Slurm queued again and would let wait for two minutes.
#[track_caller]
fn hasten(cluster: &Cluster, job: &str) {
    wait_until("the job is queued again", || {
        let update = cluster.try_tool("scontrol", &["update", &format!("jobid={job}"), "starttime=now"]);
        update.code == Some(0)
    });
}

#[test]
fn the_tasks_of_an_array_run_on_every_node_and_know_each_other_by_munge() {
    let world = World::new();
    let Some(cluster) = Cluster::start(&world, 3, Auth::Munge) else { return };
    let log = world.path("log");
    submit(&cluster, 12, &format!("echo $SLURMD_NODENAME $SLURM_ARRAY_TASK_ID >> {}; sleep 1", log.display()));
    wait_until("each task has begun", || world.lines("log") == 12);
    let seen = lines(&world, "log");
    for node in ["n1", "n2", "n3"] {
        assert_eq!(seen.iter().filter(|line| line.starts_with(node)).count(), 4, "{seen:?}");
    }
    cluster.wait_for_rest();
}

#[test]
fn the_job_of_a_node_that_goes_down_is_queued_again_and_knows_it() {
    let world = World::new();
    let Some(cluster) = Cluster::start(&world, 2, Auth::Nothing) else { return };
    let (log, go) = (world.path("log"), world.path("go"));
    let script = format!(
        "echo $SLURMD_NODENAME ${{SLURM_RESTART_COUNT:-0}} >> {}; until [ -e {} ]; do sleep 0.05; done",
        log.display(),
        go.display()
    );
    let job = submit(&cluster, 1, &script);
    wait_until("the job runs", || world.lines("log") == 1);
    assert_eq!(lines(&world, "log"), ["n1 0"]);
    cluster.down(1);
    hasten(&cluster, &format!("{job}_1"));
    wait_until("the job runs again", || world.lines("log") == 2);
    assert_eq!(lines(&world, "log"), ["n1 0", "n2 1"]);
    cluster.up(1);
    world.write("go", "");
    cluster.wait_for_rest();
    cluster.wait_for_node(1, "idle");
}

#[test]
fn a_slurmctld_that_is_killed_and_started_again_finds_what_still_runs() {
    let world = World::new();
    let Some(mut cluster) = Cluster::start(&world, 2, Auth::Nothing) else { return };
    let log = world.path("log");
    let script =
        format!("echo begun >> {}; until [ -e {} ]; do sleep 0.05; done", log.display(), world.path("go").display());
    let job = submit(&cluster, 1, &script);
    wait_until("the job runs", || world.lines("log") == 1);
    cluster.wait_for_saved_state();
    cluster.kill_controller();
    cluster.start_controller();
    assert_eq!(cluster.squeue("%i %T"), [format!("{job}_1 RUNNING")]);
    cluster.stop_node(1);
    cluster.continue_node(1);
    world.write("go", "");
    cluster.wait_for_rest();
    assert_eq!(world.lines("log"), 1);
}

#[test]
fn a_node_that_is_cut_off_loses_its_job_to_another_and_its_ghost_writes_on_until_the_cut_heals() {
    let world = World::new();
    let Some(cluster) = Cluster::start_apart(&world, 2) else { return };
    let (log, name) = (world.path("log"), world.path("$(uname -n)"));
    let script = format!(
        "echo $(uname -n) ${{SLURM_RESTART_COUNT:-0}} >> {}; while [ ! -e {} ]; do echo alive > {}; sleep 0.1; done",
        log.display(),
        world.path("go").display(),
        name.display()
    );
    let job = submit(&cluster, 1, &script);
    wait_until("the job runs", || world.lines("log") == 1);
    cluster.partition(1);
    hasten(&cluster, &format!("{job}_1"));
    wait_until("the job runs again", || world.lines("log") == 2);
    assert_eq!(lines(&world, "log"), ["n1 0", "n2 1"]);
    fs::remove_file(world.path("n1")).unwrap();
    wait_until("the ghost writes on", || world.path("n1").exists());
    cluster.heal(1);
    cluster.wait_for_node(1, "idle");
    world.write("go", "");
    cluster.wait_for_rest();
}

#[test]
fn all_of_a_node_that_loses_its_power_ends_at_once() {
    let world = World::new();
    let Some(mut cluster) = Cluster::start_apart(&world, 2) else { return };
    submit(&cluster, 1, &format!("echo begun >> {}; setsid sleep 900", world.path("log").display()));
    wait_until("the job runs", || world.lines("log") == 1);
    let seen = cluster.processes();
    assert!(seen.len() >= 3, "{seen:?}");
    cluster.kill_node(1);
    wait_until("its processes end", || cluster.processes().is_empty());
    cluster.start_node(1);
    cluster.wait_for_node(1, "idle");
}

#[test]
fn workers_that_are_tasks_of_an_array_make_the_runs_of_a_plan_on_either_kind_of_cluster() {
    for is_apart in [false, true] {
        let world = World::new();
        let cluster = if is_apart { Cluster::start_apart(&world, 2) } else { Cluster::start(&world, 2, Auth::Nothing) };
        let Some(cluster) = cluster else { return };
        let agent = format!("echo $(uname -n) $$ >> {}; {AGENT}", world.path("agents").display());
        let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
        let arguments = ["run", &fixture, "--results-dir", "results", "--runs", "4", "--max-cost-usd", "0"];
        cluster.scylla(&world, &arguments).exits(6);
        let (program, dir) = (env!("CARGO_BIN_EXE_cargo-scylla"), experiment(&world));
        submit(&cluster, 4, &format!("{program} scylla worker {dir} --run T0/00/$SLURM_ARRAY_TASK_ID; sleep 1"));
        wait_until("the agents have worked", || world.lines("agents") == 4);
        cluster.wait_for_rest();
        cluster.scylla(&world, &["repair", &dir]).exits(0);
        cluster.scylla(&world, &["verify", &dir]).exits(0);
        assert_eq!(world.lines("agents"), 4);
    }
}

#[test]
fn nothing_of_a_cluster_lives_on_after_it_is_dropped() {
    for is_apart in [false, true] {
        let world = World::new();
        let cluster = if is_apart { Cluster::start_apart(&world, 2) } else { Cluster::start(&world, 2, Auth::Munge) };
        let Some(mut cluster) = cluster else { return };
        let ids = world.path("ids");
        // A process that left its session, and one whose environment and folder say nothing of the cluster.
        let script = format!(
            "setsid sleep 901 & cd /; env -i sh -c 'sleep 902; true' & sleep 0.1; echo begun >> {}; wait",
            ids.display()
        );
        submit(&cluster, 2, &script);
        wait_until("both run", || world.lines("ids") == 2);
        let mut alive = cluster.processes();
        assert!(alive.len() >= 10, "{alive:?}");
        alive.extend(cluster.children());
        // What a killed node leaves is found too.
        cluster.kill_node(1);
        drop(cluster);
        let left: Vec<i32> = alive.into_iter().filter(|id| is_alive(*id)).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_cluster_that_cannot_be_is_skipped_aloud_and_fails_where_it_is_required() {
    assert_eq!(there::wanted(None, false), Wanted::WherePossible);
    assert_eq!(there::wanted(None, true), Wanted::Required);
    assert_eq!(there::wanted(Some("required"), false), Wanted::Required);
    // The step with all the other tests leaves these to a step of their own.
    assert_eq!(there::wanted(Some("off"), true), Wanted::Off);
}
