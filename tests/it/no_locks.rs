//! A file system without locks: the kernel refuses each, as it does on some file systems of networks. The coordinator holds its experiment by a
//! card that it renews, and everything is as with locks, but for a coordinator of another machine, which has to be watched.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::crash::no_process_is_left;
use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{AGENT, experiment, files_below, json as read, output, planned, status, strace_is_missing};
use crate::world::{Live, Output, World, finish, wait_until};

/// Whether nothing here can be tried; where all must be, that is a failure.
fn cannot_be_tried() -> bool {
    let is_missing = strace_is_missing();
    assert!(!is_missing || std::env::var_os("CI").is_none(), "strace is missing");
    is_missing
}

/// The program, to which the kernel refuses every lock. The tracer stands aside: the process is the program itself.
fn without_locks(world: &World, arguments: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"]);
    command.arg(env!("CARGO_BIN_EXE_cargo-scylla")).arg("scylla").args(arguments).current_dir(world.path(""));
    world.seal(&mut command);
    command
}

fn scylla(world: &World, arguments: &[&str]) -> Output {
    output(&mut without_locks(world, arguments))
}

fn start(world: &World, arguments: &[&str]) -> Live {
    Live::start(&mut without_locks(world, arguments))
}

const RUN: [&str; 9] = ["run", "--tiers-dir", "fixture", "--results-dir", "results", "--runs", "2", "--jobs", "1"];

