//! Real programs, under every containment that works on this machine.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::model::experiment::ContainmentChoice;

mod ends;
mod homes;
mod isolation;
mod orphans;
mod sandbox;
mod trees;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every containment that works here. The walk works everywhere.
fn containments() -> Vec<Containment> {
    static WORKING: OnceLock<Vec<Containment>> = OnceLock::new();
    let working = WORKING.get_or_init(|| {
        let choices = [ContainmentChoice::Bubblewrap, ContainmentChoice::Cgroup, ContainmentChoice::Walk];
        let (works, fails): (Vec<_>, Vec<_>) = choices.map(Containment::probe).into_iter().partition(Result::is_ok);
        fails.into_iter().filter_map(Result::err).for_each(|failure| println!("not tested: {failure}"));
        works.into_iter().filter_map(Result::ok).collect()
    });
    working.clone()
}

/// A folder for a task, and a number that its processes carry in their arguments, by which the tests find them without
/// the code under test.
struct Place {
    folder: TempDir,
    number: u32,
}

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = 1_000_000 + std::process::id() % 1_000_000 * 1000 + NEXT.fetch_add(1, Ordering::SeqCst);
        Self { folder: tempfile::tempdir().unwrap(), number }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn task(&self, argv: &[&str]) -> Task {
        Task {
            argv: argv.iter().map(OsString::from).collect(),
            cwd: self.folder.path().to_owned(),
            environment: BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())]),
            stdin: None,
            stdout: self.path("stdout.log"),
            stderr: self.path("stderr.log"),
            filter: Box::new(|| Box::new(PassThrough)),
            watch: None,
            limits: ProcessLimits {
                wall: PATIENCE,
                no_progress: None,
                output_bytes: 1 << 20,
                overflow: Overflow::End,
                grace: PATIENCE,
            },
            controllers: None,
            sandbox: None,
            door: None,
            views: Vec::new(),
            mark: self.path("process.json"),
            token: format!("test-{}", self.number),
        }
    }

    /// A task of the shell. `NUMBER` stands for the number in its processes' arguments.
    fn shell(&self, script: &str) -> Task {
        self.task(&["/bin/sh", "-c", &script.replace("NUMBER", &self.number.to_string())])
    }

    fn stdout(&self) -> String {
        String::from_utf8(fs::read(self.path("stdout.log")).unwrap()).unwrap()
    }

    fn alive(&self) -> Vec<String> {
        alive(self.number)
    }

    /// How many of them are `sleep` itself, and not a program that starts it.
    fn sleepers(&self) -> usize {
        self.alive().iter().filter(|each| each.split(' ').nth(1) == Some("sleep")).count()
    }

    /// Waits until the task has printed this, up to the tests' deadline.
    fn wait_for_stdout(&self, wanted: &str) {
        wait_until(|| fs::read_to_string(self.path("stdout.log")).is_ok_and(|text| text.contains(wanted)));
    }
}

/// Living processes with the number in their arguments.
fn alive(number: u32) -> Vec<String> {
    let number = number.to_string();
    let mut alive = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let read = |name| String::from_utf8_lossy(&fs::read(entry.path().join(name)).unwrap_or_default()).into_owned();
        let arguments = read("cmdline").replace('\0', " ");
        if arguments.contains(&number) && !read("status").contains("State:\tZ") {
            alive.push(format!("{} {arguments}", entry.file_name().display()));
        }
    }
    alive
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that failed must not leave processes alive: they would hold the pipes of the test's own output.
        for process in self.alive() {
            let pid = process.split(' ').next().unwrap_or_default().to_owned();
            drop(Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status());
        }
    }
}

fn wait_until(mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "it does not happen");
        std::thread::yield_now();
    }
}

fn run_free(task: &Task, containment: &Containment) -> Result<Ended, SpawnError> {
    run(task, containment, &StopHandle::new().unwrap())
}

/// Runs the script under each containment, passes the result to `judge`, and asserts that none of its processes is
/// alive and that no mark is left.
fn check(script: &str, limit: impl Fn(&mut ProcessLimits), judge: impl Fn(&Containment, &Place, Ended)) {
    for containment in containments() {
        let place = Place::new();
        let mut task = place.shell(script);
        limit(&mut task.limits);
        let ended = run_free(&task, &containment).unwrap();
        assert_eq!(place.alive(), Vec::<String>::new(), "{}: {script}", containment.name());
        assert!(!task.mark.exists(), "{}: {script}", containment.name());
        if let Containment::Cgroup { parent } = &containment {
            assert!(!parent.join(format!("scylla-{}", task.token)).exists(), "{script}");
        }
        judge(&containment, &place, ended);
    }
}

/// The same for a script that is to be ended at its wall clock limit after it has printed `begun`. However slow the
/// machine is, it gets the time to do so.
fn check_timeout(script: &str, grace: Duration, judge: impl Fn(&Containment, &Place, Ended)) {
    for containment in containments() {
        let mut wall = Duration::from_millis(250);
        loop {
            let place = Place::new();
            let mut task = place.shell(script);
            (task.limits.wall, task.limits.grace) = (wall, grace);
            let ended = run_free(&task, &containment).unwrap();
            assert_eq!(place.alive(), Vec::<String>::new(), "{}: {script}", containment.name());
            if place.stdout().starts_with("begun") {
                assert_eq!(ended.end, End::TimedOut);
                assert!(ended.duration >= wall);
                judge(&containment, &place, ended);
                break;
            }
            wall *= 2;
            assert!(wall < PATIENCE, "{}: {script}", containment.name());
        }
    }
}
