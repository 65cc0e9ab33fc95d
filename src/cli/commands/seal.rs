//! `seal`: one digest over a whole experiment, that others can check and a key can sign.

use crate::cli::args::output::MessageFormat;
use crate::cli::args::seal::Seal;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::derived::{self, Reports};
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::engine::session::open::{hold, survey};
use crate::model::digest::Digest;
use crate::model::finding::{FindingKind, Level};
use crate::report::done::Sealed;
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
    let locked = hold(folder, |holder| console.watches(holder)).on(&name)?;
    let survey = survey(&locked, Depth::Evidence).on(&name)?;
    let typed = name;
    let name = shell_word(&typed);
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
    let former = seal::digest(&locked.folder)?;
    let is_dropped = seal::save(&locked.folder, &text, signature.as_deref())?;
    let sealed = Sealed {
        is_signed: signature.is_some(),
        is_signature_dropped: is_dropped,
        missing_runs: audit(&survey).iter().filter(|finding| finding.kind == FindingKind::MissingRun).count(),
        has_earlier_report: former != Some(Digest::of(&text)) && derived::reports(&locked.folder)? == Reports::Stamped,
        ..Sealed::new(&typed, Digest::of(&text))
    };
    if console.message_format() == MessageFormat::Json {
        console.print(&sealed.json())?;
        return Ok(Exit::Success);
    }
    console.print(&format!("{}\n", sealed.seal))?;
    report_notes(&sealed, &name, console)?;
    Ok(Exit::Success)
}

/// What a person should know of the seal.
fn report_notes(sealed: &Sealed, name: &str, console: &mut Console) -> Result<(), CliError> {
    if sealed.is_signature_dropped {
        console.say("note: the former seal was signed, and this one is another one: its signature is gone")?;
    }
    if sealed.missing_runs > 0 {
        let missing = counted(sealed.missing_runs, "planned run");
        console.say(&format!("note: {missing} without a result; a seal covers what is there"))?;
    }
    if sealed.has_earlier_report {
        console.say(&format!(
            "note: the report was made before this seal: its numbers are right, and it does not name the seal until \
             `cargo scylla report {name} --again` makes it again"
        ))?;
    }
    console.say(&format!(
        "to check it: `cargo scylla verify {name} --require-seal`, or `sha256sum -c SHA256SUMS` in it"
    ))?;
    Ok(())
}