/// A coordinator that holds its experiment without a lock, while an agent works.
fn held() -> (World, String, Live) {
    let world = World::new();
    TestFixture::new().agent("T0/00-held", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    close(&world, "agent");
    let live = start(&world, &RUN);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    let dir = experiment(&world);
    assert!(card(&world)["word"].is_string(), "it is held by a card: {}", card(&world));
    (world, dir, live)
}

fn place_of_card(world: &World) -> PathBuf {
    world.experiment().join("experiment.lock")
}

fn card(world: &World) -> Value {
    read(&place_of_card(world))
}

/// Puts another card in its place, as a whole.
fn replace(world: &World, card: &Value) {
    let next = world.write("next", &format!("{card}\n"));
    fs::rename(next, place_of_card(world)).unwrap();
}

/// The same card, of a process on another machine.
fn elsewhere(mut card: Value) -> Value {
    card["host"] = json!("elsewhere");
    card["boot_id"] = json!("of-elsewhere");
    card
}

/// Stops a coordinator as a debugger or a terminal does.
fn stand_still(live: &Live) {
    live.signal("STOP");
    let stat = format!("/proc/{}/stat", live.pid());
    // A process that is traced has a letter of its own.
    wait_until("it stands still", || fs::read_to_string(&stat).unwrap().to_lowercase().contains(") t "));
}

/// Nothing is left of cards, claims and what they are made from.
fn nothing_is_left(world: &World) {
    let left = files_below(&world.results());
    let left: Vec<_> = left
        .iter()
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.ends_with(".lock") || name.starts_with(".tmp-")
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_locks_an_experiment_is_made_and_a_second_coordinator_is_sent_away_by_the_card_of_the_first() {
    if cannot_be_tried() {
        return;
    }
    let (world, dir, live) = held();
    let named = format!("held by process {} on ", live.pid());
    let begun = Instant::now();
    // The gate stays closed: whoever waited for the first one would wait for ever.
    for second in [&RUN[..], &["resume", &dir], &["repair", &dir], &["repair", &dir, "--dry-run"]] {
        let refused = scylla(&world, second).exits(3);
        assert!(refused.stderr.contains(&named) && refused.stderr.contains("cargo scylla status"), "{refused}");
    }
    // Somebody who could lock the file sees the card too.
    assert!(world.scylla(&["resume", &dir]).exits(3).stderr.contains(&named));
    assert!(begun.elapsed() < Duration::from_secs(40), "a process of this machine is not waited for");
    assert!(scylla(&world, &["verify", &dir]).exits(3).stdout.contains(&format!("process {}", live.pid())));
    scylla(&world, &["status", &dir]).exits(0);
    open(&world, "agent");
    let (code, _, stderr) = live.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!((world.lines("agent.log"), status(&world).as_str()), (2, "completed"));
    nothing_is_left(&world);
    scylla(&world, &["verify", &dir]).exits(0);
    nothing_is_left(&world);
}

#[test]
fn without_locks_a_killed_coordinator_is_followed_at_once_on_its_machine_and_nothing_is_made_twice() {
    if cannot_be_tried() {
        return;
    }
    let world = World::new();
    let judge = format!("{}; {FULL_SCORE}", gated(&world, "judge"));
    let agent = format!("echo asked >> {}; {AGENT}", world.path("agent.log").display());
    TestFixture::new().agent("T0/00-held", &agent).judge(&judge).write(&world);
    close(&world, "judge");
    let mut live = start(&world, &RUN);
    wait_until("the judge thinks", || world.lines("judge.log") == 1);
    live.kill();
    open(&world, "judge");
    let dir = experiment(&world);
    assert!(card(&world)["word"].is_string(), "its card is left");
    let begun = Instant::now();
    let resumed = scylla(&world, &["resume", &dir]).exits(0);
    assert!(begun.elapsed() < Duration::from_secs(40) && !resumed.stderr.contains("still works"), "{resumed}");
    assert_eq!(world.lines("agent.log"), 2, "each agent is asked once");
    scylla(&world, &["verify", &dir]).exits(0);
    nothing_is_left(&world);
    no_process_is_left(&world);
}

#[test]
fn without_locks_a_card_of_another_machine_is_respected_while_it_is_renewed_and_lapses_when_it_is_not() {
    if cannot_be_tried() {
        return;
    }
    let (world, dir, mut live) = held();
    live.kill();
    let left = elsewhere(card(&world));
    let claim = world.experiment().join("T0/00/.run_01.lock");
    fs::write(&claim, elsewhere(read(&claim)).to_string()).unwrap();
    let is_renewed = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut signs = 0;
            while is_renewed.load(Ordering::Relaxed) {
                signs += 1;
                let mut card = left.clone();
                card["sign"] = json!(format!("{signs:010}"));
                replace(&world, &card);
                std::thread::sleep(Duration::from_millis(300));
            }
        });
        let begun = Instant::now();
        let refused = [&["resume", &dir][..], &["repair", &dir, "--dry-run"], &["verify", &dir]];
        let refused = refused.map(|command| scylla(&world, command));
        let took = begun.elapsed();
        is_renewed.store(false, Ordering::Relaxed);
        let named = format!("process {} on elsewhere", left["pid"]);
        for refused in refused {
            let refused = refused.exits(3);
            assert!(refused.stderr.contains(&named) || refused.stdout.contains(&named), "{refused}");
        }
        assert!(took < Duration::from_secs(30), "a sign of life is seen soon: {took:?}");
    });
    open(&world, "agent");
    let begun = Instant::now();
    let resumed = scylla(&world, &["resume", &dir]).exits(0);
    assert!(begun.elapsed() >= Duration::from_secs(45), "it was not watched for long enough: {:?}", begun.elapsed());
    assert!(
        begun.elapsed() < Duration::from_secs(80),
        "its worker's claim lapses in the same time: {:?}",
        begun.elapsed()
    );
    let told = format!("waits up to 45 seconds to see whether process {} on elsewhere since ", left["pid"]);
    assert_eq!(resumed.stderr.matches(&told).count(), 1, "{resumed}");
    scylla(&world, &["verify", &dir]).exits(0);
    nothing_is_left(&world);
    no_process_is_left(&world);
}

