//! Which processes belong to a cluster: its daemons, the steps of its jobs, and all that these started.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// What the system knows of a process that is alive.
struct Seen {
    parent: i32,
    name: String,
    /// Whether it names the cluster or its world, or works below it.
    is_marked: bool,
}

/// The names of daemons: they are there while no job is.
const DAEMONS: [&str; 4] = ["slurmctld", "slurmscriptd", "slurmd", "munged"];

/// Every process of jobs: whatever names the world or its cluster and is no daemon, and what it started.
pub(super) fn of_jobs(world: &Path, conf: &Path, holders: &[i32]) -> Vec<i32> {
    let seen = all(world, conf);
    let is_daemon = |id: &i32| holders.contains(id) || DAEMONS.contains(&seen[id].name.as_str());
    let mut found: BTreeSet<i32> = seen.iter().filter(|(_, seen)| seen.is_marked).map(|(id, _)| *id).collect();
    add_descendants(&mut found, &seen);
    found.into_iter().filter(|id| !is_daemon(id)).collect()
}

/// Ends whatever belongs to a cluster and its world, and says whether there was anything.
pub(super) fn end(world: &Path, conf: &Path, holders: &[i32]) -> bool {
    let seen = all(world, conf);
    let mut found: BTreeSet<i32> = seen.iter().filter(|(_, seen)| seen.is_marked).map(|(id, _)| *id).collect();
    found.extend(holders);
    add_descendants(&mut found, &seen);
    found.retain(|id| seen.contains_key(id));
    for id in &found {
        signal(*id, Signal::KILL);
    }
    !found.is_empty()
}

/// Sends a signal to a process that may be gone.
pub(super) fn signal(id: i32, signal: Signal) {
    let _ = Pid::from_raw(id).map(|id| kill_process(id, signal));
}

/// The process of this name that another one started.
pub(super) fn child_named(parent: i32, name: &str) -> Option<i32> {
    alive().find(|id| stat(*id).is_some_and(|(own, of)| of == parent && own == name))
}

/// Sends a signal to a process and to all that descend from it.
pub(super) fn signal_below(id: i32, kind: Signal) {
    let seen = alive().filter_map(|id| stat(id).map(|(name, parent)| (id, Seen { parent, name, is_marked: false })));
    let mut found = BTreeSet::from([id]);
    add_descendants(&mut found, &seen.collect());
    for id in found {
        signal(id, kind);
    }
}

/// A process that was started by one that is meant is meant too.
fn add_descendants(found: &mut BTreeSet<i32>, seen: &BTreeMap<i32, Seen>) {
    loop {
        let more: Vec<i32> = seen
            .iter()
            .filter(|(id, seen)| found.contains(&seen.parent) && !found.contains(id))
            .map(|(id, _)| *id)
            .collect();
        if more.is_empty() {
            return;
        }
        found.extend(more);
    }
}

fn all(world: &Path, conf: &Path) -> BTreeMap<i32, Seen> {
    let (world_text, own) = (world.to_str().unwrap(), i32::try_from(std::process::id()).unwrap());
    let variable = format!("SLURM_CONF={}", conf.display());
    let look = |id: i32| {
        let (name, parent) = stat(id)?;
        let read = |file: &str| fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        let is_marked = String::from_utf8_lossy(&read("cmdline")).contains(world_text)
            || read("environ").split(|byte| *byte == 0).any(|line| line == variable.as_bytes())
            || fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|folder| folder.starts_with(world));
        Some((id, Seen { parent, name, is_marked }))
    };
    alive().filter(|id| *id != own).filter_map(look).collect()
}

fn alive() -> impl Iterator<Item = i32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|process| process.file_name().to_str()?.parse().ok())
}

/// The name and the parent of a process, unless it is gone or a zombie: where the first process of a machine collects no
/// orphans, what ended stays as one.
fn stat(id: i32) -> Option<(String, i32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (before, after) = stat.rsplit_once(") ")?;
    let mut fields = after.split(' ');
    let (state, parent) = (fields.next()?, fields.next()?);
    let name = before.split_once('(')?.1;
    (!matches!(state, "Z" | "X")).then(|| Some((name.to_owned(), parent.parse().ok()?)))?
}
