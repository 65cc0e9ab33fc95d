//! Orphans: processes that outlived their coordinator. How they are recognised, and ended.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::cgroup::Group;
use super::walk::Tree;
use super::{Containment, MOST_DYING, SpawnError, Task, bubblewrap, table};
use crate::os::clock;
use crate::os::files::{FileError, Folder};

/// What identifies the processes of a run after their coordinator was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanMark {
    /// The pid of the first process; 0 just before the start.
    pub pid: i32,
    /// When it started, in clock ticks since the machine started: pids are reused.
    pub start_time: u64,
    /// The boot id of the machine at that time. After another boot, no process of the run is alive.
    pub boot_id: String,
    /// The name of the containment.
    pub containment: String,
    /// The control group, if that is the containment.
    pub cgroup: Option<PathBuf>,
    /// The control groups that hold the processes to their limits; none in marks of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limiting: Vec<PathBuf>,
    /// The machine that all this is about; empty in marks of earlier versions.
    #[serde(default)]
    pub host: String,
    /// The id of that machine, which stays the same across restarts; empty where it has none.
    #[serde(default)]
    pub machine_id: String,
    /// The pid namespace that the pid belongs to; empty where the kernel does not report it.
    #[serde(default)]
    pub pid_namespace: String,
    /// The number of the mark's own file: a copy of the file has another one. 0 in marks of earlier versions.
    #[serde(default)]
    pub inode: u64,
    /// The value of [`TOKEN_VARIABLE`](super::TOKEN_VARIABLE) in the environment of the processes.
    pub token: String,
}

impl OrphanMark {
    fn new(token: &str, containment: &str, cgroup: Option<PathBuf>, limiting: Vec<PathBuf>) -> Self {
        Self {
            pid: 0,
            start_time: 0,
            boot_id: clock::boot_id(),
            containment: containment.to_owned(),
            cgroup,
            limiting,
            host: clock::host(),
            machine_id: clock::machine_id(),
            pid_namespace: table::pid_namespace(),
            inode: 0,
            token: token.to_owned(),
        }
    }

    /// Whether the file at this path, from which the mark was read, is a copy: then its processes are those of another experiment.
    #[must_use]
    pub fn is_copied_to(&self, path: &Path) -> bool {
        self.inode != 0 && fs::symlink_metadata(path).is_ok_and(|found| found.ino() != self.inode)
    }

    /// Where its processes were started, as seen from here.
    fn origin(&self) -> Origin {
        if self.boot_id == clock::boot_id() {
            let own = table::pid_namespace();
            return match self.pid_namespace.as_str() {
                theirs if theirs.is_empty() || theirs == own => Origin::Here,
                _ if own == table::FIRST_PID_NAMESPACE => Origin::Inside,
                _ => Origin::Elsewhere,
            };
        }
        // Machines can share a name, so only the id shows whether a machine was restarted or is another one. Earlier
        // versions wrote neither.
        let is_former = self.host.is_empty();
        let is_this =
            self.host == clock::host() && !self.machine_id.is_empty() && self.machine_id == clock::machine_id();
        if is_former || is_this { Origin::BeforeTheStart } else { Origin::Elsewhere }
    }

    /// Its control groups that are still there.
    fn groups(&self) -> impl Iterator<Item = Group> {
        let paths = self.cgroup.iter().chain(&self.limiting);
        paths.filter_map(|path| Group::existing(path, &self.token))
    }

    fn tree(&self, origin: Origin) -> Tree {
        let has_number = self.pid > 0 && origin == Origin::Here;
        Tree::of_another(&self.token, has_number.then_some((self.pid, self.start_time)))
    }
}

/// Where processes of a mark were started, as seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// In our pid namespace: pids mean the same here.
    Here,
    /// On this machine, in another pid namespace; all its processes can be seen from here.
    Inside,
    /// On this machine, before its last start.
    BeforeTheStart,
    /// On another machine, or in a container that cannot be inspected.
    Elsewhere,
}

