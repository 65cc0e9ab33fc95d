//! Floor 4: what people see of a session, and machines that listen to one. Writes only to what it is given.

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
pub mod reporter;
pub mod status;
pub mod summary;
mod tables;
pub mod terminal;

pub use tables::Rows;
