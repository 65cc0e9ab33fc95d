//! Shapiro–Wilk: whether a sample may come from a normal distribution.
//!
//! Source: Royston, "Remark AS R94: a remark on algorithm AS 181: the W-test for normality", Applied Statistics 44 (1995),
//! with the normal quantile of AS 111 and the normal tail of AS 66, as `scipy.stats.shapiro` has them.

#![expect(clippy::unreadable_literal, reason = "the coefficients stand as they are printed in the papers")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::descriptive::{number, sorted};

/// Fewest numbers of which something is said.
const FEWEST: usize = 3;
/// What is the least p for up to eleven numbers, and the range of a sample whose numbers are the same.
const SMALL: f64 = 1e-19;

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShapiroWilk {
    /// W, up to 1 for a sample as normal as can be.
    pub w: f64,
    /// How likely at most such a W is when the distribution is normal, 0 to 1. Above 5000 numbers it is only near.
    pub p: f64,
}

/// The test. `None` below three numbers, and where all are the same: such a sample has no shape.
#[must_use]
pub fn shapiro_wilk(values: &[f64]) -> Option<ShapiroWilk> {
    let n = values.len();
    let mut sample = sorted(values);
    // Near 0 the differences are exact.
    let middle = *sample.get(n / 2).filter(|_| n >= FEWEST)?;
    for value in &mut sample {
        *value -= middle;
    }
    let range = sample[n - 1] - sample[0];
    if range < SMALL {
        return None;
    }
    let one_minus_w = distance(&sample, range, &weights(n));
    Some(significance(n, one_minus_w))
}

/// The weights of the lower half of a sorted sample, those of the upper half being their opposites.
fn weights(n: usize) -> Vec<f64> {
    if n == 3 {
        return vec![2.0_f64.sqrt() / 2.0];
    }
    let mut weights: Vec<f64> =
        (1..=n / 2).map(|at| normal_quantile((number(at) - 0.375) / (number(n) + 0.25))).collect();
    let squares = 2.0 * weights.iter().map(|weight| weight * weight).sum::<f64>();
    let root = squares.sqrt();
    let step = 1.0 / number(n).sqrt();
    let first = polynomial(&[0.0, 0.221157, -0.147981, -2.07119, 4.434685, -2.706056], step) - weights[0] / root;
    let (begin, factor) = if n > 5 {
        let second = -weights[1] / root + polynomial(&[0.0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633], step);
        let left = squares - 2.0 * weights[0].powi(2) - 2.0 * weights[1].powi(2);
        let factor = (left / (1.0 - 2.0 * first.powi(2) - 2.0 * second.powi(2))).sqrt();
        weights[1] = second;
        (2, factor)
    } else {
        (1, ((squares - 2.0 * weights[0].powi(2)) / (1.0 - 2.0 * first.powi(2))).sqrt())
    };
    weights[0] = first;
    for weight in &mut weights[begin..] {
        *weight *= -1.0 / factor;
    }
    weights
}

/// 1 − W: how far the sorted sample is from its weights, without cancellation.
fn distance(sample: &[f64], range: f64, weights: &[f64]) -> f64 {
    let n = sample.len();
    let weight = |at: usize| {
        let mirror = n - 1 - at;
        match at.cmp(&mirror) {
            std::cmp::Ordering::Less => -weights[at],
            std::cmp::Ordering::Equal => 0.0,
            std::cmp::Ordering::Greater => weights[mirror],
        }
    };
    let mean_weight = (0..n).map(weight).sum::<f64>() / number(n);
    let mean = sample.iter().map(|value| value / range).sum::<f64>() / number(n);
    let (mut weights_squared, mut values_squared, mut product) = (0.0, 0.0, 0.0);
    for (at, value) in sample.iter().enumerate() {
        let (weight, value) = (weight(at) - mean_weight, value / range - mean);
        weights_squared += weight * weight;
        values_squared += value * value;
        product += weight * value;
    }
    let root = (weights_squared * values_squared).sqrt();
    (root - product) * (root + product) / (weights_squared * values_squared)
}

/// W and its p.
fn significance(n: usize, one_minus_w: f64) -> ShapiroWilk {
    let w = 1.0 - one_minus_w;
    if n == 3 {
        // Exact, and never below 3/4 but by rounding.
        let p = if w < 0.75 { 0.0 } else { 1.0 - 6.0 / std::f64::consts::PI * w.sqrt().acos() };
        return ShapiroWilk { w: w.max(0.75), p };
    }
    let (y, size) = (one_minus_w.ln(), number(n));
    let (y, mean, deviation) = if n <= 11 {
        let gamma = polynomial(&[-2.273, 0.459], size);
        if y >= gamma {
            return ShapiroWilk { w, p: SMALL };
        }
        let mean = polynomial(&[0.5440, -0.39978, 0.025054, -0.0006714], size);
        (-(gamma - y).ln(), mean, polynomial(&[1.3822, -0.77857, 0.062767, -0.0020322], size).exp())
    } else {
        let log = size.ln();
        let mean = polynomial(&[-1.5861, -0.31082, -0.083751, 0.0038915], log);
        (y, mean, polynomial(&[-0.4803, -0.082676, 0.0030302], log).exp())
    };
    ShapiroWilk { w, p: normal_tail((y - mean) / deviation) }
}

/// c₀ + c₁x + c₂x² + …
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// The normal quantile of AS 111, exact to seven digits: the weights of the published algorithm rest on it.
fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.42 {
        let r = q * q;
        let above = ((-25.44106049637 * r + 41.39119773534) * r - 18.61500062529) * r + 2.50662823884;
        return q * above
            / ((((3.13082909833 * r - 21.06224101826) * r + 23.08336743743) * r - 8.47351093090) * r + 1.0);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let above = ((2.32121276858 * r + 4.85014127135) * r - 2.29796479134) * r - 2.78718931138;
    (above / ((1.63706781897 * r + 3.54388924762) * r + 1.0)).copysign(q)
}

/// The upper tail of the normal distribution by AS 66, exact to nine digits.
fn normal_tail(x: f64) -> f64 {
    let (upper, z) = (x > 0.0, x.abs());
    if z > 38.0 || (!upper && z > 7.0) {
        return if upper { 0.0 } else { 1.0 };
    }
    let y = 0.5 * z * z;
    let tail = if z <= 1.28 {
        let inner = y + 5.75885480458 - 29.8213557808 / (y + 2.62433121679 + 48.6959930692 / (y + 5.92885724438));
        0.5 - z * (0.398942280444 - 0.399903438504 * y / inner)
    } else {
        let inner = z + 0.742380924027 + 30.789933034 / (z + 3.99019417011);
        let inner = z - 0.151679116635 + 5.29330324926 / (z + 4.8385912808 - 15.1508972451 / inner);
        let inner = z + 0.000398064794 + 1.98615381364 / inner;
        0.398942280385 * (-y).exp() / (z - 3.8052e-8 + 1.00000615302 / inner)
    };
    if upper { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_is_constant_or_too_small_has_no_shape() {
        assert_eq!(shapiro_wilk(&[1.0, 2.0]), None);
        assert_eq!(shapiro_wilk(&[1.0; 50]), None);
    }

    #[test]
    fn three_numbers_in_equal_steps_are_as_normal_as_can_be() {
        let test = shapiro_wilk(&[1.0, 2.0, 3.0]).unwrap();
        assert!((test.w - 1.0).abs() < 1e-12 && (test.p - 1.0).abs() < 1e-6, "{test:?}");
    }
}
