//! Mann–Whitney: whether one sample tends to be higher than another, by ranks.
//!
//! Source: Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the other",
//! Ann. Math. Stat. 18 (1947); the rules for exact and approximate p are those of `scipy.stats.mannwhitneyu` with its defaults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::descriptive::{floor, number};
use super::normal::normal_sf;
use super::ranks::mid_ranks;

/// The smaller sample up to which p is exact, when nothing is tied.
const MOST_OF_EXACT: usize = 8;

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MannWhitney {
    /// U of the first sample: in how many pairs its number is the higher one, equal ones being half a pair.
    pub u: f64,
    /// How likely at least such a difference is by chance, two-sided, 0 to 1.
    pub p: f64,
    /// How p was found.
    pub method: Method,
}

/// How a p was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// From the distribution of U.
    Exact,
    /// From the normal distribution near to it, corrected for ties and continuity.
    Normal,
    /// All numbers are the same: there is no difference.
    AllTied,
}

/// The two-sided test. `None` when a sample is empty. Where all numbers are the same, U is that of half the pairs, p is 1.
#[must_use]
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Option<MannWhitney> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let all: Vec<f64> = first.iter().chain(second).copied().collect();
    let ranked = mid_ranks(&all);
    let (n1, n2) = (number(first.len()), number(second.len()));
    let u = ranked.ranks[..first.len()].iter().sum::<f64>() - n1 * (n1 + 1.0) / 2.0;
    let higher = u.max(n1 * n2 - u);
    let small = first.len().min(second.len());
    let (p, method) = if ranked.tie_term == 0.0 && small <= MOST_OF_EXACT {
        let tail = Exact::new(first.len(), second.len()).at_least(floor(higher));
        ((2.0 * tail).min(1.0), Method::Exact)
    } else {
        match deviation(n1, n2, ranked.tie_term) {
            sd if sd > 0.0 => (p_of(higher, n1, n2, sd), Method::Normal),
            _ => (1.0, Method::AllTied),
        }
    };
    Some(MannWhitney { u, p, method })
}

/// The sd of U where the samples do not differ.
pub(crate) fn deviation(n1: f64, n2: f64, tie_term: f64) -> f64 {
    let n = n1 + n2;
    let spread = n1 * n2 / 12.0 * ((n + 1.0) - tie_term / (n * (n - 1.0)));
    spread.max(0.0).sqrt()
}

/// The two-sided p of the higher of both U.
pub(crate) fn p_of(higher: f64, n1: f64, n2: f64, sd: f64) -> f64 {
    (2.0 * normal_sf((higher - n1 * n2 / 2.0 - 0.5) / sd)).min(1.0)
}

/// The distribution of U without ties, where the samples do not differ.
pub(crate) struct Exact {
    /// Shares of orders in which U is at least this.
    tails: Vec<f64>,
}

impl Exact {
    pub(crate) fn new(n1: usize, n2: usize) -> Self {
        let (small, large) = (n1.min(n2), n1.max(n2));
        // Of how many orders of `small` and any number of others U is what: each further one of the large sample can be
        // above any number of the small one.
        let mut ways = vec![vec![0.0_f64; n1 * n2 + 1]; small + 1];
        for slot in &mut ways {
            slot[0] = 1.0;
        }
        // `ways[m][u]` after j rounds: orders of m and j numbers with that u; the highest number is of one sample or the other.
        for _ in 0..large {
            for m in 1..=small {
                let (fewer, these) = ways.split_at_mut(m);
                let (fewer, these) = (&fewer[m - 1], &mut these[0]);
                for u in (0..these.len()).rev() {
                    let beaten = if u >= m { these[u - m] } else { 0.0 };
                    these[u] = fewer[u] + beaten;
                }
            }
        }
        let counts = ways.pop().unwrap_or_default();
        let total: f64 = counts.iter().sum();
        let mut tails: Vec<f64> = Vec::with_capacity(counts.len());
        let mut tail = 0.0;
        for count in counts.iter().rev() {
            tail += count;
            tails.push(tail / total);
        }
        tails.reverse();
        Self { tails }
    }

    /// How likely U is at least this.
    pub(crate) fn at_least(&self, u: usize) -> f64 {
        self.tails.get(u).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_all_is_the_same_u_is_that_of_half_the_pairs_and_p_is_one() {
        let test = mann_whitney(&[0.0; 10], &[0.0; 20]).unwrap();
        assert_eq!(test, MannWhitney { u: 100.0, p: 1.0, method: Method::AllTied });
        assert_eq!(mann_whitney(&[], &[1.0]), None);
    }

    #[test]
    fn small_samples_without_ties_have_an_exact_p() {
        // Of the 20 orders of 3 and 3, one has all of the first below all of the second.
        let test = mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]).unwrap();
        assert_eq!((test.u, test.p, test.method), (0.0, 0.1, Method::Exact));
        assert_eq!(mann_whitney(&[1.0], &[2.0]).map(|test| test.p), Some(1.0));
        assert_eq!(mann_whitney(&[1.0, 2.0, 3.0], &[3.0, 5.0, 6.0]).unwrap().method, Method::Normal);
    }

    #[test]
    fn the_distribution_of_u_counts_every_order() {
        let exact = Exact::new(2, 2);
        assert_eq!(exact.tails, [1.0, 5.0 / 6.0, 4.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0]);
    }
}
