//! `checkout`: rebuild the tree of a run as it was graded; alone, as every command is.

use crate::cli::args::show::Checkout;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::prelude::Prelude;
use crate::model::limits::MOST_PATCH_BYTES;
use crate::os::files;
use crate::store;
use crate::text::words::shell_word;
use crate::workspace;

/// Runs the command.
///
/// # Errors
/// When the run has no patch, or the folder is not empty.
pub fn run(args: &Checkout, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = choose(&args.experiment, console)?;
    let run = args.run;
    let status = format!("see its runs with `cargo scylla status {}`", shell_word(&name));
    let (config, _) = store::config::read(&folder);
    if config.content().is_some_and(|config| !config.plan().contains(run)) {
        return Err(CliError::usage(format!("`{name}` has no run `{run}` in its plan")).hint(status));
    }
    let patch = folder.run(run).patch();
    let there = files::read_bounded(&patch, MOST_PATCH_BYTES).map_err(CliError::internal)?;
    if there.is_none() {
        return Err(CliError::usage(format!("`{name}` has no changes of `{run}`: its agent is not done")).hint(status));
    }
    let to = console.current_dir()?.join(&args.to);
    let prelude = Prelude::of(console, "before the tree was whole")?;
    let making = prelude.making();
    workspace::checkout::checkout(&folder.repo(), run.tier, run.subtest, &patch, &to)?;
    drop(making);
    console.say(&format!("the tree of {run} as it was graded is in `{}`", args.to.display()))?;
    Ok(Exit::Success)
}
