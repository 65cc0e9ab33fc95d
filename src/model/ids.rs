//! Names of tiers, subtests, runs, attempts, judges and experiments: each has exactly one spelling.
//!
//! Parsing is strict, so that a name read from a folder never has two meanings and an id never leads out of the
//! experiment's folder.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}")]
pub struct IdError {
    text: String,
    what: &'static str,
}

/// Numbers in ids have at most this many digits, so that they fit their types and a folder name stays readable.
const MOST_DIGITS: usize = 6;

/// Reads a decimal number that is written in its one canonical spelling: zero-padded to `width`, no further zeros.
fn canonical_number(text: &str, width: usize) -> Option<u32> {
    let digits =
        text.len() >= width.max(1) && text.len() <= MOST_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let padded_too_far = text.len() > width.max(1) && text.starts_with('0');
    if !digits || padded_too_far { None } else { text.parse().ok() }
}

/// Implements text serialization for an id through `Display` and `FromStr`.
macro_rules! id_as_text {
    ($id:ty, $example:literal) => {
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::model::written::parsed(deserializer)
            }
        }
        impl JsonSchema for $id {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($id).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "examples": [$example] })
            }
        }
    };
}

/// A tier, written `T` and its number: `T0`, `T6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TierId(pub u32);

impl fmt::Display for TierId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{}", self.0)
    }
}

impl FromStr for TierId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.strip_prefix('T')
            .and_then(|number| canonical_number(number, 1))
            .map(TierId)
            .ok_or_else(|| IdError { text: text.to_owned(), what: "a tier (`T` and a number, such as `T0`)" })
    }
}

id_as_text!(TierId, "T0");

/// A subtest of a tier, written with two digits or more: `00`, `17`, `100`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubtestId(pub u32);

impl fmt::Display for SubtestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

impl FromStr for SubtestId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        canonical_number(text, 2)
            .map(SubtestId)
            .ok_or_else(|| IdError { text: text.to_owned(), what: "a subtest (two digits or more, such as `00`)" })
    }
}

id_as_text!(SubtestId, "00");

/// A setup that is measured: a subtest of a tier.
pub type SetupId = (TierId, SubtestId);

/// The number of a run within its subtest, from 1. In JSON keys `1`, as a folder `run_01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunNumber(u32);

impl RunNumber {
    /// The first run of a subtest.
    pub const FIRST: Self = Self(1);

    /// The run with this number, or `None` for 0.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number, at least 1.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// The name of the run's folder: `run_01`.
    #[must_use]
    pub fn folder(self) -> String {
        let mut name = String::new();
        self.push_folder(&mut name);
        name
    }

    /// Appends that name to a text, without a formatter: it is needed for each file of a large experiment.
    pub fn push_folder(self, text: &mut String) {
        text.push_str("run_");
        if self.0 < 10 {
            text.push('0');
        }
        let mut digits = [0; 10];
        let (mut first, mut rest) = (digits.len(), self.0);
        while rest > 0 {
            first -= 1;
            digits[first] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        text.extend(digits[first..].iter().copied().map(char::from));
    }

    /// Reads the name of a run's folder; only one spelling is accepted.
    #[must_use]
    pub fn from_folder(name: &str) -> Option<Self> {
        name.strip_prefix("run_").and_then(|number| canonical_number(number, 2)).and_then(Self::new)
    }
}

impl fmt::Display for RunNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for RunNumber {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        canonical_number(text, 1)
            .and_then(Self::new)
            .ok_or_else(|| IdError { text: text.to_owned(), what: "the number of a run (from 1)" })
    }
}

id_as_text!(RunNumber, "1");

/// One run of an experiment: `T0/00/run_01`. `T0/00/1` is accepted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    /// The tier that the run belongs to.
    pub tier: TierId,
    /// The subtest that the run repeats.
    pub subtest: SubtestId,
    /// The number of the repetition.
    pub run: RunNumber,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/run_{:02}", self.tier, self.subtest, self.run.0)
    }
}

impl FromStr for RunId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parse = || {
            let mut parts = text.split('/');
            let tier = parts.next()?.parse().ok()?;
            let subtest = parts.next()?.parse().ok()?;
            let last = parts.next()?;
            let run = RunNumber::from_folder(last).or_else(|| last.parse().ok())?;
            parts.next().is_none().then_some(RunId { tier, subtest, run })
        };
        parse().ok_or_else(|| IdError {
            text: text.to_owned(),
            what: "a run (tier, subtest and run, such as `T0/00/1` or `T0/00/run_01`)",
        })
    }
}

