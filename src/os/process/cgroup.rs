//! The second containment: a control group (version 2), which no process leaves by itself, ended by `cgroup.kill`.
//!
//! The program's first process joins the group before it becomes the program: it starts as a shell that joins, reports
//! so, and then executes the program, because `std` has no safe way to do something between fork and exec. The shell
//! drops variables whose names are not valid in its language, such as `A-B`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::process::Signal;

use super::table::{self, Process};
use super::{Hold, SpawnError, Task};

/// The name of this containment.
pub(super) const NAME: &str = "cgroup";
/// `$0` is the file by which a process joins the group, `$1` the pipe on which it reports that. `bash` adds `SHLVL`.
const JOIN: &str = r#"unset SHLVL; echo 0 >"$0" && echo in >"$1" && shift && exec "$@""#;
/// Prefix of the names of our groups, before the token of the run.
const PREFIX: &str = "scylla-";

/// A control group of ours.
#[derive(Debug, Clone)]
pub(super) struct Group {
    path: PathBuf,
}

impl Group {
    pub(super) fn create(parent: &Path, token: &str) -> io::Result<Self> {
        let path = parent.join(format!("{PREFIX}{token}"));
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    /// An existing group that was made for this token; `None` when it is gone, or when the path is not that of such a
    /// group: a path that was read from a file must never lead `cgroup.kill` elsewhere.
    pub(super) fn existing(path: &Path, token: &str) -> Option<Self> {
        let named = !token.is_empty() && path.file_name().is_some_and(|name| *name == *format!("{PREFIX}{token}"));
        (named && path.join("cgroup.kill").is_file()).then(|| Self { path: path.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn can_be_killed(&self) -> bool {
        self.path.join("cgroup.kill").is_file()
    }

    pub(super) fn is_populated(&self) -> io::Result<bool> {
        populated(&File::open(self.path.join("cgroup.events"))?)
    }

    /// Every process in the group and the groups below it.
    pub(super) fn members(&self) -> io::Result<Vec<Process>> {
        let mut members = Vec::new();
        for group in self.with_groups_below()? {
            let Ok(pids) = fs::read_to_string(group.join("cgroup.procs")) else { continue };
            let found = pids.lines().filter_map(|pid| table::one(pid.parse().ok()?));
            members.extend(found.filter(|process| !process.ended));
        }
        Ok(members)
    }

    /// Whether the kernel killed a process of the group because memory ran out. It counts them where the group's memory
    /// is accounted.
    fn ran_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|times| times != "0"))
    }

    /// Sends KILL to every process of the group; does not wait. What a process that the kernel passed by has started
    /// meanwhile may live on.
    pub(super) fn kill(&self) -> io::Result<()> {
        fs::write(self.path.join("cgroup.kill"), "1")?;
        // The kernel passes by a process of which only the first thread has ended.
        table::send(&self.members()?, Signal::KILL);
        Ok(())
    }

    /// Kills until no process is in the group.
    pub(super) fn end(&self, deadline: Instant) -> io::Result<()> {
        loop {
            self.kill()?;
            table::kill_and_wait(&self.members()?, deadline)?;
            if self.members()?.is_empty() {
                return self.wait_until_empty(deadline);
            }
            if Instant::now() >= deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    /// Waits until no process is in the group.
    fn wait_until_empty(&self, deadline: Instant) -> io::Result<()> {
        let events = File::open(self.path.join("cgroup.events"))?;
        // The kernel wakes the poll when the file has changed since it was last read.
        while populated(&events)? {
            if table::wait(&mut [PollFd::new(&events, PollFlags::PRI)], Some(deadline))? == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    /// Removes the group and those below it, which must be empty.
    pub(super) fn remove(&self) -> io::Result<()> {
        for group in self.with_groups_below()?.iter().rev() {
            fs::remove_dir(group)?;
        }
        Ok(())
    }

    /// The group and all groups below it; parents come before their children.
    fn with_groups_below(&self) -> io::Result<Vec<PathBuf>> {
        let mut groups = vec![self.path.clone()];
        let mut next = 0;
        while let Some(group) = groups.get(next).cloned() {
            next += 1;
            for entry in fs::read_dir(&group)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    groups.push(entry.path());
                }
            }
        }
        Ok(groups)
    }
}

fn populated(events: &File) -> io::Result<bool> {
    let mut text = [0; 256];
    let length = events.read_at(&mut text, 0)?;
    Ok(text[..length].split(|byte| *byte == b'\n').any(|line| line == b"populated 1"))
}

/// The group of version 2 that this process is in, as a folder.
pub(super) fn own_group() -> Result<PathBuf, String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}"));
    let groups = read("/proc/self/cgroup")?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::")).ok_or("this kernel has no control groups v2")?;
    let mounts = read("/proc/self/mountinfo")?;
    mounts
        .lines()
        .find_map(|line| {
            let (place, kind) = line.split_once(" - ")?;
            let mut fields = place.split(' ').skip(3);
            let (root, point) = (fields.next()?, fields.next()?);
            let below = Path::new(own).strip_prefix(root).ok()?;
            (kind.split(' ').next() == Some("cgroup2")).then(|| Path::new(point).join(below))
        })
        .ok_or_else(|| "control groups v2 are not mounted".to_owned())
}

/// Removes the empty groups that dead processes of this tool left here. Each is named after the pid of its maker.
pub(super) fn clear(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(token) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let token = token.strip_prefix("probe-").unwrap_or(token);
        let maker = token.split('-').next().and_then(|pid| pid.parse().ok());
        if maker.is_some_and(|pid| table::one(pid).is_none()) {
            // The kernel keeps a group in which a process is alive.
            drop(Group { path: entry.path() }.remove());
        }
    }
}

