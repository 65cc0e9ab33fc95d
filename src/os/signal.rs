//! Turns signals into messages: a thread receives them and passes each on; the owner of the mailbox acts. Only a pause
//! (Ctrl-Z) is carried out here.

use std::ffi::c_int;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGSTOP, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::{exit, raise};

use crate::model::outcome::StopSignal;
use crate::os::process::{self, Pause};

/// As long as this lives, signals are received. After it is dropped they are ignored, and no longer passed on.
#[derive(Debug)]
pub struct Listening {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// The signals that were ignored when this process was started.
static IGNORED: OnceLock<u64> = OnceLock::new();
/// Locked while this process is stopped, so that two listeners stop it only once.
static PAUSING: Mutex<()> = Mutex::new(());

/// How long the SIGCONT that ended a pause is waited for: a thread that can run takes it at once.
const MOST_UNTIL_CONTINUED: Duration = Duration::from_secs(1);

/// Signals that stay ignored if they were: SIGPIPE, which `std` ignores for this process alone; SIGTTIN and SIGTTOU,
/// because when they are ignored, terminal reads and writes fail instead of being retried; SIGILL, SIGFPE, SIGKILL,
/// SIGSEGV and SIGSTOP, which cannot be caught; and two that the C library reserves for itself.
const LEFT_IGNORED: [c_int; 10] = [13, 21, 22, 4, 8, 9, 11, 19, 32, 33];
/// The highest number of a signal.
const LAST_SIGNAL: c_int = 64;

/// Makes signals work as for a program that was started by hand, whatever started this one: no signal is blocked, and
/// programs that are started from here do not ignore signals that were ignored. To be called once, before there is
/// another thread.
///
/// # Errors
/// The kernel's error.
pub fn restore() -> io::Result<()> {
    // Threads and child processes inherit the mask.
    SigSet::empty().thread_set_mask()?;
    for signal in (1..=LAST_SIGNAL).filter(|signal| is_ignored(*signal) && !LEFT_IGNORED.contains(signal)) {
        // Here the signal is caught without effect; a program that is started has no handler, and gets the kernel's
        // default.
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}

/// Receives SIGINT, SIGTERM and SIGHUP from now on, each as often as it comes (signals of one kind that come faster
/// than they are read may be merged). A SIGHUP that was ignored at the start, as `nohup` does, stays ignored. A SIGINT
/// that was, as for a command that a script starts with `&`, is received all the same: whoever sends one means it. At
/// SIGTSTP, which is Ctrl-Z, all descendants of this process stop with it, until SIGCONT.
///
/// # Errors
/// The kernel's error, when a handler or the thread cannot be set up.
pub fn listen(send: impl Fn(StopSignal) + Send + 'static) -> io::Result<Listening> {
    let always = [SIGINT, SIGTERM, SIGCONT];
    let unless_ignored = [SIGHUP, SIGTSTP].into_iter().filter(|signal| !is_ignored(*signal));
    let mut signals = Signals::new(always.into_iter().chain(unless_ignored))?;
    let handle = signals.handle();
    let thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while !signals.handle().is_closed() {
            let mut received: Vec<c_int> = signals.wait().collect();
            // If it is continued as soon as it was stopped, it does not stop.
            while received.contains(&SIGTSTP) && !received.contains(&SIGCONT) {
                received.retain(|signal| *signal != SIGTSTP);
                pause(&mut signals, &mut received);
            }
            for signal in received.into_iter().filter_map(stop_signal) {
                send(signal);
            }
        }
    })?;
    Ok(Listening { handle, thread: Some(thread) })
}

fn stop_signal(number: c_int) -> Option<StopSignal> {
    match number {
        SIGINT => Some(StopSignal::Interrupt),
        SIGTERM => Some(StopSignal::Terminate),
        SIGHUP => Some(StopSignal::Hangup),
        _ => None,
    }
}

/// Stops all descendants of this process, and then this process, until it is continued.
fn pause(signals: &mut Signals, received: &mut Vec<c_int>) {
    let Ok(_alone) = PAUSING.try_lock() else { return };
    if !process::can_be_continued() {
        return;
    }
    let pause = Pause::begin();
    received.extend(signals.pending());
    if !received.contains(&SIGCONT) {
        // Sent to this very thread, so it does not return before the process continues. It cannot fail.
        drop(raise(SIGSTOP));
        take_continuation(signals, received);
    }
    drop(pause);
}

/// Takes the SIGCONT that ended a pause, before anything continues: read together with the next SIGTSTP it would look as if that one
/// had been taken back. It comes, because nothing else continues a process; whichever thread is to run its handler.
fn take_continuation(signals: &mut Signals, received: &mut Vec<c_int>) {
    let deadline = Instant::now() + MOST_UNTIL_CONTINUED;
    loop {
        let pending: Vec<c_int> = signals.pending().collect();
        let has_come = pending.contains(&SIGCONT);
        received.extend(pending.into_iter().filter(|signal| *signal != SIGCONT));
        if has_come || Instant::now() >= deadline {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Ends this process at once, whatever its other threads do: nothing is dropped or flushed.
pub fn end_process(code: u8) -> ! {
    exit(code.into())
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to report here.
            drop(thread.join());
        }
    }
}

fn is_ignored(signal: c_int) -> bool {
    ignored() >> (signal - 1) & 1 == 1
}

fn ignored() -> u64 {
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn kill_self(signal: &str) {
        // The shell's builtin, which exists even where there is no program of that name.
        let kill = format!("kill {signal} {}", std::process::id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success());
    }

    #[test]
    fn every_signal_is_told_again_and_again_and_a_closed_listener_is_silent() {
        let (send, mailbox) = mpsc::channel();
        let listening = listen(move |signal| send.send(signal).unwrap()).unwrap();
        for (name, word) in [
            ("-INT", StopSignal::Interrupt),
            ("-INT", StopSignal::Interrupt),
            ("-TERM", StopSignal::Terminate),
            ("-INT", StopSignal::Interrupt),
            ("-HUP", StopSignal::Hangup),
        ] {
            if word == StopSignal::Hangup && is_ignored(SIGHUP) {
                continue;
            }
            kill_self(name);
            assert_eq!(mailbox.recv_timeout(PATIENCE), Ok(word));
        }
        drop(listening);
        // The sender lived in the thread, so the channel ends with the thread.
        assert_eq!(mailbox.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
        // Signals after that do not kill this process.
        kill_self("-INT");
    }
}
