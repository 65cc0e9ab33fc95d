//! A connection of an agent or a check to a host beside its model: one line of `connections.jsonl`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest name that is kept, in letters.
const MOST_NAME: usize = 255;
/// The longest reason that is kept, in letters.
const MOST_REASON: usize = 500;

/// A connection that is over, or was not made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// When it was asked for.
    pub at: Timestamp,
    /// The host, as the program named it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Why it was not made, in words; missing when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Bytes that the program sent.
    pub sent_bytes: u64,
    /// Bytes that it received.
    pub received_bytes: u64,
    /// From the request to its end, in seconds.
    pub seconds: f64,
}

impl Connection {
    /// The same with texts of others that are not longer than what is kept.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        self.host = self.host.chars().take(MOST_NAME).collect();
        self.why = self.why.map(|why| why.chars().take(MOST_REASON).collect());
        self
    }
}

/// The last line of a file in which not all connections have room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// How many more there were.
    pub left_out: u64,
}
