//! Floor 4: what people see of a session, and machines that listen to one. Writes only to what it is given.

pub mod capabilities;
mod causes;
pub mod error;
pub mod fixtures;
mod frame;
pub mod json;
mod lines;
pub mod plain;
pub mod plan;
mod progress;
pub mod repair;
pub mod status;
pub mod summary;
mod tables;
pub mod terminal;

pub use tables::Rows;

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
