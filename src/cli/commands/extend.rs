//! `extend`: grows the plan, then makes the new runs.

use crate::cli::args::Extend;
use crate::cli::commands::session;
use crate::cli::console::Console;
use crate::cli::differences::{Differences, operate};
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::prelude::Prelude;
use crate::engine::session::create::{Growth, extend};
use crate::text::words::{counted, shell_word};

/// Runs the command.
///
/// # Errors
/// When the plan would not grow, the folder is held, or it has findings under which the experiment cannot go on.
pub fn run(args: &Extend, console: &mut Console) -> Result<Exit, CliError> {
    if args.runs.is_none() && args.tiers.is_empty() && args.max_subtests.is_none() {
        return Err(
            CliError::usage("nothing to add is named").hint("name `--runs N`, `--tiers T5` or `--max-subtests N`")
        );
    }
    let prelude = Prelude::begin(console)?;
    let (mut session, name) = session::open_held(&args.experiment, console)?;
    let growth = Growth { runs: args.runs, tiers: args.tiers.clone(), max_subtests: args.max_subtests };
    let before = session.config.plan().total();
    let plan = extend(&mut session, &growth).on(&name)?;
    let planned = counted(plan.total(), "run");
    console.say(&if plan.total() == before {
        format!("the plan has these {planned} already")
    } else {
        format!("the plan has grown from {before} to {planned}")
    })?;
    session.replace_plan(plan);
    let mut differences = Differences::default();
    operate(&mut session.config, &args.operation, &mut differences);
    session::save_operation(&session, differences.operational, &name)?;
    if args.plan_only {
        console.say(&format!("to make them: `cargo scylla resume {}`", shell_word(&name)))?;
        return Ok(Exit::Success);
    }
    session::conduct(session, &args.operation, &name, &differences.events, prelude, console)
}
