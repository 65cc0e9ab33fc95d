//! Signals become words: a thread hears them and passes each on; whoever owns the mailbox acts. A pause is not passed on:
//! it is made here.

use std::ffi::c_int;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};

use nix::sys::signal::SigSet;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGSTOP, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::{exit, raise};

use crate::model::outcome::StopSignal;
use crate::os::process::{self, Pause};

/// As long as this lives, signals are heard. After it is dropped they are ignored, and no longer passed on.
#[derive(Debug)]
pub struct Listening {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// The signals that were ignored when this process was started.
static IGNORED: OnceLock<u64> = OnceLock::new();
/// Held while this process is stopped, so that two listeners stop it once.
static PAUSING: Mutex<()> = Mutex::new(());

/// Signals whose being ignored is left as it is: SIGPIPE, which `std` ignores for itself alone; SIGTTIN and SIGTTOU, whose
/// being ignored makes reading and writing end instead of being tried again; SIGILL, SIGFPE, SIGKILL, SIGSEGV and SIGSTOP,
/// which cannot be heard; and two that are the C library's own.
const LEFT_IGNORED: [c_int; 10] = [13, 21, 22, 4, 8, 9, 11, 19, 32, 33];
/// The highest number of a signal.
const LAST_SIGNAL: c_int = 64;

/// Makes signals work as they do for a program that was started by hand, whatever started this one: none is blocked, and
/// none that was ignored is ignored by the programs that are started from here. Called once, before there is a thread.
///
/// # Errors
/// The kernel's.
pub fn restore() -> io::Result<()> {
    // Threads and programs have the mask of who starts them.
    SigSet::empty().thread_set_mask()?;
    for signal in (1..=LAST_SIGNAL).filter(|signal| is_ignored(*signal) && !LEFT_IGNORED.contains(signal)) {
        // Here it is heard and nothing follows; a program that is started hears nothing, and has the kernel's default.
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}

/// Hears SIGINT, SIGTERM and SIGHUP from now on, each as often as it comes (signals of one kind that come faster than
/// they are read may be told once). A SIGHUP that was ignored at the start, as `nohup` does, stays ignored; a SIGINT that
/// was, as in what a script starts with `&`, is heard all the same: who sends one means it. At SIGTSTP, which is Ctrl-Z,
/// everything below this process stops with it, until SIGCONT.
///
/// # Errors
/// The kernel's, when a handler or the thread cannot be set up.
pub fn listen(send: impl Fn(StopSignal) + Send + 'static) -> io::Result<Listening> {
    let always = [SIGINT, SIGTERM, SIGCONT];
    let unless_ignored = [SIGHUP, SIGTSTP].into_iter().filter(|signal| !is_ignored(*signal));
    let mut signals = Signals::new(always.into_iter().chain(unless_ignored))?;
    let handle = signals.handle();
    let thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while !signals.handle().is_closed() {
            let mut heard: Vec<c_int> = signals.wait().collect();
            // Told to go on as soon as told to stop, it does not stop.
            if heard.contains(&SIGTSTP) && !heard.contains(&SIGCONT) {
                pause(&mut signals, &mut heard);
            }
            for signal in heard.into_iter().filter_map(word) {
                send(signal);
            }
        }
    })?;
    Ok(Listening { handle, thread: Some(thread) })
}

fn word(number: c_int) -> Option<StopSignal> {
    match number {
        SIGINT => Some(StopSignal::Interrupt),
        SIGTERM => Some(StopSignal::Terminate),
        SIGHUP => Some(StopSignal::Hangup),
        _ => None,
    }
}

/// Stops everything below this process, and then this process, until it is told to go on.
fn pause(signals: &mut Signals, heard: &mut Vec<c_int>) {
    let Ok(_alone) = PAUSING.try_lock() else { return };
    if !process::can_be_continued() {
        return;
    }
    let pause = Pause::begin();
    heard.extend(signals.pending());
    if !heard.contains(&SIGCONT) {
        // Sent to this very thread, so it does not return before the process goes on. It cannot fail.
        drop(raise(SIGSTOP));
    }
    drop(pause);
}

/// Ends this process at once, whatever its other threads do: nothing is dropped or flushed.
pub fn end_process(code: u8) -> ! {
    exit(code.into())
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to say here.
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
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn kill_self(signal: &str) {
        // The shell's own, which is there where no program of that name is.
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
        // The sender lived in the thread, so its end is the thread's end.
        assert_eq!(mailbox.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
        // Signals after that do not kill this process.
        kill_self("-INT");
    }
}
