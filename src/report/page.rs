//! Text that grows piece by piece.

use std::fmt::{self, Write as _};

/// A text for people, in the making.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// Adds a piece at the end.
    pub(super) fn add(&mut self, piece: impl fmt::Display) {
        // Writing to a `String` cannot fail, and what is shown here has no failing `Display`.
        let _ = write!(self.0, "{piece}");
    }

    /// Adds a line at the end.
    pub(super) fn line(&mut self, line: impl fmt::Display) {
        self.add(line);
        self.0.push('\n');
    }

    /// The whole text.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}
