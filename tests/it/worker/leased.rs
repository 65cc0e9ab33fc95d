//! Workers that keep a lease on their run, as jobs of a cluster do: a second one waits for the living, takes over from the dead, and all
//! of them honour what one of them was asked to wait for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::{found, planned_world};
use crate::crash::no_process_is_left;
use crate::fixture::{close, open};
use crate::gateway::{Place, asks};
use crate::model_server::Say;
use crate::scenes::{experiment, json as read};
use crate::world::{World, finish, wait_until};

/// Starts a worker with a lease.
fn leased(world: &World, dir: &str, run: &str) -> Child {
    let mut command = world.command(&["worker", dir, "--run", run, "--lease"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a worker a signal.
fn signal(worker: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &worker.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// The folder of a worker's start.
fn start(dir: &str, run: &str, number: u32) -> PathBuf {
    Path::new(dir).join(".jobs/runs").join(run).join(format!("{number:02}"))
}

/// Waits until a worker has given so many more signs of life: what it looks at with each of them, it has seen.
fn wait_for_signs(start: &Path, count: u64) {
    let sign = || fs::read_to_string(start.join("beat")).ok().and_then(|sign| sign.parse::<u64>().ok()).unwrap_or(0);
    let now = sign();
    wait_until("signs of life", || sign() >= now + count);
}

#[test]
fn a_second_job_for_a_run_waits_while_the_first_lives_and_finds_the_run_committed() {
    let (world, dir) = planned_world("1");
    close(&world, "agent");
    let first = leased(&world, &dir, "T0/00/1");
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let second = leased(&world, &dir, "T0/00/1");
    wait_for_signs(&start(&dir, "T0/00/run_01", 1), 3);
    open(&world, "agent");
    finish(first).exits(0);
    let second = finish(second).exits(0);
    assert!(second.stderr.contains("T0/00/run_01 is committed already"), "{second}");
    assert_eq!(world.lines("agent.log"), 1);
    world.scylla(&["repair", &dir]).exits(0);
    assert_eq!(found(&world, &dir), (Some(6), vec!["missing-run".to_owned()]));
    no_process_is_left(&world);
}

#[test]
fn a_job_takes_the_run_over_from_one_that_was_killed_and_a_worker_without_a_lease_is_never_replaced() {
    let (world, dir) = planned_world("1");
    close(&world, "agent");
    let mut first = leased(&world, &dir, "T0/00/1");
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let second = leased(&world, &dir, "T0/00/1");
    wait_for_signs(&start(&dir, "T0/00/run_01", 1), 2);
    first.kill().unwrap();
    first.wait().unwrap();
    wait_until("the second agent works", || world.lines("agent.log") == 2);
    assert!(start(&dir, "T0/00/run_01", 2).is_dir());
    open(&world, "agent");
    finish(second).exits(0);
    let result = read(&Path::new(&dir).join("T0/00/run_01/run_result.json"));
    assert_eq!(result["attempt"], json!(2));
    // One that was started by hand says nothing of how it is, so it is left alone.
    close(&world, "agent");
    let by_hand = super::worker(&world, &dir, "T0/01/1");
    wait_until("the third agent works", || world.lines("agent.log") == 3);
    let refused = finish(leased(&world, &dir, "T0/01/1")).exits(3);
    assert!(refused.stderr.contains(&format!("is worked on by process {} on ", by_hand.id())), "{refused}");
    open(&world, "agent");
    finish(by_hand).exits(0);
    no_process_is_left(&world);
}

#[test]
fn a_worker_that_cannot_reach_the_folder_stops_its_agent_and_writes_nothing() {
    let (world, dir) = planned_world("1");
    close(&world, "agent");
    let cut_off = leased(&world, &dir, "T0/00/1");
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let (jobs, away) = (Path::new(&dir).join(".jobs"), world.path("away"));
    fs::rename(&jobs, &away).unwrap();
    let ended = finish(cut_off).exits(6);
    assert!(ended.stderr.contains("another worker may have the run"), "{ended}");
    no_process_is_left(&world);
    let run = Path::new(&dir).join("T0/00/run_01");
    assert!(run.is_dir() && !run.join("agent/result.json").exists(), "it is left as it was");
    fs::rename(&away, &jobs).unwrap();
    open(&world, "agent");
    finish(leased(&world, &dir, "T0/00/1")).exits(0);
    assert!(Path::new(&dir).join("T0/00/.failed/run_01_attempt_01/attempt.json").exists());
}

/// For how long a worker that cannot reach the folder keeps its run, and a little more.
const CUT_OFF: Duration = Duration::from_secs(22);

#[test]
fn a_worker_that_was_suspended_for_long_goes_on_when_nobody_has_come_for_its_run() {
    let (world, dir) = planned_world("1");
    close(&world, "agent");
    let suspended = leased(&world, &dir, "T0/00/1");
    wait_until("the agent works", || world.lines("agent.log") == 1);
    signal(&suspended, "STOP");
    let beat = start(&dir, "T0/00/run_01", 1).join("beat");
    wait_until("it gave no sign of life for long", || {
        fs::metadata(&beat).unwrap().modified().unwrap().elapsed().is_ok_and(|since| since > CUT_OFF)
    });
    signal(&suspended, "CONT");
    wait_for_signs(&start(&dir, "T0/00/run_01", 1), 2);
    open(&world, "agent");
    finish(suspended).exits(0);
    assert_eq!(world.lines("agent.log"), 1);
    no_process_is_left(&world);
}

#[test]
fn what_one_worker_is_asked_to_wait_for_holds_for_all_and_keys_come_from_a_file_that_only_the_user_reads() {
    // The first agent waits until it is told to ask, the others ask at once.
    let gate =
        |at: &str| format!("if mkdir {at}/first 2> /dev/null; then until [ -e {at}/go ]; do sleep 0.02; done; fi; ");
    let folder = tempfile::tempdir().unwrap();
    let agent = gate(folder.path().to_str().unwrap()) + &asks(1, "true");
    let place = Place::scripted(&agent, |asked| match asked.before {
        0 => Say::Refuse(429, vec![("retry-after", "4".to_owned())], "slow down".to_owned()),
        _ => Say::Answer("done".to_owned()),
    });
    let world = &place.world;
    place
        .runs("3", &["--max-cost-usd", "0", "--gateway", "require"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let dir = experiment(world);
    let given = place.command(&["worker"], &[]);
    let given: Vec<(String, String)> = given
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())))
        .filter(|(name, _)| name.starts_with("ANTHROPIC_"))
        .collect();
    let variables = Path::new(&dir).join(".jobs/variables.json");
    fs::create_dir_all(variables.parent().unwrap()).unwrap();
    let named: serde_json::Map<_, _> = given.into_iter().map(|(name, value)| (name, json!(value))).collect();
    fs::write(&variables, serde_json::to_vec(&named).unwrap()).unwrap();
    fs::set_permissions(&variables, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = finish(leased(world, &dir, "T0/00/1"));
    assert!(refused.stderr.contains("not a file that only you can read"), "{refused}");
    fs::set_permissions(&variables, fs::Permissions::from_mode(0o600)).unwrap();

    let first = leased(world, &dir, "T0/00/1");
    wait_until("an agent has begun", || folder.path().join("first").exists());
    let second = leased(world, &dir, "T0/00/2");
    let pauses = Path::new(&dir).join(".jobs/pauses.json");
    wait_until("a pause is known", || fs::read_to_string(&pauses).is_ok_and(|text| text.contains("claude-sonnet-4-5")));
    // Who would begin now does not.
    let third = finish(leased(world, &dir, "T0/00/3")).exits(6);
    assert!(third.stderr.contains("may not be asked before"), "{third}");
    wait_for_signs(&start(&dir, "T0/00/run_01", 1), 2);
    fs::write(folder.path().join("go"), "").unwrap();
    finish(first).exits(0);
    finish(second).exits(0);
    let held: Vec<f64> = ["run_01", "run_02"]
        .iter()
        .filter_map(|run| {
            read(&Path::new(&dir).join("T0/00").join(run).join("agent/result.json"))["held_seconds"].as_f64()
        })
        .collect();
    assert_eq!(held.len(), 2, "both were held back: {held:?}");
    finish(leased(world, &dir, "T0/00/3")).exits(0);
}
