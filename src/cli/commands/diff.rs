//! `diff`: what the agent of a run changed, as git takes it; alone, as every command is.

use crate::cli::args::show::Diff;
use crate::cli::commands::show::without_patch;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::meant::run_meant;
use crate::model::limits::MOST_PATCH_BYTES;
use crate::os::files;
use crate::store::details::Reading;
use crate::text::patch;

/// Runs the command.
///
/// # Errors
/// When the run has no patch.
pub fn run(args: &Diff, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name, run) = run_meant(&args.experiment, args.run.as_deref(), console)?;
    let path = Reading::of(&folder)?.place(run)?.patch();
    let Some(bytes) = files::read_bounded(&path, MOST_PATCH_BYTES).map_err(CliError::internal)? else {
        return Err(without_patch(&folder, &name, run)?);
    };
    if bytes.is_empty() {
        console.say(&format!("{run} changed nothing"))?;
    } else if console.is_read_by_a_person() {
        console.page(&patch::shown(&bytes, console.out_styles()), args.no_pager)?;
    } else {
        console.print_bytes(&bytes)?;
    }
    Ok(Exit::Success)
}
