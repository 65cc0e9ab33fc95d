//! `regrade`: grade again what agents have done, by a mended fixture.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::cli::args::again::Regrade;
use crate::cli::args::original::SaidFlags;
use crate::cli::commands::run::{open_held, save_operation};
use crate::cli::commands::sitting;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::locate::locate;
use crate::cli::prelude::Prelude;
use crate::cli::wish::{self, Differences, operate};
use crate::engine::session::open::Sitting;
use crate::engine::session::progress::Standing;
use crate::engine::session::regrade::{Wanted, begin};
use crate::model::ids::RunId;
use crate::text::words::{counted, shell_word};

/// Runs the command. No agent is asked.
///
/// # Errors
/// When no fixture is known, it differs in what agents are given, a run is not done, or the folder is held.
pub fn run(args: &Regrade, console: &mut Console) -> Result<Exit, CliError> {
    let prelude = Prelude::begin(console)?;
    let (sitting, name) = open_held(&args.experiment, console)?;
    let current = console.current_dir()?;
    let located = locate(&current)?;
    let from = match &args.from {
        Some(from) => current.join(from),
        None => fixture_of(&sitting, located.settings.tiers_dir.as_ref().map(|dir| located.root.join(dir)), &name)?,
    };
    let loaded = wish::load(&from, &wish::said(&SaidFlags::default(), &located, &current))?;
    let loaded = wish::startable(loaded, &[])?;
    let wanted = Wanted { fixture: loaded.fixture, parts: loaded.parts, reason: args.reason.clone() };
    let mut sitting = begin(sitting, wanted).map_err(|error| CliError::engine(error, &name))?;
    let graded = sitting.standing.to_grade();
    let named = if args.run.is_empty() { graded } else { chosen(&args.run, &graded, &sitting.standing)? };
    console.say(&said(&sitting, named.len(), &name))?;
    sitting.standing.only(&named);
    let mut differences = Differences::default();
    operate(&mut sitting.config, &args.operation, &mut differences);
    save_operation(&sitting, differences.operational, &name)?;
    sitting::conduct(sitting, &args.operation, &name, &differences.events, prelude, console)
}

/// What is going to be done.
fn said(sitting: &Sitting, runs: usize, name: &str) -> String {
    let number = sitting.grader.number;
    let nothing_done = runs == 0 && sitting.standing.missing().len() == sitting.config.plan().total();
    if nothing_done {
        return format!(
            "grading {number}: no agent is done yet; `cargo scylla resume {}` makes the runs, which are checked and judged by it",
            shell_word(name)
        );
    }
    format!("grading {number}: {} to be checked and judged; no agent is asked", counted(runs, "run"))
}

/// The fixture that the settings name, when it is the experiment's.
fn fixture_of(sitting: &Sitting, set: Option<PathBuf>, name: &str) -> Result<PathBuf, CliError> {
    let is_same = |dir: &PathBuf| {
        crate::config::fixture::load(dir).is_ok_and(|fixture| fixture.id == sitting.config.experiment_id)
    };
    set.filter(is_same).ok_or_else(|| {
        let dir = shell_word(name);
        CliError::usage("from which fixture the experiment was made is not known here")
            .hint(format!("name the mended one: `cargo scylla regrade {dir} --from FIXTURE`"))
    })
}

/// The named runs, each of which has something to be graded.
fn chosen(named: &[RunId], to_grade: &BTreeSet<RunId>, standing: &Standing) -> Result<BTreeSet<RunId>, CliError> {
    // What the grading has graded already is done: the same command may have been stopped before.
    let undone = |run: &&RunId| !to_grade.contains(run) && !standing.is_committed(**run);
    let others: Vec<String> = named.iter().filter(undone).map(|run| format!("`{run}`")).collect();
    if others.is_empty() {
        return Ok(named.iter().copied().filter(|run| to_grade.contains(run)).collect());
    }
    Err(CliError::usage(format!("nothing is to be graded of {}", others.join(", ")))
        .hint("a run can be graded when its agent is done; `cargo scylla status` shows which are"))
}
