//! `status`: where an experiment stands, from another terminal too.

use std::time::Duration;

use crate::cli::args::{MessageFormat, Status};
use crate::cli::commands::sitting::open_folder;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::engine::progress::Progress;
use crate::lifecycle::stage::first_stage;
use crate::model::experiment::Config;
use crate::model::outcome::Stage;
use crate::model::survey::{RunSeen, Survey};
use crate::os::{clock, files};
use crate::report::status::{self, InFlight, Standing};
use crate::store::layout::ExperimentFolder;
use crate::store::stages::RunStore;
use crate::store::survey::{Depth, survey};

/// How often `--watch` looks.
const WATCH: Duration = Duration::from_secs(2);

/// Runs the command.
///
/// # Errors
/// When the folder is no experiment or cannot be read.
pub fn run(args: &Status, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = open_folder(&args.dir, console)?;
    loop {
        let survey = survey(&folder, Depth::Results)?;
        show(&folder, &name, &survey, args.watch, console)?;
        if !args.watch || survey.holder.is_none() {
            return Ok(Exit::Success);
        }
        std::thread::sleep(WATCH);
    }
}

fn show(
    folder: &ExperimentFolder,
    name: &str,
    survey: &Survey,
    again: bool,
    console: &mut Console,
) -> Result<(), CliError> {
    let config = survey.config.content();
    let plan = config.map(Config::plan).unwrap_or_default();
    let progress = Progress::of(plan, survey);
    let in_flight = if survey.holder.is_some() { in_flight(folder, survey, config) } else { Vec::new() };
    let checkpoint = survey.checkpoint.content();
    let standing = Standing {
        folder: name,
        experiment_id: config.map(|config| config.experiment_id.as_str()),
        status: checkpoint.map(|checkpoint| checkpoint.status),
        holder: survey.holder.as_ref(),
        started_at: checkpoint.map(|checkpoint| checkpoint.started_at),
        spent: progress.spent(),
        max_cost_usd: config.and_then(|config| config.max_cost_usd),
        tiers: &progress.tiers(),
        missing: &progress.missing_by_why(),
        rate_limit: checkpoint.and_then(|checkpoint| checkpoint.rate_limit.as_ref()),
        in_flight: &in_flight,
        now: clock::now(),
    };
    let text = match console.message_format() {
        MessageFormat::Human => status::human(&standing, console.out_styles()),
        MessageFormat::Json => status::json(&standing),
    };
    if again {
        console.clear()?;
    }
    Ok(console.print(&text)?)
}

/// Runs that have a folder and no result, with the stage that is under way.
fn in_flight(folder: &ExperimentFolder, survey: &Survey, config: Option<&Config>) -> Vec<InFlight> {
    let begun = survey.runs.iter().filter(|(_, seen)| matches!(seen, RunSeen::Unfinished { .. })).map(|(run, _)| *run);
    begun
        .filter_map(|run| {
            let durable = RunStore::new(folder, run).progress().ok()?.durable();
            // The panel's size is in the fixture; what matters here is only whether a judge is still to answer.
            let panel = config.map_or(1, |_| durable.judgments + 1);
            let stage = first_stage(durable, panel).unwrap_or(Stage::Commit);
            let since = None;
            Some(InFlight { run, stage: if stage == Stage::Prepare { Stage::Agent } else { stage }, since })
        })
        .collect()
}
