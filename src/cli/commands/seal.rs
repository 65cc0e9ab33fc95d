//! `seal`: one digest over a whole experiment, that others can check and a key can sign.

use crate::cli::args::seal::Seal;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::engine::session::open::{hold, survey};
use crate::model::finding::{FindingKind, Level};
use crate::rules::audit::audit;
use crate::store::signature;
use crate::store::survey::Depth;
use crate::text::words::{counted, shell_word};

/// Runs the command.
///
/// # Errors
/// When the experiment is held, or is not in order: what is wrong would be sealed with the rest.
pub fn run(args: &Seal, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = choose(&args.experiment, console)?;
    let locked = hold(folder).on(&name)?;
    let survey = survey(&locked, Depth::Evidence).on(&name)?;
    let name = shell_word(&name);
    if let Some(made_by) = &survey.made_by {
        let why = format!("{name} is an experiment of {}, and only one of this tool is sealed", made_by.tool);
        return Err(CliError::usage(why).hint(format!("`cargo scylla resume {name}` takes it over")));
    }
    // What only a former seal says otherwise is no reason not to seal what is there now: a rerun moves what was sealed.
    let mut wrong = audit(&survey);
    wrong.retain(|finding| finding.kind.level() >= Level::Mendable && finding.kind != FindingKind::SealContradicted);
    if let Some(worst) = wrong.iter().map(|finding| finding.kind.level()).max() {
        let exit = if worst == Level::Damaged { Exit::Damaged } else { Exit::Mendable };
        let why = format!("it is not in order: {}", counted(wrong.len(), "finding"));
        let hint = format!("`cargo scylla verify {name}` says what is wrong, and what to do about it");
        return Err(CliError { exit, ..CliError::usage(why) }.hint(hint));
    }
    let digest = crate::store::seal::seal(&locked.folder)?;
    if let Some(key) = &args.sign {
        let key = console.current_dir()?.join(key);
        signature::sign(&locked.folder, &key).map_err(|error| CliError::usage(error.to_string()))?;
    }
    console.print(&format!("{digest}\n"))?;
    let missing = audit(&survey).iter().filter(|finding| finding.kind == FindingKind::MissingRun).count();
    if missing > 0 {
        console
            .say(&format!("note: {} without a result; a seal covers what is there", counted(missing, "planned run")))?;
    }
    console.say(&format!(
        "to check it: `cargo scylla verify {name} --require-seal`, or `sha256sum -c SHA256SUMS` in it"
    ))?;
    Ok(Exit::Success)
}
