//! `resume`: continues an experiment from its folder alone.

use crate::cli::args::Resume;
use crate::cli::args::projectscylla::TakeOverFlags;
use crate::cli::choose::choose;
use crate::cli::commands::check_first;
use crate::cli::commands::session;
use crate::cli::commands::take_over;
use crate::cli::console::Console;
use crate::cli::differences::differ;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::prelude::Prelude;
use crate::engine::projectscylla::take_over::finish;
use crate::engine::session::open::{go_on, hold, survey};
use crate::model::event::Event;
use crate::store::survey::Depth;

/// Runs the command. It never starts a fresh experiment.
///
/// # Errors
/// When the folder is held or has findings under which the experiment cannot go on.
pub fn run(args: &Resume, console: &mut Console) -> Result<Exit, CliError> {
    let prelude = Prelude::begin(console)?;
    let (folder, name) = choose(&args.experiment, console)?;
    let mut locked = hold(folder, |holder| console.watches(holder)).on(&name)?;
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
    // Even if former sessions did no work.
    session.resumed = true;
    let mut differences = differ(&mut session.config, &args.config);
    if !was_foreign && !was_begun {
        differences.events.extend(without_effect(&args.take_over));
    }
    session::save_operation(&session, differences.operational, &name)?;
    let prelude = check_first::check_judges(&session, &args.judges, &name, prelude, console)?;
    session::conduct(session, &args.config.operation, &name, &differences.events, prelude, console)
}

/// A message for each flag about a fixture, which has no effect because the experiment has its own copy.
fn without_effect(flags: &TakeOverFlags) -> Vec<Event> {
    let given = [
        ("--tiers-dir", flags.tiers_dir.is_some()),
        ("--shared-dir", flags.overrides.shared_dir.is_some()),
        ("--agent", flags.overrides.agent.is_some()),
        ("--agent-command", flags.overrides.agent_command.is_some()),
        ("--judge-command", !flags.overrides.judge_command.is_empty()),
    ];
    let given = given.into_iter().filter(|(_, given)| *given);
    let message = |flag| format!("`{flag}` has no effect: the experiment has its own copy of its fixture");
    given.map(|(flag, _)| Event::Notice { message: message(flag) }).collect()
}
