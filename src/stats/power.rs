//! Power: how likely a test sees a difference that is there, and how many runs that takes.
//!
//! Source: Cohen, "Statistical power analysis for the behavioral sciences" (1988), for what power is; the tests are those
//! of this module's neighbours, on made-up samples, or on every outcome that can be.

use super::descriptive::{floor, number};
use super::distributions::chi_squared_sf;
use super::mann_whitney::{Exact, deviation, p_of};
use super::normal::normal_quantile;
use super::random::MersenneTwister;

/// How power is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How many samples are made up.
    pub simulations: usize,
    /// Below which p a test sees a difference, 0 to 1.
    pub alpha: f64,
    /// Where the random numbers begin.
    pub seed: u32,
}

impl Default for Settings {
    /// What the published power was found with.
    fn default() -> Self {
        Self { simulations: 10_000, alpha: 0.05, seed: 42 }
    }
}

/// The smaller sample up to which the test is exact.
const MOST_OF_EXACT: usize = 8;

/// How often the Mann–Whitney test sees each of some Cliff's deltas between normal samples of these sizes, 0 to 1. No
/// difference is seen as often as `alpha` says. `None` below two numbers in a sample.
#[must_use]
pub fn mann_whitney(n1: usize, n2: usize, deltas: &[f64], settings: &Settings) -> Option<Vec<f64>> {
    if n1 < 2 || n2 < 2 {
        return None;
    }
    // Two normal distributions have this delta when the second is shifted by so much.
    let shifts: Vec<f64> =
        deltas.iter().map(|delta| 2.0_f64.sqrt() * normal_quantile(f64::midpoint(delta.abs(), 1.0))).collect();
    let exact = (n1.min(n2) <= MOST_OF_EXACT).then(|| Exact::new(n1, n2));
    let (size1, size2) = (number(n1), number(n2));
    let sd = deviation(size1, size2, 0.0);
    let mut generator = MersenneTwister::new(settings.seed);
    let mut first = Buckets::new(n1);
    let mut second = vec![0.0; n2];
    let mut seen = vec![0_usize; deltas.len()];
    for _ in 0..settings.simulations {
        first.fill((0..n1).map(|_| generator.normal()));
        second.fill_with(|| generator.normal());
        for (seen, shift) in seen.iter_mut().zip(&shifts) {
            let halves: usize = second.iter().map(|value| first.twice_rank(shift + value)).sum();
            let u = number(halves) / 2.0;
            let higher = u.max(size1 * size2 - u);
            let p = match &exact {
                Some(exact) => (2.0 * exact.at_least(floor(higher))).min(1.0),
                None => p_of(higher, size1, size2, sd),
            };
            *seen += usize::from(p < settings.alpha);
        }
    }
    let share = |(seen, delta): (&usize, &f64)| {
        if delta.abs() < 1e-10 { settings.alpha } else { number(*seen) / number(settings.simulations) }
    };
    Some(seen.iter().zip(deltas).map(share).collect())
}

/// How often the Kruskal–Wallis test sees an effect of this size (epsilon squared, 0 to 1) between normal groups of these
/// sizes, 0 to 1, the groups being shifted in equal steps from −2√ε² to 2√ε². `None` below two groups, and below two
/// numbers in one.
#[must_use]
pub fn kruskal_wallis(sizes: &[usize], epsilon_squared: f64, settings: &Settings) -> Option<f64> {
    if sizes.len() < 2 || sizes.iter().any(|size| *size < 2) {
        return None;
    }
    let step = 2.0 / number(sizes.len() - 1);
    let shift = |group: usize| (-1.0 + step * number(group)) * epsilon_squared.sqrt() * 2.0;
    let n = sizes.iter().sum();
    let total = number(n);
    let mut generator = MersenneTwister::new(settings.seed);
    let mut all = Buckets::new(n);
    let mut values = Vec::with_capacity(n);
    let mut seen = 0;
    for _ in 0..settings.simulations {
        values.clear();
        for (group, size) in sizes.iter().enumerate() {
            let shift = shift(group);
            values.extend((0..*size).map(|_| shift + generator.normal()));
        }
        all.fill(values.iter().copied());
        let mut rest = values.as_slice();
        let mut squares = 0.0;
        for size in sizes {
            let (group, behind) = rest.split_at(*size);
            // A number is half a pair with itself.
            let halves: usize = group.iter().map(|value| all.twice_rank(*value) + 1).sum();
            squares += (number(halves) / 2.0).powi(2) / number(*size);
            rest = behind;
        }
        let h = 12.0 / (total * (total + 1.0)) * squares - 3.0 * (total + 1.0);
        seen += usize::from(chi_squared_sf(h, sizes.len() - 1)? < settings.alpha);
    }
    Some(number(seen) / number(settings.simulations))
}

