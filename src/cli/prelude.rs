//! The time before a session: until the coordinator receives signals, a stop ends the process, and prints the command
//! that continues.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::model::outcome::StopSignal;
use crate::os::process;
use crate::os::signal::{self, Listening};

/// How long a stop waits until something that is being made is removed. Its programs are killed, so in practice it is
/// never waited in full.
const MOST_CLEARING: Duration = Duration::from_secs(10);
/// Time between two checks for that.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// As long as this lives, a stop ends the process at once: no run is in flight, and the files on the disk can be read
/// after a crash too. Something that is still being made is removed first.
#[derive(Debug)]
pub struct Prelude {
    listening: Listening,
    /// The command that continues.
    command: Arc<Mutex<String>>,
    /// Locked while something is being made that is useless until it is whole.
    making: Arc<Mutex<()>>,
}

impl Prelude {
    /// Begins it. The command that continues is the one that was typed.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub fn begin(console: &Console) -> Result<Self, CliError> {
        Self::of(console, "before a run was started")
    }

    /// The same for a command that starts no run; `before` says in messages what it was stopped before.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub fn of(console: &Console, before: &'static str) -> Result<Self, CliError> {
        let command = Arc::new(Mutex::new(console.typed().to_owned()));
        let making = Arc::new(Mutex::new(()));
        let (console, last, made) = (console.clone(), Arc::clone(&command), Arc::clone(&making));
        let stop = move |signal| {
            let command = last.lock().unwrap_or_else(PoisonError::into_inner);
            end(signal, before, &command, &made, console.clone());
        };
        Ok(Self { listening: signal::listen(stop).map_err(CliError::internal)?, command, making })
    }

    /// As long as the guard lives, something is being made that its maker removes when a program fails. A stop ends
    /// those programs, and waits for the removal.
    pub fn making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets another command that continues.
    pub fn goes_on_by(&self, command: String) {
        *self.command.lock().unwrap_or_else(PoisonError::into_inner) = command;
    }

    /// The end of the prelude, when the returned value is dropped.
    #[must_use]
    pub fn into_listening(self) -> Listening {
        self.listening
    }
}

fn end(signal: StopSignal, before: &str, command: &str, making: &Mutex<()>, mut console: Console) {
    let (exit, name) = match signal {
        StopSignal::Interrupt => (Exit::Interrupted, "Ctrl-C"),
        StopSignal::Terminate => (Exit::Terminated, "SIGTERM"),
        StopSignal::Hangup => (Exit::HungUp, "SIGHUP"),
    };
    // The main thread must neither report that its program was killed nor exit with a code of its own.
    let _silence = io::stderr().lock();
    let deadline = Instant::now() + MOST_CLEARING;
    loop {
        process::end_all_below();
        // This lock is never released, so nothing new is made.
        let locked = making.try_lock();
        if !matches!(locked, Err(TryLockError::WouldBlock)) || Instant::now() >= deadline {
            console.error(&CliError::stopped(exit, name, before, command));
            signal::end_process(exit.code());
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}
