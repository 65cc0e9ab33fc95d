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
/// Joins each group, then executes the program behind `--`. No variable is used: the program would be given it. `bash` adds
/// `SHLVL`.
const JOIN: &str = r#"unset SHLVL; while [ "$1" != -- ]; do echo 0 >"$1" || exit 1; shift; done; shift; exec "$@""#;
/// Prefix of the names of our groups, before the token of the run.
pub(super) const PREFIX: &str = "scylla-";

/// The beginning of the name of a group that a coordinator moves into, so that the group that it was in can have controllers:
/// a group of version 2 has those or processes, not both.
pub(super) const OWN_LEAF: &str = "scylla-self-";

/// What the file systems of control groups are, version 1 and 2, by the kernel's numbers.
const FILE_SYSTEMS: [u32; 2] = [0x0027_e0eb, 0x6367_7270];

/// A control group of ours, of either version. Only one of version 2 can be killed at once and waited for.
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
        // Anybody can make a folder of that name; the kernel alone makes what lies in its own file system.
        let kind = rustix::fs::statfs(path).ok().filter(|_| named)?.f_type;
        FILE_SYSTEMS.iter().any(|known| i128::from(*known) == i128::from(kind)).then(|| Self { path: path.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn can_be_killed(&self) -> bool {
        self.path.join("cgroup.kill").is_file()
    }

    pub(super) fn is_populated(&self) -> io::Result<bool> {
        if self.can_be_killed() {
            return populated(&File::open(self.path.join("cgroup.events"))?);
        }
        Ok(!self.members()?.is_empty())
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
        if self.can_be_killed() {
            fs::write(self.path.join("cgroup.kill"), "1")?;
        }
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
                return if self.can_be_killed() { self.wait_until_empty(deadline) } else { Ok(()) };
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
    let own = hierarchies()?.into_iter().find(|hierarchy| hierarchy.version == Version::Two);
    own.map(|hierarchy| hierarchy.folder).ok_or_else(|| "control groups v2 are not mounted".to_owned())
}

/// A version of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Each hierarchy has controllers of its own.
    One,
    /// One hierarchy for all controllers.
    Two,
}

/// One hierarchy of control groups, and where this process is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    /// Where it is mounted.
    pub(super) mount: PathBuf,
    /// The group that this process is in. Where we moved to a group of our own, the one above it.
    pub(super) folder: PathBuf,
    /// Its controllers; of version 2, those that groups in the folder can have.
    pub(super) controllers: Vec<String>,
}

/// Every hierarchy that is mounted here.
pub(super) fn hierarchies() -> Result<Vec<Hierarchy>, String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}"));
    let mut found = hierarchies_in(&read("/proc/self/cgroup")?, &read("/proc/self/mountinfo")?);
    for hierarchy in found.iter_mut().filter(|hierarchy| hierarchy.version == Version::Two) {
        let names = fs::read_to_string(hierarchy.folder.join("cgroup.controllers")).unwrap_or_default();
        hierarchy.controllers = names.split_whitespace().map(str::to_owned).collect();
    }
    Ok(found)
}

/// The hierarchies that the texts of `/proc/self/cgroup` and `/proc/self/mountinfo` tell.
fn hierarchies_in(groups: &str, mounts: &str) -> Vec<Hierarchy> {
    let find = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let mut fields = place.split(' ').skip(3);
        let (root, mount) = (fields.next()?, fields.next()?);
        let mut kind = kind.split(' ');
        let version = match kind.next()? {
            "cgroup" => Version::One,
            "cgroup2" => Version::Two,
            _ => return None,
        };
        let options: Vec<&str> = kind.nth(1).unwrap_or_default().split(',').collect();
        let (controllers, own) = groups.lines().find_map(|line| {
            let (names, own) = line.split_once(':')?.1.split_once(':')?;
            let names: Vec<String> = names.split(',').map(str::to_owned).collect();
            let is_it = match version {
                Version::One => names.iter().all(|name| options.contains(&name.as_str())),
                Version::Two => line.starts_with("0:"),
            };
            is_it.then_some((names, own))
        })?;
        // Collected by its parts, so that no `/` is left at its end.
        let folder: PathBuf = Path::new(mount).join(Path::new(own).strip_prefix(root).ok()?).components().collect();
        let is_of_us = folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(OWN_LEAF.as_bytes()));
        let folder = if is_of_us { folder.parent()?.to_owned() } else { folder };
        Some(Hierarchy { version, mount: mount.into(), folder, controllers })
    };
    mounts.lines().filter_map(find).collect()
}

/// Removes the empty groups that dead processes of this tool left here. Each is named after the pid of its maker.
pub(super) fn clear(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(token) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let token = token.strip_prefix("probe-").or(token.strip_prefix("self-")).unwrap_or(token);
        let maker = token.split('-').next().and_then(|pid| pid.parse().ok());
        if maker.is_some_and(|pid| table::one(pid).is_none()) {
            // The kernel keeps a group in which a process is alive.
            drop(Group { path: entry.path() }.remove());
        }
    }
}

/// The beginning of a command that joins these groups, reports that on the pipe, and then becomes the program that follows.
pub(super) fn joining<'a>(groups: impl IntoIterator<Item = &'a Path>, joined: Option<&PipeWriter>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", JOIN, "sh"]);
    command.args(groups.into_iter().map(|group| group.join("cgroup.procs")));
    // The pipe is opened again by its name in `/proc`, so that the program inherits no descriptor.
    command.args(joined.map(|joined| format!("/proc/{}/fd/{}", std::process::id(), joined.as_raw_fd())));
    command.arg("--");
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
        let mut command = joining([self.group.path()], Some(&self.joined_end));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_a_process_are_found_where_each_hierarchy_is_mounted() {
        let groups = "12:memory:/a\n3:cpu,cpuacct:/\n1:name=systemd:/a\n0::/user.slice/run.scope/scylla-self-77\n";
        let mounts = "\
            31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
            35 31 0:32 /a /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
            36 31 0:33 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n\
            41 31 0:38 /user.slice /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = hierarchies_in(groups, mounts);
        let places: Vec<_> = found.iter().map(|it| (it.version, it.folder.to_str().unwrap())).collect();
        let expected = [
            (Version::One, "/sys/fs/cgroup/cpu,cpuacct"),
            (Version::One, "/sys/fs/cgroup/memory"),
            (Version::Two, "/sys/fs/cgroup/unified/run.scope"),
        ];
        assert_eq!(places, expected, "where we moved into a group of our own, it is the one above that counts");
        assert_eq!(found[0].controllers, ["cpu", "cpuacct"]);
    }

    #[test]
    fn a_folder_that_somebody_made_is_no_group() {
        let folder = tempfile::tempdir().unwrap();
        let planted = folder.path().join("scylla-1-2");
        fs::create_dir(&planted).unwrap();
        for file in ["cgroup.kill", "cgroup.procs", "cgroup.events"] {
            fs::write(planted.join(file), std::process::id().to_string()).unwrap();
        }
        assert!(Group::existing(&planted, "1-2").is_none());
    }
}
