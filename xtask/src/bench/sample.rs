//! Repetitions of one measurement.

/// What several repetitions gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Samples(Vec<f64>);

impl Samples {
    pub(super) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    /// The middle one; 0 when there is none.
    pub(super) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => 0.0,
            even if even % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        }
    }

    /// The one that so many percent of all, from 0 to 100, do not exceed; 0 when there is none.
    pub(super) fn percentile(&self, percent: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "there are fewer samples than 2^53")]
        let rank = (percent / 100.0 * sorted.len() as f64).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is from 0 to the number of samples"
        )]
        let rank = rank as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    pub(super) fn least(&self) -> f64 {
        self.0.iter().copied().reduce(f64::min).unwrap_or_default()
    }

    pub(super) fn most(&self) -> f64 {
        self.0.iter().copied().reduce(f64::max).unwrap_or_default()
    }

    /// Each one divided by the one of `other` that was taken beside it: what disturbs both is no difference.
    pub(super) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(this, that)| this / that).collect())
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(all: &[f64]) -> Samples {
        all.iter().copied().collect()
    }

    #[test]
    fn the_median_is_the_middle_one_or_lies_between_the_two() {
        assert!((samples(&[9.0, 1.0, 2.0]).median() - 2.0).abs() < 1e-9);
        assert!((samples(&[4.0, 1.0, 2.0, 9.0]).median() - 3.0).abs() < 1e-9);
        assert!(samples(&[]).median().abs() < 1e-9);
    }

    #[test]
    fn a_percentile_is_a_sample_that_so_many_do_not_exceed() {
        let hundred: Samples = (1..=100).rev().map(f64::from).collect();
        let at = [0.0, 50.0, 99.0, 100.0].map(|percent| hundred.percentile(percent));
        assert_eq!(samples(&at), samples(&[1.0, 50.0, 99.0, 100.0]));
        assert!(samples(&[]).percentile(99.0).abs() < 1e-9);
    }

    #[test]
    fn ratios_are_taken_between_neighbours() {
        let ratios = samples(&[2.0, 30.0]).over(&samples(&[1.0, 10.0]));
        assert_eq!(ratios, samples(&[2.0, 3.0]));
        assert_eq!((ratios.least(), ratios.most()), (2.0, 3.0));
    }
}
