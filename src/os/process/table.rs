//! The kernel's table of processes, as `/proc` shows it, and what one does to a process found there.
//!
//! A process number alone says little: it is used again. So a process is meant by its number and start time, and it is
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

/// So many processes are waited for at once; a fork bomb must not use up our file descriptors.
const MOST_HELD: usize = 256;

/// Longest wait for a process that becomes another program, which takes the kernel far less.
const BETWEEN_PROGRAMS: Duration = Duration::from_secs(1);

/// Few programs are started with more words than this, in bytes.
const USUAL_WORDS_BYTES: usize = 16 << 10;

/// More words than this are not read, in bytes: the kernel starts no program with more than 6 MiB.
const MOST_WORDS_BYTES: usize = 8 << 20;

/// Where the beginning of the code stands in [`stat`]: field 26 of `proc_pid_stat(5)`.
const START_OF_CODE: usize = 23;
/// Where the first and the last address of the arguments stand in [`stat`]: fields 48 and 49 of `proc_pid_stat(5)`.
const ARGUMENTS: usize = 45;
/// Where those of the environment stand: fields 50 and 51.
const ENVIRONMENT: usize = 47;

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// In clock ticks since the machine started.
    pub(super) start: u64,
    /// It does not go on before it is told to.
    pub(super) stopped: bool,
    /// A zombie: it only waits to be reaped. A process of which only the first thread has ended is not.
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

/// What the kernel says of a process behind its program's name, from field 3 of `proc_pid_stat(5)` on.
fn stat(pid: i32) -> Option<String> {
    let mut stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may itself contain some.
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    String::from_utf8(stat.split_off(after_name)).ok()
}

/// A child that is not reaped yet.
pub(super) fn child(child: &Child) -> Option<Process> {
    one(Pid::from_child(child).as_raw_pid())
}

/// Adds to `tree` every process whose parent is in it, to the last generation.
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

/// The words that a process was started with, each with a NUL behind it, from that file of its folder in `/proc`: none
/// where it has none or does not show them; `None` when it has ended.
fn words(pid: i32, file: &str, addresses: usize) -> Option<Vec<u8>> {
    let deadline = Instant::now() + BETWEEN_PROGRAMS;
    loop {
        let words = at_once(&format!("/proc/{pid}/{file}"));
        let are_shown = words.is_ok();
        let words = words.unwrap_or_default();
        if !words.is_empty() {
            return Some(words);
        }
        if one(pid).is_none_or(|process| process.ended) {
            return None;
        }
        // It may have become another program since the file was opened, or be about to.
        if !are_shown || has_none(pid, addresses) || Instant::now() >= deadline {
            return Some(words);
        }
        std::thread::yield_now();
    }
}

/// Reads a file of `/proc` in one piece: between two pieces, the process may become another program.
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

/// Whether a process surely has no such words: they end where they begin, and the kernel, which lays the words of a program
/// down before it says where its code begins, has said that. A thread of the kernel has neither, and no program's file.
fn has_none(pid: i32, addresses: usize) -> bool {
    let Some(stat) = stat(pid) else { return true };
    let field = |place| stat.split_ascii_whitespace().nth(place);
    let is_laid_down = field(START_OF_CODE) != Some("0");
    (is_laid_down && field(addresses) == field(addresses + 1)) || fs::read_link(format!("/proc/{pid}/exe")).is_err()
}

/// The program and arguments of a process, each with a NUL behind it; `None` when it is gone.
pub(super) fn command_line(pid: i32) -> Option<Vec<u8>> {
    words(pid, "cmdline", ARGUMENTS)
}

/// This process. Its group and session are 0 where they were founded outside of its pid namespace, as in a container
/// whose first process founded none.
pub(super) fn own() -> io::Result<Process> {
    one(getpid().as_raw_pid()).ok_or_else(|| io::Error::other("/proc does not show this process"))
}

/// Names the namespace that process numbers are of, as seen from here; empty where the kernel does not tell.
pub(super) fn pid_namespace() -> String {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().into_owned()
}

/// The namespace in which every process of the machine is seen; the kernel gives it this name.
pub(super) const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// From now on, processes that lose their parent become children of this process, not of the machine's first one: so
/// they stay in reach.
pub(super) fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Opens a pidfd, or gives `None` when the process is gone.
pub(super) fn hold(process: &Process) -> Option<OwnedFd> {
    let fd = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    one(process.pid).is_some_and(|now| now.start == process.start).then_some(fd)
}

/// Sends a signal to each that still lives. One that may not be signalled is passed over: whoever waits will see it.
pub(super) fn send(processes: &[Process], signal: Signal) {
    for fd in processes.iter().filter_map(hold) {
        let _ = pidfd_send_signal(&fd, signal);
    }
}

/// Asks each to end, also one that is stopped.
pub(super) fn terminate(processes: &[Process]) {
    send(processes, Signal::TERM);
    send(processes, Signal::CONT);
}

/// Kills each, and waits until they ended or the deadline has come. Call it until none is left.
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

/// `poll` with a deadline (none: for ever). Gives how many are ready, 0 at the deadline. A signal does not end it.
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

/// Reaps an ended child of ours, through a descriptor: another with the same number is never meant.
pub(super) fn reap(process: &Process) {
    if let Some(fd) = hold(process) {
        // Another thread may have been faster; then there is nothing left to do.
        let _ = waitid(WaitId::PidFd(fd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

/// Reaps the ended orphans that this process has adopted. What other threads wait for is never among them: the main
/// programs of runs are known, and what else we start stays in our session, with a group of its own; of the group of
/// `leader` only the leader itself is one.
pub(super) fn reap_adopted(leader: i32) {
    let Ok(Process { pid: me, session, .. }) = own() else { return };
    let main_programs = start::main_programs();
    // The kernel gives orphans to the first thread.
    let Ok(children) = fs::read_to_string(format!("/proc/{me}/task/{me}/children")) else { return };
    for orphan in children.split_ascii_whitespace().filter_map(|pid| one(pid.parse().ok()?)) {
        let is_awaited = orphan.pid == leader || main_programs.contains(&orphan.pid);
        if orphan.ended && !is_awaited && (orphan.session != session || orphan.group == leader) {
            reap(&orphan);
        }
    }
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
