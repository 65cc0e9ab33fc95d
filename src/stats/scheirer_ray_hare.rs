//! Scheirer–Ray–Hare: what two factors and their interaction do to a number, by ranks.
//!
//! Source: Scheirer, Ray and Hare, "The analysis of ranked data derived from completely randomized factorial designs",
//! Biometrics 32 (1976). The total mean square of the mid-ranks stands for its value without ties, so that H is corrected for
//! them: with one factor it is the Kruskal–Wallis H.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::descriptive::{mean, number};
use super::distributions::chi_squared_sf;
use super::ranks::mid_ranks;

/// What is said of one effect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// H, from 0 on.
    pub h: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// How likely at least such an H is by chance, 0 to 1; `None` without degrees of freedom: a factor with one level has no
    /// effect that could be tested.
    pub p: Option<f64>,
}

/// Both factors and what they do together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheirerRayHare {
    /// The first factor.
    pub first: Effect,
    /// The second factor.
    pub second: Effect,
    /// What the second factor does otherwise where the first one is another.
    pub interaction: Effect,
}

/// The test of observations, each with its level of both factors. Effects are told apart as in a design whose cells are
/// proportional. `None` of fewer than two observations, and where all numbers are the same.
#[must_use]
pub fn scheirer_ray_hare<A: Ord + Clone, B: Ord + Clone>(observations: &[(A, B, f64)]) -> Option<ScheirerRayHare> {
    let values: Vec<f64> = observations.iter().map(|observation| observation.2).collect();
    let ranks = mid_ranks(&values).ranks;
    let centre = mean(&ranks)?;
    let total: f64 = ranks.iter().map(|rank| (rank - centre).powi(2)).sum();
    let mean_square = (observations.len() > 1 && total > 0.0).then(|| total / number(observations.len() - 1))?;
    let (first, first_levels) = between(observations.iter().map(|o| o.0.clone()), &ranks, centre);
    let (second, second_levels) = between(observations.iter().map(|o| o.1.clone()), &ranks, centre);
    let (cells, _) = between(observations.iter().map(|o| (o.0.clone(), o.1.clone())), &ranks, centre);
    let effect = |squares: f64, df: usize| {
        let h = if df == 0 { 0.0 } else { squares / mean_square };
        Effect { h, df, p: chi_squared_sf(h, df) }
    };
    let (first_df, second_df) = (first_levels - 1, second_levels - 1);
    Some(ScheirerRayHare {
        first: effect(first, first_df),
        second: effect(second, second_df),
        interaction: effect(cells - first - second, first_df * second_df),
    })
}

/// The sum of squares between groups of ranks, and how many groups there are.
fn between<K: Ord>(keys: impl Iterator<Item = K>, ranks: &[f64], centre: f64) -> (f64, usize) {
    let mut groups: BTreeMap<K, (f64, f64)> = BTreeMap::new();
    for (key, rank) in keys.zip(ranks) {
        let (sum, size) = groups.entry(key).or_default();
        *sum += rank;
        *size += 1.0;
    }
    let squares = groups.values().map(|(sum, size)| size * (sum / size - centre).powi(2)).sum();
    (squares, groups.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::kruskal_wallis::kruskal_wallis;

    #[test]
    fn with_one_level_of_a_factor_the_other_one_has_the_h_of_kruskal_and_wallis() {
        let observations = [('a', 0, 1.0), ('a', 0, 2.0), ('a', 1, 2.0), ('a', 1, 5.0), ('a', 2, 7.0), ('a', 2, 2.0)];
        let test = scheirer_ray_hare(&observations).unwrap();
        let alone = kruskal_wallis(&[[1.0, 2.0], [2.0, 5.0], [7.0, 2.0]]).unwrap();
        assert!((test.second.h - alone.h).abs() < 1e-12);
        assert_eq!(test.first, Effect { h: 0.0, df: 0, p: None });
        assert_eq!(test.interaction, Effect { h: 0.0, df: 0, p: None });
    }

    #[test]
    fn of_too_little_and_of_equal_numbers_nothing_is_said() {
        assert_eq!(scheirer_ray_hare::<u32, u32>(&[]), None);
        assert_eq!(scheirer_ray_hare(&[(0, 0, 1.0)]), None);
        assert_eq!(scheirer_ray_hare(&[(0, 0, 1.0), (1, 1, 1.0)]), None);
    }
}