id_as_text!(RunId, "T0/00/run_01");

/// One try of a run, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AttemptNumber(pub u32);

impl AttemptNumber {
    /// The name below `.failed/` of an attempt of a run: `run_01_attempt_02`.
    #[must_use]
    pub fn folder(self, run: RunNumber) -> String {
        format!("{}_attempt_{:02}", run.folder(), self.0)
    }

    /// Reads a name below `.failed/`.
    #[must_use]
    pub fn from_folder(name: &str) -> Option<(RunNumber, Self)> {
        let (run, attempt) = name.split_once("_attempt_")?;
        let attempt = canonical_number(attempt, 2).filter(|number| *number > 0)?;
        Some((RunNumber::from_folder(run)?, Self(attempt)))
    }
}

/// A judge of the panel, from 1; its folder is `judge_01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct JudgeNumber(pub u32);

impl fmt::Display for JudgeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "judge_{:02}", self.0)
    }
}

/// The name of an experiment: a letter or digit, then up to 63 of letters, digits, `.`, `_`, `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExperimentId(String);

impl ExperimentId {
    /// Longest name: it becomes part of a folder's name.
    pub const MOST_BYTES: usize = 64;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExperimentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ExperimentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let whole = text.len() <= Self::MOST_BYTES
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if whole {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError {
                text: text.to_owned(),
                what: "the id of an experiment (at most 64 letters, digits, `.`, `_`, `-`, the first a letter or digit)",
            })
        }
    }
}

id_as_text!(ExperimentId, "fix-the-crate");

/// The name of a model that agents or judges use, whose provider can limit the rate of requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ModelName(Arc<str>);

impl ModelName {
    /// A model of this name, which may be any text.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ModelName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Run numbers are integers in `run_result.json` and text as keys of the checkpoint.
pub mod run_number_as_integer {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::RunNumber;

    /// Writes the number.
    ///
    /// # Errors
    /// The serializer's error.
    pub fn serialize<S: Serializer>(run: &RunNumber, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(run.get())
    }

    /// Reads the number.
    ///
    /// # Errors
    /// When it is none, or is 0.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RunNumber, D::Error> {
        RunNumber::new(u32::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("run numbers begin at 1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_run_is_called_by_at_least_two_digits() {
        for (number, name) in [(1, "run_01"), (9, "run_09"), (10, "run_10"), (4_294_967_295, "run_4294967295")] {
            assert_eq!(RunNumber::new(number).unwrap().folder(), name);
        }
    }

    #[test]
    fn each_id_has_one_spelling() {
        for wrong in ["T", "T00", "t0", "T-1", "T0x", "T1234567", ""] {
            assert!(wrong.parse::<TierId>().is_err(), "{wrong}");
        }
        for wrong in ["0", "000", "0100", "1a", "..", "٠١"] {
            assert!(wrong.parse::<SubtestId>().is_err(), "{wrong}");
        }
        for wrong in ["run_1", "run_001", "run_00", "run-01", "Run_01", "run_01 "] {
            assert!(RunNumber::from_folder(wrong).is_none(), "{wrong}");
        }
        assert_eq!("100".parse(), Ok(SubtestId(100)));
        assert_eq!(RunNumber::from_folder("run_100").map(RunNumber::get), Some(100));
    }

    #[test]
    fn a_run_reads_back_from_both_of_its_texts() {
        let run: RunId = "T0/00/1".parse().unwrap();
        assert_eq!(run.to_string(), "T0/00/run_01");
        assert_eq!(run.to_string().parse(), Ok(run));
        assert!("T0/00/1/x".parse::<RunId>().is_err());
        assert!("../../1".parse::<RunId>().is_err());
    }

    #[test]
    fn an_experiment_id_cannot_walk_out_of_its_folder() {
        for wrong in ["", ".", "..", "a/b", "-x", "a b", "é"] {
            assert!(wrong.parse::<ExperimentId>().is_err(), "{wrong}");
        }
        assert!("test-001.v2_b".parse::<ExperimentId>().is_ok());
    }

    #[test]
    fn an_attempt_reads_back_from_its_folder() {
        let run = RunNumber::new(1).unwrap();
        assert_eq!(AttemptNumber::from_folder(&AttemptNumber(2).folder(run)), Some((run, AttemptNumber(2))));
        assert_eq!(AttemptNumber::from_folder("run_01_attempt_0"), None);
    }
}
