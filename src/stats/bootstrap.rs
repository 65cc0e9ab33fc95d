//! Intervals by drawing again from the sample itself: bias-corrected and accelerated (`BCa`), to the last bit what
//! `scipy.stats.bootstrap(…, method="BCa", random_state=seed)` gives for the same seed.
//!
//! Source: Efron and Tibshirani, "An introduction to the bootstrap" (1993), sections 14.3 and 15.4.

use std::collections::BTreeMap;

use super::cliffs_delta::Levels;
use super::descriptive::{floor, is_constant, mean, number, sorted, sum};
use super::estimate::{Estimate, Interval};
use super::normal::{normal_cdf, normal_quantile};
use super::random::MersenneTwister;

/// How an interval is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How many samples are drawn.
    pub samples: usize,
    /// The share of intervals that hold the truth, 0 to 1.
    pub level: f64,
    /// Where the random numbers begin.
    pub seed: u32,
}

impl Default for Settings {
    /// What the published intervals were made with.
    fn default() -> Self {
        Self { samples: 10_000, level: 0.95, seed: 42 }
    }
}

/// The mean of a sample, in its unit, with its interval. One number, and numbers that are all the same, are their own
/// interval. `None` of nothing.
#[must_use]
pub fn mean_of(values: &[f64], settings: &Settings) -> Option<Estimate> {
    let value = mean(values)?;
    if is_constant(values) {
        return Some(Estimate { value, interval: Some(Interval { low: value, high: value }) });
    }
    let bound = u32::try_from(values.len()).ok()?;
    let mut generator = MersenneTwister::new(settings.seed);
    let mut drawn = vec![0.0; values.len()];
    let replicates = (0..settings.samples).map(|_| {
        for slot in &mut drawn {
            *slot = values[generator.below(bound) as usize];
        }
        sum(&drawn) / number(values.len())
    });
    let replicates: Vec<f64> = replicates.collect();
    let (total, others) = (sum(values), number(values.len() - 1));
    let without_each: Vec<f64> = values.iter().map(|left_out| (total - left_out) / others).collect();
    Some(Estimate { value, interval: bca(value, &replicates, &[without_each], settings.level) })
}

/// The share of `passed` in `n`, 0 to 1, with the interval that [`mean_of`] comes to with ever more samples: how many pass of
/// as many that are drawn again has a binomial distribution, so nothing need be drawn. None or all of them are their own
/// interval. `None` of nothing, and when more passed than there are.
#[must_use]
pub fn share_of(passed: usize, n: usize, level: f64) -> Option<Estimate> {
    if n == 0 || passed > n {
        return None;
    }
    let value = number(passed) / number(n);
    if passed == 0 || passed == n {
        return Some(Estimate { value, interval: Some(Interval { low: value, high: value }) });
    }
    let (first, chances) = chances(passed, n);
    let below = sum(&chances[..passed - first]);
    let bias = normal_quantile(below + chances[passed - first] / 2.0);
    // The influence of each is its distance from the mean.
    let (cubes, squares) = (value * (1.0 - value) * (1.0 - 2.0 * value), value * (1.0 - value));
    let acceleration = cubes / (6.0 * squares.powf(1.5) * number(n).sqrt());
    let interval = shares(bias, acceleration, level).map(|(low, high)| {
        let at = |share: f64| {
            let up_to = chances.iter().scan(0.0, |up_to, chance| {
                *up_to += chance;
                Some(*up_to)
            });
            let fewer = up_to.take_while(|up_to| *up_to < share).count();
            number((first + fewer).min(n)) / number(n)
        };
        Interval { low: at(low), high: at(high) }
    });
    Some(Estimate { value, interval })
}

/// The chance of each count of passes among `n` that are drawn from `n` of which `passed` did, from the first count on that
/// matters. Chances are held against that of the likeliest count, which is `passed`, so none of them is too small to be told.
fn chances(passed: usize, n: usize) -> (usize, Vec<f64>) {
    // What is less likely than this, beside the likeliest, changes no sum.
    const LEAST: f64 = 1e-20;
    let odds = number(passed) / number(n - passed);
    let (mut first, mut chance) = (passed, 1.0);
    let mut fewer = Vec::new();
    while first > 0 && chance > LEAST {
        chance *= number(first) / (number(n - first + 1) * odds);
        first -= 1;
        fewer.push(chance);
    }
    let mut chances: Vec<f64> = fewer.into_iter().rev().collect();
    let (mut last, mut chance) = (passed, 1.0);
    chances.push(chance);
    while last < n && chance > LEAST {
        chance *= number(n - last) * odds / number(last + 1);
        last += 1;
        chances.push(chance);
    }
    let all = sum(&chances);
    (first, chances.into_iter().map(|chance| chance / all).collect())
}

