//! Signals become words: a thread hears them and passes each on; whoever owns the mailbox acts.

use std::io;
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::exit;

/// A signal that asks the coordinator to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// The terminal is gone.
    Hangup,
}

/// As long as this lives, signals are heard. After it is dropped they are ignored, and no longer passed on.
#[derive(Debug)]
pub struct Listening {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// Hears SIGINT, SIGTERM and SIGHUP from now on, each as often as it comes (signals of one kind that come faster than
/// they are read may be told once). A SIGHUP that was ignored at the start, as `nohup` does, stays ignored.
///
/// # Errors
/// The kernel's, when a handler or the thread cannot be set up.
pub fn listen(send: impl Fn(Signal) + Send + 'static) -> io::Result<Listening> {
    let mut wanted = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        wanted.push(SIGHUP);
    }
    let mut signals = Signals::new(wanted)?;
    let handle = signals.handle();
    let thread = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for number in signals.forever() {
            match number {
                SIGINT => send(Signal::Interrupt),
                SIGHUP => send(Signal::Hangup),
                _ => send(Signal::Terminate),
            }
        }
    })?;
    Ok(Listening { handle, thread: Some(thread) })
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

fn is_ignored(signal: i32) -> bool {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        })
        .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
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
            ("-INT", Signal::Interrupt),
            ("-INT", Signal::Interrupt),
            ("-TERM", Signal::Terminate),
            ("-INT", Signal::Interrupt),
            ("-HUP", Signal::Hangup),
        ] {
            if word == Signal::Hangup && is_ignored(SIGHUP) {
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
