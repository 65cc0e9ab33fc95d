//! What committed runs cost, and what one more is expected to cost.

use std::collections::BTreeMap;

use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::money::Usd;

/// The costs of committed runs, agents and judges together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Costs {
    of_subtests: BTreeMap<(TierId, SubtestId), Mean>,
    of_all: Mean,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Mean {
    sum: Usd,
    runs: usize,
}

impl Mean {
    fn add(&mut self, cost: Usd) {
        self.sum += cost;
        self.runs += 1;
    }

    fn get(self) -> Option<Usd> {
        (self.runs > 0).then(|| self.sum.mean_of(self.runs))
    }
}

impl Costs {
    /// Takes a committed run in.
    pub fn add(&mut self, run: RunId, cost: Usd) {
        self.of_subtests.entry((run.tier, run.subtest)).or_default().add(cost);
        self.of_all.add(cost);
    }

    /// What a run is expected to cost: the mean of its own subtest, whose setup may be far dearer than another's; of
    /// all, while its subtest has no committed run; nothing, while there is none at all.
    #[must_use]
    pub fn expected(&self, run: RunId) -> Usd {
        let own = self.of_subtests.get(&(run.tier, run.subtest)).copied().and_then(Mean::get);
        own.or_else(|| self.of_all.get()).unwrap_or_default()
    }
}

impl FromIterator<(RunId, Usd)> for Costs {
    fn from_iter<I: IntoIterator<Item = (RunId, Usd)>>(runs: I) -> Self {
        runs.into_iter().fold(Self::default(), |mut costs, (run, cost)| {
            costs.add(run, cost);
            costs
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_expected_to_cost_what_its_own_setup_did() {
        let dollars = |amount| Usd::from_dollars(amount).unwrap();
        let run = |id: &str| id.parse().unwrap();
        let costs: Costs =
            [(run("T0/00/1"), Usd::ZERO), (run("T6/00/1"), dollars(3.0)), (run("T6/00/2"), dollars(1.0))]
                .into_iter()
                .collect();
        assert_eq!(costs.expected(run("T0/00/2")), Usd::ZERO);
        assert_eq!(costs.expected(run("T6/00/3")), dollars(2.0));
        assert_eq!(costs.expected(run("T1/00/1")), dollars(4.0).mean_of(3));
        assert_eq!(Costs::default().expected(run("T1/00/1")), Usd::ZERO);
    }
}
