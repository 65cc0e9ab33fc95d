//! `seal`: one digest over a whole experiment, that others can check and a key can sign.

use crate::cli::args::seal::Seal;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::engine::session::open::{hold, survey};
use crate::model::digest::Digest;
use crate::model::finding::{FindingKind, Level};
use crate::rules::audit::audit;
use crate::store::survey::Depth;
use crate::store::{seal, signature};
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
    let text = seal::text(&locked.folder)?;
    // A key that is refused leaves everything as it is.
    let signature = match &args.sign {
        None => None,
        Some(key) => {
            let key = console.current_dir()?.join(key);
            Some(signature::of(&text, &key).map_err(|error| CliError::usage(error.to_string()))?)
        }
    };
    let is_dropped = seal::save(&locked.folder, &text, signature.as_deref())?;
    console.print(&format!("{}\n", Digest::of(&text)))?;
    if is_dropped {
        console.say("note: the former seal was signed, and this one is another one: its signature is gone")?;
    }
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
