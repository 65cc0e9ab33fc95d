//! The one module that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the person who typed it")]

use crate::failure::Failure;

/// A line of what a task found or made.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// The line above what a step says.
pub(crate) fn heading(text: &str) {
    println!("\n==> {text}");
}

/// Why a task failed.
pub(crate) fn failure(failure: &Failure) {
    eprintln!("error: {failure}");
    if let Some(hint) = failure.hint() {
        eprintln!("\nhint: {hint}");
    }
}
