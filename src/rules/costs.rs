//! What committed runs cost, what one more is expected to cost, and what was spent in total, as far as it is known.

use std::collections::BTreeMap;

use crate::model::ids::{RunId, SetupId, TierId};
use crate::model::money::Usd;
use crate::model::usage::Total;

/// The costs of committed runs, agents and judges together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Costs {
    of_subtests: BTreeMap<SetupId, Mean>,
    /// The highest cost of a run, for each tier.
    highest: BTreeMap<TierId, Usd>,
    of_all: Mean,
}

/// The mean over runs whose cost is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Mean {
    sum: Usd,
    runs: usize,
}

impl Mean {
    fn add(&mut self, cost: Total) {
        if cost.is_whole() {
            self.sum += cost.known;
            self.runs += 1;
        }
    }

    fn get(self) -> Option<Usd> {
        (self.runs > 0).then(|| self.sum.mean_of(self.runs))
    }
}

impl Costs {
    /// Adds a committed run.
    pub fn add(&mut self, run: RunId, cost: Total) {
        self.of_subtests.entry((run.tier, run.subtest)).or_default().add(cost);
        self.of_all.add(cost);
        let highest = self.highest.entry(run.tier).or_default();
        *highest = cost.known.max(*highest);
    }

    /// The expected cost of a run: the mean of its own subtest, because another setup may cost far more or less. If no
    /// committed run of the subtest has a known cost, the highest cost in its tier; without one, the mean of all runs;
    /// and zero while nothing is known.
    #[must_use]
    pub fn expected(&self, run: RunId) -> Usd {
        let own = self.of_subtests.get(&(run.tier, run.subtest)).copied();
        let silent = own.map(|_| self.highest(run.tier)).filter(|highest| *highest > Usd::ZERO);
        own.and_then(Mean::get).or(silent).or_else(|| self.of_all.get()).unwrap_or_default()
    }

    /// The highest cost of a committed run of a tier, as far as costs are known.
    fn highest(&self, tier: TierId) -> Usd {
        self.highest.get(&tier).copied().unwrap_or_default()
    }
}

impl FromIterator<(RunId, Total)> for Costs {
    fn from_iter<I: IntoIterator<Item = (RunId, Total)>>(runs: I) -> Self {
        runs.into_iter().fold(Self::default(), |mut costs, (run, cost)| {
            costs.add(run, cost);
            costs
        })
    }
}

/// What was spent on an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spent {
    total: Total,
    /// The attempts of each tier whose cost is not fully known.
    partial: BTreeMap<TierId, Partial>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Partial {
    attempts: u32,
    /// The known part of their cost.
    known: Usd,
}

impl Spent {
    /// Adds what was spent on an attempt of a tier.
    pub fn add(&mut self, tier: TierId, spent: Total) {
        self.total += spent;
        if !spent.is_whole() {
            let of_tier = self.partial.entry(tier).or_default();
            of_tier.attempts = of_tier.attempts.saturating_add(1);
            of_tier.known += spent.known;
        }
    }

    /// Adds what was spent on a number of former attempts of a tier, each with or without a known cost.
    pub fn add_former(&mut self, tier: TierId, spent: Total, attempts: u32) {
        self.total += spent;
        if !spent.is_whole() {
            let of_tier = self.partial.entry(tier).or_default();
            of_tier.attempts = of_tier.attempts.saturating_add(spent.unknown.min(attempts));
        }
    }

    /// Adds what was spent on something that no longer belongs to a tier.
    pub fn add_elsewhere(&mut self, spent: Total) {
        self.total += spent;
    }

    /// The sum.
    #[must_use]
    pub fn total(&self) -> Total {
        self.total
    }

    /// What the budget counts in addition to known costs: an attempt whose cost is not fully known counts as much as
    /// the most expensive committed run of its tier.
    #[must_use]
    pub fn assumed(&self, costs: &Costs) -> Usd {
        let of_tier = |(tier, partial): (&TierId, &Partial)| {
            costs.highest(*tier).times(partial.attempts as usize).saturating_sub(partial.known)
        };
        self.partial.iter().map(of_tier).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(amount: f64) -> Usd {
        Usd::from_dollars(amount).unwrap()
    }

    fn run(id: &str) -> RunId {
        id.parse().unwrap()
    }

    #[test]
    fn a_run_is_expected_to_cost_what_its_own_setup_did() {
        let costs: Costs = [("T0/00/1", Usd::ZERO), ("T6/00/1", dollars(3.0)), ("T6/00/2", dollars(1.0))]
            .into_iter()
            .map(|(id, cost)| (run(id), cost.into()))
            .collect();
        assert_eq!(costs.expected(run("T0/00/2")), Usd::ZERO);
        assert_eq!(costs.expected(run("T6/00/3")), dollars(2.0));
        assert_eq!(costs.expected(run("T1/00/1")), dollars(4.0).mean_of(3));
        assert_eq!(Costs::default().expected(run("T1/00/1")), Usd::ZERO);
    }

    #[test]
    fn a_run_of_a_setup_that_never_says_its_cost_is_expected_to_cost_the_most_of_its_tier() {
        let known = [("T0/00/1", 3.0), ("T0/00/2", 1.0), ("T1/00/1", 8.0)];
        let mut costs: Costs = known.into_iter().map(|(id, cost)| (run(id), dollars(cost).into())).collect();
        costs.add(run("T0/01/1"), Total::UNKNOWN);
        costs.add(run("T2/00/1"), Total::UNKNOWN);
        assert_eq!(costs.expected(run("T0/01/2")), dollars(3.0));
        assert_eq!(costs.expected(run("T2/00/2")), dollars(4.0), "where the tier knows nothing, the mean of all");
        assert_eq!(costs.expected(run("T0/00/3")), dollars(2.0), "means are of what is known");
        costs.add(run("T0/02/1"), Total { known: dollars(5.0), unknown: 1, ..Total::ZERO });
        assert_eq!(costs.expected(run("T0/02/2")), dollars(5.0));
    }

    #[test]
    fn an_attempt_that_does_not_say_its_cost_counts_as_the_dearest_run_of_its_tier() {
        let costs: Costs = [(run("T0/00/1"), dollars(3.0).into())].into_iter().collect();
        let mut spent = Spent::default();
        spent.add(TierId(0), dollars(3.0).into());
        spent.add(TierId(0), Total { known: dollars(1.0), unknown: 2, ..Total::ZERO });
        spent.add_former(TierId(0), Total { known: dollars(0.5), unknown: 4, ..Total::ZERO }, 2);
        spent.add(TierId(1), Total::UNKNOWN);
        spent.add_elsewhere(Total::UNKNOWN);
        assert_eq!(spent.total(), Total { known: dollars(4.5), unknown: 8, ..Total::ZERO });
        assert_eq!(spent.assumed(&costs), dollars(8.0), "three attempts, of which $1.00 is known");
        assert_eq!(spent.assumed(&Costs::default()), Usd::ZERO, "nothing is known that could be assumed");
    }
}
