//! The kernel's process table, as `/proc` shows it, and what can be done to a process found there.
//!
//! A pid alone says little, because it is reused. So a process is identified by its pid and start time, and it is
//! signalled and waited for through a pidfd that was opened before the start time was compared.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, pidfd_send_signal, set_child_subreaper, waitid,
};

use super::start;

/// How many processes are waited for at once; a fork bomb must not use up our file descriptors.
const MOST_HELD: usize = 256;

/// Longest wait for a process that is executing another program or ending, which takes the kernel far less.
const BETWEEN_PROGRAMS: Duration = Duration::from_secs(1);

/// Size of a command line or environment that few programs exceed, in bytes.
const USUAL_WORDS_BYTES: usize = 16 << 10;

/// Most bytes of a command line or environment that are read: the kernel starts no program with more than 6 MiB.
const MOST_WORDS_BYTES: usize = 8 << 20;

/// The index of the kernel's flags in [`stat`]: field 9 of `proc_pid_stat(5)`.
const FLAGS: usize = 6;
/// The flag of a thread that is ending, `PF_EXITING` of the kernel: it may have given back its memory and files already,
/// and is neither gone nor a zombie yet.
const ENDING: u64 = 0x4;
/// The index of the start of the code in [`stat`]: field 26 of `proc_pid_stat(5)`.
const START_OF_CODE: usize = 23;
/// The index of the first and last address of the arguments in [`stat`]: fields 48 and 49 of `proc_pid_stat(5)`.
const ARGUMENTS: usize = 45;
/// The index of those of the environment: fields 50 and 51.
const ENVIRONMENT: usize = 47;

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// When it started, in clock ticks since the machine started.
    pub(super) start: u64,
    /// Whether it is stopped until somebody continues it.
    pub(super) stopped: bool,
    /// Whether it is a zombie, which only waits to be reaped. A process of which only the first thread has ended is
    /// not.
    pub(super) ended: bool,
}

/// Every process that can be seen, ended ones too.
pub(super) fn all() -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        if let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse().ok()).and_then(one) {
            found.push(process);
        }
    }
    Ok(found)
}

/// The process with this number, if there is one.
pub(super) fn one(pid: i32) -> Option<Process> {
    let stat = stat(pid)?;
    let fields: Vec<&str> = stat.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field)?.parse::<i32>().ok();
    Some(Process {
        pid,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        start: fields.get(19)?.parse().ok()?,
        stopped: matches!(*fields.first()?, "T" | "t"),
        ended: matches!(*fields.first()?, "Z" | "X") && number(17)? <= 1,
    })
}

/// The kernel's status of a process behind its program's name, from field 3 of `proc_pid_stat(5)` on.
fn stat(pid: i32) -> Option<String> {
    let mut stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may itself contain some.
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    String::from_utf8(stat.split_off(after_name)).ok()
}

/// A child of ours that is not reaped yet.
pub(super) fn child(child: &Child) -> Option<Process> {
    one(Pid::from_child(child).as_raw_pid())
}

/// Adds to `tree` every descendant of its processes.
pub(super) fn add_descendants(table: &[Process], tree: &mut BTreeSet<i32>) {
    loop {
        let before = tree.len();
        tree.extend(
            table
                .iter()
                .filter(|process| tree.contains(&process.parent))
                .map(|process| process.pid)
                .collect::<Vec<_>>(),
        );
        if tree.len() == before {
            return;
        }
    }
}

/// Whether the environment that the process was started with has exactly this `NAME=value`; `None` when the process has
/// ended.
pub(super) fn environment_holds(pid: i32, entry: &[u8]) -> Option<bool> {
    Some(words(pid, "environ", ENVIRONMENT)?.split(|byte| *byte == 0).any(|each| each == entry))
}

