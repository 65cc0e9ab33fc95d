//! Whether there is a Slurm to test with, and whether a test has its turn.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

/// What `SCYLLA_SLURM` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// No test with a cluster: they are a step of their own.
    Off,
    /// Those that can be made here.
    WherePossible,
    /// All: a cluster that cannot be started is a failure.
    Required,
}

/// What is asked for, by the values of `SCYLLA_SLURM` and `CI`.
pub(super) fn wanted(slurm: Option<&str>, is_ci: bool) -> Wanted {
    match slurm {
        Some("off") => Wanted::Off,
        Some("required") => Wanted::Required,
        _ if is_ci => Wanted::Required,
        _ => Wanted::WherePossible,
    }
}

/// Programs of the distribution's packages slurmctld, slurmd, munge and slurm-client.
const PROGRAMS: [&str; 8] = ["slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "scontrol", "sinfo"];

/// Where daemons lie that a person does not start.
const MORE: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The search path of daemons.
pub(super) fn search_path() -> String {
    let path = env::var("PATH").unwrap_or_default();
    [path.as_str(), &MORE.join(":")].join(":")
}

/// A program of the search path.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    env::split_paths(&search_path()).map(|folder| folder.join(name)).find(|file| Path::is_file(file))
}

/// Whether tests with a cluster are made; a reason why not is said.
#[track_caller]
pub(super) fn is_there() -> bool {
    let slurm = env::var("SCYLLA_SLURM").ok();
    let wanted = wanted(slurm.as_deref(), env::var_os("CI").is_some());
    if wanted == Wanted::Off {
        return skipped("SCYLLA_SLURM is `off`; `cargo xtask e2e slurm` makes these tests", wanted);
    }
    match PROGRAMS.into_iter().find(|name| program(name).is_none()) {
        Some(missing) => skipped(&format!("{missing} is not installed"), wanted),
        None => true,
    }
}

/// Says that a cluster of this kind cannot be started here, which is a failure where all are required.
#[track_caller]
pub(super) fn cannot(why: &str) {
    let slurm = env::var("SCYLLA_SLURM").ok();
    skipped(why, wanted(slurm.as_deref(), env::var_os("CI").is_some()));
}

#[track_caller]
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
fn skipped(why: &str, wanted: Wanted) -> bool {
    assert!(wanted != Wanted::Required, "{why}");
    println!("skipped: {why}");
    false
}

/// The turn of a test: it holds one of two places until it is dropped, because a cluster is a dozen processes.
pub(super) struct Turn;

static HELD: Mutex<u8> = Mutex::new(0);
static IS_FREE: Condvar = Condvar::new();
const PLACES: u8 = 2;

impl Turn {
    /// Waits for it.
    pub(super) fn wait() -> Self {
        let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = IS_FREE.wait_while(held, |held| *held >= PLACES).unwrap_or_else(PoisonError::into_inner);
        *held += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        IS_FREE.notify_one();
    }
}
