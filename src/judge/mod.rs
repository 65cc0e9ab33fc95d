//! Floor 2: the kinds of judges, one file for each: how a fixture names one, what it is asked, and how its answer
//! becomes a verdict. Pure: starts no process, reads no file.

mod agent_program;
pub mod answer;
pub mod api;
pub mod asking;
mod checks;
mod command;
pub mod endpoint;
mod model;
pub mod prompt;
pub mod request;
pub mod score;
mod settings;
pub mod trouble;

use crate::model::judge::Judge;
use crate::model::program::Kind;

pub use checks::by_default;
pub use command::of_line;

/// Every kind of judge. A new one is a file beside this one, and a line here.
pub static KINDS: &[&Kind<Judge>] = &[&checks::KIND, &command::KIND, &model::KIND, &agent_program::KIND];

/// The word by which our own program is told to ask a model. No person types it.
pub const ASK_MODEL: &str = "ask-model";
/// The word by which our own program is told to ask a model through an agent program. No person types it.
pub const ASK_AGENT: &str = "ask-agent";

#[cfg(test)]
mod tests;
