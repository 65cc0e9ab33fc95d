//! Gradings: the rubric, checks and judges by which finished work is graded. The first one is the fixture's own.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// The number of a grading; the fixture's own is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct GradingNumber(pub u32);

impl GradingNumber {
    /// The grading of the fixture as the experiment began with it.
    pub const FIRST: Self = Self(1);

    /// Whether it is the fixture's own.
    #[must_use]
    pub fn is_first(&self) -> bool {
        *self == Self::FIRST
    }

    /// The next number.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Reads the name of a grading's folder; only one spelling is accepted.
    #[must_use]
    pub fn from_folder(name: &str) -> Option<Self> {
        let number = Self(name.parse().ok()?);
        (number.0 > 1 && number.to_string() == name).then_some(number)
    }
}

impl Default for GradingNumber {
    fn default() -> Self {
        Self::FIRST
    }
}

impl fmt::Display for GradingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// `config/gradings/NN/grading.json`: a later grading. Its whole fixture is beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grading {
    /// Version of the file's writer.
    pub version: String,
    /// Its number.
    pub number: GradingNumber,
    /// When it was made.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The reason, as a person wrote it.
    #[serde(default)]
    pub reason: Option<String>,
    /// Digest of its fixture.
    pub fixture_digest: Digest,
    /// What differs from the grading before: keys of `test.yaml`, and files.
    pub changed: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grading_has_one_spelling_and_the_first_has_no_folder() {
        for (name, number) in [
            ("02", Some(2)),
            ("10", Some(10)),
            ("100", Some(100)),
            ("01", None),
            ("2", None),
            ("002", None),
            ("x", None),
        ] {
            assert_eq!(GradingNumber::from_folder(name), number.map(GradingNumber), "{name}");
        }
        assert_eq!(GradingNumber::FIRST.next().to_string(), "02");
    }
}
