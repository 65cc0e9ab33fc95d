//! Runs by model and tier, and what is measured of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::table::TableRun;

/// What is measured of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// 1 when it passed, else 0.
    PassRate,
    /// The judges' mean score, 0 to 1.
    Score,
    /// The judges' median implementation rate.
    ImplRate,
    /// What its agent cost, in US dollars.
    CostUsd,
    /// Agent and judges, in seconds.
    DurationSeconds,
    /// All tokens of its agent.
    TotalTokens,
    /// Share of the expected steps that were made.
    RProg,
    /// Share of changes that broke something.
    Cfp,
    /// Share of changes that were taken back.
    PrRevertRate,
}

impl Metric {
    /// Those whose tiers are compared.
    pub(super) const COMPARED: [Self; 6] =
        [Self::PassRate, Self::ImplRate, Self::DurationSeconds, Self::RProg, Self::Cfp, Self::PrRevertRate];
    /// Those whose shape is tested.
    pub(super) const SHAPED: [Self; 7] =
        [Self::Score, Self::ImplRate, Self::CostUsd, Self::DurationSeconds, Self::RProg, Self::Cfp, Self::PrRevertRate];
    /// Those of which model and tier are told apart.
    pub(super) const CROSSED: [Self; 4] = [Self::Score, Self::ImplRate, Self::CostUsd, Self::DurationSeconds];
    /// Those whose distribution is described.
    pub(super) const DESCRIBED: [Self; 4] = [Self::Score, Self::CostUsd, Self::DurationSeconds, Self::TotalTokens];

    /// Its value of a run, if it is known.
    #[must_use]
    pub fn of(self, run: &TableRun) -> Option<f64> {
        let value = match self {
            Self::PassRate => run.passed.map(|passed| f64::from(u8::from(passed))),
            Self::Score => run.score,
            Self::ImplRate => run.impl_rate,
            Self::CostUsd => run.cost_usd,
            Self::DurationSeconds => run.duration_seconds,
            Self::TotalTokens => run.total_tokens,
            Self::RProg => run.r_prog,
            Self::Cfp => run.cfp,
            Self::PrRevertRate => run.pr_revert_rate,
        };
        value.filter(|value| value.is_finite())
    }

    /// Its known values of some runs.
    pub(super) fn of_all(self, runs: &[&TableRun]) -> Vec<f64> {
        runs.iter().filter_map(|run| self.of(run)).collect()
    }
}

/// The runs of a model's tier.
pub(super) struct Tier<'a> {
    pub(super) name: &'a str,
    pub(super) runs: Vec<&'a TableRun>,
}

/// The runs of a model, by tier in their order.
pub(super) struct Model<'a> {
    pub(super) name: &'a str,
    pub(super) tiers: Vec<Tier<'a>>,
}

impl Model<'_> {
    /// All its runs.
    pub(super) fn runs(&self) -> Vec<&TableRun> {
        self.tiers.iter().flat_map(|tier| tier.runs.iter().copied()).collect()
    }

    /// Each tier and the one behind it.
    pub(super) fn transitions(&self) -> impl Iterator<Item = (&Tier<'_>, &Tier<'_>)> {
        self.tiers.windows(2).map(|pair| (&pair[0], &pair[1]))
    }
}

/// All runs, by model and tier.
pub(super) struct Groups<'a> {
    pub(super) models: Vec<Model<'a>>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(runs: &'a [TableRun]) -> Self {
        let mut models: BTreeMap<&str, BTreeMap<TierOrder, Vec<&TableRun>>> = BTreeMap::new();
        for row in runs {
            let tiers = models.entry(&row.run.agent_model).or_default();
            tiers.entry(tier_order(&row.run.tier)).or_default().push(row);
        }
        let tier = |((_, name), runs)| Tier { name, runs };
        let model = |(name, tiers): (&'a str, BTreeMap<TierOrder<'a>, Vec<&'a TableRun>>)| Model {
            name,
            tiers: tiers.into_iter().map(tier).collect(),
        };
        Self { models: models.into_iter().map(model).collect() }
    }
}

/// What tiers are ordered by.
pub(super) type TierOrder<'a> = (u64, &'a str);

/// The first number in a tier's name, and then the name; those without a number come last.
pub(super) fn tier_order(tier: &str) -> TierOrder<'_> {
    let digits = tier.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let digits = &digits[..digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len())];
    (digits.parse().unwrap_or(u64::MAX), tier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_ordered_by_their_number_and_not_as_text() {
        let mut tiers = ["T10", "T2", "base", "T0-b", "T0"];
        tiers.sort_by_key(|tier| tier_order(tier));
        assert_eq!(tiers, ["T0", "T0-b", "T2", "T10", "base"]);
    }
}
