//! What comes before a session: until the coordinator hears signals, a stop ends the process, and says how to go on.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::model::outcome::StopSignal;
use crate::os::process;
use crate::os::signal::{self, Listening};

/// How long a stop waits for what is being made to be taken away. Its programs are ended, so it is waited out by no one.
const MOST_CLEARING: Duration = Duration::from_secs(10);
/// Between two looks at that.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// As long as this lives, a stop ends the process at once: no run is in flight, and what lies on the disk can be read after
/// a crash, too. What is only being made is taken away first.
#[derive(Debug)]
pub struct Prelude {
    listening: Listening,
    /// What to type to go on.
    command: Arc<Mutex<String>>,
    /// Held while something is made that is nothing before it is whole.
    making: Arc<Mutex<()>>,
}

impl Prelude {
    /// Begins it. The command that goes on is the one that was typed.
    ///
    /// # Errors
    /// When signals cannot be heard.
    pub fn begin(console: &Console) -> Result<Self, CliError> {
        Self::of(console, "before a run was started")
    }

    /// The same for a command that starts no run: it was stopped before that.
    ///
    /// # Errors
    /// When signals cannot be heard.
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

    /// As long as what is given lives, something is being made that who makes it takes away when a program fails. A stop
    /// ends those programs, and waits for that.
    pub fn making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names another command that goes on.
    pub fn goes_on_by(&self, command: String) {
        *self.command.lock().unwrap_or_else(PoisonError::into_inner) = command;
    }

    /// The end of it, when what is given here is dropped.
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
    // The main thread must neither say that its program was ended nor end by a code of its own.
    let _silence = io::stderr().lock();
    let deadline = Instant::now() + MOST_CLEARING;
    loop {
        process::end_all_below();
        // What is held here is never let go: nothing new is made.
        let locked = making.try_lock();
        if !matches!(locked, Err(TryLockError::WouldBlock)) || Instant::now() >= deadline {
            console.error(&CliError::stopped(exit, name, before, command));
            signal::end_process(exit.code());
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}
