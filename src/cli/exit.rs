//! Exit codes: the only list of them; the manual's table is made from it.

use std::process::{ExitCode, Termination};

use crate::model::outcome::StopSignal;

/// Declares [`Exit`] with the number and the meaning of each code from one list.
macro_rules! exits {
    ($( $name:ident $code:literal $meaning:literal, )*) => {
        /// The outcomes of the program.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Exit {
            $( #[doc = $meaning] $name, )*
        }

        impl Exit {
            /// Every code.
            pub const ALL: &'static [Self] = &[$( Self::$name ),*];

            /// The number that the shell sees.
            #[must_use]
            pub fn code(self) -> u8 {
                match self { $( Self::$name => $code, )* }
            }

            /// What it means.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => $meaning, )* }
            }
        }
    };
}

exits! {
    Success 0 "Everything planned is done and agrees.",
    Internal 1 "An internal error, or the system refused something that nobody here can change.",
    Usage 2 "Usage or configuration: all mistakes at once, with file and line. Or something that the command needs is not here: a folder that can be written, room on the disk, git.",
    Locked 3 "The experiment is held by another coordinator, or the run by another worker.",
    Mendable 4 "`verify`: folder and checkpoint differ, `repair` can mend it.",
    Damaged 5 "Something is damaged, altered or missing; it needs a person or a rerun. `verify` alone reads all evidence; `resume` and `run` look at results, index and unfinished runs.",
    Incomplete 6 "Planned runs are missing (interrupted, errored, budget, time or rate limit: the message says which), or a judge that is checked gave no answer.",
    Policy 7 "A policy of the gate is not met (`--max-missing`, `--max-errored`, `--min-runs`, `--min-judges`, `--min-pass-rate`, `--deny-warnings`, `--no-secrets`, `--require-seal`, `--same-agent-version`, `--signer`, `--report`), or a report is not of the results that are there now, or a judge drifts from gold examples, or `report --published` was given what the tables do not say.",
    HungUp 129 "Stopped by SIGHUP; can be resumed.",
    Interrupted 130 "Stopped by SIGINT; can be resumed.",
    Terminated 143 "Stopped by SIGTERM; can be resumed.",
}

impl Exit {
    /// The exit code of a stop: 128 plus the signal's number, as in shells.
    #[must_use]
    pub fn stopped(signal: StopSignal) -> Self {
        match signal {
            StopSignal::Interrupt => Self::Interrupted,
            StopSignal::Terminate => Self::Terminated,
            StopSignal::Hangup => Self::HungUp,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
