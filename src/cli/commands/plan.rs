//! `plan`: the runs of an experiment, one a line, for who gives them to workers; alone, for each command has a file.

use crate::cli::args::output::MessageFormat;
use crate::cli::args::plan::{Planned, PlannedFormat};
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::engine::pending::{pending, planned};
use crate::text::{escape, page};

/// Runs the command. It takes no lock and writes nothing.
///
/// # Errors
/// When the folder is no experiment of ours, cannot be read, or a resume would refuse to make its runs.
pub fn run(args: &Planned, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = choose(&args.experiment, console)?;
    let found = if args.pending { pending(&folder) } else { planned(&folder) }.on(&name)?;
    for note in &found.notes {
        console.say(&escape::terminal(&format!("note: {note}")))?;
    }
    if found.runs.is_empty() {
        console.say("there is no run that a worker could begin now")?;
    }
    let is_for_machines = console.message_format() == MessageFormat::Json;
    let format = if is_for_machines { PlannedFormat::Json } else { args.format };
    let text = match format {
        PlannedFormat::Human => {
            found.runs.iter().flat_map(|planned| [planned.run.to_string(), "\n".to_owned()]).collect()
        }
        PlannedFormat::Json => page::pretty(&found.runs),
    };
    console.print(&text)?;
    Ok(Exit::Success)
}
