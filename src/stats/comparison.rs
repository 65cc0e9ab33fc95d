//! Two groups of runs side by side: how often each solves its task, what that costs, and how sure the difference is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::descriptive::{mean, sd};
use super::estimate::{Estimate, Interval};
use super::paired::{self, BySubtest};
use super::permutation;
use super::power::runs_needed;
use super::proportion::{difference, wilson};
use crate::model::ids::SetupId;
use crate::model::money::Usd;
use crate::model::row::{RowStatus, RunRow};
use crate::model::usage::Total;

/// The share of intervals that hold the truth.
const LEVEL: f64 = 0.95;
/// The chance of seeing a difference that is there, for which needed runs are told.
const POWER: f64 = 0.8;

/// What is known of one group.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// Planned runs.
    pub planned: usize,
    /// Runs with a verdict: all means are of these.
    pub judged: usize,
    /// Runs without, by why.
    pub missing: BTreeMap<RowStatus, usize>,
    /// Runs that passed.
    pub passed: usize,
    /// The share that passed, with its Wilson interval; `null` without a verdict.
    pub pass_rate: Option<Estimate>,
    /// Mean score, 0 to 1.
    pub mean_score: Option<f64>,
    /// Sample standard deviation of the scores.
    pub sd_score: Option<f64>,
    /// Mean cost in US dollars of a run with a verdict; of unknown costs, at least so much.
    pub mean_cost_usd: Option<Usd>,
    /// Of how many parts of the cost nobody said what they cost.
    pub cost_unknown: u32,
    /// What was spent in all, former attempts too, as far as that is known.
    pub spent_usd: Option<Usd>,
    /// Of how many parts of it nobody said what they cost.
    pub spent_unknown: u32,
    /// Mean time of a run in seconds: agent, checks and judges.
    pub mean_seconds: Option<f64>,
    /// Mean tokens of the runs whose agents say them.
    pub mean_tokens: Option<f64>,
}

/// How a later group differs from the first one.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// Pass rate of the later minus that of the first, −1 to 1, with its 95 % interval; `null` where one has no verdict.
    pub pass_rate: Option<Estimate>,
    /// Whether that interval is clustered by the subtests that both have, in which runs of one subtest count as alike.
    pub is_paired: bool,
    /// Mean score of the later minus that of the first.
    pub mean_score: Option<f64>,
    /// The chance of a difference in the scores at least so large if both were the same (permutation test, seeded).
    pub score_p: Option<f64>,
    /// Mean cost of the later over that of the first; `null` where a cost is not known, or is 0.
    pub cost_ratio: Option<f64>,
    /// The same of the time.
    pub time_ratio: Option<f64>,
    /// The same of the tokens.
    pub token_ratio: Option<f64>,
    /// Runs of each that it takes to see a difference of this size at 5 % in four of five experiments; `null` where there is
    /// none.
    pub runs_needed: Option<usize>,
}

impl Difference {
    /// Whether the interval of the pass rates speaks against chance.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.interval().is_some_and(|interval| interval.excludes(0.0))
    }

    /// The interval of the difference of the pass rates.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        self.pass_rate?.interval
    }
}

/// Sums up a group.
#[must_use]
pub fn group(rows: &[&RunRow]) -> Group {
    let judged: Vec<&RunRow> = rows.iter().copied().filter(|row| !row.is_missing()).collect();
    let passed = judged.iter().filter(|row| row.status == RowStatus::Passed).count();
    let mut missing = BTreeMap::new();
    for row in rows.iter().filter(|row| row.is_missing()) {
        *missing.entry(row.status).or_default() += 1;
    }
    let rate = share(passed, judged.len());
    let cost: Total = judged.iter().filter_map(|row| row.cost).sum();
    let spent: Total = rows.iter().map(|row| row.spent).sum();
    let scores = numbers(&judged, |row| row.score);
    Group {
        planned: rows.len(),
        judged: judged.len(),
        missing,
        passed,
        pass_rate: rate.map(|value| Estimate { value, interval: wilson(passed, judged.len(), LEVEL) }),
        mean_score: mean(&scores),
        sd_score: sd(&scores),
        mean_cost_usd: if judged.is_empty() { None } else { cost.mean_of(judged.len()).at_least() },
        cost_unknown: cost.unknown,
        spent_usd: spent.at_least(),
        spent_unknown: spent.unknown,
        mean_seconds: mean(&numbers(&judged, |row| row.seconds)),
        mean_tokens: mean(&tokens(&judged)),
    }
}

/// How a later group differs from the first one. Where both have runs of the same subtests and `is_paired` says that these
/// are the same setups, subtest is compared with subtest.
#[must_use]
pub fn between(first: &[&RunRow], later: &[&RunRow], is_paired: bool) -> Difference {
    let (of_first, of_later) = (group(first), group(later));
    let paired =
        if is_paired { paired::difference_of_shares(&by_subtest(later), &by_subtest(first), LEVEL) } else { None };
    // One subtest alone has no interval over subtests.
    let paired = paired.map(|paired| paired.estimate).filter(|estimate| estimate.interval.is_some());
    let apart = difference((of_later.passed, of_later.judged), (of_first.passed, of_first.judged), LEVEL);
    let scores = |rows: &[&RunRow]| numbers(rows, |row| row.score.filter(|_| !row.is_missing()));
    let ratio =
        |later: Option<f64>, first: Option<f64>| later.zip(first.filter(|first| *first > 0.0)).map(|(a, b)| a / b);
    let cost = |group: &Group| group.mean_cost_usd.filter(|_| group.cost_unknown == 0).map(Usd::dollars);
    Difference {
        is_paired: paired.is_some(),
        pass_rate: paired.or(apart),
        mean_score: of_later.mean_score.zip(of_first.mean_score).map(|(later, first)| later - first),
        score_p: permutation::between(&scores(later), &scores(first), &orders(first.len() + later.len()))
            .map(|test| test.p),
        cost_ratio: ratio(cost(&of_later), cost(&of_first)),
        time_ratio: ratio(of_later.mean_seconds, of_first.mean_seconds),
        token_ratio: ratio(of_later.mean_tokens, of_first.mean_tokens),
        runs_needed: of_later
            .pass_rate
            .zip(of_first.pass_rate)
            .and_then(|(later, first)| runs_needed(first.value, later.value, 1.0 - LEVEL, POWER)),
    }
}

