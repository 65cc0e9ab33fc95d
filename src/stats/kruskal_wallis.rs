//! Kruskal–Wallis: whether any of several groups tends to be higher than the others, by ranks; corrected for ties.
//!
//! Source: Kruskal and Wallis, "Use of ranks in one-criterion variance analysis", JASA 47 (1952); `scipy.stats.kruskal`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::descriptive::{number, sum};
use super::distributions::chi_squared_sf;
use super::ranks::mid_ranks;

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KruskalWallis {
    /// H, from 0 on; divided by 1 − Σ(t³ − t) / (N³ − N), so that ties do not make it smaller than it is.
    pub h: f64,
    /// Degrees of freedom: groups − 1.
    pub df: usize,
    /// How likely at least such an H is by chance, 0 to 1.
    pub p: f64,
}

/// The test of two groups and more. `None` with fewer groups, when one is empty, and where all numbers are the same: then
/// nothing can be said about groups.
#[must_use]
pub fn kruskal_wallis<G: AsRef<[f64]>>(groups: &[G]) -> Option<KruskalWallis> {
    let sizes: Vec<usize> = groups.iter().map(|group| group.as_ref().len()).collect();
    if groups.len() < 2 || sizes.contains(&0) {
        return None;
    }
    let all: Vec<f64> = groups.iter().flat_map(AsRef::as_ref).copied().collect();
    let ranked = mid_ranks(&all);
    let n = number(all.len());
    let uncorrected = uncorrected_h(&sizes, &ranked.ranks);
    let correction = 1.0 - ranked.tie_term / (n.powi(3) - n);
    let h = (correction > 0.0).then(|| uncorrected / correction)?;
    let df = groups.len() - 1;
    Some(KruskalWallis { h, df, p: chi_squared_sf(h, df)? })
}

/// H of ranks, group by group, without a correction for ties.
pub(crate) fn uncorrected_h(sizes: &[usize], ranks: &[f64]) -> f64 {
    let n = number(ranks.len());
    let mut rest = ranks;
    let mut squares = 0.0;
    for size in sizes {
        let (group, behind) = rest.split_at(*size);
        squares += sum(group).powi(2) / number(*size);
        rest = behind;
    }
    12.0 / (n * (n + 1.0)) * squares - 3.0 * (n + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_group_of_an_empty_one_and_of_equal_numbers_nothing_is_said() {
        assert_eq!(kruskal_wallis::<Vec<f64>>(&[]), None);
        assert_eq!(kruskal_wallis(&[vec![1.0, 2.0]]), None);
        assert_eq!(kruskal_wallis(&[vec![1.0, 2.0], vec![]]), None);
        assert_eq!(kruskal_wallis(&[vec![1.0, 1.0], vec![1.0]]), None);
    }

    #[test]
    fn ties_do_not_make_a_difference_smaller_than_it_is() {
        let test = kruskal_wallis(&[vec![1.0; 3], vec![2.0; 3], vec![2.0; 2]]).unwrap();
        assert_eq!((test.df, (test.h - 7.0).abs() < 1e-12), (2, true));
    }
}
