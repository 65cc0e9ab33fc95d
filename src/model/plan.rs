//! The plan: every run that should exist, independent of what does exist.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{RunId, RunNumber, SubtestId, TierId};

/// Every run that should exist: for each subtest of each tier, runs from 1 to a number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Plan(
    #[schemars(with = "BTreeMap<String, BTreeMap<String, u32>>")] BTreeMap<TierId, BTreeMap<SubtestId, u32>>,
);

impl Plan {
    /// Plans `runs` runs of a subtest.
    pub fn add(&mut self, tier: TierId, subtest: SubtestId, runs: u32) {
        self.0.entry(tier).or_default().insert(subtest, runs);
    }

    /// Whether the run is planned.
    #[must_use]
    pub fn contains(&self, run: RunId) -> bool {
        self.0.get(&run.tier).and_then(|subtests| subtests.get(&run.subtest)).is_some_and(|runs| run.run.get() <= *runs)
    }

    /// Every planned run, by tier, subtest and number.
    pub fn runs(&self) -> impl Iterator<Item = RunId> + '_ {
        self.0.iter().flat_map(|(tier, subtests)| {
            subtests.iter().flat_map(move |(subtest, runs)| {
                (1..=*runs).filter_map(RunNumber::new).map(move |run| RunId { tier: *tier, subtest: *subtest, run })
            })
        })
    }

    /// The planned tiers with the number of their runs.
    pub fn tiers(&self) -> impl Iterator<Item = (TierId, usize)> + '_ {
        self.0.iter().map(|(tier, subtests)| (*tier, subtests.values().map(|runs| *runs as usize).sum()))
    }

    /// The planned subtests of each tier.
    #[must_use]
    pub fn subtests(&self) -> &BTreeMap<TierId, BTreeMap<SubtestId, u32>> {
        &self.0
    }

    /// How many runs are planned.
    #[must_use]
    pub fn total(&self) -> usize {
        self.tiers().map(|(_, runs)| runs).sum()
    }
}
