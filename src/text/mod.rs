//! Floor 1: words, escapes and redaction. Pure.

pub mod redact;
