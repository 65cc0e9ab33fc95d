//! A program that is measured while it runs.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::failure::Failure;

/// How often the memory of a program is looked at. The kernel keeps the peak, so only the last moment can be missed.
const LOOK: Duration = Duration::from_millis(2);

/// In such parts of a second the kernel tells programs the time of others, on every machine.
const TICKS: f64 = 100.0;

/// What a program took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Took {
    /// From the start to the end, in seconds.
    pub(super) seconds: f64,
    /// Time of its first thread on a processor, in seconds.
    pub(super) first_thread: f64,
    /// Time of all its threads on processors, in seconds, in steps of 0.01 s.
    pub(super) processor: f64,
}

/// Runs a program to its end; it must exit with one of `codes`. What it prints is dropped unless `command` says more.
pub(super) fn timed(command: &mut Command, codes: &[i32]) -> Result<Took, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let started = |source| Failure::Start { program: name.clone(), source };
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::null()).spawn().map_err(started)?;
    // The first thread's time can be read until the program is reaped.
    let pid = Pid::from_child(&child);
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).map_err(|error| started(error.into()))?;
    let seconds = begin.elapsed().as_secs_f64();
    let (first_thread, processor) = (first_thread(pid), processor(pid));
    let status = child.wait().map_err(started)?;
    if status.code().is_some_and(|code| codes.contains(&code)) {
        Ok(Took { seconds, first_thread, processor })
    } else {
        Err(Failure::End { command: format!("{command:?}"), end: status.to_string() })
    }
}

/// Does something whose programs all run on one core, the last of those that this process may run on.
pub(super) fn on_one_core<T>(act: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let failed = |error: rustix::io::Errno| Failure::Measure { what: "stay on one core", why: error.to_string() };
    let all = sched_getaffinity(None).map_err(failed)?;
    let last = (0..CpuSet::MAX_CPU).rev().find(|core| all.is_set(*core)).unwrap_or_default();
    let mut one = CpuSet::new();
    one.set(last);
    sched_setaffinity(None, &one).map_err(failed)?;
    let done = act();
    sched_setaffinity(None, &all).map_err(failed)?;
    done
}

/// Runs a program to its end and gives the most memory that it had, in kB.
pub(super) fn peak(command: &mut Command, codes: &[i32]) -> Result<u64, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let started = |source| Failure::Start { program: name.clone(), source };
    let mut child = command.stdin(Stdio::null()).spawn().map_err(started)?;
    let status = format!("/proc/{}/status", child.id());
    let (over, heard) = channel::<()>();
    let looking = thread::spawn(move || {
        let mut most = 0;
        while heard.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            most = most.max(peak_in(&fs::read_to_string(&status).unwrap_or_default()));
        }
        most
    });
    let status = child.wait().map_err(started)?;
    drop(over);
    let most = looking.join().unwrap_or_default();
    if status.code().is_some_and(|code| codes.contains(&code)) {
        Ok(most)
    } else {
        Err(Failure::End { command: format!("{command:?}"), end: status.to_string() })
    }
}

/// The peak that `/proc/PID/status` names, in kB.
pub(super) fn peak_in(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The time of a process's first thread on a processor, in seconds.
fn first_thread(pid: Pid) -> f64 {
    let path = format!("/proc/{0}/task/{0}/schedstat", pid.as_raw_pid());
    let text = fs::read_to_string(path).unwrap_or_default();
    let nanoseconds: Option<u64> = text.split(' ').next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default()).as_secs_f64()
}

/// The time of all threads of a process on processors, in seconds.
fn processor(pid: Pid) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).unwrap_or_default();
    // A program's name may hold anything, and stands in parentheses; the time in it and in the system are the 12th and 13th behind.
    let behind = text.rsplit(") ").next().unwrap_or_default();
    let ticks: u32 = behind.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    f64::from(ticks) / TICKS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_works_takes_time_and_memory() {
        let took = timed(Command::new("sh").args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]), &[0]);
        let Took { seconds, first_thread, processor } = took.unwrap();
        assert!(first_thread > 0.0 && first_thread <= seconds * 1.5, "{first_thread} of {seconds}");
        assert!((processor - first_thread).abs() <= 0.05 + first_thread / 4.0, "{processor} for {first_thread}");
        let most = peak(Command::new("sh").args(["-c", "read x < /proc/self/stat; sleep 0.3"]), &[0]).unwrap();
        assert!(most > 100, "{most} kB");
    }

    #[test]
    fn a_program_on_one_core_sees_one_core_and_the_next_one_sees_all() {
        let cores = || Ok(Command::new("nproc").output().unwrap().stdout);
        let all = cores().unwrap();
        assert_eq!(on_one_core(cores).unwrap(), b"1\n");
        assert_eq!(cores().unwrap(), all);
    }

    #[test]
    fn another_exit_code_is_a_failure() {
        assert!(timed(&mut Command::new("false"), &[1]).is_ok());
        let failure = timed(&mut Command::new("false"), &[0]).unwrap_err();
        assert_eq!(failure.to_string(), "`\"false\"` ended with exit status: 1");
    }
}
