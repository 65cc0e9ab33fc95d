//! The formats of the original's runner (`ProjectScylla`), translated: bytes in, values out, and back. No I/O, no clock.

pub mod checkpoint;
pub mod config;
pub mod json;
pub mod reports;
pub mod result;
pub mod stages;
pub mod states;
pub mod translate;

#[cfg(test)]
mod samples;
