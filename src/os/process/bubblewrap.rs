//! The strongest containment: a pid namespace, made by bubblewrap. When its first process ends, the kernel ends all
//! others.
//!
//! bubblewrap consists of three processes: the outer one, which is our child and repeats the exit code; the first one
//! of the namespace; and the program below that. The outer one reports the pid of the namespace's first process, and
//! later the exit code if the program was started at all, on a pipe that the program does not inherit.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;

use super::table::{self, Process};
use super::{End, Hold, SpawnError, Task, View};

/// The name of this containment.
pub(super) const NAME: &str = "bubblewrap";
/// Where the kernel shows processes, and itself.
const PROCESSES: &str = "/proc";
/// Signals that end programs. A shell reports one as 128 plus its number; other codes, such as 145, are not signals.
const ENDING_SIGNALS: [i32; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 15, 24, 25, 31];

/// The arguments that every namespace gets. Without capabilities, root cannot unmount something that hides a path. Shared memory and
/// queues of System V would outlive a run, and be open to all programs of the user.
pub(super) const ARGUMENTS: [&str; 5] = ["--unshare-pid", "--unshare-ipc", "--die-with-parent", "--cap-drop", "ALL"];
/// Further arguments for a program that reaches all that the user reaches.
pub(super) const WHOLE_MACHINE: [&str; 5] = ["--dev-bind", "/", "/", "--proc", "/proc"];
/// Further arguments that forbid making more namespaces, in which a process would have capabilities again. bubblewrap
/// has them since 0.8, and they need user namespaces for everybody.
pub(super) const NO_FURTHER_NAMESPACES: [&str; 2] = ["--unshare-user", "--disable-userns"];

/// Arguments by which no file of the kernel's beside those of processes can be written: a pattern in `/proc/sys` names a program that
/// the kernel starts outside of every namespace. They come after those that mount `/proc`.
pub(super) fn guarding_the_kernel() -> Vec<OsString> {
    let Ok(entries) = std::fs::read_dir(PROCESSES) else { return Vec::new() };
    let is_of_a_process = |name: &OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    let guarded = entries.flatten().filter(|entry| !is_of_a_process(&entry.file_name())).filter(|entry| {
        let writable = |file: std::fs::Metadata| file.is_dir() || file.is_file() && file.mode() & 0o222 != 0;
        entry.metadata().is_ok_and(writable)
    });
    guarded.flat_map(|entry| ["--ro-bind".into(), entry.path().into(), entry.path().into()]).collect()
}

/// What bubblewrap reports, line by line.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Status {
    child_pid: Option<i32>,
    exit_code: Option<i32>,
}

/// One namespace.
pub(super) struct Namespace {
    bwrap: PathBuf,
    arguments: &'static [&'static str],
    guards_kernel: bool,
    status: PipeReader,
    status_end: Option<PipeWriter>,
    reported: Vec<u8>,
    leader: i32,
    killed: BTreeSet<(i32, u64)>,
}