/// Cliff's delta of two samples (see [`super::cliffs_delta`]) with its interval. No interval where all numbers are the
/// same. `None` when a sample is empty.
#[must_use]
pub fn cliffs_delta(later: &[f64], former: &[f64], settings: &Settings) -> Option<Estimate> {
    cliffs_deltas(&[(later.to_vec(), former.to_vec())], settings).pop().flatten()
}

/// The same of several pairs of a later and a former sample. From pairs of the same sizes, such as several metrics of the same
/// runs, the same places are drawn: once for all of them, which is most of the work.
#[must_use]
pub fn cliffs_deltas(pairs: &[(Vec<f64>, Vec<f64>)], settings: &Settings) -> Vec<Option<Estimate>> {
    let all: Vec<Option<Levels>> = pairs.iter().map(|(later, former)| Levels::of(later, former)).collect();
    let alone = |levels: &Option<Levels>| Some(Estimate { value: levels.as_ref()?.delta(), interval: None });
    let mut found: Vec<Option<Estimate>> = all.iter().map(alone).collect();
    let mut by_sizes: BTreeMap<[usize; 2], Vec<(usize, &Levels)>> = BTreeMap::new();
    for ((at, levels), (later, former)) in all.iter().enumerate().zip(pairs) {
        let sizes = [later.len(), former.len()];
        if let Some(levels) = levels.as_ref().filter(|levels| levels.count() > 1 && !sizes.contains(&1)) {
            by_sizes.entry(sizes).or_default().push((at, levels));
        }
    }
    for (sizes, group) in by_sizes {
        let levels: Vec<&Levels> = group.iter().map(|(_, levels)| *levels).collect();
        for ((at, levels), replicates) in group.into_iter().zip(drawn_deltas(sizes, &levels, settings)) {
            let value = levels.delta();
            let interval = bca(value, &replicates, &levels.deltas_without_each(), settings.level);
            found[at] = Some(Estimate { value, interval });
        }
    }
    found
}

/// The deltas of samples that are drawn again from pairs of these sizes.
fn drawn_deltas(sizes: [usize; 2], all: &[&Levels], settings: &Settings) -> Vec<Vec<f64>> {
    let bounds = sizes.map(|size| u32::try_from(size).unwrap_or(u32::MAX));
    let mut for_later = MersenneTwister::new(settings.seed);
    // All samples of the later are drawn before those of the former, as `SciPy` draws them: a second generator that is
    // ahead by as much needs no room for them.
    let mut for_former = for_later.clone();
    for _ in 0..settings.samples * sizes[0] {
        for_former.below(bounds[0]);
    }
    let mut drawings: Vec<_> = all.iter().map(|levels| (levels.drawing(), Vec::new())).collect();
    let mut places = sizes.map(|size| vec![0; size]);
    for _ in 0..settings.samples {
        for ((places, bound), generator) in places.iter_mut().zip(bounds).zip([&mut for_later, &mut for_former]) {
            places.fill_with(|| generator.below(bound) as usize);
        }
        let [later, former] = &places;
        for (drawing, deltas) in &mut drawings {
            let (mut later, mut former) = (later.iter().copied(), former.iter().copied());
            deltas.push(drawing.delta(|| later.next().unwrap_or_default(), || former.next().unwrap_or_default()));
        }
    }
    drawings.into_iter().map(|(_, deltas)| deltas).collect()
}

/// The `BCa` interval of an estimate from its replicates and from what it would be without each of the numbers, sample by
/// sample. `None` where the replicates all lie on one side of it, or are all the same.
fn bca(value: f64, replicates: &[f64], without_each: &[Vec<f64>], level: f64) -> Option<Interval> {
    let below = replicates.iter().filter(|replicate| **replicate < value).count();
    let up_to = replicates.iter().filter(|replicate| **replicate <= value).count();
    let bias = normal_quantile(number(below + up_to) / (2.0 * number(replicates.len())));
    let (low, high) = shares(bias, acceleration(without_each), level)?;
    let sorted = sorted(replicates);
    Some(Interval { low: weighted_quantile(&sorted, low), high: weighted_quantile(&sorted, high) })
}

/// Which shares of all replicates lie below the ends of a `BCa` interval.
fn shares(bias: f64, acceleration: f64, level: f64) -> Option<(f64, f64)> {
    let reach = normal_quantile((1.0 - level) / 2.0);
    let shifted = |z: f64| normal_cdf(bias + (bias + z) / (1.0 - acceleration * (bias + z)));
    let (low, high) = (shifted(reach), shifted(-reach));
    let is_finite = bias.is_finite() && acceleration.is_finite() && low.is_finite() && high.is_finite();
    is_finite.then_some((low, high))
}

