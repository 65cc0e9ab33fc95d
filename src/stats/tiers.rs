//! The totals of each tier and each setup, counted from the results of planned runs.

use std::collections::BTreeMap;

use crate::model::control::Control;
use crate::model::event::{SetupTotals, TierTotals, Totals};
use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::plan::Plan;
use crate::model::survey::ResultFacts;
use crate::model::usage::Total;

/// Scores and seconds are added up in whole steps of this size, so that a sum does not depend on its order.
const STEPS_PER_UNIT: f64 = 1e9;

/// Totals of every planned tier, in the plan's order, from the results of `runs`, each run once.
///
/// Only planned runs count. A result without a verdict is not done: it is neither passed nor failed, and its cost and
/// time are not counted.
pub fn tier_totals(plan: &Plan, runs: impl Iterator<Item = (RunId, ResultFacts)>) -> Vec<TierTotals> {
    let totals = totals_by(plan, runs, |tier, _| tier);
    totals.into_iter().map(|(tier, totals)| TierTotals { tier, totals }).collect()
}

/// Totals of every planned setup, counted as [`tier_totals`] does; `known` knows what people call it, and what is expected of it
/// when it is a control.
pub fn setup_totals(
    plan: &Plan,
    runs: impl Iterator<Item = (RunId, ResultFacts)>,
    known: impl Fn(TierId, SubtestId) -> (Option<String>, Option<Control>),
) -> Vec<SetupTotals> {
    let totals = totals_by(plan, runs, |tier, subtest| (tier, subtest)).into_iter();
    let setup = |((tier, subtest), totals)| {
        let (name, control) = known(tier, subtest);
        SetupTotals { tier, subtest, name, control, totals }
    };
    totals.map(setup).collect()
}

fn totals_by<K: Ord>(
    plan: &Plan,
    runs: impl Iterator<Item = (RunId, ResultFacts)>,
    key: impl Fn(TierId, SubtestId) -> K,
) -> BTreeMap<K, Totals> {
    let mut sums: BTreeMap<K, Sums> = BTreeMap::new();
    for (tier, subtests) in plan.subtests() {
        for (subtest, runs) in subtests {
            sums.entry(key(*tier, *subtest)).or_default().planned += *runs as usize;
        }
    }
    for (run, facts) in runs.filter(|(run, _)| plan.contains(*run)) {
        if let (Some(sums), Some(passed)) = (sums.get_mut(&key(run.tier, run.subtest)), facts.passed) {
            sums.add(passed, &facts);
        }
    }
    sums.into_iter().map(|(key, sums)| (key, sums.totals())).collect()
}

/// Totals of several tiers together.
#[must_use]
pub fn sum_of(tiers: &[TierTotals]) -> Totals {
    sum(tiers.iter().map(|tier| &tier.totals))
}

/// The totals of several groups together.
pub fn sum<'a>(groups: impl IntoIterator<Item = &'a Totals>) -> Totals {
    let mut sum = Totals::default();
    for group in groups {
        sum.mean_score = joint_mean((sum.mean_score, sum.done), (group.mean_score, group.done));
        sum.planned += group.planned;
        sum.done += group.done;
        sum.passed += group.passed;
        sum.cost += group.cost;
        sum.seconds += group.seconds;
    }
    with_means(sum)
}

/// Adds what follows from the sums.
fn with_means(totals: Totals) -> Totals {
    let done = totals.done;
    Totals {
        pass_rate: share(totals.passed, done),
        mean_cost_usd: (done > 0).then(|| totals.cost.mean_of(done).at_least()).flatten(),
        mean_seconds: (done > 0).then(|| totals.seconds / number(done)),
        ..totals
    }
}

/// The mean of two groups together, from the mean and the size of each.
fn joint_mean(a: (Option<f64>, usize), b: (Option<f64>, usize)) -> Option<f64> {
    match (a, b) {
        ((Some(mean_a), size_a), (Some(mean_b), size_b)) => {
            Some((mean_a * number(size_a) + mean_b * number(size_b)) / number(size_a + size_b))
        }
        ((mean_a, _), (mean_b, _)) => mean_a.or(mean_b),
    }
}

