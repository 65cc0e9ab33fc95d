//! Measures which setup of a coding agent solves your tasks, how often, and at what cost, and never loses a run.
//!
//! The modules are on floors, listed from the lowest. A module imports only lower floors; modules on one floor do not
//! know each other. `tests/it/architecture/mod.rs` reads this list and enforces it.

// Floor 0
pub mod model;

// Floor 1
pub mod projectscylla;
pub mod rules;
pub mod setup;
pub mod stats;
pub mod text;

// Floor 2
pub mod agent;
pub mod judge;
pub mod os;

// Floor 3
pub mod config;
pub mod gateway;
pub mod store;
pub mod workspace;

// Floor 4
pub mod engine;
pub mod report;
pub mod ui;

// Floor 5
pub mod cli;
