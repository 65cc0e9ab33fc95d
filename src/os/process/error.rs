//! Why a task did not run, or could not be brought to an orderly end.

use std::io;
use std::path::PathBuf;

/// Why a task did not run, or could not be brought to an orderly end.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no such program.
    #[error("program `{}` is not found", program.display())]
    NotFound {
        /// Its name in the task.
        program: PathBuf,
    },
    /// The file exists, but may not be executed.
    #[error("`{}` is not executable", program.display())]
    NotExecutable {
        /// The file.
        program: PathBuf,
    },
    /// The program is a script whose interpreter does not exist.
    #[error("the interpreter {interpreter:?} that the first line of `{}` names is not found", program.display())]
    NoInterpreter {
        /// The script.
        program: PathBuf,
        /// The interpreter.
        interpreter: PathBuf,
    },
    /// The folder to start in does not exist.
    #[error("cannot start in `{}`: it is not a folder", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// The kernel refused to start it.
    #[error("cannot start `{}`", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The containment could not be set up, so the program was not started.
    #[error("{containment} did not start the program: {message}")]
    Contain {
        /// Which containment.
        containment: &'static str,
        /// What it said.
        message: String,
    },
    /// A file that is needed before the start could not be created.
    #[error("cannot write `{}`", path.display())]
    Prepare {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written. If the program had been started, it was ended.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Waiting for the program failed. It was ended as far as that was possible.
    #[error("cannot watch `{}`", program.display())]
    Watch {
        /// The program.
        program: PathBuf,
        /// Why. `TimedOut`: a process survived KILL.
        source: io::Error,
    },
}

impl SpawnError {
    pub(super) fn contain(containment: &'static str, message: &impl ToString) -> Self {
        Self::Contain { containment, message: message.to_string() }
    }

    /// The same error, when nothing was started yet.
    pub(super) fn before_start(self) -> Self {
        match self {
            Self::Write { path, source } => Self::Prepare { path, source },
            error => error,
        }
    }

    /// Whether the program was never started, so that it cannot have done anything.
    #[must_use]
    pub fn never_started(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::NotExecutable { .. }
            | Self::NoInterpreter { .. }
            | Self::Folder { .. }
            | Self::Start { .. }
            | Self::Contain { .. }
            | Self::Prepare { .. } => true,
            Self::Write { .. } | Self::Watch { .. } => false,
        }
    }
}
