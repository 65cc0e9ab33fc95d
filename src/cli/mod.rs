//! Floor 5: arguments, settings, commands, errors and exit codes.

pub mod generated;