/// The quantile at `share` of a sample in ascending order: its two neighbours, weighed. It is the one of
/// [`super::descriptive::quantile`] but for its last bit, which is that of `scipy.stats.quantile`.
fn weighted_quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * number(sorted.len()) + (1.0 - share);
    let above = floor(place).clamp(1, sorted.len());
    let weight = place.fract();
    (1.0 - weight) * sorted[above - 1] + weight * sorted[above.min(sorted.len() - 1)]
}

/// How the spread of an estimate changes with it, by the jackknife.
fn acceleration(without_each: &[Vec<f64>]) -> f64 {
    let (mut cubes, mut squares) = (0.0, 0.0);
    for sample in without_each {
        let n = number(sample.len());
        let mean = sum(sample) / n;
        let influences: Vec<f64> = sample.iter().map(|value| (n - 1.0) * (mean - value)).collect();
        cubes += sum(&influences.iter().map(|value| value.powi(3)).collect::<Vec<_>>()) / n.powi(3);
        squares += sum(&influences.iter().map(|value| value.powi(2)).collect::<Vec<_>>()) / n.powi(2);
    }
    1.0 / 6.0 * cubes / squares.powf(1.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_sample_is_its_own_interval_and_nothing_has_none() {
        let settings = Settings::default();
        assert_eq!(mean_of(&[], &settings), None);
        for sample in [&[0.7][..], &[0.7, 0.7, 0.7]] {
            let estimate = mean_of(sample, &settings).unwrap();
            assert_eq!(estimate.interval, Some(Interval { low: estimate.value, high: estimate.value }));
        }
    }

    #[test]
    fn a_share_has_the_interval_that_many_draws_come_near_to() {
        assert_eq!((share_of(0, 0, 0.95), share_of(3, 2, 0.95)), (None, None));
        for all_or_none in [0, 7] {
            assert_eq!(share_of(all_or_none, 7, 0.95), mean_of(&[number(all_or_none) / 7.0; 7], &Settings::default()));
        }
        for (passed, n) in [(1, 2), (1, 3), (17, 20), (3, 40), (250, 1_000)] {
            let values: Vec<f64> = (0..n).map(|at| f64::from(u8::from(at < passed))).collect();
            let drawn = mean_of(&values, &Settings::default()).unwrap().interval.unwrap();
            let exact = share_of(passed, n, 0.95).unwrap().interval.unwrap();
            let step = 1.5 / number(n);
            assert!((drawn.low - exact.low).abs() < step && (drawn.high - exact.high).abs() < step, "{passed} of {n}");
        }
    }

    #[test]
    fn a_delta_of_numbers_that_are_all_the_same_has_no_interval() {
        let settings = Settings::default();
        let same = cliffs_delta(&[1.0, 1.0], &[1.0, 1.0, 1.0], &settings).unwrap();
        assert_eq!((same.value, same.interval), (0.0, None));
        let apart = cliffs_delta(&[2.0, 2.0], &[1.0, 1.0], &settings).unwrap();
        assert_eq!((apart.value, apart.interval), (1.0, None));
        assert_eq!(cliffs_delta(&[], &[1.0], &settings), None);
    }

    #[test]
    fn several_deltas_are_what_each_is_alone() {
        let settings = Settings { samples: 200, ..Settings::default() };
        let later = [vec![0.1, 0.5, 0.4], vec![1.0, 0.0, 1.0], vec![7.0, 7.0, 7.0], vec![0.2], vec![], vec![0.3, 0.9]];
        let former = [vec![0.3, 0.6], vec![0.0, 0.0], vec![7.0, 7.0], vec![0.1, 0.3], vec![1.0], vec![0.5, 0.8, 0.1]];
        let pairs: Vec<_> = later.into_iter().zip(former).collect();
        let each: Vec<_> = pairs.iter().map(|(later, former)| cliffs_delta(later, former, &settings)).collect();
        assert_eq!(cliffs_deltas(&pairs, &settings), each);
        let intervals: Vec<_> = each.iter().map(|delta| delta.is_some_and(|delta| delta.interval.is_some())).collect();
        assert_eq!(intervals, [true, true, false, false, false, true]);
    }

    #[test]
    fn another_seed_draws_another_interval() {
        let sample = [0.1, 0.52, 0.93, 0.3, 0.357, 0.81, 0.442];
        let interval = |seed| mean_of(&sample, &Settings { seed, ..Settings::default() }).unwrap().interval.unwrap();
        assert_eq!(interval(1), interval(1));
        assert_ne!(interval(1), interval(2));
    }
}
