//! Which containment works on this machine, found out by trying.

use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::bubblewrap::{self, Namespace};
use super::cgroup::{self, Group, Grouped};
use super::walk::Tree;
use super::{Hold, SpawnError, Task, program, table};
use crate::model::experiment::ContainmentChoice;

/// How long a trial may take. It takes a few milliseconds where the containment works.
const MOST_TRIAL: Duration = Duration::from_secs(5);
/// What the trial's program prints when it runs.
const HELLO: &[u8] = b"in\n";
/// How often a namespace may fail to start or to end before it counts as not working.
const MOST_TRIES: u32 = 3;

/// How the processes of a run are held together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Containment {
    /// A pid namespace.
    Bubblewrap {
        /// The program that makes it.
        program: PathBuf,
        /// Further arguments for it, as far as they work here.
        arguments: &'static [&'static str],
        /// Whether files by which the kernel is set are read-only in it, also for root.
        guards_kernel: bool,
    },
    /// A control group.
    Cgroup {
        /// The group in which each run gets a group of its own.
        parent: PathBuf,
    },
    /// A walk of descendants: a program that tries to can escape it.
    Walk,
}

/// A containment that was asked for does not work here.
#[derive(Debug, thiserror::Error)]
#[error("containment `{containment}` does not work here: {why}")]
pub struct ProbeError {
    /// Which one.
    pub containment: &'static str,
    /// Why.
    pub why: String,
    /// What a person can do about it.
    pub hint: &'static str,
}

impl Containment {
    /// The containment that was chosen, or for [`ContainmentChoice::Auto`] the strongest that works.
    ///
    /// # Errors
    /// When the one that was chosen does not work.
    pub fn probe(choice: ContainmentChoice) -> Result<Self, ProbeError> {
        match choice {
            ContainmentChoice::Auto => Ok(bubblewrap().or_else(|_| cgroup()).unwrap_or(Self::Walk)),
            ContainmentChoice::Bubblewrap => bubblewrap().map_err(|why| ProbeError {
                containment: bubblewrap::NAME,
                why,
                hint: "install the package `bubblewrap` and allow user namespaces, or choose `auto`",
            }),
            ContainmentChoice::Cgroup => cgroup().map_err(|why| ProbeError {
                containment: cgroup::NAME,
                why,
                hint: "needs Linux 5.14 and a writable control group v2 (`systemd-run --user --scope -p Delegate=yes` \
                       makes one), or choose `auto`",
            }),
            ContainmentChoice::Walk => Ok(Self::Walk),
        }
    }

    /// `bubblewrap`, `cgroup` or `walk`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bubblewrap { .. } => bubblewrap::NAME,
            Self::Cgroup { .. } => cgroup::NAME,
            Self::Walk => "walk",
        }
    }

    /// The [`Hold`] on a new task.
    pub(super) fn hold(&self, task: &Task) -> Result<Box<dyn Hold>, SpawnError> {
        let hold: io::Result<Box<dyn Hold>> = match self {
            Self::Bubblewrap { program, arguments, guards_kernel } => {
                Namespace::new(program, arguments, *guards_kernel).map(|hold| Box::new(hold) as _)
            }
            Self::Cgroup { parent } => Grouped::new(parent, &task.token).map(|hold| Box::new(hold) as _),
            Self::Walk => Tree::new(&task.token).map(|hold| Box::new(hold) as _),
        };
        hold.map_err(|error| SpawnError::contain(self.name(), &error))
    }
}

