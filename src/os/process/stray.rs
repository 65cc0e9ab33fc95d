//! Processes that outlived their coordinator: how they are found again, and ended.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::cgroup::Group;
use super::walk::Tree;
use super::{Containment, SpawnError, Task, table};
use crate::os::clock;

/// How long strays may take to vanish after KILL.
const MOST_DYING: Duration = Duration::from_secs(20);

/// What finds the processes of a run again, after their coordinator was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrayMark {
    /// The first process; 0 in the moment before the start.
    pub pid: i32,
    /// When that started, in clock ticks since the machine started: its number is used again one day.
    pub start_time: u64,
    /// The start of the machine that both mean. After the next one, nothing of the run is alive.
    pub boot_id: String,
    /// The name of the containment.
    pub containment: String,
    /// The control group, if that is the containment.
    pub cgroup: Option<PathBuf>,
    /// The value of [`TOKEN_VARIABLE`](super::TOKEN_VARIABLE) in the environment of the processes.
    pub token: String,
}

/// Whether anything of the run is alive on this machine.
#[must_use]
pub fn stray_alive(mark: &StrayMark) -> bool {
    if mark.boot_id != clock::boot_id() {
        return false;
    }
    group(mark).is_some_and(|group| group.is_populated().unwrap_or(false))
        || tree(mark).members().is_ok_and(|members| !members.is_empty())
}

/// Kills every process of a run whose coordinator is dead, waits until they are gone, and tells how many there were.
///
/// # Errors
/// `TimedOut` when something lives on after KILL; else what the kernel refused.
pub fn end_strays(mark: &StrayMark) -> io::Result<u32> {
    if mark.boot_id != clock::boot_id() {
        return Ok(0);
    }
    let deadline = Instant::now() + MOST_DYING;
    let mut ended = tree(mark).end(deadline)?;
    if let Some(group) = group(mark) {
        ended += u32::try_from(group.members()?.len()).unwrap_or(u32::MAX);
        group.kill()?;
        group.wait_until_empty(deadline)?;
        group.remove()?;
    }
    Ok(ended)
}

fn group(mark: &StrayMark) -> Option<Group> {
    Group::existing(mark.cgroup.as_deref()?, &mark.token)
}

fn tree(mark: &StrayMark) -> Tree {
    Tree::of_another(&mark.token, (mark.pid > 0).then_some((mark.pid, mark.start_time)))
}

/// The file with the mark of a running task.
pub(super) struct MarkFile {
    file: File,
    path: PathBuf,
    mark: StrayMark,
}

impl MarkFile {
    /// Writes the mark before the start, so that there is no moment in which a process has none.
    pub(super) fn create(task: &Task, containment: &Containment, cgroup: Option<PathBuf>) -> Result<Self, SpawnError> {
        let mark = StrayMark {
            pid: 0,
            start_time: 0,
            boot_id: clock::boot_id(),
            containment: containment.name().to_owned(),
            cgroup,
            token: task.token.clone(),
        };
        let path = task.mark.clone();
        remove(&path)?;
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|source| SpawnError::Write { path: path.clone(), source })?;
        let written = Self { file, path, mark };
        written.write()?;
        Ok(written)
    }

    /// Adds the process that was started. The new text is never shorter than the former and is written by one call, so
    /// a kill leaves one or the other.
    pub(super) fn started(&mut self, child: &Child) -> Result<(), SpawnError> {
        if let Some(process) = table::child(child) {
            (self.mark.pid, self.mark.start_time) = (process.pid, process.start);
        }
        self.write()
    }

    fn write(&self) -> Result<(), SpawnError> {
        let failed = |source| SpawnError::Write { path: self.path.clone(), source };
        let text = serde_json::to_vec(&self.mark).map_err(|error| failed(error.into()))?;
        self.file.write_all_at(&text, 0).map_err(failed)
    }

    /// Removes the file; nothing of the task is alive.
    pub(super) fn remove(self) -> Result<(), SpawnError> {
        remove(&self.path)
    }
}

fn remove(path: &Path) -> Result<(), SpawnError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(SpawnError::Write { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}
