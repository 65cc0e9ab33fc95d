//! What a pass costs, and the frontier of setups that none beats. A cost that is not known stays unknown.
//!
//! Source: Erol et al., "Cost-of-Pass: an economic framework for evaluating language models" (2025).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::descriptive::number;
use crate::model::usage::Total;

/// What one pass costs in US dollars: the mean cost of a run divided by the pass rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "usd")]
pub enum CostOfPass {
    /// Every run's cost is known.
    Known(f64),
    /// The cost of some runs is not known: it is at least this.
    AtLeast(f64),
    /// Nothing is known of any cost.
    Unknown,
    /// No run passed: at no price.
    NoPass,
}

impl CostOfPass {
    /// The amount, where all of it is known.
    #[must_use]
    pub fn known(self) -> Option<f64> {
        if let Self::Known(usd) = self { Some(usd) } else { None }
    }
}

/// What a pass costs when so many runs passed and all runs together cost `total`. `None` without runs.
#[must_use]
pub fn cost_of_pass(total: Total, passed: usize, runs: usize) -> Option<CostOfPass> {
    if runs == 0 || passed > runs {
        return None;
    }
    Some(match (passed, total.at_least()) {
        (0, _) => CostOfPass::NoPass,
        (_, None) => CostOfPass::Unknown,
        (_, Some(usd)) if total.is_whole() => CostOfPass::Known(usd.dollars() / number(passed)),
        (_, Some(usd)) => CostOfPass::AtLeast(usd.dollars() / number(passed)),
    })
}

/// Of which setup a pass costs least, and how much: the frontier cost of pass. Setups of which it is not wholly known are
/// left out; the first of equal ones counts. `None` when none is known.
pub fn frontier_cost_of_pass<K>(setups: impl IntoIterator<Item = (K, CostOfPass)>) -> Option<(K, f64)> {
    let known = setups.into_iter().filter_map(|(key, cost)| Some((key, cost.known()?)));
    known.reduce(|least, other| if other.1 < least.1 { other } else { least })
}

/// Which of some setups lie on the frontier: no other one costs no more and is no worse, and better in one of both. Each
/// setup is its mean cost and its pass rate (or score); one of which the cost is not known lies nowhere.
#[must_use]
pub fn frontier(setups: &[(Option<f64>, f64)]) -> Vec<bool> {
    let beats = |(cost, quality): (f64, f64), (other_cost, other_quality): (f64, f64)| {
        cost <= other_cost && quality >= other_quality && (cost < other_cost || quality > other_quality)
    };
    let known = |setup: &(Option<f64>, f64)| setup.0.map(|cost| (cost, setup.1));
    let is_on = |setup: &(Option<f64>, f64)| {
        known(setup).is_some_and(|setup| !setups.iter().filter_map(known).any(|other| beats(other, setup)))
    };
    setups.iter().map(is_on).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Usd;

    fn dollars(known: f64, unknown: u32) -> Total {
        Total { known: Usd::from_dollars(known).unwrap(), unknown, ..Total::ZERO }
    }

    #[test]
    fn a_pass_costs_what_all_runs_cost_divided_by_those_that_passed() {
        assert_eq!(cost_of_pass(dollars(3.0, 0), 2, 4), Some(CostOfPass::Known(1.5)));
        assert_eq!(cost_of_pass(dollars(3.0, 1), 2, 4), Some(CostOfPass::AtLeast(1.5)));
        assert_eq!(cost_of_pass(dollars(0.0, 4), 2, 4), Some(CostOfPass::Unknown));
        assert_eq!(cost_of_pass(dollars(3.0, 0), 0, 4), Some(CostOfPass::NoPass));
        assert_eq!(cost_of_pass(dollars(0.0, 0), 0, 0), None);
    }

    #[test]
    fn what_is_not_wholly_known_is_never_the_cheapest() {
        let setups = [("a", CostOfPass::AtLeast(0.1)), ("b", CostOfPass::Known(2.0)), ("c", CostOfPass::Known(1.0))];
        assert_eq!(frontier_cost_of_pass(setups), Some(("c", 1.0)));
        assert_eq!(frontier_cost_of_pass([("a", CostOfPass::NoPass), ("b", CostOfPass::Unknown)]), None);
    }

    #[test]
    fn a_setup_that_another_one_beats_is_not_on_the_frontier() {
        let setups = [(Some(1.0), 0.5), (Some(2.0), 0.5), (Some(2.0), 0.9), (None, 1.0), (Some(1.0), 0.5)];
        assert_eq!(frontier(&setups), [true, false, true, false, true]);
    }
}
