//! `worker`: makes one planned run in this process, while other processes may work on other runs.

use std::collections::BTreeMap;
use std::fs;

use crate::cli::args::worker::{Worker, WorkerFlags};
use crate::cli::choose::choose;
use crate::cli::commands::image;
use crate::cli::commands::session::{SessionReport, surroundings_with};
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::prelude::Prelude;
use crate::engine::alone::{Claimed, Claiming, End, claim};
use crate::engine::error::EngineError;
use crate::model::event::Event;
use crate::model::experiment::Config;
use crate::store::jobs::variables;

/// Runs the command.
///
/// # Errors
/// When the run is not planned, another worker has it, it cannot be made, or it ends without a result.
pub fn run(args: &Worker, console: &mut Console) -> Result<Exit, CliError> {
    let prelude = Prelude::begin(console)?;
    let (folder, name) = choose(&args.experiment, console)?;
    let run = args.run;
    let claiming = if args.lease { Claiming::Leased } else { Claiming::Beside };
    let given = if args.lease { variables(&folder).map_err(EngineError::from).on(&name)? } else { BTreeMap::new() };
    let logged = args.log.clone().map(|log| (log, folder.run(run).job_log()));
    let mut claimed = match claim(folder, run, claiming).on(&name)? {
        Claimed::ToMake(claimed) => claimed,
        Claimed::Committed => {
            console.report(&[format!("{run} is committed already: nothing is done")])?;
            return Ok(Exit::Success);
        }
    };
    operate(&mut claimed.config, &args.operation);
    let making = prelude.making();
    let image = image::of_run(&claimed, &name, console)?;
    drop(making);
    let surroundings = surroundings_with(&claimed.config, image, &given, &name)?;
    let mut session_report = SessionReport::new(console, console.lines());
    let mut report = |at, event: Option<&Event>| {
        if let (Some((log, place)), Some(Event::RunStarted { .. })) = (&logged, event) {
            // The log is also where the batch system writes it; a file system without links has it there alone.
            let _ = fs::hard_link(log, place);
        }
        session_report.event(at, event);
    };
    let asks_at_once = args.operation.ignore_rate_limit;
    let end = claimed.work(surroundings, asks_at_once, prelude.into_listening(), &mut report);
    session_report.end(&name)?;
    let (exit, error) = match end.on(&name)? {
        End::Committed => return Ok(Exit::Success),
        End::NotCommitted(why) => (Exit::Incomplete, format!("{run} is not committed: {why}")),
        End::Stopped(signal) => (Exit::stopped(signal), format!("{run} was stopped, and is not committed")),
    };
    Err(CliError { exit, error: error.into(), hint: Some(format!("`{}` goes on", console.typed())) })
}

/// Applies flags for this worker alone.
fn operate(config: &mut Config, flags: &WorkerFlags) {
    config.attempts = flags.attempts.unwrap_or(config.attempts);
    config.containment = flags.containment.unwrap_or(config.containment);
    config.work_dir = flags.work_dir.clone().or_else(|| config.work_dir.take());
}
