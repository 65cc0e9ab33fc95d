//! Many short runs: what the coordinator of a cluster needs for each, of memory and of time, does not grow with their number. `cargo xtask
//! sweep jobs` does ten thousand.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Instant;

use super::cluster::Cluster;
use super::config::Auth;
use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment};
use crate::world::World;

/// Runs in `cargo test`.
const FEW: u32 = 120;
/// In how many parts the runs are measured.
const PARTS: u32 = 10;

/// What the coordinator had used when a part of the runs was done.
#[derive(Debug, Clone, Copy)]
struct Used {
    /// Seconds since it began.
    seconds: f64,
    /// Seconds of a processor.
    worked: f64,
    /// Memory, in MiB.
    memory: f64,
}

/// What a process uses now.
fn used(pid: u32, began: Instant) -> Used {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let memory: f64 = memory.trim().trim_end_matches(" kB").parse().unwrap();
    Used { seconds: began.elapsed().as_secs_f64(), worked: ticks / 100.0, memory: memory / 1024.0 }
}

#[test]
fn what_the_coordinator_needs_for_a_run_does_not_grow_with_their_number() {
    let all: u32 = std::env::var("SCYLLA_JOBS").map_or(FEW, |count| count.parse().unwrap());
    let world = World::new();
    let Some(cluster) = Cluster::start(&world, 3, Auth::Nothing) else { return };
    let fixture = TestFixture::new().agent("T0/00-short", AGENT).write(&world);
    let runs = all.to_string();
    let arguments = ["run", &fixture, "--results-dir", "results", "--runs", &runs, "--backend", "slurm"];
    let mut command = cluster.command(&world, &arguments);
    command.args(["--jobs", "200", "--message-format", "json"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let began = Instant::now();
    let mut coordinator = command.spawn().unwrap();
    let part = all / PARTS;
    let (mut done, mut measured) = (0, Vec::new());
    for line in BufReader::new(coordinator.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if line.contains(r#""reason":"run-committed""#) {
            done += 1;
            if done % part == 0 {
                measured.push(used(coordinator.id(), began));
            }
        }
    }
    assert_eq!(coordinator.wait().unwrap().code(), Some(0));
    assert_eq!(done, all);
    println!("{all} runs: after each tenth, seconds, milliseconds of a processor for each run of it, MiB");
    let mut before = Used { seconds: 0.0, worked: 0.0, memory: 0.0 };
    let mut each = Vec::new();
    for now in &measured {
        let cost = (now.worked - before.worked) * 1000.0 / f64::from(part);
        println!("{:8.1} {cost:8.2} {:8.1}", now.seconds, now.memory);
        each.push(cost);
        before = *now;
    }
    let (early, late) = (measured[1], measured[measured.len() - 1]);
    // What is kept of each run is its place in the index and its score.
    let grown = (late.memory - early.memory).max(0.0) * 1024.0 / f64::from(all);
    assert!(all == FEW || grown < 8.0, "{grown} KiB more for each run: {measured:?}");
    assert!(all == FEW || each[each.len() - 1] < 3.0 * each[1].max(1.0), "{each:?}");
    let dir = experiment(&world);
    cluster.scylla(&world, &["verify", &dir]).exits(0);
    cluster.wait_for_rest();
}
