//! The error for an unknown command, with a suggestion of what was meant.

use clap::CommandFactory;

use crate::cli::args::Cli;
use crate::cli::error::CliError;
use crate::text::nearest::nearest;

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

#[cfg(test)]
mod tests {
    use super::*;

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
