//! What is wrong with a filter, and where.

use std::fmt;
use std::ops::Range;

/// Something wrong at a place of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// The bytes of the expression that are wrong; an empty range where something is missing.
    pub at: Range<usize>,
    /// What is wrong, in the expression's own letters.
    pub what: String,
    /// What to do.
    pub hint: Option<FilterHint>,
}

/// What to do about a wrong filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterHint {
    /// This.
    Text(String),
    /// One of these words was to be given instead of another one.
    OneOf {
        /// What was given.
        word: String,
        /// The words that are known.
        known: Vec<&'static str>,
    },
}

impl FilterError {
    pub(super) fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(FilterHint::Text(hint.into())), ..self }
    }

    pub(super) fn one_of(self, word: &str, known: impl IntoIterator<Item = &'static str>) -> Self {
        let hint = FilterHint::OneOf { word: word.to_owned(), known: known.into_iter().collect() };
        Self { hint: Some(hint), ..self }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for FilterError {}
