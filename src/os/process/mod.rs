//! Runs a program to its end, and with it everything that it started.
//!
//! One thread waits for the program's exit, its output, a stop request and the deadlines at once, by one `poll` over
//! descriptors; nothing is checked periodically. Output passes through this process, because it is limited and filtered
//! on its way into the files. No crate for child processes (duct, for one) offers such a wait, so this uses `std` and
//! rustix. Needs Linux 5.4 or newer, for pidfds.
//!
//! The program leads a session of its own: it has no terminal, and a Ctrl-C typed at ours does not reach it. The session is
//! not what ends a run: agents put their tools into sessions of their own, and daemons leave their parents. What ends a
//! run is its [`Containment`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::model::outcome::StopLevel;
use crate::model::resources::ResourceUse;
use crate::os::clock::Stopwatch;

mod bubblewrap;
mod cgroup;
mod containment;
mod controllers;
mod door;
mod error;
mod holder;
mod homes;
mod image;
mod marked;
mod orphan;
mod output;
mod pause;
mod piped;
mod program;
mod sandbox;
mod share;
mod shown;
mod start;
pub use start::bequeath_nothing;
mod stop;
mod table;
mod walk;
mod watch;

pub use containment::{Containment, ProbeError};
pub use controllers::{Controllers, LimitError};
pub use door::{DOOR_PORT, Doorway, OPEN_DOOR, open_door, take_over};
pub use error::SpawnError;
pub use holder::{LockHolder, holder_of};
pub use image::search as search_image;
pub use marked::{Fate, ProcessMark};
pub use orphan::{OrphanMark, OrphanState, clear_group, end_orphans, orphan_state};
pub use output::{OutputFilter, PassThrough};
pub use pause::{Pause, can_be_continued};
pub use piped::{Piped, listen_to, speak_with};
pub use sandbox::{ImageFiles, Sandbox};
pub use stop::StopHandle;
pub(super) use table::wait;

/// The program and arguments of a process, each followed by a NUL; `None` when it is not alive.
#[must_use]
pub fn command_line(pid: i32) -> Option<Vec<u8>> {
    table::command_line(pid)
}

/// The pid of the process that was started last; `None` where the system does not report it.
#[must_use]
pub fn newest() -> Option<u32> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().last()?.parse().ok()
}

/// Kills every descendant of this process, and does not wait.
pub fn end_all_below() {
    table::end_all_below();
}

/// The variable by which processes of a run are recognised.
pub const TOKEN_VARIABLE: &str = "SCYLLA_RUN_TOKEN";
/// How long processes may take to end after KILL. Only a process that hangs in the kernel takes longer.
const MOST_DYING: Duration = Duration::from_secs(20);

/// Makes one filter for each of the two output streams.
pub type MakeFilter = Box<dyn Fn() -> Box<dyn OutputFilter> + Send + Sync>;

/// Who reads the output of a program while it works.
pub trait OutputWatch: Send {
    /// Takes the next bytes, which may end anywhere; gives whether the program must end now.
    fn must_end(&mut self, written: &[u8]) -> bool;
    /// How it goes, asked about once a second.
    fn pulse(&self) -> Pulse;
}

/// How it goes with a program, beside what it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// Nothing is known.
    Quiet,
    /// It waits for something that is held back from it: its silence is not its own.
    Held,
    /// It must end now.
    Over,
}

/// One that several threads may hold.
pub type SharedWatch = Arc<Mutex<Box<dyn OutputWatch>>>;

