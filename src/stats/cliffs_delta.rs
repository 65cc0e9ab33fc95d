//! Cliff's delta: how much more often a number of one sample is above one of another than below it.
//!
//! Source: Cliff, "Dominance statistics", Psychological Bulletin 114 (1993).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::descriptive::{number, sorted};

/// Cliff's delta: the mean sign of `later − former` over all pairs, −1 to 1; above 0 where the later sample is the higher
/// one. `None` when a sample is empty.
#[must_use]
pub fn cliffs_delta(later: &[f64], former: &[f64]) -> Option<f64> {
    Some(Levels::of(later, former)?.delta())
}

/// How large a delta is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Magnitude {
    /// Below 0.11.
    Negligible,
    /// From 0.11 on.
    Small,
    /// From 0.28 on.
    Medium,
    /// From 0.43 on.
    Large,
}

impl Magnitude {
    /// The band of a delta, whichever its sign.
    ///
    /// Source: the bands of Vargha and Delaney, "A critique and improvement of the CL common language effect size
    /// statistics", J. Educ. Behav. Stat. 25 (2000): their A of 0.56, 0.64 and 0.71 is a delta of 0.12, 0.28 and 0.42, which
    /// the published tables have as 0.11, 0.28 and 0.43.
    #[must_use]
    pub fn of(delta: f64) -> Self {
        match delta.abs() {
            size if size < 0.11 => Self::Negligible,
            size if size < 0.28 => Self::Small,
            size if size < 0.43 => Self::Medium,
            _ => Self::Large,
        }
    }
}

/// Two samples by their distinct values: which value each number has, in ascending order.
pub(crate) struct Levels {
    later: Vec<u32>,
    former: Vec<u32>,
    count: usize,
}

impl Levels {
    /// `None` when a sample is empty.
    pub(crate) fn of(later: &[f64], former: &[f64]) -> Option<Self> {
        if later.is_empty() || former.is_empty() {
            return None;
        }
        // Adding zero makes one value of 0 and −0.
        let positive: Vec<f64> = later.iter().chain(former).map(|value| value + 0.0).collect();
        let mut distinct = sorted(&positive);
        distinct.dedup_by(|a, b| a.total_cmp(b).is_eq());
        let level = |value: &f64| {
            let at = distinct.partition_point(|other| other.total_cmp(value).is_lt());
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        let levels: Vec<u32> = positive.iter().map(level).collect();
        let (later, former) = levels.split_at(later.len());
        Some(Self { later: later.to_vec(), former: former.to_vec(), count: distinct.len() })
    }

    /// How many distinct values there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The delta of the samples themselves.
    pub(crate) fn delta(&self) -> f64 {
        let mut drawing = self.drawing();
        let (mut later, mut former) = (0..self.later.len(), 0..self.former.len());
        drawing.delta(|| later.next().unwrap_or_default(), || former.next().unwrap_or_default())
    }

    /// What draws from the samples again and again.
    pub(crate) fn drawing(&self) -> Drawing<'_> {
        Drawing { levels: self, dominated: vec![0; self.count] }
    }

    /// The delta without each number of the later sample, and without each of the former.
    pub(crate) fn deltas_without_each(&self) -> [Vec<f64>; 2] {
        let (later, former) = (number(self.later.len()), number(self.former.len()));
        let dominated = |sample: &[u32]| {
            let mut dominated = vec![0; self.count];
            dominance(&mut dominated, sample.iter().map(|level| *level as usize));
            dominated
        };
        let (over_former, over_later) = (dominated(&self.former), dominated(&self.later));
        let total: i64 = self.later.iter().map(|level| over_former[*level as usize]).sum();
        let without_later = |level: &u32| signed(total - over_former[*level as usize]) / ((later - 1.0) * former);
        let without_former = |level: &u32| signed(total + over_later[*level as usize]) / (later * (former - 1.0));
        [self.later.iter().map(without_later).collect(), self.former.iter().map(without_former).collect()]
    }
}

/// Deltas of samples that are drawn from two others.
pub(crate) struct Drawing<'a> {
    levels: &'a Levels,
    /// For each value, how many more numbers of the former sample are below it than above it.
    dominated: Vec<i64>,
}

impl Drawing<'_> {
    /// The delta of two samples as large as those drawn from, whose places are drawn by `later` and `former`.
    pub(crate) fn delta(&mut self, mut later: impl FnMut() -> usize, mut former: impl FnMut() -> usize) -> f64 {
        let levels = self.levels;
        let drawn = levels.former.iter().map(|_| levels.former[former()] as usize);
        dominance(&mut self.dominated, drawn);
        let total: i64 = levels.later.iter().map(|_| self.dominated[levels.later[later()] as usize]).sum();
        signed(total) / (number(levels.later.len()) * number(levels.former.len()))
    }
}

/// Fills in for each value how many more numbers of a sample are below it than above it.
fn dominance(dominated: &mut [i64], sample: impl Iterator<Item = usize>) {
    dominated.fill(0);
    let mut size = 0;
    for level in sample {
        dominated[level] += 1;
        size += 1;
    }
    let mut below = 0;
    for slot in dominated {
        let here = *slot;
        *slot = below - (size - below - here);
        below += here;
    }
}

fn signed(total: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of pairs stay far below 2^53")]
    let total = total as f64;
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delta_is_the_mean_sign_over_all_pairs() {
        let (later, former) = ([1.0, 0.0, 3.0, 1.0], [1.0, 2.0, -0.0]);
        let signs =
            later.iter().flat_map(|x| former.iter().map(move |y: &f64| f64::from(i8::from(x > y) - i8::from(x < y))));
        assert_eq!(cliffs_delta(&later, &former), Some(signs.sum::<f64>() / 12.0));
        assert_eq!((cliffs_delta(&[], &[1.0]), cliffs_delta(&[1.0], &[])), (None, None));
    }

    #[test]
    fn without_each_number_the_delta_is_that_of_the_rest() {
        let (later, former) = ([1.0, 0.0, 3.0], [1.0, 2.0]);
        let [without_later, without_former] = Levels::of(&later, &former).unwrap().deltas_without_each();
        assert_eq!(Some(without_later[1]), cliffs_delta(&[1.0, 3.0], &former));
        assert_eq!(Some(without_former[0]), cliffs_delta(&later, &[2.0]));
    }

    #[test]
    fn a_band_begins_at_its_bound() {
        let bands = [0.1, -0.11, 0.28, -0.43, 1.0].map(Magnitude::of);
        let expected = [Magnitude::Negligible, Magnitude::Small, Magnitude::Medium, Magnitude::Large, Magnitude::Large];
        assert_eq!(bands, expected);
    }
}
