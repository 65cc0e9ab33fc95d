//! The filter language: which runs a person means, in the manner of nextest. Its grammar is `docs/filters.md`.
//!
//! An expression is read into predicates, and asked of rows. Where a row lacks the value that a predicate compares, the
//! predicate is false.

mod error;
mod lex;
mod numbers;
mod parse;
mod pattern;
mod predicate;

use std::str::FromStr;

use crate::model::row::RunRow;

pub use error::{FilterError, FilterHint};
use parse::Expression;

/// What a person asks of runs.
#[derive(Debug, Clone)]
pub struct Filter(Expression);

impl Filter {
    /// Whether a run is meant.
    #[must_use]
    pub fn matches(&self, row: &RunRow) -> bool {
        self.0.holds(row)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        parse::expression(text).map(Self)
    }
}

/// Whether any of several filters means a run; without any, every run is meant.
#[must_use]
pub fn any_matches(filters: &[Filter], row: &RunRow) -> bool {
    filters.is_empty() || filters.iter().any(|filter| filter.matches(row))
}

#[cfg(test)]
mod tests;
