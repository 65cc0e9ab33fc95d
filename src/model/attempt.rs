//! The records of what was set aside: former attempts of runs and of judges.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{AttemptNumber, JudgeNumber};
use super::outcome::{AttemptEnd, Stage};
use super::usage::{self, Cost, Prices, Tokens, Total};

/// `attempt.json` of a former attempt below `.failed/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptRecord {
    /// The number of the attempt.
    pub attempt: AttemptNumber,
    /// The stage that did not end.
    pub stage: Stage,
    /// Why it ended.
    #[serde(flatten)]
    pub end: AttemptEnd,
    /// What it cost, as far as it is known.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub cost: Total,
    /// When it was set aside.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// `attempt.json` of a judge's former attempt below `judge/.failed/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JudgeAttempt {
    /// The judge, from 1.
    pub judge_number: JudgeNumber,
    /// Which attempt of this judge it was, from 1.
    pub attempt: u32,
    /// Tokens of its model in all of its answers, as far as they are reported.
    #[serde(rename = "token_stats", default, skip_serializing_if = "Tokens::is_unknown")]
    pub tokens: Tokens,
    /// What it cost all the same.
    #[serde(flatten, with = "usage::cost")]
    #[schemars(with = "usage::cost::Keys")]
    pub cost: Cost,
    /// What its cost was computed with, when it is estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// The version of the format.
    pub version: String,
}
