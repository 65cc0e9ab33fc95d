//! What the whole experiment has cost by now, counted answer by answer: the ceiling that holds while agents work.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::on_their_way::OnTheirWay;
use crate::model::allowance::{Allowance, Exceeded};
use crate::model::exchange::Exchange;
use crate::model::ids::RunId;
use crate::model::money::Usd;
use crate::model::usage::{Cost, CostSource, Usage};

/// The money of a session's experiment.
#[derive(Debug, Default)]
pub(super) struct Till(Mutex<Money>);

#[derive(Debug, Default)]
struct Money {
    ceiling: Option<Usd>,
    /// What attempts and judges cost whose cost is counted.
    counted: Usd,
    /// What the answers to agents at work cost, run by run, until their attempt is counted.
    open: BTreeMap<RunId, Usd>,
    /// Requests of all runs whose answers are not counted yet.
    on_their_way: OnTheirWay,
}

impl Money {
    fn used(&self) -> Usd {
        self.open.values().fold(self.counted, |sum, usd| sum + *usd)
    }
}

impl Till {
    fn money(&self) -> MutexGuard<'_, Money> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with what former sessions spent.
    pub(super) fn begin(&self, spent: Usd, ceiling: Option<Usd>) {
        *self.money() = Money { ceiling, counted: spent, ..Money::default() };
    }

    /// An answer to the agent of a run cost this.
    pub(super) fn take(&self, run: RunId, usd: Usd) {
        *self.money().open.entry(run).or_default() += usd;
    }

    /// An attempt of a run is counted, with what its answers cost.
    pub(super) fn count_attempt(&self, run: RunId, usd: Usd) {
        let mut money = self.money();
        money.open.remove(&run);
        money.counted += usd;
    }

    /// A judge of a run cost this, what its answers cost included; its agent is counted by then.
    pub(super) fn count_judge(&self, run: RunId, usd: Usd) {
        self.count_attempt(run, usd);
    }

    /// What an answer took, others may take.
    pub(super) fn learn(&self, exchange: &Exchange) {
        self.money().on_their_way.learn(exchange);
    }

    /// Lets one more request be on its way, and where it `is_free`, as the only one of its run, always; `false` where it is one too many by now.
    pub(super) fn takes_place(&self, is_free: bool) -> bool {
        let mut money = self.money();
        let most = Allowance { cost: money.ceiling, ..Allowance::default() };
        let used = Usage { cost: Cost::of(money.used().into(), CostSource::Metered), ..Usage::default() };
        let takes = is_free || money.on_their_way.has_room(&most, &used);
        if takes {
            money.on_their_way.begins();
        }
        takes
    }

    /// One is no longer on its way.
    pub(super) fn gives_place(&self) {
        self.money().on_their_way.ends();
    }

    /// The ceiling, when it is reached.
    pub(super) fn reached(&self) -> Option<Exceeded> {
        let money = self.money();
        let most = money.ceiling?;
        let used = money.used();
        (used >= most).then_some(Exceeded::Experiment { most, used })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_at_once_and_only_once() {
        let (usd, run) = (|dollars| Usd::from_dollars(dollars).unwrap(), "T0/00/1".parse::<RunId>().unwrap());
        let till = Till::default();
        till.take(run, usd(9.0));
        assert_eq!(till.reached(), None, "without a ceiling nothing is reached");
        till.begin(usd(1.0), Some(usd(2.0)));
        let other = "T0/00/2".parse::<RunId>().unwrap();
        till.take(run, usd(0.5));
        till.take(other, usd(0.25));
        till.count_judge(other, usd(0.25));
        assert_eq!(till.reached(), None);
        till.count_attempt(run, usd(0.5));
        assert_eq!(till.reached(), None, "an attempt that is counted is not counted as open, too");
        till.take(run, usd(0.25));
        assert_eq!(till.reached(), Some(Exceeded::Experiment { most: usd(2.0), used: usd(2.0) }));
    }
}