/// The NUL-terminated arguments or variables that a process was started with, read from that file of its folder in
/// `/proc`. Empty when it has none or does not show them; `None` when it has ended.
fn words(pid: i32, file: &str, addresses: usize) -> Option<Vec<u8>> {
    let deadline = Instant::now() + BETWEEN_PROGRAMS;
    let mut thread = pid;
    loop {
        let words = at_once(&format!("/proc/{thread}/{file}"));
        let are_shown = words.is_ok();
        let words = words.unwrap_or_default();
        if !words.is_empty() {
            return Some(words);
        }
        if one(pid).is_none_or(|process| process.ended) {
            return None;
        }
        let asked = thread;
        let is_ending = living_thread(pid).map(|living| thread = living).is_none();
        // It may have executed another program since the file was opened, or be about to.
        let is_known = !is_ending && thread == asked && (!are_shown || has_none(thread, addresses));
        if is_known || Instant::now() >= deadline {
            return Some(words);
        }
        std::thread::yield_now();
    }
}

/// A thread of the process that is not ending, by which the process shows its words: the first thread can end before
/// the others. `None` when all are ending.
fn living_thread(pid: i32) -> Option<i32> {
    if !is_ending(pid) {
        return Some(pid);
    }
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let threads = threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    threads.into_iter().find(|thread| !is_ending(*thread))
}

/// Whether a thread is ending or has ended.
fn is_ending(thread: i32) -> bool {
    let flags = stat(thread).and_then(|stat| stat.split_ascii_whitespace().nth(FLAGS)?.parse::<u64>().ok());
    flags.is_none_or(|flags| flags & ENDING != 0)
}

/// Reads a file of `/proc` in one piece: between two reads, the process may execute another program.
fn at_once(path: &str) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = vec![0; USUAL_WORDS_BYTES];
    loop {
        let length = file.read_at(&mut bytes, 0)?;
        if length < bytes.len() || length >= MOST_WORDS_BYTES {
            bytes.truncate(length);
            return Ok(bytes);
        }
        bytes.resize(2 * length, 0);
    }
}

/// Whether a process surely has no such arguments or variables: their range is empty, and the start of the code is
/// known, which the kernel sets after it has laid out the arguments. A kernel thread has neither of them and no
/// executable file.
fn has_none(pid: i32, addresses: usize) -> bool {
    let Some(stat) = stat(pid) else { return true };
    let field = |place| stat.split_ascii_whitespace().nth(place);
    let is_laid_down = field(START_OF_CODE) != Some("0");
    (is_laid_down && field(addresses) == field(addresses + 1)) || fs::read_link(format!("/proc/{pid}/exe")).is_err()
}

/// The program and arguments of a process, each followed by a NUL; `None` when it is gone.
pub(super) fn command_line(pid: i32) -> Option<Vec<u8>> {
    words(pid, "cmdline", ARGUMENTS)
}

/// This process. Its group and session are 0 where they were created outside of its pid namespace, as in a container
/// whose first process created none.
pub(super) fn own() -> io::Result<Process> {
    one(getpid().as_raw_pid()).ok_or_else(|| io::Error::other("/proc does not show this process"))
}

/// Identifies our pid namespace; empty where the kernel does not report it.
pub(super) fn pid_namespace() -> String {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().into_owned()
}

/// The kernel's name for the first pid namespace, in which every process of the machine is seen.
pub(super) const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// From now on, orphaned descendants become children of this process, not of the machine's first one: so they stay
/// within reach.
pub(super) fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Opens a pidfd, or gives `None` when the process is gone.
pub(super) fn hold(process: &Process) -> Option<OwnedFd> {
    let fd = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    one(process.pid).is_some_and(|now| now.start == process.start).then_some(fd)
}

/// Sends a signal to each process that is alive. One that may not be signalled is skipped: whoever waits for it will
/// notice.
pub(super) fn send(processes: &[Process], signal: Signal) {
    for fd in processes.iter().filter_map(hold) {
        let _ = pidfd_send_signal(&fd, signal);
    }
}

/// Asks each process to end, stopped ones too.
pub(super) fn terminate(processes: &[Process]) {
    send(processes, Signal::TERM);
    send(processes, Signal::CONT);
}