/// How likely the tie-corrected Mann–Whitney test sees the difference of two pass rates, 0 to 1: each is the rate and how
/// many runs there are. It is exact: every outcome is weighed by its chance. `None` below two runs, and of rates that are
/// none.
#[must_use]
pub fn of_pass_rates(former: (f64, usize), later: (f64, usize), alpha: f64) -> Option<f64> {
    if former.1 < 2 || later.1 < 2 {
        return None;
    }
    let (of_former, of_later) = (Outcomes::of(former)?, Outcomes::of(later)?);
    let (n1, n2) = (number(former.1), number(later.1));
    let (n, critical) = (n1 + n2, normal_quantile(1.0 - alpha / 2.0));
    let differ = |passed1: f64, passed2: f64| {
        let (passed, failed) = (passed1 + passed2, n - passed1 - passed2);
        let sd = deviation(n1, n2, passed.powi(3) - passed + failed.powi(3) - failed);
        let u = passed1 * (n2 - passed2) + 0.5 * (passed1 * passed2 + (n1 - passed1) * (n2 - passed2));
        sd > 0.0 && (u - n1 * n2 / 2.0).abs() - 0.5 > critical * sd
    };
    let of_row = |(passed1, chance): (f64, f64)| {
        let seen = of_later.likely().filter(|(passed2, _)| differ(passed1, *passed2));
        chance * seen.map(|(_, chance)| chance).sum::<f64>()
    };
    Some(of_former.likely().map(of_row).sum())
}

/// Most runs of a setup that are thought of.
const MOST_RUNS: usize = 20_000;

/// About how many runs a setup takes to see the difference of two pass rates with this power, such as 0.8. `None` when
/// they do not differ, are none, or are so near that it would take more than 20,000.
#[must_use]
pub fn runs_needed(former: f64, later: f64, alpha: f64, power: f64) -> Option<usize> {
    let suffices = |n: usize| of_pass_rates((former, n), (later, n), alpha).is_some_and(|found| found >= power);
    if (former - later).abs() < f64::EPSILON {
        return None;
    }
    let enough =
        std::iter::successors(Some(2), |n| Some(n * 2)).take_while(|n| *n <= MOST_RUNS).find(|n| suffices(*n))?;
    let (mut too_few, mut enough) = (enough / 2, enough);
    while enough - too_few > 1 {
        let middle = usize::midpoint(too_few, enough);
        if suffices(middle) { enough = middle } else { too_few = middle }
    }
    Some(enough)
}

/// Two pass rates with a rate in their middle that differ by so much, 0 to 1 each; near 0 and 1 they are moved until both are rates.
#[must_use]
pub fn around(rate: f64, difference: f64) -> (f64, f64) {
    let difference = difference.clamp(0.0, 1.0);
    let low = (rate - difference / 2.0).clamp(0.0, 1.0 - difference);
    (low, (low + difference).min(1.0))
}

/// So many runs of a setup are weighed when it is asked what they show: more show at least as much.
const MOST_WEIGHED: usize = 5_000;

