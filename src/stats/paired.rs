//! Differences of two setups on the same subtests: runs of one subtest are alike, so that what counts is how many subtests
//! there are, not how many runs.
//!
//! Source: Miller, "Adding error bars to evals" (2024), sections 2.2 and 4; the interval is that of Student's t.

use std::collections::BTreeMap;

use super::descriptive::{mean, number, sd};
use super::distributions::t_reach;
use super::estimate::{Estimate, Interval};

/// Numbers of runs by the subtest (or task) whose runs they are.
pub type BySubtest<K> = BTreeMap<K, Vec<f64>>;

/// The mean difference over subtests, with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Paired<K> {
    /// Mean over subtests of (mean of `later` − mean of `former`), in the numbers' unit. One subtest has no interval.
    pub estimate: Estimate,
    /// The difference of each subtest that both have runs of.
    pub differences: BTreeMap<K, f64>,
    /// Subtests that only one of both has runs of: they do not count.
    pub left_out: Vec<K>,
}

/// The paired difference, later − former, with an interval at `level` (such as 0.95) that is clustered by subtest. `None`
/// when no subtest has runs of both.
#[must_use]
pub fn difference<K: Ord + Clone>(later: &BySubtest<K>, former: &BySubtest<K>, level: f64) -> Option<Paired<K>> {
    let mut differences = BTreeMap::new();
    let mut left_out = Vec::new();
    let keys: std::collections::BTreeSet<&K> = later.keys().chain(former.keys()).collect();
    for key in keys {
        let of = |side: &BySubtest<K>| side.get(key).and_then(|values| mean(values));
        match (of(later), of(former)) {
            (Some(later), Some(former)) => _ = differences.insert(key.clone(), later - former),
            _ => left_out.push(key.clone()),
        }
    }
    let values: Vec<f64> = differences.values().copied().collect();
    let value = mean(&values)?;
    let interval = sd(&values).and_then(|sd| around(value, sd / number(values.len()).sqrt(), values.len() - 1, level));
    Some(Paired { estimate: Estimate { value, interval }, differences, left_out })
}

/// The same of shares or scores, 0 to 1, with an interval that is never surer than the runs behind it: where subtests happen to differ by the
/// same, Student's interval is a point, however few runs there were. One subtest has no interval.
///
/// Source: the standard error is at least that of the differences of the subtests' means with one run more that had 1 and one that had 0:
/// Agresti and Caffo, "Simple and effective confidence intervals for proportions and differences of proportions", American Statistician
/// 54 (2000). No numbers between 0 and 1 vary more than passes do with their mean.
#[must_use]
pub fn difference_of_shares<K: Ord + Clone>(
    later: &BySubtest<K>,
    former: &BySubtest<K>,
    level: f64,
) -> Option<Paired<K>> {
    let mut paired = difference(later, former, level)?;
    let subtests = paired.differences.len();
    let variance_of = |side: &BySubtest<K>, key: &K| {
        let values = side.get(key).map(Vec::as_slice).unwrap_or_default();
        let n = number(values.len());
        let share = ((values.iter().sum::<f64>() + 1.0) / (n + 2.0)).clamp(0.0, 1.0);
        share * (1.0 - share) / (n + 2.0)
    };
    let variance: f64 = paired.differences.keys().map(|key| variance_of(later, key) + variance_of(former, key)).sum();
    let value = paired.estimate.value;
    if let Some(given) = paired.estimate.interval
        && let Some(least) = around(value, variance.sqrt() / number(subtests), subtests - 1, level)
    {
        let interval = Interval { low: given.low.min(least.low), high: given.high.max(least.high) };
        paired.estimate = Estimate { value, interval: Some(interval) }.bounded(-1.0, 1.0);
    }
    Some(paired)
}

