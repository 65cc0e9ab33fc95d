//! Holm's correction of the p of several tests, alone because every family of tests needs it: more tests find no more by
//! chance.
//!
//! Source: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).

use super::descriptive::number;

/// The corrected p of each test, in the order in which they came, 0 to 1: the smallest is multiplied by the number of tests,
/// the next by one less, and none is smaller than one before it.
#[must_use]
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut corrected = vec![1.0; ps.len()];
    let mut most: f64 = 0.0;
    for (place, at) in order.into_iter().enumerate() {
        most = most.max(ps[at] * number(ps.len() - place)).min(1.0);
        corrected[at] = most;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_corrected_p_is_below_one_that_was_smaller_before() {
        assert_eq!(holm(&[0.25, 0.125, 0.0625]), [0.25, 0.25, 0.1875]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert_eq!(holm(&[]), [0.0_f64; 0]);
    }
}
