//! `rerun`: a new attempt of runs that a person names.

use std::collections::BTreeSet;

use crate::cli::args::again::Rerun;
use crate::cli::commands::session;
use crate::cli::console::Console;
use crate::cli::differences::{Differences, operate};
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::filters;
use crate::cli::prelude::Prelude;
use crate::engine::rows::rows_held;
use crate::engine::session::open::Session;
use crate::engine::session::rerun::rerun;
use crate::model::ids::RunId;
use crate::rules::filter::Filter;
use crate::text::words::counted;

/// Runs the command. Only the named runs are made.
///
/// # Errors
/// When nothing is named, a run is not planned, the folder is held, or it has findings under which the experiment
/// cannot go on.
pub fn run(args: &Rerun, console: &mut Console) -> Result<Exit, CliError> {
    if args.run.is_empty() && args.filters.filter.is_empty() && !args.errored {
        return Err(CliError::usage("no run is named").hint(
            "name runs with `--run T0/00/1` or `--filter 'status(failed)'`, or all that infrastructure failed with `--errored`",
        ));
    }
    let filters = filters::read(&args.filters)?;
    let prelude = Prelude::begin(console)?;
    let (mut session, name) = session::open_held(&args.experiment, console)?;
    let mut named: BTreeSet<_> = args.run.iter().copied().collect();
    if !filters.is_empty() {
        named.extend(fitting(&filters, &session, &name, console)?);
        if named.is_empty() {
            return session.end_without_work().map(|()| Exit::Success).on(&name);
        }
    }
    if !named.is_empty() {
        session = rerun(session, &named).on(&name)?;
    }
    if args.errored {
        let failed = session.progress.failed();
        if failed.is_empty() && named.is_empty() {
            console.say("no run is missing because infrastructure failed: nothing is to be made again")?;
            return session.end_without_work().map(|()| Exit::Success).on(&name);
        }
        named.extend(failed);
    }
    console.say(&format!("{} to be made again, and no other", counted(named.len(), "run")))?;
    session.progress.only(&named);
    let mut differences = Differences::default();
    operate(&mut session.config, &args.operation, &mut differences);
    session::save_operation(&session, differences.operational, &name)?;
    session::conduct(session, &args.operation, &name, &differences.events, prelude, console)
}

/// The runs that fit, which are named to the person. When all of them belong to a rerun that was stopped before it was done, the
/// same was asked for before: what it named goes on, and what is done of it is not made again.
fn fitting(
    filters: &[Filter],
    session: &Session,
    name: &str,
    console: &mut Console,
) -> Result<BTreeSet<RunId>, CliError> {
    let fitting = filters::named(filters, &rows_held(session).on(name)?, console)?;
    let stopped = &session.checkpoint.rerunning;
    if stopped.is_empty() || !fitting.iter().all(|run| stopped.contains(run)) {
        return Ok(fitting.into_iter().collect());
    }
    let runs = counted(stopped.len(), "run");
    console
        .say(&format!("a rerun of {runs} was stopped before it was done: it goes on, and what is done of it stays"))?;
    Ok(stopped.clone())
}
