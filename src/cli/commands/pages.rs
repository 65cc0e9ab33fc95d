//! `completions` and `man`, and every page that is generated for `docs/`.

use clap::CommandFactory;

use crate::cli::args::{Cli, Completions};
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;

/// Prints completions for a shell.
///
/// # Errors
/// When standard output cannot be written.
pub fn completions(args: &Completions, console: &mut Console) -> Result<Exit, CliError> {
    console.print_bytes(&completions_for(args.shell))?;
    Ok(Exit::Success)
}

/// Prints the manual page.
///
/// # Errors
/// When standard output cannot be written.
pub fn man(console: &mut Console) -> Result<Exit, CliError> {
    console.print_bytes(&man_page(&Cli::command())?)?;
    Ok(Exit::Success)
}

/// The completions of `cargo-scylla` for a shell.
#[must_use]
pub fn completions_for(shell: clap_complete::Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cargo-scylla", &mut text);
    text
}

/// The manual page of a command.
///
/// # Errors
/// Never for a page in memory; the renderer's signature asks for it.
pub fn man_page(command: &clap::Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
