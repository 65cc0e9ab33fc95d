//! The process that holds a lock, for those who want it to stop. The lock's file is only a text, and pids are reused;
//! so only a process counts that has the file open and locked according to the kernel, and it is signalled and waited
//! for through a pidfd.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use super::table::{self, Process};
use crate::model::outcome::StopSignal;

/// A living process that holds a lock.
#[derive(Debug)]
pub struct LockHolder {
    process: Process,
    fd: OwnedFd,
}

/// The process with this pid, when it holds the lock on a file; with pid 0, whichever process holds it. `None` when it
/// cannot be seen from here.
///
/// # Errors
/// When the file cannot be read.
pub fn holder_of(lock: &Path, pid: u32) -> io::Result<Option<LockHolder>> {
    let file = fs::symlink_metadata(lock)?;
    let file = (file.dev(), file.ino());
    let candidates = match i32::try_from(pid) {
        Ok(0) => table::all()?,
        Ok(pid) => table::one(pid).into_iter().collect(),
        Err(_) => Vec::new(),
    };
    Ok(candidates.into_iter().find_map(|process| {
        // The pidfd is opened first, so that what is read afterwards is about this process.
        let fd = table::hold(&process)?;
        has_locked(process.pid, file).then_some(LockHolder { process, fd })
    }))
}

/// Whether a process has a file open under an exclusive lock that it took itself.
fn has_locked(pid: i32, file: (u64, u64)) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().any(|entry| {
        let is_it = fs::metadata(entry.path()).is_ok_and(|found| (found.dev(), found.ino()) == file);
        is_it
            && fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", entry.file_name().to_string_lossy()))
                .is_ok_and(|told| told.lines().any(|line| is_own_lock(line, pid)))
    })
}

/// Whether a line says that this process took the lock: `lock: 1: FLOCK ADVISORY WRITE 4711 fe:00:123 0 EOF`.
fn is_own_lock(line: &str, pid: i32) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("lock:")
        && words.by_ref().any(|word| word == "WRITE")
        && words.next().and_then(|owner| owner.parse().ok()) == Some(pid)
}

impl LockHolder {
    /// This process, if it is still there.
    pub(super) fn of(process: Process) -> Option<Self> {
        Some(Self { fd: table::hold(&process)?, process })
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process.pid
    }

    /// Whether it is paused, for example by Ctrl-Z.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.process.stopped
    }

    /// Asks it to stop; a paused process is continued, so that it receives the signal. Gives `false` when it has ended.
    ///
    /// # Errors
    /// When it may not be signalled.
    pub fn signal(&self, signal: StopSignal) -> io::Result<bool> {
        let signal = match signal {
            StopSignal::Interrupt => Signal::INT,
            StopSignal::Terminate => Signal::TERM,
            StopSignal::Hangup => Signal::HUP,
        };
        let send = |signal| match pidfd_send_signal(&self.fd, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(io::Error::from(error)),
        };
        let is_there = send(signal)?;
        if is_there && self.is_paused() {
            send(Signal::CONT)?;
        }
        Ok(is_there)
    }

    /// Whether it ends within this time.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn has_ended_within(&self, time: Duration) -> io::Result<bool> {
        Ok(table::wait(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(Instant::now() + time))? > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::process::{Command, Stdio};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn only_the_process_that_has_the_lock_is_meant_whatever_a_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.lock");
        File::create(&path).unwrap();
        // A process that has the file open, but does not hold the lock.
        let mut opener = Command::new("sh");
        opener.args(["-c", "read line"]).stdin(Stdio::piped()).stdout(File::open(&path).unwrap());
        let mut opener = opener.spawn().unwrap();
        assert!(holder_of(&path, opener.id()).unwrap().is_none());
        assert!(holder_of(&path, 0).unwrap().is_none(), "nobody holds it");
        let mut holder = Command::new("flock");
        holder.args(["--exclusive", "--no-fork"]).arg(&path).args(["sh", "-c", "echo held; exec sleep 1000"]);
        let mut holder = holder.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = [0; 4];
        io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut said).unwrap();
        assert!(holder_of(&path, opener.id()).unwrap().is_none());
        assert!(holder_of(&path, u32::MAX).unwrap().is_none());
        let found = holder_of(&path, holder.id()).unwrap().unwrap();
        assert_eq!(holder_of(&path, 0).unwrap().unwrap().pid(), found.pid());
        assert!(!found.has_ended_within(Duration::ZERO).unwrap());
        assert!(found.signal(StopSignal::Terminate).unwrap());
        assert!(found.has_ended_within(PATIENCE).unwrap());
        holder.wait().unwrap();
        assert!(!found.signal(StopSignal::Terminate).unwrap(), "it has ended, and no other one is meant");
        drop(opener.stdin.take());
        opener.wait().unwrap();
    }

    #[test]
    fn a_lock_is_its_takers() {
        let line = "lock:\t1: FLOCK  ADVISORY  WRITE 4711 fe:00:6045698 0 EOF";
        assert!(is_own_lock(line, 4711) && !is_own_lock(line, 4712));
        assert!(!is_own_lock(&line.replace("WRITE", "READ"), 4711), "who only looks holds nothing");
        assert!(!is_own_lock("flags:\t02100002 WRITE 4711", 4711));
    }
}
