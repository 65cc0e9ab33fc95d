//! Starts the main program of a task in a session of its own: it has no terminal, wherever this process was started,
//! and signals of a terminal do not reach it.
//!
//! `std` has no safe way to begin a session between fork and exec; process-wrap has. Nothing else of it is used: it
//! ends and waits for its children by groups, while we use the containment.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

use process_wrap::std::{CommandWrap, CommandWrapper as _, ProcessSession};
use rustix::process::Pid;

use super::Hold;

/// The main programs that were started and not reaped yet. It is locked during a start, for two reasons: a start can
/// have a descriptor open that only its own child may inherit, and no other thread may take the new child for an
/// orphan.
static MAIN_PROGRAMS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// From now on programs that this one starts inherit none of the descriptors with which it was started, but for the standard three: a
/// shell may have left open what nobody in a sandbox is to reach.
pub fn bequeath_nothing() {
    close_fds::set_fds_cloexec(3, &[]);
}

/// Makes the program of the command the leader of a new session, and with it of a new process group.
pub(super) fn in_own_session(command: &mut Command) -> io::Result<()> {
    // The second argument is not used by it.
    ProcessSession.pre_spawn(command, &CommandWrap::with_new("", |_| {}))
}

/// Starts the command as a main program.
pub(super) fn start(hold: &mut dyn Hold, command: &mut Command) -> io::Result<Child> {
    let mut programs = main_programs();
    let child = hold.start(command)?;
    programs.insert(Pid::from_child(&child).as_raw_pid());
    Ok(child)
}

/// Waits for the end of a main program, and reaps it.
pub(super) fn reap(child: &mut Child) -> io::Result<ExitStatus> {
    let pid = Pid::from_child(child).as_raw_pid();
    let status = child.wait();
    main_programs().remove(&pid);
    status
}

/// The main programs that other threads wait for. While this is held, none starts.
pub(super) fn main_programs() -> MutexGuard<'static, BTreeSet<i32>> {
    MAIN_PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner)
}
