//! The pause that Ctrl-Z asks for: everything below this process is stopped before this process is, and goes on with it.
//! Limits of time do not count it.

use std::collections::BTreeSet;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::start;
use super::table::{self, Process};
use crate::os::clock;

/// How long processes may take to stop. Only one that hangs in the kernel takes longer.
const MOST_STOPPING: Duration = Duration::from_secs(1);
/// Between two looks at what is still running.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// A pause under way. When it is dropped, all goes on that was stopped by it.
#[derive(Debug)]
pub struct Pause {
    /// Parents before their children.
    stopped: Vec<Process>,
    /// No main program starts while this is held.
    _starts: MutexGuard<'static, BTreeSet<i32>>,
}

impl Pause {
    /// Stops the clocks and every process below this one that is not stopped already, and waits until they are. In every
    /// containment, what a run started is below this process: it adopts those that lose their parents.
    #[must_use]
    pub fn begin() -> Self {
        let starts = start::main_programs();
        clock::begin_pause();
        let deadline = Instant::now() + MOST_STOPPING;
        let (mut stopped, mut told) = (Vec::new(), BTreeSet::new());
        // One that was not stopped yet may have started another.
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
        // A parent that asks must not hear that its child was stopped.
        self.stopped.reverse();
        table::send(&self.stopped, Signal::CONT);
        clock::end_pause();
    }
}

/// Whether anybody could tell this process to go on: the kernel lets a terminal stop no process of a group without a
/// parent in another group of the session, such as the shell that started it.
#[must_use]
pub fn can_be_continued() -> bool {
    let (Ok(table), Ok(me)) = (table::all(), table::own()) else { return false };
    let is_outside = |pid: i32| {
        table.iter().any(|parent| parent.pid == pid && parent.session == me.session && parent.group != me.group)
    };
    table.iter().any(|member| member.group == me.group && !member.ended && is_outside(member.parent))
}

/// Every process below this one that goes on, parents before their children.
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
