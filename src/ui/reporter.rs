//! What hears of events.

use std::io;

use jiff::Timestamp;

use crate::model::event::Event;

/// Shows what happens, as it happens.
pub trait Reporter {
    /// Takes note of an event that happened `at` this time.
    ///
    /// # Errors
    /// When it cannot be written.
    fn event(&mut self, at: Timestamp, event: &Event) -> io::Result<()>;

    /// Time went on to `at`: what shows durations shows them anew.
    fn tick(&mut self, at: Timestamp) {
        let _ = at;
    }
}
