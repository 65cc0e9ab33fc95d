//! The formats of ProjectScylla: read into this tool's types, and written; and decisions about its experiments. No I/O,
//! no clock.

pub mod agent;
pub mod audit;
pub mod checkpoint;
pub mod config;
pub mod details;
pub mod json;
pub mod reports;
pub mod result;
pub mod run_files;
pub mod states;
pub mod tables;
pub mod take_over;
pub mod translate;
pub mod version;

#[cfg(test)]
mod samples;
