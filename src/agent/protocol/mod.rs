//! The Agent Client Protocol, version 1, as a client speaks it: JSON-RPC in lines, between our own program in an agent's place and the
//! program that it starts. Pure: what comes in is given, what goes out is returned.

mod client;
mod log;
mod settings;
mod steps;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use client::{Act, Client, Heard};
pub use log::{Entry, Over};
pub use steps::STEPS;

/// The hidden command of our own program that speaks the protocol with an agent's program.
pub const SPEAK: &str = "speak-with-agent";
/// The version of the protocol that is spoken.
pub const VERSION: u64 = 1;
/// Most bytes of a line.
pub const MOST_LINE_BYTES: usize = 8 << 20;
/// Most bytes of a file that the program reads by us.
pub const MOST_FILE_BYTES: u64 = 4 << 20;

/// What our own program is told to do when it is started in an agent's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The program that speaks the protocol, and its arguments.
    pub command: Vec<String>,
    /// The mode that the session is set to.
    pub mode: Option<String>,
    /// The model that the session is set to.
    pub model: Option<String>,
    /// The way of logging in that is asked for before the session.
    pub login: Option<String>,
    /// What is answered when the program asks whether it may do something.
    pub permissions: Permissions,
    /// Whether the tokens that the program reports count.
    pub counts_tokens: bool,
    /// How long it may take until it works on the prompt, in seconds.
    pub start_seconds: u64,
}

/// What is answered when a program asks whether it may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permissions {
    /// Everything is allowed.
    Allow,
    /// Everything is rejected.
    Reject,
}

impl Permissions {
    /// The kinds of answers that say so, the best one first.
    fn kinds(self) -> [&'static str; 2] {
        match self {
            Self::Allow => ["allow_once", "allow_always"],
            Self::Reject => ["reject_once", "reject_always"],
        }
    }
}
