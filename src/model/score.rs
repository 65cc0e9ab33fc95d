//! Scores and grades.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

/// A score between 0 and 1, both included, always finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Score(#[schemars(range(min = 0.0, max = 1.0))] f64);

/// Why a number is not a score.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("`{0}` is not a score between 0 and 1")]
pub struct ScoreError(f64);

impl Score {
    /// The score of a task in which nothing was achieved.
    pub const ZERO: Self = Self(0.0);
    /// The score of a task in which all was achieved.
    pub const ONE: Self = Self(1.0);

    /// The score with this value.
    ///
    /// # Errors
    /// When `value` is not between 0 and 1.
    pub fn new(value: f64) -> Result<Self, ScoreError> {
        // Adding zero turns -0.0 into 0.0, so equal scores are equal bytes.
        if (0.0..=1.0).contains(&value) { Ok(Self(value + 0.0)) } else { Err(ScoreError(value)) }
    }

    /// The value, between 0 and 1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2}", self.0))
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A grade, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the six letters are the scale itself")]
pub enum Grade {
    S,
    A,
    B,
    C,
    D,
    F,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::S => "S",
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::F => "F",
        })
    }
}

/// The least score for each grade but `F`, which needs none. Keys as in a rubric's `grading.grade_scale`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the six letters are the scale itself")]
pub struct GradeScale {
    #[serde(rename = "S")]
    pub s: Score,
    #[serde(rename = "A")]
    pub a: Score,
    #[serde(rename = "B")]
    pub b: Score,
    #[serde(rename = "C")]
    pub c: Score,
    #[serde(rename = "D")]
    pub d: Score,
    #[serde(rename = "F", default = "score_of_f")]
    pub f: Score,
}

fn score_of_f() -> Score {
    Score::ZERO
}

impl Default for GradeScale {
    /// The scale that is used when a rubric names none: S 1.0, A 0.8, B 0.6, C 0.4, D 0.2, F 0.
    fn default() -> Self {
        Self { s: Score(1.0), a: Score(0.8), b: Score(0.6), c: Score(0.4), d: Score(0.2), f: Score(0.0) }
    }
}

impl GradeScale {
    /// The best grade whose least score is reached.
    #[must_use]
    pub fn grade(&self, score: Score) -> Grade {
        [(self.s, Grade::S), (self.a, Grade::A), (self.b, Grade::B), (self.c, Grade::C), (self.d, Grade::D)]
            .into_iter()
            .find(|(least, _)| score >= *least)
            .map_or(Grade::F, |(_, grade)| grade)
    }

    /// Whether each grade needs a higher score than the next.
    #[must_use]
    pub fn falls(&self) -> bool {
        [self.s, self.a, self.b, self.c, self.d, self.f].windows(2).all(|pair| pair[0] > pair[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grade_begins_at_its_least_score() {
        let scale = GradeScale::default();
        for (score, grade) in
            [(1.0, Grade::S), (0.999, Grade::A), (0.8, Grade::A), (0.79, Grade::B), (0.2, Grade::D), (0.0, Grade::F)]
        {
            assert_eq!(scale.grade(Score::new(score).unwrap()), grade, "{score}");
        }
    }

    #[test]
    fn a_score_is_between_0_and_1() {
        assert!(Score::new(1.000_001).is_err());
        assert!(Score::new(f64::NAN).is_err());
        assert_eq!(serde_json::to_string(&Score::new(-0.0).unwrap()).unwrap(), "0.0");
    }
}
