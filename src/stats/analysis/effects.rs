//! How much tiers differ, and how likely such a difference is seen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::groups::{Groups, Metric, Model, Tier};
use crate::stats::bootstrap;
use crate::stats::cliffs_delta::{Magnitude, cliffs_delta};
use crate::stats::power;

/// Fewest runs of a tier whose power is asked for.
const FEWEST: usize = 5;
/// Cliff's delta of a medium effect.
const MEDIUM: f64 = 0.3;
/// Epsilon squared of what is published as a medium effect over all tiers. With the shifts that belong to it, which are
/// wider than its name, power is next to 1 for a few hundred runs.
const MEDIUM_OF_ALL: f64 = 0.06;

/// Cliff's delta between a tier and the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffectSize {
    /// The model.
    pub model: String,
    /// What was measured.
    pub metric: Metric,
    /// The former tier.
    pub tier1: String,
    /// The later tier.
    pub tier2: String,
    /// Cliff's delta, above 0 where the later tier is higher.
    pub cliffs_delta: f64,
    /// How large that is.
    pub magnitude: Magnitude,
    /// The lower end of its interval; `null` of numbers that are all the same.
    pub ci_low: Option<f64>,
    /// The upper end.
    pub ci_high: Option<f64>,
    /// Whether the interval excludes 0; without an interval nothing is significant.
    pub is_significant: bool,
}

/// The power of the tests of pass rates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Power {
    /// The model.
    pub model: String,
    /// `pass_rate` of two tiers, `pass_rate_omnibus` of all of them.
    pub metric: String,
    /// The former, or the first tier.
    pub tier1: String,
    /// The later, or the last tier.
    pub tier2: String,
    /// Runs of the former, or of all.
    pub n1: usize,
    /// Runs of the later; `null` of all.
    pub n2: Option<usize>,
    /// Cliff's delta of the pass rates.
    pub observed_delta: Option<f64>,
    /// How likely the test sees such a delta.
    pub power_at_observed: Option<f64>,
    /// How likely it sees a delta of 0.3 (of all tiers: an epsilon squared of 0.06).
    pub power_at_medium_0_3: Option<f64>,
}

pub(super) fn effect_sizes(groups: &Groups, settings: &bootstrap::Settings) -> Vec<EffectSize> {
    let mut found = Vec::new();
    for model in &groups.models {
        for (former, later) in model.transitions() {
            let samples = Metric::COMPARED.map(|metric| (metric.of_all(&later.runs), metric.of_all(&former.runs)));
            let deltas = bootstrap::cliffs_deltas(&samples, settings);
            let known = Metric::COMPARED.into_iter().zip(deltas).filter_map(|(metric, delta)| Some((metric, delta?)));
            found.extend(known.map(|(metric, delta)| EffectSize {
                model: model.name.to_owned(),
                metric,
                tier1: former.name.to_owned(),
                tier2: later.name.to_owned(),
                cliffs_delta: delta.value,
                magnitude: Magnitude::of(delta.value),
                ci_low: delta.interval.map(|interval| interval.low),
                ci_high: delta.interval.map(|interval| interval.high),
                is_significant: delta.interval.is_some_and(|interval| interval.excludes(0.0)),
            }));
        }
    }
    found
}

pub(super) fn power(groups: &Groups, settings: &power::Settings) -> Vec<Power> {
    let mut found = Vec::new();
    for model in &groups.models {
        for (former, later) in model.transitions() {
            found.extend(of_transition(model, former, later, settings));
        }
        found.extend(of_all(model, settings));
    }
    found
}

fn of_transition(model: &Model, former: &Tier, later: &Tier, settings: &power::Settings) -> Option<Power> {
    let (first, second) = (Metric::PassRate.of_all(&former.runs), Metric::PassRate.of_all(&later.runs));
    if first.len() < FEWEST || second.len() < FEWEST {
        return None;
    }
    let delta = cliffs_delta(&second, &first)?;
    let found = power::mann_whitney(first.len(), second.len(), &[delta, MEDIUM], settings)?;
    Some(Power {
        model: model.name.to_owned(),
        metric: "pass_rate".to_owned(),
        tier1: former.name.to_owned(),
        tier2: later.name.to_owned(),
        n1: first.len(),
        n2: Some(second.len()),
        observed_delta: Some(delta),
        power_at_observed: found.first().copied(),
        power_at_medium_0_3: found.get(1).copied(),
    })
}

fn of_all(model: &Model, settings: &power::Settings) -> Option<Power> {
    let sizes: Vec<usize> = model.tiers.iter().map(|tier| Metric::PassRate.of_all(&tier.runs).len()).collect();
    let (first, last) = model.tiers.first().zip(model.tiers.last()).filter(|_| sizes.len() > 1)?;
    Some(Power {
        model: model.name.to_owned(),
        metric: "pass_rate_omnibus".to_owned(),
        tier1: first.name.to_owned(),
        tier2: last.name.to_owned(),
        n1: sizes.iter().sum(),
        n2: None,
        observed_delta: None,
        power_at_observed: None,
        power_at_medium_0_3: power::kruskal_wallis(&sizes, MEDIUM_OF_ALL, settings),
    })
}
