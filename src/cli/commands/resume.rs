//! `resume`: go on with an experiment from its folder alone.

use crate::cli::args::Resume;
use crate::cli::commands::run::{open_held, save_operation};
use crate::cli::commands::sitting;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::wish::differ;

/// Runs the command. It never turns into a fresh start.
///
/// # Errors
/// When the folder is held or has findings that forbid to go on.
pub fn run(args: &Resume, console: &mut Console) -> Result<Exit, CliError> {
    let (mut sitting, name) = open_held(&args.dir, console)?;
    let differences = differ(&mut sitting.config, &args.config, &[]);
    save_operation(&sitting, differences.operational)?;
    sitting::conduct(sitting, &name, &differences.events, console)
}
