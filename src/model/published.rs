//! Results that others published of tables, what is known to be wrong in them, and what was said beside them.

use serde_json::{Map, Value};

/// A row of published results: its keys, and what cannot be said as `null`.
pub type PublishedRow = Map<String, Value>;

/// Published results, array by array.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Published {
    /// Each array by its name, in the file's order.
    pub arrays: Vec<(String, Vec<PublishedRow>)>,
}

/// A field that is published as what it is not, wherever it has this value where ours has that one.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownMistake {
    /// The array.
    pub array: &'static str,
    /// The field.
    pub field: &'static str,
    /// What is published.
    pub published: Value,
    /// What it is.
    pub ours: Value,
    /// Why.
    pub reason: &'static str,
}

/// A statement that was published beside results, and not in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The array that has what it is about.
    pub array: &'static str,
    /// The row: keys and what they hold.
    pub row: &'static [(&'static str, &'static str)],
    /// Below which p it is said to be.
    pub p_below: f64,
    /// What it says, as part of a sentence.
    pub says: &'static str,
    /// Where it comes from, as a sentence.
    pub origin: &'static str,
}
