//! `export`: writes an experiment in the format of another tool: of ProjectScylla's runner, or of those that read what agents did.

use crate::cli::args::projectscylla::{Export, ExportFormat};
use crate::cli::choose::choose;
use crate::cli::commands::trajectories;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::engine::projectscylla::export::export;
use crate::model::finding::{Finding, FindingKind, Level};
use crate::projectscylla::version::Version;
use crate::rules::audit::audit;
use crate::store;
use crate::store::survey::Depth;
use crate::text::short::first_of;
use crate::text::words::{counted, shell_word};

/// Most findings that are listed in a message.
const MOST_NAMED: usize = 5;

/// Runs the command.
///
/// # Errors
/// When the target is not empty, the experiment is damaged, or the folder cannot be written.
pub fn run(args: &Export, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = choose(&args.experiment, console)?;
    let to = console.current_dir()?.join(&args.to);
    if !store::export::is_free(&to)? {
        return Err(CliError::usage(format!("`{}` is there already, and is not empty", args.to.display()))
            .hint("name a folder that is not there yet"));
    }
    let version = match args.format {
        ExportFormat::Scylla31 => Version::V3_1,
        ExportFormat::Scylla20 => Version::V2_0,
        ExportFormat::Atif => return trajectories::export(&folder, &name, (&to, &args.to), console),
    };
    let survey = store::survey::survey(&folder, Depth::Evidence)?;
    if survey.made_by.is_some() {
        return Err(CliError::usage(format!("`{name}` is an experiment of ProjectScylla already")));
    }
    let damage: Vec<Finding> = audit(&survey).into_iter().filter(forbids_export).collect();
    let Some(config) = survey.config.content().filter(|_| damage.is_empty()) else {
        return Err(damaged(&damage, &name));
    };
    let exported = export(&folder, &survey, config, version, &to).on(&name)?;
    for (run, why) in &exported.left_out {
        console.say(&format!("{run} is left out: {why}"))?;
    }
    console.say(&format!(
        "{} of {} written to `{}`, with checkpoint {version}",
        exported.runs,
        counted(exported.planned, "planned run"),
        args.to.display()
    ))?;
    Ok(Exit::Success)
}

/// Whether a finding forbids the export: a damaged result must not be passed to another tool. Missing runs are only
/// left out.
fn forbids_export(finding: &Finding) -> bool {
    finding.kind.level() == Level::Damaged
        && !matches!(finding.kind, FindingKind::PhantomEntry | FindingKind::OutsidePlan | FindingKind::DuplicateRun)
}

fn damaged(damage: &[Finding], name: &str) -> CliError {
    let named: Vec<String> = damage.iter().map(|finding| format!("{}: {}", finding.place, finding.message)).collect();
    let named = first_of(&named, MOST_NAMED).join("; ");
    let error = CliError::usage(format!("`{name}` is damaged: {named}"));
    let hint = format!("see all findings with `cargo scylla verify {}`; nothing was written", shell_word(name));
    CliError { exit: Exit::Damaged, ..error }.hint(hint)
}
