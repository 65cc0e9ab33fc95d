//! The permutation test: how often a difference as large would come about if labels meant nothing. It assumes no
//! distribution; small samples are counted out, others are drawn from a seed.
//!
//! Source: Fisher, "The design of experiments" (1935); two-sided p as `scipy.stats.permutation_test` finds it, from drawn
//! orders with the added one of Phipson and Smyth, "Permutation p-values should never be zero" (2010).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::descriptive::{mean, number};
use super::random::MersenneTwister;

/// How the test is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Up to how many orders are all counted; how many are drawn where there are more.
    pub orders: usize,
    /// Where the random numbers begin.
    pub seed: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { orders: 20_000, seed: 42 }
    }
}

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Permutation {
    /// The difference of the means, later − former, in the sample's unit.
    pub difference: f64,
    /// How likely at least such a difference is by chance, two-sided, 0 to 1.
    pub p: f64,
    /// Whether all orders were counted.
    pub exact: bool,
}

/// Whether the means of two samples differ. `None` when one is empty.
#[must_use]
pub fn between(later: &[f64], former: &[f64], settings: &Settings) -> Option<Permutation> {
    let difference = mean(later)? - mean(former)?;
    let mut all: Vec<f64> = later.iter().chain(former).copied().collect();
    let total: f64 = all.iter().sum();
    let (n1, n2) = (number(later.len()), number(former.len()));
    let of_sum = |sum: f64| sum / n1 - (total - sum) / n2;
    let mut tails = Tails::new(difference);
    let exact = combinations(all.len(), later.len()) <= number(settings.orders);
    if exact {
        each_choice(&all, later.len(), 0.0, &mut |sum| tails.count(of_sum(sum)));
    } else {
        let mut generator = MersenneTwister::new(settings.seed);
        for _ in 0..settings.orders {
            generator.shuffle(&mut all);
            tails.count(of_sum(all[..later.len()].iter().sum()));
        }
    }
    Some(Permutation { difference, p: tails.two_sided(exact), exact })
}

/// Whether the mean of paired differences is other than 0: each could as well have the other sign. `None` of nothing.
#[must_use]
pub fn of_signs(differences: &[f64], settings: &Settings) -> Option<Permutation> {
    let difference = mean(differences)?;
    let n = number(differences.len());
    let mut tails = Tails::new(difference);
    let all = u32::try_from(differences.len())
        .ok()
        .and_then(|n| 1_usize.checked_shl(n))
        .filter(|all| *all <= settings.orders);
    let signed = |bits: &mut dyn FnMut(usize) -> bool| {
        let signed = differences.iter().enumerate().map(|(at, value)| if bits(at) { -value } else { *value });
        signed.sum::<f64>() / n
    };
    if let Some(all) = all {
        for signs in 0..all {
            tails.count(signed(&mut |at| signs >> at & 1 == 1));
        }
    } else {
        let mut generator = MersenneTwister::new(settings.seed);
        for _ in 0..settings.orders {
            tails.count(signed(&mut |_| generator.below(2) == 1));
        }
    }
    Some(Permutation { difference, p: tails.two_sided(all.is_some()), exact: all.is_some() })
}

/// How many orders lie as far on each side as what was seen.
struct Tails {
    seen: f64,
    /// What is equal but for rounding counts as equal.
    slack: f64,
    orders: usize,
    low: usize,
    high: usize,
}

impl Tails {
    fn new(seen: f64) -> Self {
        Self { seen, slack: (1e-14 * seen.abs()).max(1e-14), orders: 0, low: 0, high: 0 }
    }

    fn count(&mut self, difference: f64) {
        self.orders += 1;
        self.low += usize::from(difference <= self.seen + self.slack);
        self.high += usize::from(difference >= self.seen - self.slack);
    }

    /// Twice the smaller tail.
    fn two_sided(&self, exact: bool) -> f64 {
        let added = usize::from(!exact);
        let share = number(self.low.min(self.high) + added) / number(self.orders + added);
        (2.0 * share).min(1.0)
    }
}

/// How many ways there are to choose so many of n.
fn combinations(n: usize, chosen: usize) -> f64 {
    (0..chosen.min(n - chosen)).fold(1.0, |ways, taken| ways * number(n - taken) / number(taken + 1))
}

/// Calls for the sum of each choice of so many values.
fn each_choice(values: &[f64], choose: usize, sum: f64, call: &mut dyn FnMut(f64)) {
    if choose == 0 {
        return call(sum);
    }
    for at in 0..=values.len() - choose {
        each_choice(&values[at + 1..], choose - 1, sum + values[at], call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_samples_are_counted_out() {
        let test = between(&[4.0, 5.0, 6.0], &[1.0, 2.0, 3.0], &Settings::default()).unwrap();
        assert_eq!((test.difference, test.p, test.exact), (3.0, 0.1, true));
        let signs = of_signs(&[1.0, 2.0, 3.0], &Settings::default()).unwrap();
        assert_eq!((signs.p, signs.exact), (0.25, true));
        assert_eq!((between(&[], &[1.0], &Settings::default()), of_signs(&[], &Settings::default())), (None, None));
    }

    #[test]
    fn where_nothing_differs_p_is_one() {
        assert_eq!(between(&[1.0, 1.0], &[1.0], &Settings::default()).map(|test| test.p), Some(1.0));
    }

    #[test]
    fn drawn_orders_come_near_to_all_of_them() {
        let (later, former) = ([0.3, 0.9, 0.8, 0.7, 0.65, 0.9], [0.1, 0.5, 0.7, 0.2, 0.66, 0.4]);
        let all = between(&later, &former, &Settings::default()).unwrap();
        let drawn = between(&later, &former, &Settings { orders: 900, seed: 7 }).unwrap();
        assert!(all.exact && !drawn.exact && (all.p - drawn.p).abs() < 0.03, "{all:?} {drawn:?}");
        let pairs: Vec<f64> = later.iter().zip(former).map(|(a, b)| a - b).collect();
        let all = of_signs(&pairs, &Settings::default()).unwrap();
        let drawn = of_signs(&pairs, &Settings { orders: 60, seed: 7 }).unwrap();
        assert!(all.exact && !drawn.exact && (all.p - drawn.p).abs() < 0.1, "{all:?} {drawn:?}");
    }
}