#[test]
fn without_locks_a_coordinator_that_stood_still_while_its_card_was_taken_away_writes_nothing_and_ends_its_agents() {
    if cannot_be_tried() {
        return;
    }
    let (world, dir, live) = held();
    stand_still(&live);
    let mut other = elsewhere(card(&world));
    other["word"] = json!("of-another-coordinator");
    replace(&world, &other);
    let checkpoint = world.experiment().join("checkpoint.json");
    let before = fs::read(&checkpoint).unwrap();
    live.signal("CONT");
    // Its agent would work for ever.
    let (code, events, stderr) = live.end();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("experiment.lock` was removed or replaced while it was held"), "{stderr}");
    assert!(events.iter().any(|event| event["reason"] == "run-stopped"), "{events:#?}");
    assert_eq!(
        (fs::read(&checkpoint).unwrap(), card(&world)),
        (before, other),
        "what belongs to the other one is as it was"
    );
    open(&world, "agent");
    no_process_is_left(&world);
    fs::remove_file(place_of_card(&world)).unwrap();
    scylla(&world, &["resume", &dir]).exits(0);
    scylla(&world, &["verify", &dir]).exits(0);
}

#[test]
fn without_locks_a_stop_finds_the_coordinator_by_its_card_and_no_other_process() {
    if cannot_be_tried() {
        return;
    }
    let (world, dir, mut live) = held();
    let own = card(&world);
    // A card with the number of a process that is not the one that wrote it.
    let mut other = Command::new("sleep").arg("1000").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut wrong = own.clone();
    wrong["pid"] = json!(other.id());
    stand_still(&live);
    replace(&world, &wrong);
    scylla(&world, &["stop", &dir, "--now"]).exits(3);
    assert!(other.try_wait().unwrap().is_none(), "it holds nothing");
    replace(&world, &own);
    let stopped = scylla(&world, &["stop", &dir, "--now"]).exits(0);
    assert!(
        stopped.stdout.contains(&format!("process {} has ended: 0 of 2 planned runs done", live.pid())),
        "{stopped}"
    );
    live.wait_for_reason("stopping");
    let (code, _, stderr) = live.end();
    assert_eq!(code, Some(143), "{stderr}");
    other.kill().unwrap();
    other.wait().unwrap();
    nothing_is_left(&world);
    open(&world, "agent");
    scylla(&world, &["resume", &dir]).exits(0);
    no_process_is_left(&world);
}

#[test]
fn without_locks_a_worker_whose_claim_was_taken_away_ends_its_agent_and_writes_nothing_of_what_that_did() {
    if cannot_be_tried() {
        return;
    }
    // One agent would work for ever, and another is done before its worker can look.
    for is_done in [false, true] {
        let world = World::new();
        let done = format!("echo done >> {}", world.path("done.log").display());
        let agent = format!("{}; {done}; {AGENT}", gated(&world, "agent"));
        let fixture = TestFixture::new().agent("T0/00-held", &agent).write(&world);
        let dir = planned(&world, &fixture, &["--runs", "1"]);
        close(&world, "agent");
        let mut worker = without_locks(&world, &["worker", &dir, "--run", "T0/00/1"]);
        let mut worker = worker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("the agent works", || world.lines("agent.log") == 1);
        let second = scylla(&world, &["worker", &dir, "--run", "T0/00/1"]).exits(3);
        assert!(second.stderr.contains(&format!("process {} on ", worker.id())), "{second}");
        let claim = world.experiment().join("T0/00/.run_01.lock");
        let mut other = elsewhere(read(&claim));
        other["word"] = json!("of-another-worker");
        fs::rename(world.write("next", &other.to_string()), &claim).unwrap();
        if is_done {
            open(&world, "agent");
        }
        wait_until("the worker ends", || worker.try_wait().unwrap().is_some());
        let ended = finish(worker);
        // The first is what a worker says that saw it, the second one that was about to write.
        let (saw, would_write) = ("another worker may have the run", "has lost its run");
        let says = ended.stderr.contains(saw) || (is_done && ended.stderr.contains(would_write));
        assert!(ended.code != Some(0) && says, "{ended}");
        let run = world.experiment().join("T0/00/run_01");
        assert!(!run.join("run_result.json").exists() && !run.join("agent/result.json").exists(), "{ended}");
        assert_eq!(read(&claim), other, "the claim is the other one's");
        assert!(is_done || world.lines("done.log") == 0, "the agent is ended");
        no_process_is_left(&world);
    }
}
