//! The judges of a result: how many it lists, how many have a vote, and what these come to.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::{ESTIMATED, Text};

/// The judges of a result, counted while they are read.
#[derive(Debug, Default)]
pub(super) struct Judges {
    /// Number of judges that the result lists, including those without a vote.
    pub(super) listed: u32,
    pub(super) count: u32,
    pub(super) passed: u32,
    pub(super) scores: f64,
    /// Whether the cost of one is estimated.
    pub(super) estimated: bool,
    /// Whether a judge has no verdict: then nothing follows from the list.
    pub(super) incomplete: bool,
}

impl Judges {
    /// Adds a judge that has a vote.
    pub(super) fn add(&mut self, passed: Option<bool>, score: Option<f64>, is_estimated: bool) {
        self.listed += 1;
        self.count += 1;
        self.passed += u32::from(passed == Some(true));
        self.scores += score.unwrap_or_default();
        self.estimated |= is_estimated;
        self.incomplete |= passed.is_none() || score.is_none();
    }
}

impl<'de> Deserialize<'de> for Judges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;

        impl<'de> Visitor<'de> for Count {
            type Value = Judges;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of judges")
            }

            fn visit_unit<E>(self) -> Result<Judges, E> {
                Ok(Judges::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Judges, A::Error> {
                #[derive(Deserialize)]
                struct Judge<'a> {
                    #[serde(borrow, default)]
                    cost_source: Option<Text<'a>>,
                    #[serde(default)]
                    passed: Option<bool>,
                    #[serde(default)]
                    score: Option<f64>,
                    #[serde(default)]
                    is_valid: Option<bool>,
                    #[serde(default)]
                    fallback: Option<bool>,
                }
                let mut judges = Judges::default();
                while let Some(Judge { cost_source, passed, score, is_valid, fallback }) = list.next_element()? {
                    // Other tools also list judges that failed and invented ones; they have no vote.
                    if is_valid == Some(false) || fallback == Some(true) {
                        judges.listed += 1;
                    } else {
                        let is_estimated = cost_source.is_some_and(|source| *source == *ESTIMATED);
                        judges.add(passed, score, is_estimated);
                    }
                }
                Ok(judges)
            }
        }

        deserializer.deserialize_any(Count)
    }
}