/// The command that starts a program inside of the group, and reports that on this pipe.
pub(super) fn joining(group: &Group, joined: &PipeWriter) -> Command {
    // The pipe is opened again by its name in `/proc`, so that the program inherits no descriptor.
    let joined = format!("/proc/{}/fd/{}", std::process::id(), joined.as_raw_fd());
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(JOIN).arg(group.path.join("cgroup.procs")).arg(joined);
    command
}

/// A task in its group.
pub(super) struct Grouped {
    group: Group,
    joined: PipeReader,
    // Kept open, because the pipe has no name other than this descriptor's number.
    joined_end: PipeWriter,
    leader: i32,
    reached: bool,
    out_of_memory: bool,
    killed: BTreeSet<(i32, u64)>,
}

impl Grouped {
    pub(super) fn new(parent: &Path, token: &str) -> io::Result<Self> {
        let (joined, joined_end) = io::pipe()?;
        rustix::io::ioctl_fionbio(&joined, true)?;
        let group = Group::create(parent, token)?;
        Ok(Self { group, joined, joined_end, leader: 0, reached: false, out_of_memory: false, killed: BTreeSet::new() })
    }

    fn note_others(&mut self) -> io::Result<()> {
        let members = self.group.members()?;
        let others = members.iter().filter(|process| process.pid != self.leader);
        self.killed.extend(others.map(|process| (process.pid, process.start)));
        Ok(())
    }
}

impl Hold for Grouped {
    fn command(&self, program: &Path, task: &Task) -> Result<Command, SpawnError> {
        let mut command = joining(&self.group, &self.joined_end);
        command.arg(program).args(task.argv.iter().skip(1));
        Ok(command)
    }

    fn start(&mut self, command: &mut Command) -> io::Result<Child> {
        let child = command.spawn()?;
        self.leader = table::child(&child).map_or(0, |process| process.pid);
        Ok(child)
    }

    fn terminate(&mut self) -> io::Result<()> {
        let mut members = self.group.members()?;
        // The first one may not have joined yet.
        if members.iter().all(|process| process.pid != self.leader) {
            members.extend(table::one(self.leader));
        }
        table::terminate(&members);
        Ok(())
    }

    fn kill(&mut self) -> io::Result<()> {
        self.note_others()?;
        // Also the first process by itself: it may not have joined yet.
        if let Some(leader) = table::one(self.leader) {
            table::send(&[leader], Signal::KILL);
        }
        self.group.kill()
    }

    fn finish(&mut self, deadline: Instant) -> io::Result<u32> {
        if self.group.is_populated()? {
            self.note_others()?;
            self.group.end(deadline)?;
        }
        table::reap_adopted(self.leader);
        self.out_of_memory = self.group.ran_out_of_memory();
        let mut joined = [0; 8];
        self.reached = self.joined.read(&mut joined).is_ok_and(|length| length > 0);
        // The group itself is removed on drop.
        Ok(u32::try_from(self.killed.len()).unwrap_or(u32::MAX))
    }

    fn reached(&self) -> bool {
        self.reached
    }

    fn ran_out_of_memory(&self) -> bool {
        self.out_of_memory
    }

    fn group(&self) -> Option<PathBuf> {
        Some(self.group.path.clone())
    }
}

impl Drop for Grouped {
    fn drop(&mut self) {
        // The group is empty after an orderly end and after a failed start. Otherwise it must stay, and the kernel
        // keeps it.
        drop(self.group.remove());
    }
}
