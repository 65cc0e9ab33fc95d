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
    let (rate, n_runs) = (number(passed) / number(n), number(n));
    let z = normal_quantile(0.5 + level / 2.0);
    let (centre, scale) = (2.0 * n_runs * rate + z * z, 2.0 * (n_runs + z * z));
    let reach = z * (z * z + 4.0 * n_runs * rate * (1.0 - rate)).sqrt();
    let low = if passed == 0 { 0.0 } else { ((centre - reach) / scale).max(0.0) };
    let high = if passed == n { 1.0 } else { ((centre + reach) / scale).min(1.0) };
    Some(Interval { low, high })
}

/// The difference of two pass rates, later − former, −1 to 1, with its interval, which follows from the Wilson intervals of
/// both. Each pair is how many passed of how many. `None` when one has no runs.
///
/// Source: method 10 of Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
/// Medicine 17 (1998).
#[must_use]
pub fn difference(later: (usize, usize), former: (usize, usize), level: f64) -> Option<Estimate> {
    let (of_later, of_former) = (wilson(later.0, later.1, level)?, wilson(former.0, former.1, level)?);
    let (a, b) = (number(later.0) / number(later.1), number(former.0) / number(former.1));
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
        assert_eq!(difference((1, 2), (0, 0), 0.95), None);
    }

    #[test]
    fn the_published_example_of_a_difference_is_met() {
        // Newcombe's table II, method 10, case (a): 56 of 70 and 48 of 80.
        let Interval { low, high } = difference((56, 70), (48, 80), 0.95).unwrap().interval.unwrap();
        assert_eq!((format!("{low:.4}"), format!("{high:.4}")), ("0.0524".to_owned(), "0.3339".to_owned()));
    }
}
