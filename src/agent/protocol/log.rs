//! The log of what was spoken: a line of JSON for each message, with long texts cut, so that what a program reads and writes by us does
//! not use up the room that its output has.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Order;
use crate::model::limits::MOST_STEP_BYTES;
use crate::model::outcome::FailureKind;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// What was to be done.
    Began(Order),
    /// A message to the program.
    Sent(Value),
    /// A message from it.
    Received(Value),
    /// A line from it that is no message.
    PassedOver(String),
    /// The end, when no message says it.
    Over(Over),
}

/// An end that no message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// What kind of failure it is.
    pub failure: FailureKind,
    /// What happened, in a sentence.
    pub message: String,
}

impl Over {
    /// The program did not speak the protocol to the end.
    #[must_use]
    pub fn broken(message: impl Into<String>) -> Self {
        Self { failure: FailureKind::NoRecord, message: message.into() }
    }

    /// The program cannot be started as it is asked for.
    #[must_use]
    pub fn not_started(message: impl Into<String>) -> Self {
        Self { failure: FailureKind::Spawn, message: message.into() }
    }
}

impl Entry {
    /// The line, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        cut(&mut value);
        format!("{value}\n")
    }
}

/// Cuts each text in a value that is longer than what is shown of a step.
fn cut(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > MOST_STEP_BYTES => {
            let end = (0..=MOST_STEP_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            let left_out = text.len() - end;
            *text = format!("{}… and {left_out} bytes more", &text[..end]);
        }
        Value::Array(parts) => parts.iter_mut().for_each(cut),
        Value::Object(members) => members.values_mut().for_each(cut),
        _ => {}
    }
}
