//! The setup that passed most often, and each other one beside it. Controls are beside nobody.

use super::{BesideBest, SetupReport};
use crate::stats::descriptive::number;
use crate::stats::holm::holm;
use crate::stats::mann_whitney::mann_whitney;
use crate::stats::proportion::difference;

/// How often one of the intervals beside the best setup may miss the truth.
const ALPHA: f64 = 0.05;

/// The place of the setup that passed most often; of equal ones, the one with the higher mean score, then the cheaper one,
/// then the first. `None` where no run of an agent has a verdict.
pub(super) fn best(setups: &[SetupReport]) -> Option<usize> {
    let worth = |setup: &SetupReport| {
        let summary = &setup.summary;
        let cost = summary.cost.mean_of(summary.judged.max(1));
        let cost = if cost.is_whole() { cost.known.dollars() } else { f64::INFINITY };
        (summary.pass_rate.map_or(-1.0, |rate| rate.value), summary.mean_score.unwrap_or(-1.0), -cost)
    };
    let judged = setups.iter().enumerate().filter(|(_, setup)| setup.is_measured());
    let order = |a: (f64, f64, f64), b: (f64, f64, f64)| {
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2))
    };
    judged
        .reduce(|best, other| if order(worth(other.1), worth(best.1)).is_gt() { other } else { best })
        .map(|(place, _)| place)
}

/// Puts each other setup beside the best one.
pub(super) fn add_beside(setups: &mut [SetupReport], best: usize) {
    let counts = |setup: &SetupReport| (setup.summary.passed, setup.summary.judged);
    let of_best = counts(&setups[best]);
    let others = setups.iter().filter(|setup| setup.is_measured()).count().saturating_sub(1).max(1);
    // All intervals together hold the truth this often (Bonferroni).
    let level = 1.0 - ALPHA / number(others);
    let mut beside: Vec<(usize, BesideBest)> = Vec::new();
    for (place, setup) in setups.iter().enumerate().filter(|(place, setup)| *place != best && setup.is_measured()) {
        let Some(pass_rate) = difference(of_best, counts(setup), level) else { continue };
        let p = mann_whitney(&verdicts(of_best), &verdicts(counts(setup))).map(|test| test.p);
        beside.push((place, BesideBest { pass_rate, p, p_corrected: None }));
    }
    let known: Vec<f64> = beside.iter().filter_map(|(_, beside)| beside.p).collect();
    let mut corrected = holm(&known).into_iter();
    for (place, mut beside) in beside {
        beside.p_corrected = beside.p.and_then(|_| corrected.next());
        setups[place].beside_best = Some(beside);
    }
}

/// So many passes among so many runs, as numbers.
fn verdicts((passed, judged): (usize, usize)) -> Vec<f64> {
    (0..judged).map(|run| f64::from(u8::from(run < passed))).collect()
}