#[derive(Default)]
struct Sums {
    planned: usize,
    done: usize,
    passed: usize,
    scored: usize,
    score_steps: u128,
    second_steps: u128,
    cost: Total,
}

impl Sums {
    fn add(&mut self, passed: bool, facts: &ResultFacts) {
        self.done += 1;
        self.passed += usize::from(passed);
        if let Some(score) = facts.score.filter(|score| (0.0..=1.0).contains(score)) {
            self.scored += 1;
            self.score_steps += steps(score);
        }
        self.second_steps += steps(facts.seconds);
        self.cost += facts.cost;
    }

    fn totals(self) -> Totals {
        with_means(Totals {
            planned: self.planned,
            done: self.done,
            passed: self.passed,
            mean_score: (self.scored > 0).then(|| units(self.score_steps) / number(self.scored)),
            cost: self.cost,
            seconds: units(self.second_steps),
            ..Totals::default()
        })
    }
}

/// The share of `part` in `all`; `None` when there is nothing.
#[must_use]
pub fn share(part: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| number(part) / number(all))
}

fn number(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of runs stay far below 2^53")]
    let number = count as f64;
    number
}

fn steps(value: f64) -> u128 {
    // The cast turns what is not a number, or negative, into 0.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, which is wanted")]
    let steps = (value * STEPS_PER_UNIT).round() as u64;
    u128::from(steps)
}

