//! Floor 4: what people and machines read. Writes only to what it is given.

mod causes;
pub mod error;
pub mod findings;
pub mod fixtures;
mod frame;
pub mod json;
mod lines;
mod page;
pub mod plain;
pub mod plan;
mod progress;
pub mod repair;
pub mod reporter;
pub mod status;
pub mod styles;
pub mod summary;
mod tables;
pub mod terminal;

pub use tables::Rows;

#[cfg(test)]
mod samples;
