//! Gold examples, which are patches with the scores that they deserve, and how far judges are from them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::ids::ExperimentId;
use super::score::Score;
use super::usage::{self, Total};

/// The default limit of drift: a tenth of the scale.
pub const MOST_DRIFT: f64 = 0.1;

/// A gold example of a fixture: a patch, and the scores that it deserves.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldExample {
    /// Its name: that of its file, without the ending.
    pub name: String,
    /// Path of its file below the fixture.
    pub file: String,
    /// What it shows, for people.
    pub note: Option<String>,
    /// What it changes, as text; empty when the tree is left as it is.
    pub patch: String,
    /// Path of the patch below the fixture, where it is a file of its own.
    pub patch_file: Option<String>,
    /// The score of each item that it says one of; `None` where the item does not apply.
    pub items: BTreeMap<String, Option<Score>>,
    /// The score in all, from its items or as it is said.
    pub score: Score,
}

/// What a check of judges against gold examples has found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JudgeCheck {
    /// The fixture.
    pub fixture: ExperimentId,
    /// When the last judge had answered.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How often each judge was asked about each example.
    pub repeat: u32,
    /// The largest drift that is allowed.
    pub max_drift: f64,
    /// The examples, in the order of their names.
    pub gold: Vec<Deserved>,
    /// The judges, in the panel's order.
    pub judges: Vec<CheckedJudge>,
}

/// What a gold example deserves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deserved {
    /// Its name.
    pub name: String,
    /// What it shows, for people.
    pub note: Option<String>,
    /// The score in all.
    pub score: Score,
    /// Whether that reaches the rubric's threshold.
    pub passed: bool,
    /// The score of each item that it says one of; `null` where the item does not apply.
    pub items: BTreeMap<String, Option<Score>>,
    /// The digest of each file that it consists of, by its path below the fixture.
    pub files: BTreeMap<String, Digest>,
}

/// How far a judge is from the gold examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedJudge {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The mean distance from what examples deserve; `null` when it has answered about none.
    pub mean_drift: Option<f64>,
    /// The largest distance from what an example deserves; `null` when it has answered about none.
    pub largest_drift: Option<f64>,
    /// Whether it has answered about every example as often as it was asked, and no distance is beyond the limit.
    pub within_limit: bool,
    /// What its answers cost, valid or not.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub cost: Total,
    /// What it gave each example, in the order of their names.
    pub examples: Vec<CheckedExample>,
}

/// What a judge gave one example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedExample {
    /// The example.
    pub name: String,
    /// How many valid answers it gave.
    pub answers: u32,
    /// The mean score in all; `null` without an answer.
    pub score: Option<f64>,
    /// That score less the deserved one: above 0 where the judge is too mild.
    pub difference: Option<f64>,
    /// How many of the answers pass the work.
    pub passes: u32,
    /// The same difference of each item that the example says a score of and that the judge found to apply.
    pub items: BTreeMap<String, f64>,
    /// Items about which the judge and the example disagree whether they apply.
    pub applies_otherwise: Vec<String>,
    /// Why it gave no answer, each reason once.
    pub failures: Vec<String>,
}

/// How far judges were from gold examples when they were checked last.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DriftReport {
    /// When the last judge had answered.
    pub at: String,
    /// The largest drift that was allowed.
    pub max_drift: f64,
    /// How many gold examples there were.
    pub examples: usize,
    /// The judges, in the order of the panel.
    pub judges: Vec<JudgeDrift>,
}

/// How far a judge was from gold examples.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JudgeDrift {
    /// Its name.
    pub name: String,
    /// About how many examples it gave an answer.
    pub answered: usize,
    /// Its mean difference from what these deserve: above 0 where it is too mild; `null` without an answer.
    pub mean_difference: Option<f64>,
    /// Its largest distance from what one deserves, whichever way; `null` without an answer.
    pub largest_drift: Option<f64>,
    /// Whether it gave every answer, and no distance is beyond the limit.
    pub within_limit: bool,
}

impl JudgeCheck {
    /// Whether every judge has answered, and none drifts beyond the limit.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.judges.iter().all(|judge| judge.within_limit)
    }

    /// The largest drift of a judge, if every judge has answered about every example: the limit under which all of them are right.
    #[must_use]
    pub fn largest_drift_of_all(&self) -> Option<f64> {
        let has_answered = |judge: &CheckedJudge| judge.examples.iter().all(|example| example.failures.is_empty());
        let largest = self.judges.iter().filter_map(|judge| judge.largest_drift).reduce(f64::max);
        largest.filter(|_| self.judges.iter().all(has_answered))
    }
}