/// What to run, and within what limits.
pub struct Task {
    /// The program and its arguments. A program without a slash is searched for in the `PATH` of `environment`.
    pub argv: Vec<OsString>,
    /// The folder in which it starts. It must exist.
    pub cwd: PathBuf,
    /// The whole environment; nothing is inherited. Added are [`TOKEN_VARIABLE`] and `PWD`, which is `cwd`.
    pub environment: BTreeMap<OsString, OsString>,
    /// What the program reads on its stdin; `None`: nothing.
    pub stdin: Option<Vec<u8>>,
    /// The file for its output. An existing one is replaced.
    pub stdout: PathBuf,
    /// The file for its error output. An existing one is replaced.
    pub stderr: PathBuf,
    /// What the output passes through on its way into the files, for example to redact secrets.
    pub filter: MakeFilter,
    /// Who reads what the program writes to its standard output, as it is kept, and may have it ended.
    pub watch: Option<SharedWatch>,
    /// The limits.
    pub limits: ProcessLimits,
    /// Where it is held to what it may use of the machine, with all that it starts; `None`: nowhere.
    pub controllers: Option<Controllers>,
    /// What keeps the program to its tree; `None`: nothing. Only a namespace can enforce it.
    pub sandbox: Option<Sandbox>,
    /// The way out of a sandbox without network; `None`: there is none. A program that has one reads nothing on its stdin.
    pub door: Option<Doorway>,
    /// How paths appear to the program, each on top of the ones before. Only a namespace can enforce them.
    pub views: Vec<View>,
    /// The path of the [`OrphanMark`] while the program runs.
    pub mark: PathBuf,
    /// Unique for each attempt at a run; letters, digits and dashes.
    pub token: String,
}

/// How a path appears to a program in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// It can be read, but not written.
    ReadOnly(PathBuf),
    /// It can be written.
    Writable(PathBuf),
    /// It appears empty. A path that does not exist is skipped.
    Hidden(PathBuf),
}

/// The limits of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessLimits {
    /// The longest time it may run.
    pub wall: Duration,
    /// The longest time it may run without new output.
    pub no_progress: Option<Duration>,
    /// Most bytes of output, before filtering.
    pub output_bytes: u64,
    /// What happens at that limit.
    pub overflow: Overflow,
    /// The time between TERM and KILL.
    pub grace: Duration,
}

/// What happens when a task gives more output than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The limit applies to stdout and stderr together, and the task is ended when it is reached.
    End,
    /// The limit applies to each of the two separately; output above it is dropped, and the task goes on.
    Cut,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The program ended by itself with this code.
    Exited(i32),
    /// The program was ended by a signal that we did not send.
    Signaled(i32),
    /// It was ended at the wall clock limit.
    TimedOut,
    /// It was ended because it had no new output for too long.
    NoProgress,
    /// It gave more output than [`Overflow::End`] allows, and was ended if it had not yet done so itself.
    OutputLimit,
    /// It was ended because [`OutputWatch`] said so.
    Watched,
    /// It was ended because a stop was requested.
    Stopped,
}

/// The result of a task that ended. None of its processes is alive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    /// How it ended.
    pub end: End,
    /// From the start to the end of the main program.
    pub duration: Duration,
    /// Processes other than the main one that had to be killed. Those that a namespace ends together with its main
    /// program are not seen, and not counted.
    pub leftovers: u32,
    /// Whether output was cut off at the limit.
    pub output_truncated: bool,
    /// Whether the kernel killed a process of the task because memory ran out. Known only with a control group.
    pub out_of_memory: bool,
    /// What it used, of a task with limits of its own.
    pub used: Option<ResourceUse>,
}

/// The process tree of one task, and the means to end it. Each containment has its own kind.
trait Hold {
    /// The command that starts `program` inside.
    fn command(&self, program: &Path, task: &Task) -> Result<Command, SpawnError>;
    /// Starts it.
    fn start(&mut self, command: &mut Command) -> io::Result<std::process::Child>;
    /// Asks every process inside to end.
    fn terminate(&mut self) -> io::Result<()>;
    /// Kills every process inside; does not wait.
    fn kill(&mut self) -> io::Result<()>;
    /// Called when the started process has ended and is not yet reaped: ends all remaining processes, waits for them,
    /// and gives how many had to be killed here and by [`Hold::kill`].
    fn finish(&mut self, deadline: Instant) -> io::Result<u32>;
    /// Whether the program was started at all; known after [`Hold::finish`].
    fn reached(&self) -> bool;
    /// Whether the kernel killed a process inside because memory ran out; known after [`Hold::finish`].
    fn ran_out_of_memory(&self) -> bool {
        false
    }
    /// How the program ended, given how the started process ended.
    fn end(&self, end: End) -> End {
        end
    }
    /// The control group, if there is one.
    fn group(&self) -> Option<PathBuf> {
        None
    }
    /// How many processes of its own it has beside the program's.
    fn own_processes(&self) -> u32 {
        0
    }
}

