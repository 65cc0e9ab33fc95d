//! Floor 1: words, escapes, redaction, what programs report in their JSON, and requests to models as tables.

pub mod allotment;
pub mod asked;
pub mod claims;
pub mod columns;
pub mod csv;
pub mod cures;
pub mod escape;
pub mod exchanges;
pub mod foreign;
pub mod jsonc;
pub mod leaks;
pub mod likeness;
mod loose;
pub mod nearest;
pub mod page;
pub mod patch;
pub mod redact;
pub mod reset_headers;
pub mod resets;
pub mod secret_names;
pub mod shape;
pub mod short;
pub mod styles;
pub mod url;
pub mod words;
