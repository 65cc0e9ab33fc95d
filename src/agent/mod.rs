//! Floor 2: the kinds of agents, one file for each: how a fixture names one, what it can be given, its command, and
//! what its output says. Pure: starts no process, reads no file.

mod acp;
mod aider;
mod claude_code;
mod codex;
mod command;
mod events;
mod gemini;
mod installed;
mod mini_swe_agent;
mod mistakes;
mod named;
mod nop;
mod opencode;
mod oracle;
pub mod protocol;
pub mod record;
mod replay;
mod steps;

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::agent::{Agent, AgentStart};
use crate::model::program::Kind;

pub use command::of_line;
pub use named::{greetings, named, of_kind, steps_of};
/// The kind of agent that does nothing, so that it must fail.
pub use nop::KIND as DOES_NOTHING;
/// The kind of agent that applies the reference solution, so that it must pass.
pub use oracle::{KIND as SOLVES, PATCH_FILE};

pub use replay::{RECORDED_FOLDER, id};

/// Every kind of agent. A new one is a file beside this one, and a line here.
pub static KINDS: &[&Kind<Agent>] = &[
    &command::KIND,
    &claude_code::KIND,
    &codex::KIND,
    &gemini::KIND,
    &opencode::KIND,
    &mini_swe_agent::KIND,
    &aider::KIND,
    &acp::KIND,
    &oracle::KIND,
    &replay::KIND,
    &nop::KIND,
];

/// The task's prompt, preceded by the word that makes an agent think that much.
#[must_use]
pub fn prompt(task: &str, thinking_mode: &str) -> String {
    thinking_word(thinking_mode).map_or_else(|| task.to_owned(), |word| format!("{word}\n\n{task}"))
}

/// The word for a thinking mode. `Low`, `High` and `UltraThink` have one; any other mode has none.
#[must_use]
pub fn thinking_word(mode: &str) -> Option<&'static str> {
    match mode {
        "Low" => Some("think"),
        "High" => Some("think hard"),
        "UltraThink" => Some("ultrathink"),
        _ => None,
    }
}

/// `agent/command.json`: what was started, for people. Of the environment it contains the names, and the values that
/// describe the task.
#[must_use]
pub fn describe(start: &AgentStart, agent: &Agent) -> String {
    let description = match start {
        AgentStart::Command { argv, environment, .. } => {
            let own: BTreeMap<String, String> = environment
                .iter()
                .filter(|(name, _)| name.to_string_lossy().starts_with("SCYLLA_") && *name != "SCYLLA_PROMPT")
                .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
                .collect();
            json!({
                "kind": agent.kind().name,
                "argv": argv.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>(),
                "environment": own,
                "environment_names": environment.keys().map(|name| name.to_string_lossy()).collect::<Vec<_>>(),
            })
        }
        AgentStart::ApplyPatch(_) | AgentStart::PlayBack(_) | AgentStart::Nothing => {
            json!({ "kind": agent.kind().name })
        }
    };
    format!("{description:#}\n")
}

#[cfg(test)]
mod tests;
