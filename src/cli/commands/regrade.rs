//! `regrade`: grades finished work again by a mended fixture.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::cli::args::again::Regrade;
use crate::cli::args::fixture::OverrideFlags;
use crate::cli::commands::session;
use crate::cli::console::Console;
use crate::cli::differences::{Differences, operate};
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::filters;
use crate::cli::locate::locate;
use crate::cli::options;
use crate::cli::prelude::Prelude;
use crate::config::fixture::Overrides;
use crate::engine::rows::rows_held;
use crate::engine::session::open::Session;
use crate::engine::session::progress::Progress;
use crate::engine::session::regrade::{Wanted, begin};
use crate::model::ids::RunId;
use crate::text::words::{counted, shell_word};

/// Runs the command. No agent is asked.
///
/// # Errors
/// When no fixture is known, it differs in what agents are given, a run is not done, or the folder is held.
pub fn run(args: &Regrade, console: &mut Console) -> Result<Exit, CliError> {
    let filters = filters::read(&args.filters)?;
    let prelude = Prelude::begin(console)?;
    let (session, name) = session::open_held(&args.experiment, console)?;
    let current = console.current_dir()?;
    let located = locate(&current)?;
    let from = match &args.from {
        Some(from) => current.join(from),
        None => fixture_of(&session, located.settings.tiers_dir.as_ref().map(|dir| located.root.join(dir)), &name)?,
    };
    let overrides = options::overrides(&OverrideFlags::default(), &located, &current);
    let overrides = Overrides { judge_models: session.config.judge_models.clone(), ..overrides };
    let loaded = options::load(&from, &overrides)?;
    let loaded = options::startable(loaded, &[])?;
    let fitting = match filters.as_slice() {
        [] => None,
        filters => Some(filters::named(filters, &rows_held(&session).on(&name)?, console)?),
    };
    if args.run.is_empty() && fitting.as_ref().is_some_and(Vec::is_empty) {
        return session.end_without_work().map(|()| Exit::Success).on(&name);
    }
    let wanted = Wanted { fixture: loaded.fixture, parts: loaded.parts, reason: args.reason.clone() };
    let mut session = begin(session, wanted).on(&name)?;
    let graded = session.progress.to_grade();
    let mut named = match (args.run.as_slice(), &fitting) {
        ([], None) => graded.clone(),
        (named, _) => chosen(named, &graded, &session.progress)?,
    };
    // Who names runs by what they have in common means those of them that can be graded.
    named.extend(fitting.iter().flatten().filter(|run| graded.contains(run)));
    console.say(&summary(&session, named.len(), &name))?;
    session.progress.only(&named);
    let mut differences = Differences::default();
    operate(&mut session.config, &args.operation, &mut differences);
    session::save_operation(&session, differences.operational, &name)?;
    session::conduct(session, &args.operation, &name, &differences.events, prelude, console)
}

/// What will be done.
fn summary(session: &Session, runs: usize, name: &str) -> String {
    let number = session.grader.number;
    let nothing_done = runs == 0 && session.progress.missing().len() == session.config.plan().total();
    if nothing_done {
        return format!(
            "grading {number}: no agent is done yet; `cargo scylla resume {}` makes the runs, which are checked and judged by it",
            shell_word(name)
        );
    }
    format!("grading {number}: {} to be checked and judged; no agent is asked", counted(runs, "run"))
}

/// The fixture that the settings name, if it is the experiment's.
fn fixture_of(session: &Session, set: Option<PathBuf>, name: &str) -> Result<PathBuf, CliError> {
    let is_same = |dir: &PathBuf| {
        crate::config::fixture::load(dir).is_ok_and(|fixture| fixture.id == session.config.experiment_id)
    };
    set.filter(is_same).ok_or_else(|| {
        let dir = shell_word(name);
        CliError::usage("from which fixture the experiment was made is not known here")
            .hint(format!("name the mended one: `cargo scylla regrade {dir} --from FIXTURE`"))
    })
}

/// The named runs, each of which must have something to grade.
fn chosen(named: &[RunId], to_grade: &BTreeSet<RunId>, progress: &Progress) -> Result<BTreeSet<RunId>, CliError> {
    // Runs that this grading has graded already are accepted: the same command may have been stopped before.
    let undone = |run: &&RunId| !to_grade.contains(run) && !progress.is_committed(**run);
    let others: Vec<String> = named.iter().filter(undone).map(|run| format!("`{run}`")).collect();
    if others.is_empty() {
        return Ok(named.iter().copied().filter(|run| to_grade.contains(run)).collect());
    }
    Err(CliError::usage(format!("nothing is to be graded of {}", others.join(", ")))
        .hint("a run can be graded when its agent is done; `cargo scylla status` shows which are"))
}
