//! Pass rates: intervals of one, and of the difference of two.

use super::descriptive::number;
use super::estimate::{Estimate, Interval};
use super::normal::normal_quantile;

/// The Wilson score interval of a pass rate, 0 to 1; it is honest for few runs, and where all or none passed. `level` is
/// the share of intervals that hold the truth, such as 0.95. `None` without runs, and when more passed than there are.
///
/// Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927);
/// `scipy.stats.binomtest(…).proportion_ci(method="wilson")`.
#[must_use]
pub fn wilson(passed: usize, n: usize, level: f64) -> Option<Interval> {
    if n == 0 || passed > n {
        return None;
    }
    Some(wilson_of(number(passed) / number(n), n, level))
}

/// The same of a rate, 0 to 1, of which it need not be said how many passed.
fn wilson_of(rate: f64, n: usize, level: f64) -> Interval {
    let n_runs = number(n);
    let z = normal_quantile(0.5 + level / 2.0);
    let (centre, scale) = (2.0 * n_runs * rate + z * z, 2.0 * (n_runs + z * z));
    let reach = z * (z * z + 4.0 * n_runs * rate * (1.0 - rate)).sqrt();
    let low = if rate <= 0.0 { 0.0 } else { ((centre - reach) / scale).max(0.0) };
    let high = if rate >= 1.0 { 1.0 } else { ((centre + reach) / scale).min(1.0) };
    Interval { low, high }
}

/// The difference of two pass rates, later − former, −1 to 1, with its interval, which follows from the Wilson intervals of
/// both. Each pair is how many passed of how many. `None` when one has no runs.
///
/// Source: method 10 of Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
/// Medicine 17 (1998).
#[must_use]
pub fn difference(later: (usize, usize), former: (usize, usize), level: f64) -> Option<Estimate> {
    let rate = |(passed, n): (usize, usize)| (n > 0 && passed <= n).then(|| (number(passed) / number(n), n));
    difference_of_means(rate(later)?, rate(former)?, level)
}

/// The same of two means of numbers from 0 to 1, such as scores: each pair is the mean and of how many. The interval is at least as wide
/// as it must be, for no such numbers vary more than passes with their mean, and never a point. `None` when one is of nothing, or
/// is no such mean.
///
/// Source: as [`difference`], whose intervals of the two may be any: Donner and Zou, "Closed-form confidence intervals for functions
/// of the normal mean and standard deviation", Statistical Methods in Medical Research 21 (2012).
#[must_use]
pub fn difference_of_means(later: (f64, usize), former: (f64, usize), level: f64) -> Option<Estimate> {
    if [later, former].iter().any(|(mean, n)| *n == 0 || !(0.0..=1.0).contains(mean)) {
        return None;
    }
    let (of_later, of_former) = (wilson_of(later.0, later.1, level), wilson_of(former.0, former.1, level));
    let (a, b) = (later.0, former.0);
    let value = a - b;
    let low = value - ((a - of_later.low).powi(2) + (of_former.high - b).powi(2)).sqrt();
    let high = value + ((of_later.high - a).powi(2) + (b - of_former.low).powi(2)).sqrt();
    Some(Estimate { value, interval: Some(Interval { low: low.max(-1.0), high: high.min(1.0) }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_runs_there_is_no_interval_and_all_that_passed_reach_one() {
        assert_eq!((wilson(0, 0, 0.95), wilson(3, 2, 0.95)), (None, None));
        assert_eq!(wilson(9, 9, 0.95).map(|interval| interval.high), Some(1.0));
        assert_eq!(wilson(0, 9, 0.95).map(|interval| interval.low), Some(0.0));
        assert_eq!((difference((1, 2), (0, 0), 0.95), difference_of_means((1.1, 2), (0.0, 2), 0.95)), (None, None));
    }

    #[test]
    fn the_published_example_of_a_difference_is_met() {
        // Newcombe's table II, method 10, case (a): 56 of 70 and 48 of 80.
        let Interval { low, high } = difference((56, 70), (48, 80), 0.95).unwrap().interval.unwrap();
        assert_eq!((format!("{low:.4}"), format!("{high:.4}")), ("0.0524".to_owned(), "0.3339".to_owned()));
    }
}
