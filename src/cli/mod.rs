//! Floor 5: arguments, settings, commands, errors and exit codes.

pub mod addresses;
pub mod args;
pub mod asked;
pub mod beforehand;
pub mod choose;
pub mod commands;
pub mod console;
pub mod derived;
pub mod differences;
pub mod error;
pub mod exit;
pub mod filters;
pub mod generated;
pub mod locate;
pub mod meant;
pub mod needs;
pub mod options;
pub mod prelude;
pub mod unknown;
pub mod unmet;

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind as ArgumentError};

use crate::agent::protocol::SPEAK;
use crate::cli::args::output::Talk;
use crate::cli::args::{Cli, Command};
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::judge::{ASK_AGENT, ASK_MODEL};
use crate::os::process::{OPEN_DOOR, bequeath_nothing, open_door};
use crate::os::signal;
use crate::text::words::{shell_bytes, shell_word};

/// The first word that cargo adds when it starts `cargo-scylla` as `cargo scylla`.
const CARGO_WORD: &str = "scylla";

/// A work in the place of another program, with the arguments behind its word; why it did not come to its end.
type InPlace = fn(&[OsString]) -> Result<(), String>;

/// What our own program does in the place of an agent or a judge, by the word that a worker starts it by; no person types it.
const IN_PLACE: [(&str, InPlace); 4] = [
    (ASK_MODEL, |arguments| commands::ask_model::answer(arguments, &mut io::stdout().lock())),
    (ASK_AGENT, |arguments| commands::ask_agent::answer(arguments, &mut io::stdout().lock())),
    (SPEAK, commands::speak::speak),
    (OPEN_DOOR, open_door),
];

/// The exit code of such a work; why it did not come to its end is printed.
fn ended(work: Result<(), String>) -> Exit {
    match work {
        Ok(()) => Exit::Success,
        Err(why) => {
            // There is no other place to say it.
            let _ = writeln!(io::stderr(), "error: {why}");
            Exit::Internal
        }
    }
}

/// Runs the program with these arguments, and reports errors to people.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    bequeath_nothing();
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|first| first == CARGO_WORD) {
        arguments.remove(1);
    }
    let in_place = IN_PLACE.iter().find(|(word, _)| arguments.get(1).is_some_and(|first| first == word));
    if let Some((_, work)) = in_place {
        return ended(work(arguments.get(2..).unwrap_or_default()));
    }
    let typed = typed(&arguments);
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(asked) => return show(&asked, typed, &arguments),
    };
    let mut console = Console::new(cli.talk, typed, cli.command.rows());
    let restored = signal::restore().map_err(CliError::internal);
    match restored.and_then(|()| dispatch(&cli.command, &mut console)) {
        Ok(exit) => exit,
        Err(error) => {
            console.error(&error);
            error.exit
        }
    }
}

/// clap returns help and version as errors that are to be printed.
fn show(asked: &clap::Error, typed: String, arguments: &[OsString]) -> Exit {
    let command = unknown_command(asked, &typed).map(|word| unknown::unknown(&word, &typed));
    if let Some(error) = command.or_else(|| unknown::of_batch_system(unknown_flag(asked)?, arguments)) {
        Console::new(Talk::default(), typed, None).error(&error);
        return error.exit;
    }
    let printed = asked.print().and_then(|()| io::stdout().flush());
    match printed {
        _ if asked.use_stderr() => Exit::Usage,
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            // If that cannot be written either, there is no way to report it.
            let _ = writeln!(io::stderr(), "error: cannot write to standard output: {error}");
            Exit::Internal
        }
        _ => Exit::Success,
    }
}

/// The first word, if it is not a command. Errors below a command are reported by the parser.
fn unknown_command(asked: &clap::Error, typed: &str) -> Option<String> {
    if asked.kind() != ArgumentError::InvalidSubcommand {
        return None;
    }
    let Some(ContextValue::String(word)) = asked.get(ContextKind::InvalidSubcommand) else { return None };
    let mut words = typed.split(' ').skip(2).filter(|typed| !typed.starts_with('-'));
    let first = words.next().and_then(|first| if first == "help" { words.next() } else { Some(first) });
    (first == Some(shell_word(word).as_str())).then(|| word.clone())
}

/// The flag that is none.
fn unknown_flag(asked: &clap::Error) -> Option<&str> {
    match asked.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) if asked.kind() == ArgumentError::UnknownArgument => Some(flag),
        _ => None,
    }
}

/// The command as a person would type it again.
fn typed(arguments: &[OsString]) -> String {
    let words = arguments.iter().skip(1).map(|word| shell_bytes(word.as_bytes()));
    ["cargo".to_owned(), CARGO_WORD.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

fn dispatch(command: &Command, console: &mut Console) -> Result<Exit, CliError> {
    match command {
        Command::Run(args) => commands::run::run(args, console),
        Command::Resume(args) => commands::resume::run(args, console),
        Command::Extend(args) => commands::extend::run(args, console),
        Command::Regrade(args) => commands::regrade::run(args, console),
        Command::Rerun(args) => commands::rerun::run(args, console),
        Command::Plan(args) => commands::plan::run(args, console),
        Command::Worker(args) => commands::worker::run(args, console),
        Command::Stop(args) => commands::stop::run(args, console),
        Command::Status(args) => commands::status::run(args, console),
        Command::Show(args) => commands::show::run(args, console),
        Command::Diff(args) => commands::diff::run(args, console),
        Command::List(args) => commands::list::run(args, console),
        Command::Runs(args) => commands::runs::run(args, console),
        Command::Compare(args) => commands::compare::run(args, console),
        Command::Report(args) => commands::report::run(args, console),
        Command::Verify(args) => commands::verify::run(args, console),
        Command::Publish(args) => commands::publish::run(args, console),
        Command::Repair(args) => commands::repair::run(args, console),
        Command::Seal(args) => commands::seal::run(args, console),
        Command::Checkout(args) => commands::checkout::run(args, console),
        Command::Export(args) => commands::export::run(args, console),
        Command::Fixture(args) => commands::fixture::run(args, console),
        Command::Agents(args) => commands::agents::run(args, console),
        Command::Judge(args) => commands::judge::run(args, console),
        Command::Completions(args) => commands::pages::completions(args, console),
        Command::Man => commands::pages::man(console),
    }
}
