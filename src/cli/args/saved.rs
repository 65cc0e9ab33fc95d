//! The help of flags whose value is saved with an experiment, in commands that go on with one.

use clap::Arg;

/// Flags of which an experiment saves what they were.
const SAVED: [&str; 8] =
    ["thinking", "timeout", "inherit", "jobs", "attempts", "keep_workspaces", "containment", "work_dir"];
/// How a default begins in a help text.
const DEFAULT: &str = " [default: ";

/// The flag with a help that says what holds when it is not given: what was saved, not the default of a new experiment.
pub(super) fn as_saved(arg: Arg) -> Arg {
    if !SAVED.contains(&arg.get_id().as_str()) {
        return arg;
    }
    let help = arg.get_help().map(|help| saved(&help.to_string()));
    let long = arg.get_long_help().map(|help| saved(&help.to_string()));
    let arg = if let Some(help) = help { arg.help(help) } else { arg };
    if let Some(long) = long { arg.long_help(long) } else { arg }
}

/// A help text with the default that holds here.
fn saved(help: &str) -> String {
    let default = help.split_once(DEFAULT).and_then(|(before, rest)| Some((before, rest.split_once(']')?.1)));
    default.map_or_else(|| help.to_owned(), |(before, after)| format!("{before}{DEFAULT}as saved]{after}"))
}
