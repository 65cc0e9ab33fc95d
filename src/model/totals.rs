//! The numbers of tiers and setups, derived from results.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::control::Control;
use super::ids::{SubtestId, TierId};
use super::money::Usd;
use super::usage::{self, Total};

/// One tier's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TierTotals {
    /// The tier.
    pub tier: TierId,
    /// Its numbers.
    #[serde(flatten)]
    pub totals: Totals,
}

/// One setup's numbers: those of a subtest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetupTotals {
    /// The tier.
    pub tier: TierId,
    /// The subtest.
    pub subtest: SubtestId,
    /// Its name in the fixture; `None` when no fixture can be read.
    pub name: Option<String>,
    /// What is expected of it when it is a control, which measures no agent; `None` for an agent's setup.
    #[serde(default)]
    pub control: Option<Control>,
    /// Its numbers.
    #[serde(flatten)]
    pub totals: Totals,
}

/// The numbers of a group of runs, derived from the results.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Planned runs.
    pub planned: usize,
    /// Committed runs of the plan.
    pub done: usize,
    /// Those that passed.
    pub passed: usize,
    /// Share of committed runs that passed; `None` without runs.
    pub pass_rate: Option<f64>,
    /// Mean score of committed runs; `None` without runs.
    pub mean_score: Option<f64>,
    /// Cost of committed runs.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub cost: Total,
    /// Mean cost of committed runs, a lower bound when `cost_unknown` is not 0; `None` without runs, and when nothing
    /// is known.
    #[serde(default)]
    pub mean_cost_usd: Option<Usd>,
    /// Seconds of committed runs, added up.
    pub seconds: f64,
    /// Mean seconds of committed runs; `None` without runs.
    #[serde(default)]
    pub mean_seconds: Option<f64>,
}