/// Kills each process, and waits until they have ended or the deadline has passed. To be called until none is left.
pub(super) fn kill_and_wait(processes: &[Process], deadline: Instant) -> io::Result<()> {
    send(processes, Signal::KILL);
    let mut held: Vec<OwnedFd> = processes.iter().take(MOST_HELD).filter_map(hold).collect();
    while !held.is_empty() {
        let mut polled: Vec<PollFd<'_>> = held.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        if wait(&mut polled, Some(deadline))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let alive: Vec<bool> = polled.iter().map(|polled| polled.revents().is_empty()).collect();
        let mut alive = alive.into_iter();
        held.retain(|_| alive.next() == Some(true));
    }
    Ok(())
}

/// Sends KILL to all descendants of this process.
pub(super) fn end_all_below() {
    let (Ok(table), Ok(me)) = (all(), own()) else { return };
    let mut tree = BTreeSet::from([me.pid]);
    add_descendants(&table, &mut tree);
    let below: Vec<Process> =
        table.into_iter().filter(|process| process.pid != me.pid && tree.contains(&process.pid)).collect();
    send(&below, Signal::KILL);
}

/// `poll` with a deadline (`None`: for ever). Gives how many descriptors are ready, 0 at the deadline. Signals do not
/// end it.
pub(in crate::os) fn wait(polled: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<usize> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // A time that does not fit is longer than any machine runs.
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(polled, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            answer => return Ok(answer?),
        }
    }
}

/// Reaps an ended child of ours, through a descriptor, so that a reused pid is never meant.
pub(super) fn reap(process: &Process) {
    if let Some(fd) = hold(process) {
        // Another thread may have reaped it already; then there is nothing left to do.
        let _ = waitid(WaitId::PidFd(fd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

/// Reaps the orphans that this process has adopted and that have ended or are ending, and never a process that another thread waits for: the main
/// programs of runs are known, and everything else that we start stays in our session with a group of its own; of the
/// group of `leader` only the leader itself is such a process.
pub(super) fn reap_adopted(leader: i32) {
    let Ok(Process { pid: me, session, .. }) = own() else { return };
    let main_programs = start::main_programs();
    // The kernel gives orphans to the first thread.
    let Ok(children) = fs::read_to_string(format!("/proc/{me}/task/{me}/children")) else { return };
    for orphan in children.split_ascii_whitespace().filter_map(|pid| one(pid.parse().ok()?)) {
        let is_awaited = orphan.pid == leader || main_programs.contains(&orphan.pid);
        if !is_awaited && (orphan.session != session || orphan.group == leader) && has_ended(&orphan) {
            reap(&orphan);
        }
    }
}

/// Whether a process has ended; one that is ending is waited for.
fn has_ended(process: &Process) -> bool {
    if process.ended || living_thread(process.pid).is_some() {
        return process.ended;
    }
    let deadline = Instant::now() + BETWEEN_PROGRAMS;
    hold(process).is_some_and(|fd| wait(&mut [PollFd::new(&fd, PollFlags::IN)], Some(deadline)).is_ok_and(|n| n > 0))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_program_with_a_parenthesis_in_its_name_is_read_rightly() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a) Z 1 (b");
        fs::copy("/bin/sleep", &program).unwrap();
        let mut child = Command::new(&program).arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let found = one(pid).unwrap();
        assert_eq!((found.pid, found.parent, found.ended), (pid, own().unwrap().pid, false));
        kill_and_wait(&[found], Instant::now() + Duration::from_secs(20)).unwrap();
        assert!(one(pid).unwrap().ended);
        child.wait().unwrap();
        assert_eq!(one(pid), None);
    }

    #[test]
    fn a_process_with_another_start_time_is_not_signalled() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let found = one(i32::try_from(child.id()).unwrap()).unwrap();
        let former = Process { start: found.start - 1, ..found };
        assert!(hold(&former).is_none());
        assert!(hold(&found).is_some());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
