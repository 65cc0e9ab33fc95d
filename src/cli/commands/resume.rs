//! `resume`: go on with an experiment from its folder alone.

use crate::cli::args::Resume;
use crate::cli::args::projectscylla::TakeOverFlags;
use crate::cli::choose::choose;
use crate::cli::commands::session;
use crate::cli::commands::take_over;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::options::differ;
use crate::cli::prelude::Prelude;
use crate::engine::projectscylla::take_over::finish;
use crate::engine::session::open::{go_on, hold, survey};
use crate::model::event::Event;
use crate::store::survey::Depth;

/// Runs the command. It never turns into a fresh start.
///
/// # Errors
/// When the folder is held or has findings that forbid to go on.
pub fn run(args: &Resume, console: &mut Console) -> Result<Exit, CliError> {
    let prelude = Prelude::begin(console)?;
    let (folder, name) = choose(&args.experiment, console)?;
    let mut locked = hold(folder).on(&name)?;
    let was_begun = finish(&mut locked).on(&name)?;
    let mut first = survey(&locked, Depth::Results).on(&name)?;
    let was_foreign = first.made_by.is_some();
    if was_foreign {
        if let Some(exit) = take_over::take_over(args, &mut locked, &first, &name, console)? {
            return Ok(exit);
        }
        first = survey(&locked, Depth::Results).on(&name)?;
    }
    let mut session = go_on(locked, first).on(&name)?;
    // Whatever former sessions came to.
    session.resumed = true;
    let mut differences = differ(&mut session.config, &args.config);
    if !was_foreign && !was_begun {
        differences.events.extend(without_effect(&args.take_over));
    }
    session::save_operation(&session, differences.operational, &name)?;
    session::conduct(session, &args.config.operation, &name, &differences.events, prelude, console)
}

/// Each flag that says something of a fixture to an experiment that has its own copy.
fn without_effect(flags: &TakeOverFlags) -> Vec<Event> {
    let given = [
        ("--tiers-dir", flags.tiers_dir.is_some()),
        ("--shared-dir", flags.overrides.shared_dir.is_some()),
        ("--agent-command", flags.overrides.agent_command.is_some()),
        ("--judge-command", !flags.overrides.judge_command.is_empty()),
    ];
    let given = given.into_iter().filter(|(_, given)| *given);
    let message = |flag| format!("`{flag}` has no effect: the experiment has its own copy of its fixture");
    given.map(|(flag, _)| Event::Notice { message: message(flag) }).collect()
}
