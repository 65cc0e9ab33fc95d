//! The one module that prints, and how it says numbers.
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

/// A number with its noun.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!(counted(0, "file"), "0 files");
        assert_eq!(counted(1, "dependency"), "1 dependency");
        assert_eq!(counted(2, "dependency"), "2 dependencies");
    }
}
