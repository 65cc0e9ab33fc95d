//! The pager in which a person reads text that is longer than the screen. It is the person's own program, so it is
//! trusted.

use std::io::{self, ErrorKind};

use crate::model::outcome::SHELL_NOT_STARTED;

/// The pager when the person names none.
const USUAL: &str = "less -R";
/// Default options of `less`: it ends by itself when everything fits on the screen, shows colors, and leaves the screen
/// as it is.
const LESS: (&str, &str) = ("LESS", "FRX");

/// The pager that the environment names; `None` when it is set to none.
#[must_use]
pub fn named(pager: Option<&str>) -> Option<&str> {
    let pager = pager.unwrap_or(USUAL).trim();
    (!pager.is_empty() && pager != "cat").then_some(pager)
}

/// Shows a text in a pager, until the person leaves it. Gives `false` when there is no such program.
///
/// # Errors
/// When it cannot be started.
pub fn page(pager: &str, text: &str) -> io::Result<bool> {
    // Ctrl-C at the terminal is for the pager, so it is ignored here.
    let _listening = super::signal::listen(|_| ())?;
    let words = if std::env::var_os(LESS.0).is_some() { None } else { Some(LESS) };
    let mut command = duct::cmd!("sh", "-c", pager).stdin_bytes(text.as_bytes()).unchecked();
    if let Some((name, value)) = words {
        command = command.env(name, value);
    }
    match command.run() {
        Ok(output) => Ok(!output.status.code().is_some_and(|code| SHELL_NOT_STARTED.contains(&code))),
        // A person who leaves a pager before the end has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_is_what_the_environment_names() {
        assert_eq!(named(None), Some("less -R"));
        assert_eq!(named(Some(" more ")), Some("more"));
        assert_eq!((named(Some("")), named(Some("cat"))), (None, None));
    }
}
