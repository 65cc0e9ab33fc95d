//! Mistakes that people make in fixtures and settings, each with its place.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use super::node::Place;
use crate::text::url;

/// One mistake in a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file or folder that has to be changed.
    pub file: PathBuf,
    /// The line, from 1, where it is known.
    pub line: Option<u32>,
    /// The column in characters, from 1, where it is known.
    pub column: Option<u32>,
    /// What is wrong: a fragment without a trailing period.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for Mistake {}

impl Mistake {
    /// A mistake of a whole file or folder. A URL in its message has no credentials.
    #[must_use]
    pub fn new(file: &Path, message: impl Into<String>) -> Self {
        let message = url::without_credentials(&message.into());
        Self { file: file.to_owned(), line: None, column: None, message, hint: None }
    }

    /// The same mistake at a place in its file.
    pub(super) fn at(mut self, place: Place) -> Self {
        (self.line, self.column) = (place.line, place.column);
        self
    }

    /// The same mistake with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Collects mistakes while readers go on.
#[derive(Debug, Default)]
pub(super) struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    /// Adds a mistake.
    pub(super) fn add(&self, mistake: Mistake) {
        self.0.borrow_mut().push(mistake);
    }

    /// Adds the mistakes that a reader found before it gave up.
    pub(super) fn extend(&self, mistakes: Vec<Mistake>) {
        self.0.borrow_mut().extend(mistakes);
    }

    /// Every distinct mistake, by file and line.
    pub(super) fn into_sorted(self) -> Vec<Mistake> {
        let mut all = self.0.into_inner();
        all.sort_by(|one, other| (&one.file, one.line, one.column).cmp(&(&other.file, other.line, other.column)));
        all.dedup();
        all
    }
}

/// Mistakes as readable text, for snapshots.
#[cfg(test)]
pub(super) fn report(mistakes: &[Mistake]) -> String {
    let one = |mistake: &Mistake| match &mistake.hint {
        Some(hint) => format!("{mistake}\n  hint: {hint}\n"),
        None => format!("{mistake}\n"),
    };
    mistakes.iter().map(one).collect()
}
