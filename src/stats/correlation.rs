//! Correlation: whether two numbers of the same runs rise together.
//!
//! Source: Spearman, "The proof and measurement of association between two things", Am. J. Psychol. 15 (1904); p as
//! `scipy.stats.spearmanr` and `scipy.stats.pearsonr` find it, from Student's t with n − 2 degrees of freedom.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::descriptive::{is_constant, mean, number, sum};
use super::distributions::t_two_sided;
use super::ranks::mid_ranks;

/// Fewest pairs of which something is said.
const FEWEST: usize = 3;

/// A correlation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Correlation {
    /// How many pairs it rests on.
    pub n: usize,
    /// −1 to 1.
    pub rho: f64,
    /// How likely at least such a correlation is by chance, two-sided, 0 to 1.
    pub p: f64,
}

/// Spearman's rank correlation of pairs. `None` below three pairs, and where one of both is constant.
#[must_use]
pub fn spearman(pairs: &[(f64, f64)]) -> Option<Correlation> {
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    correlation(&mid_ranks(&x).ranks, &mid_ranks(&y).ranks)
}

/// Pearson's linear correlation of pairs. `None` below three pairs, and where one of both is constant.
#[must_use]
pub fn pearson(pairs: &[(f64, f64)]) -> Option<Correlation> {
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    correlation(&x, &y)
}

/// Pairs of which both are known and finite.
pub fn known_pairs(pairs: impl IntoIterator<Item = (Option<f64>, Option<f64>)>) -> Vec<(f64, f64)> {
    let known = pairs.into_iter().filter_map(|(x, y)| x.zip(y));
    known.filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
}

fn correlation(x: &[f64], y: &[f64]) -> Option<Correlation> {
    let n = x.len();
    if n < FEWEST || is_constant(x) || is_constant(y) {
        return None;
    }
    let (mean_x, mean_y) = (mean(x)?, mean(y)?);
    let products = |of: &dyn Fn(f64, f64) -> f64| {
        let products: Vec<f64> = x.iter().zip(y).map(|(x, y)| of(x - mean_x, y - mean_y)).collect();
        sum(&products)
    };
    let (xy, xx, yy) = (products(&|x, y| x * y), products(&|x, _| x * x), products(&|_, y| y * y));
    let rho = (xy / xx.sqrt() / yy.sqrt()).clamp(-1.0, 1.0);
    let t = rho * (number(n - 2) / ((1.0 + rho) * (1.0 - rho))).sqrt();
    Some(Correlation { n, rho, p: t_two_sided(t, n - 2)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rises_together_correlates_fully_and_is_not_chance() {
        let rising = spearman(&[(1.0, 10.0), (2.0, 11.0), (3.0, 100.0), (4.0, 1000.0)]).unwrap();
        assert_eq!((rising.n, rising.rho, rising.p), (4, 1.0, 0.0));
    }

    #[test]
    fn of_two_pairs_and_of_a_constant_nothing_is_said() {
        assert_eq!(spearman(&[(1.0, 2.0), (2.0, 3.0)]), None);
        assert_eq!(spearman(&[(1.0, 2.0), (1.0, 3.0), (1.0, 4.0)]), None);
        assert_eq!(pearson(&[]), None);
    }

    #[test]
    fn a_pair_of_which_one_is_not_known_does_not_count() {
        assert_eq!(known_pairs([(Some(1.0), None), (Some(1.0), Some(2.0)), (Some(f64::NAN), Some(1.0))]), [(1.0, 2.0)]);
    }
}
