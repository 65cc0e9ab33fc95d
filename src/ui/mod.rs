//! Floor 4: the output of a session for people, and for machines that follow one. Writes only to what it is given.

pub mod agents;
pub mod capabilities;
mod causes;
pub mod conditions;
pub mod doctor;
pub mod drift;
pub mod error;
pub mod fixtures;
mod frame;
mod in_flight;
pub mod json;
mod lines;
pub mod list;
pub mod outlook;
pub mod plain;
pub mod plan;
mod progress;
pub mod repair;
pub mod run_limits;
pub mod runs;
pub mod status;
pub mod summary;
mod tables;
pub mod terminal;

pub use tables::Rows;

use std::io;

use jiff::Timestamp;

use crate::model::event::Event;

/// Shows events as they happen.
pub trait Reporter {
    /// Shows an event that happened `at` this time.
    ///
    /// # Errors
    /// When it cannot be written.
    fn event(&mut self, at: Timestamp, event: &Event) -> io::Result<()>;

    /// Time has passed to `at`: displayed durations are updated.
    fn tick(&mut self, at: Timestamp) {
        let _ = at;
    }
}