fn bubblewrap() -> Result<Containment, String> {
    let path = std::env::var_os("PATH");
    let program = program::find(OsStr::new("bwrap"), Path::new("/"), path.as_deref()).map_err(|e| e.to_string())?;
    let strict = &bubblewrap::NO_FURTHER_NAMESPACES[..];
    let mut why = String::new();
    for (arguments, guards_kernel) in [(strict, true), (&[], true), (strict, false), (&[], false)] {
        let guards = if guards_kernel { bubblewrap::guarding_the_kernel() } else { Vec::new() };
        match try_bubblewrap(&program, arguments, &guards) {
            Ok(()) => return Ok(Containment::Bubblewrap { program, arguments, guards_kernel }),
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn try_bubblewrap(program: &Path, arguments: &[&str], guards: &[OsString]) -> Result<(), String> {
    let mut last = Err(String::new());
    // The first process of a namespace binds itself to its starter while the program begins. If the starter is killed
    // in that very moment the process lives on, which says nothing about the next time.
    for _ in 0..MOST_TRIES {
        // The namespace is started by a shell that is then killed, as a coordinator may be: the namespace must not
        // outlive it.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#""$@" & wait"#, "sh"]).arg(program).args(bubblewrap::ARGUMENTS);
        command.args(bubblewrap::WHOLE_MACHINE).args(guards).args(arguments).arg("--");
        last = trial(&mut command, Child::kill);
        if last.is_ok() {
            break;
        }
    }
    last
}

fn cgroup() -> Result<Containment, String> {
    let parent = cgroup::own_group()?;
    cgroup::clear(&parent);
    let failed = |error: io::Error| format!("cannot use a group in `{}`: {error}", parent.display());
    // Two probes in one process must not use the same group.
    let token = format!("probe-{}-{:?}", std::process::id(), std::thread::current().id());
    let token: String = token.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let group = Group::create(&parent, &token).map_err(failed)?;
    let tried = try_group(&group);
    let removed = group.remove().map_err(failed);
    tried.and(removed)?;
    Ok(Containment::Cgroup { parent })
}

fn try_group(group: &Group) -> Result<(), String> {
    if !group.can_be_killed() {
        return Err(format!("`{}` has no `cgroup.kill`", group.path().display()));
    }
    let (_word, word_end) = io::pipe().map_err(|error| error.to_string())?;
    trial(&mut cgroup::joining([group.path()], Some(&word_end)), |_| group.kill())?;
    group.end(Instant::now() + MOST_TRIAL).map_err(|error| error.to_string())
}

/// Starts a program by the command, and checks that it runs and that it is dead after `end`. The program holds its
/// stdout open, so the end of that pipe proves that it is dead.
fn trial(command: &mut Command, end: impl FnOnce(&mut Child) -> io::Result<()>) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    table::adopt_orphans().map_err(|error| error.to_string())?;
    let deadline = Instant::now() + MOST_TRIAL;
    let (mut said, said_end) = io::pipe().map_err(|error| error.to_string())?;
    let (mut told, told_end) = io::pipe().map_err(|error| error.to_string())?;
    command.args(["/bin/sh", "-c", "echo in; exec sleep 60"]).process_group(0);
    command.stdin(Stdio::null()).stdout(said_end).stderr(told_end);
    let child = command.spawn();
    // The command keeps the other ends of the pipes open until it is given other streams.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.map_err(|error| error.to_string())?;
    let tried = if read_all(&mut said, HELLO.len(), deadline) == HELLO {
        match end(&mut child) {
            Err(error) => Err(error.to_string()),
            Ok(()) if !ends(&said, deadline) => Err("a program in it outlives its end".to_owned()),
            Ok(()) => Ok(()),
        }
    } else {
        let words = read_all(&mut told, 500, Instant::now());
        Err(format!("a program in it does not start: {}", String::from_utf8_lossy(&words).trim()))
    };
    clear(&mut child);
    tried
}

/// Ends and reaps what a trial may have left behind.
fn clear(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let leader = Pid::from_child(child);
    let _ = kill_process_group(leader, Signal::KILL);
    drop(child.kill());
    let rest = table::all().unwrap_or_default().into_iter().filter(|each| each.group == leader.as_raw_pid());
    let rest: Vec<_> = rest.collect();
    drop(table::kill_and_wait(&rest, Instant::now() + MOST_TRIAL));
    table::reap_adopted(leader.as_raw_pid());
    drop(child.wait());
}

/// Reads until `most` bytes have come, the pipe is at its end, or the deadline has passed.
fn read_all(pipe: &mut PipeReader, most: usize, deadline: Instant) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < most {
        let mut chunk = vec![0; most - all.len()];
        let ready = table::wait(&mut [PollFd::new(pipe, PollFlags::IN)], Some(deadline));
        match ready.and_then(|ready| if ready == 0 { Ok(0) } else { pipe.read(&mut chunk) }) {
            Ok(count) if count > 0 => all.extend_from_slice(&chunk[..count]),
            _ => break,
        }
    }
    all
}

/// Whether every writer of the pipe is gone before the deadline.
fn ends(pipe: &PipeReader, deadline: Instant) -> bool {
    table::wait(&mut [PollFd::new(pipe, PollFlags::IN)], Some(deadline)).is_ok_and(|ready| ready > 0)
}
