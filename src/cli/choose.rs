//! Which experiment a command is about: its folder, a file in it, a part of its name, or nothing for the newest one.

use std::path::{Path, PathBuf};

use crate::cli::args::Which;
use crate::cli::console::Console;
use crate::cli::error::{CliError, shown};
use crate::cli::locate::locate_without_manifest;
use crate::config::fixture::TEST_FILE;
use crate::os::files;
use crate::store::StoreError;
use crate::store::find::{find_all, open_known};
use crate::store::layout::ExperimentFolder;
use crate::text::short::first_of;
use crate::text::words::shell_word;

/// Most experiments that are named in one hint.
const MOST_NAMED: usize = 8;

/// The experiment that a person means, and its name for messages.
///
/// # Errors
/// When there is no such experiment, or several are possible.
pub fn choose(which: &Which, console: &mut Console) -> Result<(ExperimentFolder, String), CliError> {
    let current = console.current_dir()?;
    let within = which.results_dir.as_deref().map(|dir| current.join(dir));
    let Some(meant) = which.dir.as_deref() else { return newest(within, &current, console) };
    let path = current.join(meant);
    match ExperimentFolder::open(&path) {
        Ok(folder) => {
            let by_file = meant.file_name() == folder.checkpoint().file_name();
            let name = if by_file { meant.parent().unwrap_or(meant) } else { meant };
            Ok((folder, typed(name)))
        }
        Err(StoreError::NotAnExperiment(_)) if files::kind_of(&path)?.is_some() => {
            if let Some(folder) = path.ancestors().skip(1).find_map(open_known) {
                let name = shown(folder.root(), &current);
                return Ok((folder, name));
            }
            // The folder of a fixture often has the name of its experiments.
            let refused = not_one(&path, meant, &current);
            if !path.join(TEST_FILE).is_file() {
                return Err(refused);
            }
            by_name(meant, within, &current, console)
                .map_err(|error| if error.hint.is_some() { error } else { refused })
        }
        Err(StoreError::NotAnExperiment(_)) => by_name(meant, within, &current, console),
        Err(error) => Err(error.into()),
    }
}

/// The path as it was typed; a name that a command would take for a flag gets a `./` before it.
fn typed(path: &Path) -> String {
    shown(path, Path::new(""))
}

/// The error for a path that is not an experiment; if it is a folder of experiments, they are named.
fn not_one(path: &Path, meant: &Path, current: &Path) -> CliError {
    let error = CliError::from(StoreError::NotAnExperiment(meant.to_owned()));
    match find_all(path) {
        Ok(found) if !found.is_empty() => error.hint(format!("it holds {}", commands(&found, current))),
        _ => error,
    }
}

fn newest(
    within: Option<PathBuf>,
    current: &Path,
    console: &mut Console,
) -> Result<(ExperimentFolder, String), CliError> {
    let places = places(within, current, console)?;
    for place in &places {
        if let Some(folder) = find_all(place)?.into_iter().next() {
            let name = shown(folder.root(), current);
            console.say(&format!("`{name}` is the newest experiment in `{}`", shown(place, current)))?;
            return Ok((folder, name));
        }
    }
    let place = places.first().map_or_else(String::new, |place| shown(place, current));
    Err(CliError::usage(format!("no experiment is named, and there is none in `{place}`"))
        .hint("name its folder; `cargo scylla run FIXTURE` makes one for each experiment"))
}

fn by_name(
    meant: &Path,
    within: Option<PathBuf>,
    current: &Path,
    console: &mut Console,
) -> Result<(ExperimentFolder, String), CliError> {
    let not_there = || CliError::from(StoreError::NotAnExperiment(meant.to_owned()));
    let Some(part) = meant.to_str().filter(|part| !part.is_empty() && !part.contains('/')) else {
        return Err(not_there());
    };
    let mut found = Vec::new();
    for place in places(within, current, console)? {
        let fits = |folder: &ExperimentFolder| {
            folder.root().file_name().is_some_and(|name| name.to_string_lossy().contains(part))
        };
        found.extend(find_all(&place)?.into_iter().filter(fits));
    }
    match found.as_slice() {
        [] => Err(not_there()),
        [only] => {
            let name = shown(only.root(), current);
            console.say(&format!("`{part}` is `{name}`"))?;
            Ok((only.clone(), name))
        }
        several => Err(CliError::usage(format!("`{part}` is a part of the names of {} experiments", several.len()))
            .hint(format!("name one of {}", commands(several, current)))),
    }
}

/// The folders in which experiments are searched for; `within` is a folder that a person named.
///
/// # Errors
/// When the settings have mistakes.
pub fn places(within: Option<PathBuf>, current: &Path, console: &mut Console) -> Result<Vec<PathBuf>, CliError> {
    if let Some(within) = within {
        return Ok(vec![within]);
    }
    let (located, note) = locate_without_manifest(current)?;
    if let Some(note) = note {
        console.say(&format!("note: {note}"))?;
    }
    Ok(located.places_of_experiments())
}

fn commands(found: &[ExperimentFolder], current: &Path) -> String {
    let word = |folder: &ExperimentFolder| format!("`{}`", shell_word(&shown(folder.root(), current)));
    first_of(&found.iter().map(word).collect::<Vec<_>>(), MOST_NAMED).join(", ")
}
