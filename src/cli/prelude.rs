//! What comes before a sitting: until the coordinator hears signals, a stop ends the process, and says how to go on.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::os::process;
use crate::os::signal::{self, Listening, Signal};

/// As long as this lives, a stop ends the process at once: no run is in flight, and what lies on the disk can be read after
/// a crash, too.
#[derive(Debug)]
pub struct Prelude {
    listening: Listening,
    /// What to type to go on.
    command: Arc<Mutex<String>>,
}

impl Prelude {
    /// Begins it. The command that goes on is the one that was typed.
    ///
    /// # Errors
    /// When signals cannot be heard.
    pub fn begin(console: &Console) -> Result<Self, CliError> {
        let command = Arc::new(Mutex::new(console.typed().to_owned()));
        let (console, last) = (console.clone(), Arc::clone(&command));
        let stop = move |signal| {
            let command = last.lock().unwrap_or_else(PoisonError::into_inner);
            end(signal, &command, console.clone());
        };
        Ok(Self { listening: signal::listen(stop).map_err(CliError::internal)?, command })
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

fn end(signal: Signal, command: &str, mut console: Console) {
    let (exit, name) = match signal {
        Signal::Interrupt => (Exit::Interrupted, "Ctrl-C"),
        Signal::Terminate => (Exit::Terminated, "SIGTERM"),
        Signal::Hangup => (Exit::HungUp, "SIGHUP"),
    };
    // The main thread must neither say that its program was ended nor end by a code of its own.
    let _silence = io::stderr().lock();
    process::end_all_below();
    console.error(&CliError::stopped(exit, name, command));
    signal::end_process(exit.code());
}
