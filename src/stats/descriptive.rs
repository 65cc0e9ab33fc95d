//! What describes a sample by itself: its middle, its spread, its shape. Samples hold finite numbers; what is not known is
//! left out before, and an answer that a sample is too small for is `None`.

/// A count as a number.
pub(crate) fn number(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of runs stay far below 2^53")]
    let number = count as f64;
    number
}

/// Most numbers that [`sum`] adds up in one go: the block of `NumPy`.
const BLOCK: usize = 128;

/// The sum of numbers, added up pairwise in the order of `NumPy`, so that equal samples have equal sums to the last bit.
///
/// Source: `pairwise_sum` of `NumPy`; Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14 (1993).
#[must_use]
pub fn sum(values: &[f64]) -> f64 {
    if values.len() < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if values.len() > BLOCK {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % 8);
        return sum(left) + sum(right);
    }
    let mut lanes = [0.0; 8];
    lanes.copy_from_slice(&values[..8]);
    let mut blocks = values[8..].chunks_exact(8);
    for block in &mut blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    let half = |lanes: &[f64]| (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    let joined = half(&lanes[..4]) + half(&lanes[4..]);
    blocks.remainder().iter().fold(joined, |sum, value| sum + value)
}

/// The arithmetic mean, in the sample's unit; `None` of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| sum(values) / number(values.len()))
}

/// The middle of a sample, of an even count the mean of the two in the middle; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(sorted[middle - 1], upper)) }
}

/// A sample in ascending order.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The sample standard deviation (divided by n − 1), in the sample's unit; `None` below two numbers.
#[must_use]
pub fn sd(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: Vec<f64> = values.iter().map(|value| (value - mean).powi(2)).collect();
    Some((sum(&squares) / number(values.len() - 1)).sqrt())
}

/// Whether all numbers of a sample are the same.
#[must_use]
pub fn is_constant(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq())
}

/// The quantile at `share` (0 to 1), interpolated linearly between the two numbers beside it; `None` of nothing.
///
/// Source: type 7 of Hyndman and Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996), which
/// is the default of `NumPy`.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let sorted = sorted(values);
    let last = sorted.len().checked_sub(1)?;
    let at = number(last) * share.clamp(0.0, 1.0);
    let below = floor(at).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let part = at - number(below);
    // As `NumPy` does it, from the nearer end, so that equal neighbours give themselves.
    Some(if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) })
}

/// The whole part of a number that is not negative.
pub(crate) fn floor(number: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, which is wanted")]
    let floor = number as usize;
    floor
}

/// The mean of a power of the distances from the mean.
fn moment(values: &[f64], mean: f64, power: i32) -> f64 {
    let powers: Vec<f64> = values.iter().map(|value| (value - mean).powi(power)).collect();
    sum(&powers) / number(values.len())
}

/// Skewness: m₃ / m₂^1.5 of the central moments, without correction for the sample's size. `None` of a constant sample.
///
/// Source: `scipy.stats.skew` with its default `bias=True`.
#[must_use]
pub fn skew(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| !is_constant(values))?;
    Some(moment(values, mean, 3) / moment(values, mean, 2).powf(1.5))
}

/// Excess kurtosis: m₄ / m₂² − 3 of the central moments, without correction for the sample's size, 0 for a normal
/// distribution. `None` of a constant sample.
///
/// Source: `scipy.stats.kurtosis` with its defaults `fisher=True, bias=True`.
#[must_use]
pub fn excess_kurtosis(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| !is_constant(values))?;
    Some(moment(values, mean, 4) / moment(values, mean, 2).powi(2) - 3.0)
}

/// How alike the scores of repeated runs are: 1 − sd / mean, between 0 and 1; 0 where the mean is 0, `None` below two
/// scores, of which nothing can be said.
#[must_use]
pub fn consistency(scores: &[f64]) -> Option<f64> {
    let (mean, sd) = (mean(scores)?, sd(scores)?);
    Some(if mean > 0.0 { (1.0 - sd / mean).clamp(0.0, 1.0) } else { 0.0 })
}

/// How much of what a rubric asks for one judge found: the points achieved of the points to be had, 0 to 1 (a judge that
/// gives more points than there are makes it more). `None` where nothing was to be had.
#[must_use]
pub fn implementation_rate(items: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let (achieved, most) =
        items.into_iter().fold((0.0, 0.0), |(achieved, most), item| (achieved + item.0, most + item.1));
    (most > 0.0).then(|| achieved / most)
}

/// The implementation rate of a run: the median of its judges'. `None` without judges, and where one of them has none.
#[must_use]
pub fn implementation_rate_of_panel(judges: &[Option<f64>]) -> Option<f64> {
    median(&judges.iter().copied().collect::<Option<Vec<f64>>>()?)
}

/// Numbers that are known and finite.
pub fn known(values: impl IntoIterator<Item = Option<f64>>) -> Vec<f64> {
    values.into_iter().flatten().filter(|value| value.is_finite()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between_the_two_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[0.3]), Some(0.3));
        assert_eq!(median(&[1.0, 0.0, 0.5]), Some(0.5));
        assert_eq!(median(&[1.0, 0.0, 0.5, 0.25]), Some(0.375));
    }

    #[test]
    fn of_nothing_and_of_one_number_only_what_can_be_said_is_said() {
        assert_eq!((mean(&[]), sd(&[]), quantile(&[], 0.5), consistency(&[])), (None, None, None, None));
        assert_eq!((mean(&[2.0]), sd(&[2.0]), quantile(&[2.0], 0.9)), (Some(2.0), None, Some(2.0)));
        assert_eq!((consistency(&[2.0]), skew(&[2.0]), excess_kurtosis(&[2.0])), (None, None, None));
        assert_eq!((skew(&[1.0, 1.0, 1.0]), excess_kurtosis(&[1.0, 1.0])), (None, None));
    }

    #[test]
    fn consistency_is_one_for_equal_scores_and_zero_for_none_at_all() {
        assert_eq!(consistency(&[0.5, 0.5, 0.5]), Some(1.0));
        assert_eq!(consistency(&[0.0, 0.0]), Some(0.0));
        assert_eq!(consistency(&[0.0, 0.0, 0.0, 1.0]), Some(0.0));
    }

    #[test]
    fn an_implementation_rate_needs_points_to_be_had_and_every_judge() {
        assert_eq!(implementation_rate([(1.0, 2.0), (2.0, 2.0)]), Some(0.75));
        assert_eq!(implementation_rate([(0.0, 0.0)]), None);
        assert_eq!(implementation_rate_of_panel(&[Some(0.2), Some(1.0), Some(0.4)]), Some(0.4));
        assert_eq!(implementation_rate_of_panel(&[Some(0.2), None]), None);
        assert_eq!(implementation_rate_of_panel(&[]), None);
    }

    #[test]
    fn what_is_not_finite_is_not_known() {
        assert_eq!(known([Some(1.0), None, Some(f64::NAN), Some(f64::INFINITY)]), [1.0]);
    }
}
