//! `list`: the experiments of a results folder.

use std::path::{Path, PathBuf};

use crate::cli::args::list::{List, ListFormat};
use crate::cli::args::output::MessageFormat;
use crate::cli::choose::places;
use crate::cli::console::Console;
use crate::cli::error::{CliError, shown};
use crate::cli::exit::Exit;
use crate::engine::overview::overview;
use crate::model::overview::Overview;
use crate::os::clock;
use crate::os::files;
use crate::store::find::{look, open_known};
use crate::text::escape;
use crate::text::words::shell_word;
use crate::ui::list::{list_json, list_table};

/// Runs the command.
///
/// # Errors
/// When the results folder is not there, is itself an experiment, or cannot be listed.
pub fn run(args: &List, console: &mut Console) -> Result<Exit, CliError> {
    let current = console.current_dir()?;
    let within = args.results_dir.as_ref().or(args.named_dir.as_ref()).map(|dir| current.join(dir));
    if let Some(within) = &within {
        refuse(within, &current)?;
    }
    let places = places(within, &current, console)?;
    let now = clock::now();
    let mut experiments: Vec<Overview> = Vec::new();
    let mut others: Vec<(PathBuf, String)> = Vec::new();
    for place in &places {
        let found = look(place)?;
        others.extend(found.others);
        for folder in found.experiments {
            match overview(&folder, &shown(folder.root(), &current), now) {
                Ok(Some(overview)) => experiments.push(overview),
                Ok(None) => others.push((folder.root().to_owned(), NO_EXPERIMENT.to_owned())),
                Err(error) => others.push((folder.root().to_owned(), error.with_cause())),
            }
        }
    }
    // The newest first, and those last of which nobody knows the age.
    experiments.sort_by(|left, right| (right.started_at, &right.name).cmp(&(left.started_at, &left.name)));
    others.sort();
    for (path, why) in &others {
        let line = format!("note: `{}` is left out: {why}", shown(path, &current));
        console.say(&escape::terminal(&line))?;
    }
    if experiments.is_empty() {
        let place = places.first().map_or_else(String::new, |place| shown(place, &current));
        console.say(&escape::terminal(&format!("there is no experiment in `{place}`")))?;
    }
    let is_for_machines = console.message_format() == MessageFormat::Json;
    let format = if is_for_machines { ListFormat::Json } else { args.format };
    let text = match format {
        ListFormat::Human => list_table(&experiments, console.columns()),
        ListFormat::Json => list_json(&experiments),
    };
    console.print(&text)?;
    Ok(Exit::Success)
}

/// Why a folder is no experiment that has a name as if it were.
const NO_EXPERIMENT: &str = "nothing of an experiment lies there";

/// Refuses a place that a person named and that holds no experiments by its kind.
fn refuse(within: &Path, current: &Path) -> Result<(), CliError> {
    let name = shown(within, current);
    match files::kind_of(within)? {
        None => Err(CliError::usage(format!("there is no folder `{name}`"))
            .hint("name the folder in which experiments lie, or no folder for that of the workspace")),
        Some(_) if open_known(within).is_some() => {
            let word = shell_word(&name);
            Err(CliError::usage(format!("`{name}` is an experiment, and no folder of experiments")).hint(format!(
                "`cargo scylla status {word}` shows where it stands, `cargo scylla runs {word}` its runs"
            )))
        }
        Some(_) => Ok(()),
    }
}
