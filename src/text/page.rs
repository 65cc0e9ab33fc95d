//! Text that grows piece by piece, and values as text; alone, because every page that people see is built with it.

use std::fmt::{self, Write as _};

use serde::Serialize;

use super::escape;

/// A text for people that is being built.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Appends a piece.
    pub fn add(&mut self, piece: impl fmt::Display) {
        // Writing to a `String` cannot fail, and what is shown here has no failing `Display`.
        let _ = write!(self.0, "{piece}");
    }

    /// Appends a line.
    pub fn line(&mut self, line: impl fmt::Display) {
        self.add(line);
        self.0.push('\n');
    }

    /// The whole text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// A value as indented JSON that is safe to show, with a line feed at its end.
#[must_use]
pub fn pretty(value: &impl Serialize) -> String {
    // All values that are written have text keys and finite numbers, so there is always a JSON form.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("{}\n", escape::json(&text))
}