/// What is known of the processes that a mark identifies, when their coordinator is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrphanState {
    /// Some are alive, and can be ended from here.
    Alive,
    /// None lives.
    Dead,
    /// They were started where we cannot look from here: they may be alive.
    Unknown,
}

/// What is known of the processes of a run whose coordinator is dead.
#[must_use]
pub fn orphan_state(mark: &OrphanMark) -> OrphanState {
    let origin = mark.origin();
    match origin {
        Origin::BeforeTheStart => OrphanState::Dead,
        // Wherever that was, the kernel there ended them with their coordinator.
        Origin::Elsewhere if mark.containment == bubblewrap::NAME => OrphanState::Dead,
        Origin::Elsewhere => OrphanState::Unknown,
        Origin::Here | Origin::Inside => {
            let lives = mark.groups().any(|group| group.is_populated().unwrap_or(true))
                || mark.tree(origin).members().map_or(true, |members| !members.is_empty());
            if lives { OrphanState::Alive } else { OrphanState::Dead }
        }
    }
}

/// Removes the control groups of a run when none of its processes is alive.
pub fn clear_group(mark: &OrphanMark) {
    if matches!(mark.origin(), Origin::Here | Origin::Inside) {
        // The kernel keeps a group in which a process is alive.
        mark.groups().for_each(|group| drop(group.remove()));
    }
}

/// Kills every process of a run whose coordinator is dead, waits until they are gone, and gives how many there were.
/// Processes that were started elsewhere are left alone: their pids mean other processes here.
///
/// # Errors
/// `TimedOut` when a process survived KILL; else the kernel's error.
pub fn end_orphans(mark: &OrphanMark) -> io::Result<u32> {
    let origin = mark.origin();
    if !matches!(origin, Origin::Here | Origin::Inside) {
        return Ok(0);
    }
    let deadline = Instant::now() + MOST_DYING;
    let mut ended = mark.tree(origin).end(deadline)?;
    for group in mark.groups() {
        ended += u32::try_from(group.members()?.len()).unwrap_or(u32::MAX);
        group.end(deadline)?;
        group.remove()?;
    }
    Ok(ended)
}

/// The file with the mark of a running task.
pub(super) struct MarkFile {
    file: File,
    /// The folder in which the file was made, held open: the program may put another folder in its place.
    folder: Folder,
    name: OsString,
    path: PathBuf,
    mark: OrphanMark,
}

impl MarkFile {
    /// Writes the mark before the start, so that no process ever exists without one.
    pub(super) fn create(
        task: &Task,
        containment: &Containment,
        cgroup: Option<PathBuf>,
        limiting: Vec<PathBuf>,
    ) -> Result<Self, SpawnError> {
        let path = task.mark.clone();
        let failed = |error: FileError| SpawnError::Write { path: path.clone(), source: error.error };
        let mut mark = OrphanMark::new(&task.token, containment.name(), cgroup, limiting);
        let folder = Folder::open(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        let folder =
            folder.ok_or_else(|| SpawnError::Write { path: path.clone(), source: ErrorKind::NotFound.into() })?;
        let name = path.file_name().unwrap_or_default().to_owned();
        folder.remove_file(&name).map_err(failed)?;
        let file = folder.create_file(&name).map_err(failed)?;
        mark.inode = file.metadata().map_err(|source| SpawnError::Write { path: path.clone(), source })?.ino();
        let written = Self { file, folder, name, path: path.clone(), mark };
        written.write()?;
        Ok(written)
    }

    /// Adds the process that was started. The new text is never shorter than the former one and is written by one call,
    /// so after a kill one of the two is there.
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

    /// Removes the file, when none of the task's processes is alive.
    pub(super) fn remove(self) -> Result<(), SpawnError> {
        let failed = |error: FileError| SpawnError::Write { path: self.path.clone(), source: error.error };
        self.folder.remove_file(&self.name).map_err(failed)
    }
}
