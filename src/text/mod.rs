//! Floor 1: words, escapes and redaction. Pure.

pub mod escape;
pub mod redact;
pub mod words;
