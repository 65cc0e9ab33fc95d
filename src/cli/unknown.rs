//! The error for an unknown command, with a suggestion of what was meant, and for options of Slurm that are typed as if they were ours.

use std::ffi::OsString;

use clap::CommandFactory;

use crate::cli::args::Cli;
use crate::cli::error::CliError;
use crate::text::nearest::nearest;
use crate::text::words::shell_word;

/// Words of other tools, and what to type here instead.
const MEANT: [(&str, &str); 16] = [
    ("cancel", STOP),
    ("check", "`cargo scylla verify` checks an experiment, `cargo scylla fixture check DIR` a fixture"),
    ("clean", DELETE),
    ("continue", "`cargo scylla resume` goes on with an experiment"),
    ("delete", DELETE),
    ("fix", "`cargo scylla repair` mends what `cargo scylla verify` finds"),
    ("init", "`cargo scylla fixture new my-task` makes a fixture to begin with"),
    ("kill", STOP),
    ("ls", "`cargo scylla list` lists the experiments of the results folder"),
    ("new", "`cargo scylla fixture new my-task` makes a fixture to begin with"),
    (
        "restart",
        "`cargo scylla resume` goes on with an experiment, and `cargo scylla run FIXTURE --fresh` begins a new one",
    ),
    ("results", "`cargo scylla runs` shows a row for each run, `cargo scylla status` a table of the setups"),
    ("retry", "`cargo scylla resume` makes what is missing, and `cargo scylla rerun` makes runs again that are named"),
    ("start", "`cargo scylla run FIXTURE` starts an experiment"),
    ("test", "`cargo scylla fixture check DIR --run` tries a fixture"),
    ("validate", "`cargo scylla verify` checks an experiment, `cargo scylla fixture check DIR` a fixture"),
];

/// Options of `sbatch` that its users know by heart.
const OF_SBATCH: [&str; 15] = [
    "account",
    "constraint",
    "exclude",
    "exclusive",
    "gpus",
    "gpus-per-node",
    "gres",
    "licenses",
    "mail-type",
    "mail-user",
    "mem-per-cpu",
    "nice",
    "nodelist",
    "qos",
    "reservation",
];

/// Those that may stand without a value, which follows a `=` only.
const ALONE: [&str; 2] = ["exclusive", "nice"];

/// The flag that passes an option to `sbatch`.
const PASSES: &str = "sbatch";

const STOP: &str =
    "`cargo scylla stop` stops a coordinator as Ctrl-C does where it runs, and `cargo scylla resume` goes on";
const DELETE: &str = "an experiment is a folder: it goes when the folder is removed";

/// The error for an unknown command. `typed` is the whole command line.
#[must_use]
pub fn unknown(word: &str, typed: &str) -> CliError {
    let cli = Cli::command();
    let known = cli.get_subcommands().map(clap::Command::get_name);
    let near = nearest(word, known.chain(MEANT.iter().map(|(word, _)| *word)));
    let other = near.and_then(|near| MEANT.iter().find(|(word, _)| *word == near)).map(|(_, hint)| (*hint).to_owned());
    let hint = match (other, near) {
        (Some(hint), _) => hint,
        (None, Some(near)) => format!("did you mean `{}`?", typed.replacen(word, near, 1)),
        (None, None) => "`cargo scylla --help` lists all commands".to_owned(),
    };
    CliError::usage(format!("there is no command `{word}`")).hint(hint)
}

/// The error for an unknown flag that is an option of `sbatch`, where such options can be passed on; `None` for every other flag.
#[must_use]
pub fn of_batch_system(flag: &str, arguments: &[OsString]) -> Option<CliError> {
    let name = flag.strip_prefix("--")?;
    let name = name.split_once('=').map_or(name, |(name, _)| name);
    let option = OF_SBATCH.iter().find(|option| **option == name)?;
    let cli = Cli::command();
    let command = arguments.iter().skip(1).find_map(|word| cli.find_subcommand(word))?;
    command.get_arguments().find(|flag| flag.get_long() == Some(PASSES))?;

    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    let value =
        words.find_map(|word| word.strip_prefix("--")?.strip_prefix(name).map(str::to_owned)).unwrap_or_default();
    let value = match value.strip_prefix('=') {
        Some(value) => Some(value.to_owned()),
        None if ALONE.contains(option) => None,
        None => Some(words.next().filter(|next| !next.starts_with('-')).map_or("VALUE".to_owned(), Into::into)),
    };
    let value = value.map_or_else(String::new, |value| format!("={}", shell_word(&value)));
    let passed = format!("--{PASSES}=--{option}{value}");
    Some(CliError::usage(format!("there is no flag `--{option}`")).hint(format!("`{passed}` passes it to Slurm")))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use clap::error::ContextKind;

    use super::*;

    #[test]
    fn an_option_of_sbatch_is_passed_on_by_a_flag_with_the_value_that_was_typed() {
        let hint = |typed: &[&str]| {
            let arguments: Vec<OsString> = ["scylla"].iter().chain(typed).map(OsString::from).collect();
            let error = Cli::try_parse_from(&arguments).unwrap_err();
            let flag = error.get(ContextKind::InvalidArg).unwrap().to_string();
            of_batch_system(&flag, &arguments).and_then(|error| error.hint)
        };
        for (typed, passed) in [
            (&["run", "my-task", "--qos", "high"][..], "--sbatch=--qos=high"),
            (&["run", "--gres=gpu:1", "my-task"], "--sbatch=--gres=gpu:1"),
            (&["resume", "--account", "my lab"], "--sbatch=--account='my lab'"),
            (&["run", "--exclusive", "my-task"], "--sbatch=--exclusive"),
            (&["extend", "--mem-per-cpu", "--runs", "3"], "--sbatch=--mem-per-cpu=VALUE"),
            (&["--quiet", "run", "--gpus", "2"], "--sbatch=--gpus=2"),
        ] {
            assert_eq!(hint(typed), Some(format!("`{passed}` passes it to Slurm")), "{typed:?}");
        }
        for other in [&["run", "--gress", "1"][..], &["verify", "--qos", "high"], &["run", "--color"]] {
            assert_eq!(hint(other), None, "{other:?}");
        }
    }

    #[test]
    fn no_option_of_sbatch_is_a_flag_of_ours() {
        for command in Cli::command().get_subcommands() {
            for flag in command.get_arguments().filter_map(|flag| flag.get_long()) {
                assert!(!OF_SBATCH.contains(&flag), "{} --{flag}", command.get_name());
            }
        }
    }

    #[test]
    fn a_command_that_is_not_there_names_what_was_meant() {
        let lines: Vec<String> =
            ["verfy", "restrat", "restart", "statsu", "continue", "lst", "delete", "frobnicate", "rusme"]
                .iter()
                .map(|word| format!("{word}: {}", unknown(word, &format!("cargo scylla {word} mine")).hint.unwrap()))
                .collect();
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/cli"), prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!("unknown_commands", lines.join("\n")) });
    }

    #[test]
    fn no_word_of_others_is_a_command() {
        let cli = Cli::command();
        for (word, _) in MEANT {
            assert!(cli.find_subcommand(word).is_none(), "{word}");
        }
    }
}