impl Namespace {
    /// A namespace that is made with these further arguments, in which files of the kernel's may be read-only.
    pub(super) fn new(bwrap: &Path, arguments: &'static [&'static str], guards_kernel: bool) -> io::Result<Self> {
        let (status, status_end) = io::pipe()?;
        rustix::io::ioctl_fionbio(&status, true)?;
        Ok(Self {
            bwrap: bwrap.to_owned(),
            arguments,
            guards_kernel,
            status,
            status_end: Some(status_end),
            reported: Vec::new(),
            leader: 0,
            killed: BTreeSet::new(),
        })
    }

    /// What bubblewrap has reported so far.
    fn read_status(&mut self) -> Status {
        // The read ends with `WouldBlock` or at the end of the pipe, and keeps what came before.
        drop(self.status.read_to_end(&mut self.reported));
        self.parse_status()
    }

    fn parse_status(&self) -> Status {
        let mut all = Status::default();
        for line in serde_json::Deserializer::from_slice(&self.reported).into_iter::<Status>().map_while(Result::ok) {
            all.child_pid = line.child_pid.or(all.child_pid);
            all.exit_code = line.exit_code.or(all.exit_code);
        }
        all
    }

    /// The first process of the namespace. It is in our child's process group and cannot leave it; once our child has
    /// ended, it becomes a child of ours.
    fn first(&mut self) -> io::Result<Option<Process>> {
        let leader = self.leader;
        let is_ours = |process: &Process| process.group == leader && process.pid != leader;
        if let Some(pid) = self.read_status().child_pid {
            return Ok(table::one(pid).filter(is_ours));
        }
        // It was killed before it could report anything. The program cannot be alive, so whatever is in the group is
        // this process.
        Ok(table::all()?.into_iter().find(is_ours))
    }

    /// Every living process in the namespace but the first one.
    fn inner(&mut self) -> io::Result<Vec<Process>> {
        let Some(first) = self.first()? else { return Ok(Vec::new()) };
        let table = table::all()?;
        let mut inside = BTreeSet::from([first.pid]);
        table::add_descendants(&table, &mut inside);
        inside.remove(&first.pid);
        Ok(table.into_iter().filter(|process| inside.contains(&process.pid) && !process.ended).collect())
    }

    fn kill_group(&self) {
        if let Some(group) = Pid::from_raw(self.leader) {
            // An error means that the group is empty, which is what we want.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Hold for Namespace {
    fn command(&self, program: &Path, task: &Task) -> Result<Command, SpawnError> {
        let mut command = Command::new(&self.bwrap);
        command.args(ARGUMENTS).args(self.arguments);
        let views = views(task)?;
        match &task.sandbox {
            Some(sandbox) => {
                let failed = |error| SpawnError::contain(NAME, &error);
                sandbox.make().map_err(failed)?;
                let over = views.iter().map(|(_, path)| path.clone()).collect();
                let programs: Vec<&Path> = task.door.iter().map(|door| &*door.own).chain([program]).collect();
                command.args(sandbox.arguments(&programs, &task.environment, over).map_err(failed)?);
            }
            None => {
                command.args(WHOLE_MACHINE);
            }
        }
        if self.guards_kernel {
            command.args(guarding_the_kernel());
        }
        command.args(mounts(&views));
        let is_in_image = task.sandbox.as_ref().is_some_and(|sandbox| sandbox.image.is_some());
        let mut before = Vec::new();
        if let Some(door) = &task.door {
            let in_image = || door.in_image().map_err(|error| SpawnError::contain(NAME, &error));
            let (shown, words) = if is_in_image { in_image()? } else { (Vec::new(), door.words().into()) };
            command.args(shown);
            before = words;
        }
        if is_in_image {
            // What was made for the places of mounts is as read-only as the image.
            command.args(["--remount-ro", "/"]);
        }
        if let Some(status) = &self.status_end {
            command.arg("--json-status-fd").arg(status.as_raw_fd().to_string());
        }
        command.arg("--chdir").arg(&task.cwd).arg("--");
        command.args(before).arg(program).args(task.argv.iter().skip(1));
        Ok(command)
    }

    fn start(&mut self, command: &mut Command) -> io::Result<Child> {
        let status = self.status_end.take();
        if let Some(status) = &status {
            // `std` hands on only the first three descriptors, so this one is made inheritable while no other task
            // starts. A short program of ours, such as git, that starts at this moment also gets the pipe, and ignores
            // it.
            rustix::io::fcntl_setfd(status.as_fd(), FdFlags::empty())?;
        }
        let child = command.spawn();
        drop(status);
        let child = child?;
        self.leader = Pid::from_child(&child).as_raw_pid();
        Ok(child)
    }

    fn terminate(&mut self) -> io::Result<()> {
        let inner = self.inner()?;
        if inner.is_empty() {
            // The program is not started yet, so no process needs the grace period.
            self.kill_group();
        }
        table::terminate(&inner);
        Ok(())
    }

    fn kill(&mut self) -> io::Result<()> {
        let inner = self.inner()?;
        // The oldest process is the program itself.
        let program = inner.iter().map(|process| (process.start, process.pid)).min();
        let others = inner.iter().filter(|process| Some((process.start, process.pid)) != program);
        self.killed.extend(others.map(|process| (process.pid, process.start)));
        self.kill_group();
        Ok(())
    }

    fn finish(&mut self, deadline: Instant) -> io::Result<u32> {
        // The namespace may outlive the outer process for a moment: the kernel is about to kill it, and killing the
        // group makes that certain.
        self.kill_group();
        if let Some(first) = self.first()? {
            // It ends only after the kernel has ended and reaped every other process in the namespace.
            table::kill_and_wait(&[first], deadline)?;
            table::reap(&first);
        }
        Ok(u32::try_from(self.killed.len()).unwrap_or(u32::MAX))
    }

    fn reached(&self) -> bool {
        self.parse_status().exit_code.is_some()
    }

    fn own_processes(&self) -> u32 {
        2
    }

    fn end(&self, end: End) -> End {
        match end {
            End::Exited(code) if ENDING_SIGNALS.contains(&(code - 128)) => End::Signaled(code - 128),
            other => other,
        }
    }
}

/// The task's [`View`]s, each with its path as it really is: inside of a new root, links could lead elsewhere.
fn views(task: &Task) -> Result<Vec<(&View, PathBuf)>, SpawnError> {
    let mut views = Vec::new();
    for view in &task.views {
        let path = match view {
            View::Hidden(path) if !path.exists() => continue,
            View::ReadOnly(path) | View::Writable(path) | View::Hidden(path) => path,
        };
        let refused = |error| SpawnError::contain(NAME, &format!("cannot mount `{}`: {error}", path.display()));
        views.push((view, path.canonicalize().map_err(refused)?));
    }
    Ok(views)
}

/// The arguments that apply them.
fn mounts(views: &[(&View, PathBuf)]) -> Vec<OsString> {
    let mut arguments = Vec::new();
    let mut mount = |option: &str, from: &OsStr, to: Option<&OsStr>| {
        arguments.push(OsString::from(option));
        arguments.push(from.to_owned());
        arguments.extend(to.map(OsStr::to_owned));
    };
    for (view, path) in views {
        let path = path.as_os_str();
        match view {
            View::ReadOnly(_) => mount("--ro-bind", path, Some(path)),
            View::Writable(_) => mount("--bind", path, Some(path)),
            View::Hidden(_) if Path::new(path).is_dir() => mount("--tmpfs", path, None),
            View::Hidden(_) => mount("--ro-bind", OsStr::new("/dev/null"), Some(path)),
        }
    }
    arguments
}
