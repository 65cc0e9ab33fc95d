//! What several tests of a whole experiment share: planned experiments in which nothing has started, files read as JSON,
//! and a look at which processes are alive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::{Output, World, finish};

/// An agent that does the task and says that it cost half a dollar.
pub(crate) const AGENT: &str = r#"touch done; printf '{"cost_usd": 0.5}' > "$SCYLLA_RECORD_FILE""#;

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// A file as JSON.
#[track_caller]
pub(crate) fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", path.display()))
}

/// The path of the one experiment as text.
#[track_caller]
pub(crate) fn experiment(world: &World) -> String {
    world.experiment().to_str().unwrap().to_owned()
}

/// One field of the experiment's config.
#[track_caller]
pub(crate) fn saved(world: &World, field: &str) -> Value {
    json(&world.experiment().join("config/experiment.json"))[field].clone()
}

/// What the checkpoint says of a run such as `T0/00/1`; null when it says nothing.
#[track_caller]
pub(crate) fn recorded(world: &World, run: &str) -> Value {
    let checkpoint = json(&world.experiment().join("checkpoint.json"));
    let parts: Vec<&str> = run.split('/').collect();
    checkpoint["completed_runs"][parts[0]][parts[1]][parts[2]].clone()
}

/// The status of the checkpoint.
#[track_caller]
pub(crate) fn status(world: &World) -> String {
    json(&world.experiment().join("checkpoint.json"))["status"].as_str().unwrap().to_owned()
}

/// An experiment that is planned and in which nothing has started: its budget is nothing. A resume with another
/// `--max-cost-usd` makes its runs.
#[track_caller]
pub(crate) fn planned(world: &World, fixture: &str, more: &[&str]) -> String {
    let results = world.results();
    let mut arguments = vec!["run", "--tiers-dir", fixture, "--results-dir", results.to_str().unwrap()];
    arguments.extend(["--max-cost-usd", "0"]);
    arguments.extend(more);
    world.scylla(&arguments).exits(6);
    experiment(world)
}

/// Writes another value into the config of an experiment, as a person with an editor would.
pub(crate) fn edit_config(world: &World, field: &str, value: Value) {
    crate::verify::folder::edit(&world.experiment().join("config/experiment.json"), |config| config[field] = value);
}

/// Replaces one text by another in a file of the world, in which it must be.
#[track_caller]
pub(crate) fn edit(world: &World, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(world.path(file)).unwrap();
    assert!(text.contains(from), "{file} has no `{from}`:\n{text}");
    world.write(file, &text.replace(from, to));
}

/// Processes that are alive and have this word in their command, by number.
pub(crate) fn alive(word: &str) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .filter(|process| is_alive(*process))
        .filter(|process| {
            let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(word)
        })
        .collect()
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(process: i32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with(['Z', 'X']))
}

/// Every regular file below a folder, links not followed, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => open.push(entry.path()),
                kind if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// Whether a test that needs a program has to be skipped; it says so.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
pub(crate) fn is_missing(program: &str) -> bool {
    let missing = Command::new(program).arg("--version").output().is_err();
    if missing {
        println!("skipped: {program} is not installed");
    }
    missing
}

/// Whether a test that takes system calls one by one has to be skipped; it says so.
pub(crate) fn strace_is_missing() -> bool {
    is_missing("strace")
}

/// The program under `strace`, which does `what` at these system calls of it and of all that it starts: arguments follow.
/// With `--seccomp-bpf` it would be faster and do it at other calls than it counts.
pub(crate) fn disturbed(calls: &str, what: &str) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("inject={calls}:{what}")]);
    command.arg(env!("CARGO_BIN_EXE_cargo-scylla")).arg("scylla");
    command
}

/// A finished experiment with one setup that always solves the task, one that never does, and one that does every second time:
/// so many runs of each. Its world, and its folder.
pub(crate) fn measured(runs: u32) -> (World, String) {
    let world = World::new();
    let fixture = crate::fixture::TestFixture::new()
        .agent("T0/00-always", "touch done")
        .agent("T0/01-never", "exit 0")
        .agent("T1/00-sometimes", "[ $((SCYLLA_RUN % 2)) = 0 ] || touch done")
        .write(&world);
    let runs = runs.to_string();
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", &runs]).exits(0);
    let dir = experiment(&world);
    (world, dir)
}

/// At the how-many-eth call of each kind a command is killed, in turn until there is none: at every one with
/// `SCYLLA_KILLS=all`, else at every fifth.
pub(crate) fn killing_points() -> impl Iterator<Item = usize> {
    (1..).step_by(if std::env::var("SCYLLA_KILLS").is_ok() { 1 } else { 5 })
}

/// The containments that work on this machine; those that do not are named aloud.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
pub(crate) fn containments() -> Vec<&'static str> {
    let world = World::new();
    let fixture = crate::fixture::TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    let works = |containment: &&str| {
        let results = world.path(containment);
        let results = results.to_str().unwrap();
        let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", results, "--runs", "1", "--containment"];
        let tried = world.scylla(&[&arguments[..], &[containment]].concat());
        if tried.code != Some(0) {
            assert_eq!(tried.code, Some(2), "{tried}");
            println!("skipped: containment `{containment}` does not work here");
        }
        tried.code == Some(0)
    };
    ["bubblewrap", "cgroup", "walk"].into_iter().filter(works).collect()
}