/// Runs the task to its end. Blocks. When this returns, nothing that the task started is alive.
///
/// The thread that calls this must live until it returns: a namespace ends with the thread that started it.
///
/// # Errors
/// See [`SpawnError`].
pub fn run(task: &Task, containment: &Containment, stop: &StopHandle) -> Result<Ended, SpawnError> {
    if stop.level() >= Some(StopLevel::Terminate) {
        let (duration, end) = (Duration::ZERO, End::Stopped);
        return Ok(Ended { end, duration, leftovers: 0, output_truncated: false, out_of_memory: false, used: None });
    }
    if !task.cwd.is_dir() {
        return Err(SpawnError::Folder { path: task.cwd.clone() });
    }
    let program = program::of(task)?;
    let watching = |source| SpawnError::Watch { program: program.clone(), source };
    table::adopt_orphans().map_err(watching)?;
    let mut outputs = output::Outputs::create(task).map_err(SpawnError::before_start)?;
    let mut hold = containment.hold(task)?;
    let mut share = share::Share::of(task, &*hold)?;
    let mut command = hold.command(&program, task)?;
    if let Some(share) = &share {
        command = share.around(&command);
    }
    set_up(&mut command, task).map_err(|source| SpawnError::Start { program: program.clone(), source })?;

    let groups = share.as_ref().map(share::Share::groups).unwrap_or_default();
    let mark = orphan::MarkFile::create(task, containment, hold.group(), groups);
    let mut mark = mark.map_err(SpawnError::before_start)?;
    let mut child = match start::start(&mut *hold, &mut command) {
        Ok(child) => child,
        Err(source) => {
            mark.remove()?;
            return Err(SpawnError::Start { program, source });
        }
    };
    let stopwatch = Stopwatch::start();
    let watched = mark.started(&child).and_then(|()| {
        let mut watch =
            watch::Watch::new(task, &program, &mut child, &mut *hold, &mut outputs, stop).map_err(watching)?;
        watch.until_exit()
    });
    let duration = stopwatch.worked();
    if watched.is_err() {
        // Whatever went wrong here, the processes must not live on; `finish` reports whether they could be ended.
        drop(hold.kill());
        drop(child.kill());
    }
    let deadline = Instant::now() + MOST_DYING;
    let mut leftovers = hold.finish(deadline).map_err(watching)?;
    if let Some(share) = &mut share {
        leftovers += share.end(deadline).map_err(watching)?;
    }
    let exit = start::reap(&mut child).map_err(watching)?;
    // Not earlier: as long as a process may be alive, the next coordinator must find the mark.
    mark.remove()?;
    let ours = watched?;
    outputs.finish()?;
    let has_joined = share.as_ref().is_none_or(share::Share::is_joined);
    if ours.is_none() && exit.code().is_some() && !(has_joined && hold.reached()) {
        let what = if has_joined { containment.name() } else { share::NAME };
        return Err(SpawnError::contain(what, &outputs.last_words()));
    }
    let output_truncated = outputs.truncated();
    let end = match ours {
        Some(end) => end,
        None if output_truncated && task.limits.overflow == Overflow::End => End::OutputLimit,
        None => hold.end(watch::end_of(exit)),
    };
    let used = share.as_ref().map(share::Share::used);
    Ok(Ended { end, duration, leftovers, output_truncated, out_of_memory: hold.ran_out_of_memory(), used })
}

/// The environment of the task's program, but what is added to every one.
fn environment_of(task: &Task) -> Cow<'_, BTreeMap<OsString, OsString>> {
    match &task.sandbox {
        Some(_) => Cow::Owned(sandbox::environment(&task.environment)),
        None => Cow::Borrowed(&task.environment),
    }
}

fn set_up(command: &mut Command, task: &Task) -> io::Result<()> {
    let stdin = match (&task.door, &task.stdin) {
        (Some(door), _) => door.stdin()?,
        (None, Some(_)) => Stdio::piped(),
        (None, None) => Stdio::null(),
    };
    command
        .current_dir(&task.cwd)
        .env_clear()
        .envs(environment_of(task).iter())
        .env("PWD", &task.cwd)
        .env(TOKEN_VARIABLE, &task.token)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    start::in_own_session(command)
}

#[cfg(test)]
mod tests;