/// The smallest difference of two pass rates around this one, in whole percents as a share of 1, that so many runs of each show
/// with this power. `None` when they show none, and when the rate is none.
#[must_use]
pub fn smallest_difference(rate: f64, runs: usize, alpha: f64, power: f64) -> Option<f64> {
    let share = |percents: usize| number(percents) / 100.0;
    let is_seen = |percents: usize| {
        let (former, later) = around(rate, share(percents));
        let runs = runs.min(MOST_WEIGHED);
        of_pass_rates((former, runs), (later, runs), alpha).is_some_and(|found| found >= power)
    };
    let (mut unseen, mut seen) = (0, 100);
    if !is_seen(seen) {
        return None;
    }
    while seen - unseen > 1 {
        let middle = usize::midpoint(unseen, seen);
        if is_seen(middle) { seen = middle } else { unseen = middle }
    }
    Some(share(seen))
}

/// The chances of how many of some runs pass (binomial), but for those that next to never come about.
struct Outcomes {
    first: usize,
    chances: Vec<f64>,
}

impl Outcomes {
    fn of((rate, n): (f64, usize)) -> Option<Self> {
        if !(0.0..=1.0).contains(&rate) {
            return None;
        }
        // From the likeliest outcome down and up: each is a multiple of the one before.
        let likeliest = floor(rate * number(n + 1)).min(n);
        let odds = rate / (1.0 - rate);
        let negligible = |chance: &f64| *chance > 1e-16;
        let up = std::iter::successors(Some((likeliest, 1.0)), |(k, chance)| {
            (*k < n && rate < 1.0)
                .then(|| (k + 1, chance * odds * number(n - k) / number(k + 1)))
                .filter(|(_, c)| negligible(c))
        });
        let down = std::iter::successors(Some((likeliest, 1.0)), |(k, chance)| {
            (*k > 0 && rate < 1.0)
                .then(|| (k - 1, chance / odds * number(*k) / number(n - k + 1)))
                .filter(|(_, c)| negligible(c))
        });
        let mut chances: Vec<(usize, f64)> = down.skip(1).collect();
        chances.reverse();
        chances.extend(up);
        let first = chances.first()?.0;
        let total: f64 = chances.iter().map(|(_, chance)| chance).sum();
        Some(Self { first, chances: chances.into_iter().map(|(_, chance)| chance / total).collect() })
    }

    /// Numbers of runs that pass, with their chances.
    fn likely(&self) -> impl Iterator<Item = (f64, f64)> {
        self.chances.iter().enumerate().map(|(at, chance)| (number(self.first + at), *chance))
    }
}

/// Numbers in buckets by their size, so that a rank is found without sorting: most are near 0, hardly any beyond 4.
struct Buckets {
    starts: Vec<u32>,
    values: Vec<f64>,
    unplaced: Vec<(u32, f64)>,
    scale: f64,
}

impl Buckets {
    const REACH: f64 = 4.0;

    fn new(size: usize) -> Self {
        let count = (2 * size).next_power_of_two();
        let scale = number(count) / (2.0 * Self::REACH);
        Self { starts: vec![0; count + 1], values: vec![0.0; size], unplaced: Vec::with_capacity(size), scale }
    }

    fn bucket(&self, value: f64) -> usize {
        floor(((value + Self::REACH) * self.scale).max(0.0)).min(self.starts.len() - 2)
    }

    fn fill(&mut self, values: impl Iterator<Item = f64>) {
        self.starts.fill(0);
        self.unplaced.clear();
        for value in values {
            let bucket = self.bucket(value);
            self.unplaced.push((u32::try_from(bucket).unwrap_or(u32::MAX), value));
            self.starts[bucket] += 1;
        }
        let mut end = 0;
        for start in &mut self.starts {
            end += *start;
            *start = end;
        }
        // Placed from the end of each bucket on, what remains is its start.
        for (bucket, value) in &self.unplaced {
            let end = &mut self.starts[*bucket as usize];
            *end -= 1;
            self.values[*end as usize] = *value;
        }
    }

