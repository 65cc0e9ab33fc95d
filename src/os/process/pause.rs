//! The pause at Ctrl-Z: all descendants are stopped before this process is, and continue with it. Time limits do not
//! count the pause.

use std::collections::BTreeSet;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::start;
use super::table::{self, Process};
use crate::os::clock;

/// How long processes may take to stop. Only one that hangs in the kernel takes longer.
const MOST_STOPPING: Duration = Duration::from_secs(1);
/// Time between two checks for processes that still run.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// A pause. When it is dropped, everything that it stopped continues.
#[derive(Debug)]
pub struct Pause {
    /// The stopped processes, parents before their children.
    stopped: Vec<Process>,
    /// While this is held, no main program starts.
    _starts: MutexGuard<'static, BTreeSet<i32>>,
}

impl Pause {
    /// Stops our clocks and every running descendant of this process, and waits until they have stopped. In every
    /// containment, what a run started is a descendant of this process, because it adopts orphans.
    #[must_use]
    pub fn begin() -> Self {
        let starts = start::main_programs();
        clock::begin_pause();
        let deadline = Instant::now() + MOST_STOPPING;
        let (mut stopped, mut told) = (Vec::new(), BTreeSet::new());
        // A process that was not stopped yet may have started another one.
        loop {
            let running = running_below();
            let new: Vec<Process> =
                running.iter().filter(|process| told.insert((process.pid, process.start))).copied().collect();
            table::send(&new, Signal::STOP);
            stopped.extend(new);
            if running.is_empty() || Instant::now() >= deadline {
                return Self { stopped, _starts: starts };
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        // Children are continued first: a parent that asks must not learn that its child was stopped.
        self.stopped.reverse();
        table::send(&self.stopped, Signal::CONT);
        clock::end_pause();
    }
}

/// Whether somebody could continue this process. The kernel does not let a terminal stop a process group without a
/// parent in another group of the session, such as the shell that started it.
#[must_use]
pub fn can_be_continued() -> bool {
    let (Ok(table), Ok(me)) = (table::all(), table::own()) else { return false };
    let is_outside = |pid: i32| {
        table.iter().any(|parent| parent.pid == pid && parent.session == me.session && parent.group != me.group)
    };
    table.iter().any(|member| member.group == me.group && !member.ended && is_outside(member.parent))
}

/// Every running descendant of this process, parents before their children.
fn running_below() -> Vec<Process> {
    let (Ok(table), Ok(me)) = (table::all(), table::own()) else { return Vec::new() };
    let (mut below, mut parents) = (Vec::new(), BTreeSet::from([me.pid]));
    while !parents.is_empty() {
        let children: Vec<&Process> = table.iter().filter(|process| parents.contains(&process.parent)).collect();
        parents = children.iter().map(|process| process.pid).collect();
        below.extend(children.into_iter().filter(|process| !process.ended && !process.stopped));
    }
    below
}
