//! `repair`: mend what `verify` finds, with the same audit. Deletes nothing, invents nothing; twice is the same as once.

use crate::cli::args::{MessageFormat, Repair};
use crate::cli::commands::sitting::open_folder;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::engine::open::{apply, hold, survey};
use crate::lifecycle::audit::audit;
use crate::lifecycle::index::index;
use crate::lifecycle::mend::{Ask, mend};
use crate::model::finding::{Finding, Level};
use crate::model::survey::Survey;
use crate::os::clock;
use crate::report::repair::{self, Counts, Repaired};
use crate::store::survey::Depth;

/// Runs the command.
///
/// # Errors
/// When the folder is no experiment, is held by a coordinator, or cannot be written.
pub fn run(args: &Repair, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = open_folder(&args.dir, console)?;
    let engine = |error| CliError::engine(&error, &name);
    let mut held = hold(folder).map_err(engine)?;
    let before = survey(&held, Depth::Evidence).map_err(engine)?;
    if let Some(run) = args.quarantine.iter().find(|run| !before.runs.contains_key(run)) {
        return Err(CliError::usage(format!("`{name}` has no run `{run}` to set aside")));
    }
    let ask = Ask { drop_phantoms: args.drop_phantoms, quarantine: args.quarantine.clone() };
    let mending = mend(&before, &ask, clock::now());
    let found = index(&before);
    let recorded = before.checkpoint.content().map(|checkpoint| checkpoint.completed_runs.clone()).unwrap_or_default();
    let after_entries = mending.checkpoint.as_ref().map_or(recorded.len(), |checkpoint| checkpoint.completed_runs.len());
    let applied = if args.dry_run || mending.is_nothing() { None } else { Some(apply(&mut held, &before, &mending).map_err(engine)?) };
    // What is left is what `verify` says afterwards, not what was intended.
    let left = match &applied {
        Some(_) => audit(&survey(&held, Depth::Evidence).map_err(engine)?),
        None if args.dry_run => mending.kept.clone(),
        None => audit(&before),
    };
    let per_tier = per_tier(&mending.checkpoint.as_ref().map_or(recorded.clone(), |checkpoint| checkpoint.completed_runs.clone()));
    let repaired = Repaired {
        folder: &name,
        dry_run: args.dry_run,
        counts: Counts { found: results(&before), judged: found.len(), before: recorded.len(), after: after_entries },
        mending: &mending,
        backup: applied.as_ref().and_then(|applied| applied.backup.as_deref()),
        quarantine: applied.as_ref().and_then(|applied| applied.quarantine.as_deref()),
        per_tier: &per_tier,
        left: &left,
    };
    let text = match console.message_format() {
        MessageFormat::Human => repair::human(&repaired, console.out_styles()),
        MessageFormat::Json => repair::json(&repaired),
    };
    console.print(&text)?;
    Ok(exit(&left, args.dry_run && !mending.is_nothing()))
}

fn results(survey: &Survey) -> usize {
    use crate::model::survey::RunSeen;
    survey.runs.values().filter(|seen| matches!(seen, RunSeen::Committed(_))).count()
}

fn per_tier(
    completed_runs: &crate::model::checkpoint::CompletedRuns,
) -> std::collections::BTreeMap<crate::model::ids::TierId, usize> {
    completed_runs.entries().fold(std::collections::BTreeMap::new(), |mut counts, (run, _)| {
        *counts.entry(run.tier).or_default() += 1;
        counts
    })
}

/// A repair has done its work when nothing is left that it could mend; missing runs are a resume's work.
fn exit(left: &[Finding], would_mend: bool) -> Exit {
    let worst = left.iter().map(|finding| finding.kind.level()).max();
    match worst {
        Some(Level::Damaged) => Exit::Damaged,
        Some(Level::Mendable) => Exit::Mendable,
        Some(_) | None if would_mend => Exit::Mendable,
        Some(_) | None => Exit::Success,
    }
}