fn units(steps: u128) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a total needs no more digits than a f64 has")]
    let steps = steps as f64;
    steps / STEPS_PER_UNIT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::money::Usd;

    fn plan() -> Plan {
        let mut plan = Plan::default();
        plan.add(TierId(0), SubtestId(0), 3);
        plan.add(TierId(0), SubtestId(1), 3);
        plan.add(TierId(2), SubtestId(0), 3);
        plan
    }

    fn facts(passed: Option<bool>, score: f64) -> ResultFacts {
        ResultFacts {
            passed,
            score: Some(score),
            votes: 1,
            cost: Usd::from_dollars(0.1).unwrap().into(),
            failed_judges: Total::ZERO,
            seconds: 0.1,
            config: None,
        }
    }

    fn named(runs: &[(&str, ResultFacts)]) -> impl Iterator<Item = (RunId, ResultFacts)> {
        runs.iter().map(|(run, facts)| (run.parse().unwrap(), *facts))
    }

    fn tiers(runs: &[(&str, ResultFacts)]) -> Vec<TierTotals> {
        tier_totals(&plan(), named(runs))
    }

    fn totals(runs: &[(&str, ResultFacts)]) -> Vec<Totals> {
        tiers(runs).into_iter().map(|tier| tier.totals).collect()
    }

    #[test]
    fn every_planned_setup_has_its_totals_and_its_name() {
        let runs = [
            ("T0/00/1", facts(Some(true), 0.9)),
            ("T0/00/2", facts(Some(false), 0.2)),
            ("T0/01/1", facts(Some(true), 0.7)),
        ];
        let name = |tier: TierId, subtest: SubtestId| ((tier == TierId(0)).then(|| format!("setup {subtest}")), None);
        let rows: Vec<_> = setup_totals(&plan(), named(&runs), name)
            .into_iter()
            .map(|setup| (setup.tier.0, setup.name, setup.totals.done, setup.totals.planned, setup.totals.passed))
            .collect();
        let expected =
            [(0, Some("setup 00".to_owned()), 2, 3, 1), (0, Some("setup 01".to_owned()), 1, 3, 1), (2, None, 0, 3, 0)];
        assert_eq!(rows, expected);
    }

    #[test]
    fn times_and_costs_have_means_over_runs() {
        let slow = ResultFacts { seconds: 0.3, ..facts(Some(true), 1.0) };
        let totals = totals(&[("T0/00/1", slow), ("T0/00/2", facts(Some(true), 1.0))]);
        assert_eq!((totals[0].seconds, totals[0].mean_seconds), (0.4, Some(0.2)));
        assert_eq!(totals[0].mean_cost_usd, Usd::from_dollars(0.1).ok());
        assert_eq!((totals[1].mean_seconds, totals[1].mean_cost_usd), (None, None));
    }

    #[test]
    fn a_cost_that_is_not_known_makes_sums_and_means_the_least_that_they_can_be() {
        let silent = ResultFacts { cost: Total::UNKNOWN, ..facts(Some(true), 1.0) };
        let all = tiers(&[("T0/00/1", silent), ("T0/00/2", facts(Some(true), 1.0)), ("T2/00/1", silent)]);
        let shown: Vec<String> = all.iter().map(|tier| tier.totals.cost.to_string()).collect();
        assert_eq!(shown, ["at least $0.1000", "unknown"]);
        assert_eq!((all[0].totals.mean_cost_usd, all[1].totals.mean_cost_usd), (Usd::from_dollars(0.05).ok(), None));
        assert_eq!(sum_of(&all).cost, Total { known: Usd::from_dollars(0.1).unwrap(), unknown: 2, ..Total::ZERO });
    }

    #[test]
    fn every_planned_tier_has_its_totals() {
        let totals = totals(&[
            ("T0/00/1", facts(Some(true), 0.9)),
            ("T0/00/2", facts(Some(false), 0.2)),
            ("T0/01/1", facts(Some(true), 0.7)),
        ]);
        assert_eq!(totals.len(), 2);
        assert_eq!((totals[0].planned, totals[0].done, totals[0].passed), (6, 3, 2));
        assert_eq!(totals[0].pass_rate, Some(2.0 / 3.0));
        assert_eq!(totals[0].mean_score, Some(0.6));
        assert_eq!(totals[0].cost, Usd::from_dollars(0.3).unwrap().into());
        assert_eq!((totals[1].planned, totals[1].done), (3, 0));
        assert_eq!((totals[1].pass_rate, totals[1].mean_score), (None, None));
    }

    #[test]
    fn a_result_outside_the_plan_does_not_count() {
        let totals = totals(&[("T0/00/4", facts(Some(true), 1.0)), ("T1/00/1", facts(Some(true), 1.0))]);
        assert!(totals.iter().all(|tier| tier.done == 0 && tier.cost == Total::ZERO));
    }

    #[test]
    fn a_result_without_verdict_is_done_in_no_way() {
        let totals = totals(&[("T0/00/1", facts(None, 1.0)), ("T0/00/2", facts(Some(true), 0.5))]);
        assert_eq!((totals[0].done, totals[0].passed, totals[0].mean_score), (1, 1, Some(0.5)));
    }

    #[test]
    fn a_score_that_is_missing_is_not_0() {
        let missing = ResultFacts { score: None, ..facts(Some(false), 0.0) };
        let totals = totals(&[("T0/00/1", missing), ("T0/00/2", facts(Some(true), 0.5))]);
        assert_eq!((totals[0].done, totals[0].mean_score), (2, Some(0.5)));
    }

    #[test]
    fn all_tiers_together_weigh_runs_and_not_tiers() {
        let tiers = tiers(&[
            ("T0/00/1", facts(Some(true), 1.0)),
            ("T0/00/2", facts(Some(true), 1.0)),
            ("T0/00/3", facts(Some(true), 1.0)),
            ("T2/00/1", facts(Some(false), 0.0)),
        ]);
        let sum = sum_of(&tiers);
        assert_eq!((sum.planned, sum.done, sum.passed), (9, 4, 3));
        assert_eq!((sum.pass_rate, sum.mean_score), (Some(0.75), Some(0.75)));
        assert_eq!(sum_of(&[]), Totals::default());
    }

    proptest! {
        #[test]
        fn the_order_of_results_changes_nothing(
            results in prop::collection::vec((any::<bool>(), 0.0..=1.0_f64, -1.0..1e6_f64), 9),
            order in Just((0..9).collect::<Vec<usize>>()).prop_shuffle(),
        ) {
            let runs: Vec<(RunId, ResultFacts)> = plan().runs().zip(results).map(|(run, (passed, score, seconds))| {
                (run, ResultFacts { seconds, ..facts(Some(passed), score) })
            }).collect();
            let shuffled = order.iter().map(|index| runs[*index]);
            prop_assert_eq!(tier_totals(&plan(), shuffled), tier_totals(&plan(), runs.iter().copied()));
        }
    }
}
