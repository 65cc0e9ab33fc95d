//! `repair`: mends what `verify` finds, with the same audit. Deletes nothing, invents nothing; twice is the same as
//! once.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::args::output::MessageFormat;
use crate::cli::args::verify::Repair;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::engine::projectscylla::take_over::{finish, is_begun};
use crate::engine::session::open::{apply, hold, must_be_free, refuse_signs, survey_free};
use crate::model::checkpoint::CompletedRuns;
use crate::model::finding::{Finding, Level};
use crate::model::ids::TierId;
use crate::model::survey::{RunSeen, Seen, Survey};
use crate::os::clock;
use crate::rules::audit::audit;
use crate::rules::mend::{Ask, Mending, mend};
use crate::store::mend::Applied;
use crate::store::survey::Depth;
use crate::ui::repair::{self, CheckpointBefore};

/// A take-over that lacks only its last step is finished instead of mended: the checkpoint that it was about to write
/// has more than the results.
const TAKING_OVER: &str = "the taking over was stopped before its last step, so its checkpoint is written first";

/// Runs the command.
///
/// # Errors
/// When the folder is not an experiment, is held by a coordinator, or cannot be written.
pub fn run(args: &Repair, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = choose(&args.experiment, console)?;
    let mut locked = if args.dry_run {
        // A dry run takes no lock, for which the folder would have to be writable.
        must_be_free(&folder).on(&name)?;
        None
    } else {
        Some(hold(folder.clone(), |holder| console.watches(holder)).on(&name)?)
    };
    let last_step = locked.as_mut().map_or_else(|| is_begun(&folder), finish);
    if last_step.on(&name)? {
        console.say(TAKING_OVER)?;
    }
    let before = survey_free(&folder, Depth::Evidence).on(&name)?;
    refuse_signs(&before).on(&name)?;
    if let Some(run) = args.quarantine.iter().find(|run| !before.runs.contains_key(run)) {
        return Err(CliError::usage(format!("`{name}` has no run `{run}` to set aside")));
    }
    let ask = Ask { by_person: true, drop_phantoms: args.drop_phantoms, quarantine: args.quarantine.clone() };
    let mending = mend(&before, &ask, clock::now());
    let human = console.message_format() == MessageFormat::Human;
    if human {
        let left = to_do(mending.kept.clone());
        let plan = Shown { name: &name, args, before: &before, mending: &mending, applied: None, left: &left };
        console.print(&plan.text(Face::Plan, console))?;
    }
    let applied = match locked.as_mut().filter(|_| !mending.is_nothing()) {
        None => None,
        Some(locked) => Some(apply(locked, &before, &mending).on(&name)?),
    };
    // What is left is what `verify` finds afterwards, not what was intended.
    let left = match &applied {
        Some(_) => audit(&survey_free(&folder, Depth::Evidence).on(&name)?),
        None => mending.kept.clone(),
    };
    let left = to_do(left);
    let done = Shown { name: &name, args, before: &before, mending: &mending, applied: applied.as_ref(), left: &left };
    let text = if human { format!("\n{}", done.text(Face::Outcome, console)) } else { done.text(Face::Json, console) };
    console.print(&text)?;
    Ok(exit(&left, args.dry_run && !mending.is_nothing()))
}

/// The pages that a repair can show.
#[derive(Debug, Clone, Copy)]
enum Face {
    Plan,
    Outcome,
    Json,
}

/// The content of these pages.
struct Shown<'a> {
    name: &'a str,
    args: &'a Repair,
    before: &'a Survey,
    mending: &'a Mending,
    applied: Option<&'a Applied>,
    left: &'a [Finding],
}

impl Shown<'_> {
    fn text(&self, face: Face, console: &Console) -> String {
        let recorded = self.before.checkpoint.content().map(|checkpoint| &checkpoint.completed_runs);
        let none = CompletedRuns::default();
        let recorded = recorded.unwrap_or(&none);
        let after = self.mending.checkpoint.as_ref().map_or(recorded, |checkpoint| &checkpoint.completed_runs);
        let backup = self.applied.and_then(|applied| applied.backup.as_deref()).and_then(Path::file_name);
        let backup = backup.map(|name| name.to_string_lossy().into_owned());
        let set_aside: Vec<repair::SetAside<'_>> = self
            .mending
            .set_aside
            .iter()
            .map(|aside| repair::SetAside { place: &aside.place, why: aside.why })
            .collect();
        let page = repair::Repair {
            folder: self.name,
            dry_run: self.args.dry_run,
            checkpoint: match &self.before.checkpoint {
                Seen::Read(_) | Seen::Translated | Seen::Newer { .. } => CheckpointBefore::Loaded,
                Seen::Missing => CheckpointBefore::Missing,
                Seen::Unreadable(_) | Seen::UnknownFormat(_) => CheckpointBefore::Unreadable,
            },
            writes_checkpoint: self.mending.checkpoint.is_some(),
            backup: backup.as_deref(),
            end_orphans: &self.mending.end_orphans,
            set_aside: &set_aside,
            kept: self.left,
            found: results(self.before),
            before: recorded.len(),
            after: after.len(),
            tiers: &per_tier(after),
        };
        match face {
            Face::Plan => page.plan(console.out_styles()),
            Face::Outcome => page.outcome(console.out_styles()),
            Face::Json => page.json(),
        }
    }
}

/// Findings that leave something to do; plain notes are left to `verify`.
fn to_do(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.retain(|finding| finding.kind.level() > Level::Note);
    findings
}

fn results(survey: &Survey) -> usize {
    survey.runs.values().filter(|seen| matches!(seen, RunSeen::Committed(_))).count()
}

fn per_tier(completed_runs: &CompletedRuns) -> BTreeMap<TierId, usize> {
    completed_runs.entries().fold(BTreeMap::new(), |mut counts, (run, _)| {
        *counts.entry(run.tier).or_default() += 1;
        counts
    })
}

/// The exit code: a repair is done when nothing is left that it could mend; missing runs are left to a resume.
fn exit(left: &[Finding], would_mend: bool) -> Exit {
    let worst = left.iter().map(|finding| finding.kind.level()).max();
    match worst {
        Some(Level::Damaged) => Exit::Damaged,
        Some(Level::Mendable) => Exit::Mendable,
        Some(_) | None if would_mend => Exit::Mendable,
        Some(_) | None => Exit::Success,
    }
}
