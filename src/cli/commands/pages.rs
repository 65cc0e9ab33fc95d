//! `completions` and `man`, and every page that is generated for `docs/`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::args::Cli;
use crate::cli::args::output::Completions;
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

/// Scripts that let the shell complete `cargo scylla` like `cargo-scylla`, in addition to cargo's own completions.
const BELOW_CARGO: [(Shell, &str); 3] = [
    (Shell::Bash, include_str!("../completions/cargo.bash")),
    (Shell::Zsh, include_str!("../completions/cargo.zsh")),
    (Shell::Fish, include_str!("../completions/cargo.fish")),
];

/// The completions of `cargo-scylla` for a shell, and of `cargo scylla` where that is possible.
#[must_use]
pub fn completions_for(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cargo-scylla", &mut text);
    // For bash, one half of the crate's script uses the name that people type for a command with a subcommand.
    if let (Shell::Bash, Ok(script)) = (shell, std::str::from_utf8(&text)) {
        text = script.replace("cargo__subcmd__scylla", "cargo__scylla").into_bytes();
    }
    for (_, below_cargo) in BELOW_CARGO.iter().filter(|(of, _)| *of == shell) {
        text.extend_from_slice(below_cargo.as_bytes());
    }
    text
}

/// The manual page of a command.
///
/// # Errors
/// Never for a page in memory; the renderer's signature requires it.
pub fn man_page(command: &clap::Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
