//! A program that is measured while it runs.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::failure::Failure;

/// How often the memory of a program is looked at. The kernel keeps the peak, so only the last moment can be missed.
const LOOK: Duration = Duration::from_millis(2);

/// What a program took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Took {
    /// From the start to the end, in seconds.
    pub(super) seconds: f64,
    /// Time of its first thread on a processor, in seconds.
    pub(super) first_thread: f64,
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
    let first_thread = first_thread(pid);
    let status = child.wait().map_err(started)?;
    if status.code().is_some_and(|code| codes.contains(&code)) {
        Ok(Took { seconds, first_thread })
    } else {
        Err(Failure::End { command: format!("{command:?}"), end: status.to_string() })
    }
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
fn peak_in(status: &str) -> u64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_works_takes_time_and_memory() {
        let took = timed(Command::new("sh").args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]), &[0]);
        let Took { seconds, first_thread } = took.unwrap();
        assert!(first_thread > 0.0 && first_thread <= seconds * 1.5, "{first_thread} of {seconds}");
        let most = peak(Command::new("sh").args(["-c", "read x < /proc/self/stat; sleep 0.3"]), &[0]).unwrap();
        assert!(most > 100, "{most} kB");
    }

    #[test]
    fn another_exit_code_is_a_failure() {
        assert!(timed(&mut Command::new("false"), &[1]).is_ok());
        let failure = timed(&mut Command::new("false"), &[0]).unwrap_err();
        assert_eq!(failure.to_string(), "`\"false\"` ended with exit status: 1");
    }
}