    /// Twice the number of those below a value, and once of those that equal it.
    fn twice_rank(&self, value: f64) -> usize {
        let bucket = self.bucket(value);
        let (start, end) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        let beside = self.values[start..end].iter();
        2 * start + beside.map(|other| usize::from(*other < value) + usize::from(*other <= value)).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_difference_is_seen_as_often_as_alpha_says_and_too_few_numbers_tell_nothing() {
        let settings = Settings { simulations: 10, ..Settings::default() };
        assert_eq!(mann_whitney(5, 5, &[0.0], &settings), Some(vec![0.05]));
        assert_eq!((mann_whitney(1, 5, &[0.3], &settings), kruskal_wallis(&[5, 1], 0.06, &settings)), (None, None));
    }

    #[test]
    fn the_power_of_pass_rates_weighs_every_outcome() {
        // 2 of 2 against 0 of 2 is never seen; of many runs it always is.
        assert_eq!(of_pass_rates((1.0, 2), (0.0, 2), 0.05), Some(0.0));
        assert_eq!(of_pass_rates((1.0, 20), (0.0, 20), 0.05), Some(1.0));
        assert_eq!((of_pass_rates((1.1, 9), (0.0, 9), 0.05), of_pass_rates((1.0, 1), (0.0, 9), 0.05)), (None, None));
        let total: f64 = Outcomes::of((0.3, 50)).unwrap().likely().map(|(_, chance)| chance).sum();
        assert!((total - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_smaller_difference_takes_more_runs_and_none_takes_no_number() {
        let needed = |later| runs_needed(0.9, later, 0.05, 0.8);
        assert!(
            needed(0.5) < needed(0.7) && needed(0.7) < needed(0.8),
            "{:?} {:?} {:?}",
            needed(0.5),
            needed(0.7),
            needed(0.8)
        );
        assert_eq!((needed(0.9), needed(0.8999), needed(f64::NAN)), (None, None, None));
    }

    #[test]
    fn the_smallest_difference_is_seen_and_any_smaller_one_is_not() {
        for (rate, runs) in [(0.5, 10), (0.5, 100), (0.9, 20), (0.0, 30), (1.0, 3), (0.33, 5)] {
            let found = smallest_difference(rate, runs, 0.05, 0.8).unwrap();
            for percents in 1..=100 {
                let (former, later) = around(rate, number(percents) / 100.0);
                let power = of_pass_rates((former, runs), (later, runs), 0.05).unwrap();
                assert_eq!(power >= 0.8, number(percents) / 100.0 >= found, "{rate} {runs} {percents} {power}");
            }
        }
        assert_eq!((smallest_difference(0.5, 1, 0.05, 0.8), smallest_difference(0.5, 2, 0.05, 0.8)), (None, None));
        assert_eq!(smallest_difference(f64::NAN, 9, 0.05, 0.8), None);
        assert_eq!((around(0.5, 0.5), around(1.0, 0.25), around(0.05, 0.5)), ((0.25, 0.75), (0.75, 1.0), (0.0, 0.5)));
        // The time that it takes does not grow without end.
        assert_eq!(smallest_difference(0.5, 100_000, 0.05, 0.8), Some(0.03));
    }

    #[test]
    fn a_rank_in_buckets_is_that_among_sorted_numbers() {
        let values = [0.3, -9.0, 0.3, 5.0, 0.31, -0.2, 7.0];
        let mut buckets = Buckets::new(values.len());
        buckets.fill(values.into_iter());
        let ranks = super::super::ranks::mid_ranks(&values).ranks;
        let found: Vec<f64> = values.iter().map(|value| number(buckets.twice_rank(*value) + 1) / 2.0).collect();
        assert_eq!(found, ranks);
    }
}