/// The mean over all runs, with an interval at `level` that is clustered by subtest: as wide as it must be when runs of one
/// subtest are alike. One subtest has no interval. `None` without runs.
///
/// Source: the cluster-robust variance `Σ_c (Σ_i (x − mean))² / n²`, times `C / (C − 1)` for C clusters.
#[must_use]
pub fn clustered_mean<K: Ord>(runs: &BySubtest<K>, level: f64) -> Option<Estimate> {
    let all: Vec<f64> = runs.values().flatten().copied().collect();
    let value = mean(&all)?;
    let clusters: Vec<&Vec<f64>> = runs.values().filter(|values| !values.is_empty()).collect();
    let squares: f64 = clusters.iter().map(|values| values.iter().map(|x| x - value).sum::<f64>().powi(2)).sum();
    let interval = (clusters.len() > 1)
        .then(|| {
            let scale = number(clusters.len()) / number(clusters.len() - 1);
            around(value, (scale * squares).sqrt() / number(all.len()), clusters.len() - 1, level)
        })
        .flatten();
    Some(Estimate { value, interval })
}

fn around(value: f64, standard_error: f64, degrees: usize, level: f64) -> Option<Interval> {
    let reach = t_reach(level, degrees)? * standard_error;
    Some(Interval { low: value - reach, high: value + reach })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_subtests_that_both_have_runs_of_count() {
        let later = BTreeMap::from([("a", vec![1.0, 0.0]), ("b", vec![1.0]), ("c", vec![1.0]), ("e", vec![])]);
        let former = BTreeMap::from([("a", vec![0.0]), ("b", vec![0.5]), ("d", vec![1.0]), ("e", vec![1.0])]);
        let paired = difference(&later, &former, 0.95).unwrap();
        let interval = Some(Interval { low: 0.5, high: 0.5 });
        assert_eq!(paired.estimate, Estimate { value: 0.5, interval });
        assert_eq!(paired.left_out, ["c", "d", "e"]);
        assert_eq!(difference(&later, &BTreeMap::new(), 0.95), None);
    }

    #[test]
    fn subtests_that_differ_by_the_same_are_no_certainty_when_they_have_few_runs() {
        let of = |subtests: usize, runs: usize, value: f64| {
            (0..subtests).map(|subtest| (subtest, vec![value; runs])).collect::<BySubtest<usize>>()
        };
        let interval = |later: &BySubtest<usize>, former: &BySubtest<usize>| {
            difference_of_shares(later, former, 0.95).unwrap().estimate.interval.unwrap()
        };
        assert_eq!(interval(&of(2, 1, 0.0), &of(2, 1, 1.0)), Interval { low: -1.0, high: 1.0 });
        assert!(!interval(&of(3, 2, 1.0), &of(3, 2, 1.0)).excludes(0.0));
        // Twenty subtests that all turn from failing to passing are no chance.
        let many = interval(&of(20, 1, 1.0), &of(20, 1, 0.0));
        assert!(many.excludes(0.0) && many.low < 0.9, "{many:?}");
        // Where subtests differ in different ways, Student's interval is the wider one and stays.
        let (later, former) = (BTreeMap::from([(0, vec![1.0; 9]), (1, vec![0.0; 9])]), of(2, 9, 0.5));
        let student = difference(&later, &former, 0.95).unwrap().estimate.bounded(-1.0, 1.0);
        assert_eq!(difference_of_shares(&later, &former, 0.95).unwrap().estimate, student);
    }

    #[test]
    fn one_subtest_has_no_interval() {
        let one = BTreeMap::from([("a", vec![1.0, 0.0, 1.0])]);
        assert_eq!(difference(&one, &one, 0.95).unwrap().estimate, Estimate { value: 0.0, interval: None });
        assert_eq!(clustered_mean(&one, 0.95).unwrap().interval, None);
        assert_eq!(clustered_mean::<u32>(&BTreeMap::new(), 0.95), None);
    }

    #[test]
    fn runs_that_repeat_each_other_make_no_interval_narrower() {
        let once = BTreeMap::from([(0, vec![1.0]), (1, vec![0.0]), (2, vec![1.0])]);
        let thrice = BTreeMap::from([(0, vec![1.0; 3]), (1, vec![0.0; 3]), (2, vec![1.0; 3])]);
        let width = |runs| clustered_mean(runs, 0.95).unwrap().interval.map(|i| format!("{:.12}", i.high - i.low));
        assert_eq!(width(&once), width(&thrice));
    }
}