/// How many runs passed, of how many with a verdict.
type Passed = (usize, usize);

/// The setups of which one group passed another share than the other: how many passed of how many, the first group's first.
#[must_use]
pub fn differing(first: &[&RunRow], later: &[&RunRow]) -> Vec<(SetupId, [Passed; 2])> {
    let mut counts: BTreeMap<SetupId, [Passed; 2]> = BTreeMap::new();
    for (side, rows) in [first, later].into_iter().enumerate() {
        for row in rows.iter().filter(|row| !row.is_missing()) {
            let (passed, judged) = &mut counts.entry((row.run.tier, row.run.subtest)).or_default()[side];
            *passed += usize::from(row.status == RowStatus::Passed);
            *judged += 1;
        }
    }
    // As products, so that nothing is rounded.
    counts
        .into_iter()
        .filter(|(_, [first, later])| first.0 * later.1 != later.0 * first.1 || first.1.min(later.1) == 0)
        .collect()
}

/// As many orders are drawn as take no longer than a person notices.
fn orders(runs: usize) -> permutation::Settings {
    let orders = (4_000_000 / runs.max(1)).clamp(500, permutation::Settings::default().orders);
    permutation::Settings { orders, ..permutation::Settings::default() }
}

fn share(part: usize, all: usize) -> Option<f64> {
    super::tiers::share(part, all)
}

fn numbers(rows: &[&RunRow], of: impl Fn(&RunRow) -> Option<f64>) -> Vec<f64> {
    rows.iter().filter_map(|row| of(row)).filter(|number| number.is_finite()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "tokens of a run are far below 2^53")]
fn tokens(rows: &[&RunRow]) -> Vec<f64> {
    numbers(rows, |row| row.tokens.map(|tokens| tokens as f64))
}

fn by_subtest(rows: &[&RunRow]) -> BySubtest<SetupId> {
    let mut by: BySubtest<SetupId> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.is_missing()) {
        let passed = f64::from(u8::from(row.status == RowStatus::Passed));
        by.entry((row.run.tier, row.run.subtest)).or_default().push(passed);
    }
    by
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::row::samples::passed;

    fn row(id: &str, has_passed: bool) -> RunRow {
        let score = Some(if has_passed { 1.0 } else { 0.2 });
        RunRow { status: RowStatus::judged(has_passed), score, ..passed(id) }
    }

    fn rows(subtest: &str, passed: usize, all: usize) -> Vec<RunRow> {
        (1..=all).map(|number| row(&format!("{subtest}/{number}"), number <= passed)).collect()
    }

    fn all(rows: &[RunRow]) -> Vec<&RunRow> {
        rows.iter().collect()
    }

    #[test]
    fn a_difference_has_the_interval_of_newcombe_and_the_runs_that_would_show_it() {
        let (first, later) = (rows("T0/00", 48, 80), rows("T1/00", 56, 70));
        let between = between(&all(&first), &all(&later), false);
        let Interval { low, high } = between.interval().unwrap();
        assert_eq!((format!("{low:.4}"), format!("{high:.4}")), ("0.0524".to_owned(), "0.3339".to_owned()));
        assert!(between.is_clear() && !between.is_paired);
        assert_eq!(between.runs_needed, runs_needed(0.6, 0.8, 0.05, 0.8));
    }

    #[test]
    fn the_same_setups_are_compared_subtest_by_subtest() {
        let of = |runs: usize| {
            let side = |more: usize| -> Vec<RunRow> {
                let subtest =
                    |(place, passed): (usize, usize)| rows(&format!("T0/0{place}"), (passed + more) * runs, 4 * runs);
                [1, 2, 3].into_iter().enumerate().flat_map(subtest).collect()
            };
            (side(0), side(1))
        };
        // Three subtests that each pass once more of four runs may do so by chance, and of four hundred not.
        let (first, later) = of(1);
        let few = between(&all(&first), &all(&later), true);
        assert!(few.is_paired && !few.is_clear(), "{few:?}");
        let (first, later) = of(100);
        let between = between(&all(&first), &all(&later), true);
        assert!(between.is_paired && between.is_clear(), "{between:?}");
        assert_eq!(between.pass_rate.map(|rate| rate.value), Some(0.25));
        assert_eq!(differing(&all(&first), &all(&later)).len(), 3);
        assert!(differing(&all(&first), &all(&first)).is_empty());
    }

    #[test]
    fn runs_that_are_missing_count_nowhere_but_among_what_is_missing() {
        let mut some = rows("T0/00", 1, 2);
        some.push(RunRow { status: RowStatus::Errored, score: None, ..row("T0/00/3", false) });
        let group = group(&all(&some));
        assert_eq!((group.planned, group.judged, group.passed), (3, 2, 1));
        assert_eq!(group.missing, BTreeMap::from([(RowStatus::Errored, 1)]));
        assert_eq!(between(&[], &all(&some), false).pass_rate, None);
    }
}
