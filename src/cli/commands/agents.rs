//! `agents`: every kind of agent, as this machine has it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::panic::resume_unwind;
use std::thread;

use crate::agent::{self, KINDS};
use crate::cli::args::agents::{Agents, AgentsCommand};
use crate::cli::args::output::MessageFormat;
use crate::cli::args::show::ShowFormat;
use crate::cli::commands::doctor;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::prelude::Prelude;
use crate::engine::error::EngineError;
use crate::engine::reach::Reach;
use crate::engine::version::Question;
use crate::model::agent::Agent;
use crate::model::experiment::ContainmentChoice;
use crate::model::installation::Answer;
use crate::model::program::Kind;
use crate::os::environment;
use crate::os::process::Containment;
use crate::ui::agents::{AgentRow, ProgramRow, agent_json, agent_table};

/// Runs the command.
///
/// # Errors
/// When no program can be contained here, or there is no room for the folder of one.
pub fn run(args: &Agents, console: &mut Console) -> Result<Exit, CliError> {
    if let Some(AgentsCommand::Doctor(args)) = &args.command {
        return doctor::run(args, console);
    }
    let prelude = Prelude::of(console, "before every program had said its version")?;
    let making = prelude.making();
    let containment = Containment::probe(ContainmentChoice::Auto).on(".")?;
    let inherited: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    // Each takes a moment to say its version, so all are asked at once.
    let rows: Result<Vec<AgentRow>, EngineError> = thread::scope(|scope| {
        let (inherited, containment) = (&inherited, &containment);
        let asked: Vec<_> = KINDS.iter().map(|kind| scope.spawn(move || row(kind, inherited, containment))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    drop(making);
    let rows = rows.on(".")?;
    let is_for_machines = console.message_format() == MessageFormat::Json;
    let text = match args.format {
        Some(ShowFormat::Json) => agent_json(&rows),
        None if is_for_machines => agent_json(&rows),
        Some(ShowFormat::Human) | None => agent_table(&rows, console.columns()),
    };
    console.print(&text)?;
    Ok(Exit::Success)
}

fn row(
    kind: &'static Kind<Agent>,
    inherited: &BTreeMap<OsString, OsString>,
    containment: &Containment,
) -> Result<AgentRow, EngineError> {
    let is_set = |name: &str| environment::is_set(inherited, name);
    let agent = agent::named(kind.name, true).ok();
    let question = agent.as_ref().and_then(|agent| Question::of(agent, inherited, &Reach::Everything));
    let program = match question {
        None => None,
        Some(Err(known)) => Some(ProgramRow::new(known, None, Answer::NotInstalled, is_set)),
        Some(Ok(question)) => {
            let path = question.program.display().to_string();
            Some(ProgramRow::new(
                question.installation,
                Some(path),
                question.ask(containment, &Reach::Everything)?,
                is_set,
            ))
        }
    };
    Ok(AgentRow { kind: kind.name.to_owned(), about: kind.about.to_owned(), program })
}
