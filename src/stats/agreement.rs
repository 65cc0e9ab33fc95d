//! How far judges agree with each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::correlation::{Correlation, known_pairs, pearson, spearman};
use super::descriptive::{mean, number};

/// Krippendorff's alpha for numbers (interval level): 1 where judges agree, 0 where they agree no more than by chance, below
/// 0 where they contradict each other. Each item has a score of each judge; items that a judge did not score are left out.
/// `None` below two judges or items, and where all scores are the same.
///
/// Source: Krippendorff, "Content analysis" (2004), chapter 11: `1 − D_o / D_e` with squared differences.
#[must_use]
pub fn krippendorff_alpha<I: AsRef<[Option<f64>]>>(items: &[I]) -> Option<f64> {
    let complete = |item: &I| item.as_ref().iter().copied().collect::<Option<Vec<f64>>>();
    let items: Vec<Vec<f64>> = items.iter().filter_map(complete).collect();
    let judges = items.first()?.len();
    if judges < 2 || items.len() < 2 {
        return None;
    }
    // Σ (a − b)² over ordered pairs of m numbers is 2m Σ (a − mean)².
    let squares = |values: &[f64]| {
        let mean = mean(values).unwrap_or_default();
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
    };
    let all: Vec<f64> = items.iter().flatten().copied().collect();
    let within: f64 = items.iter().map(|item| squares(item)).sum();
    let (m, n) = (number(judges), number(all.len()));
    let observed = 2.0 * m * within / (m - 1.0) / n;
    let expected = 2.0 * n * squares(&all) / (n * (n - 1.0));
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

/// How two judges compare on what both scored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JudgePair {
    /// The place of the first judge in the panel, from 0 on.
    pub first: usize,
    /// The place of the second.
    pub second: usize,
    /// How many items both scored.
    pub n: usize,
    /// Spearman's correlation.
    pub spearman: Option<Correlation>,
    /// Pearson's correlation.
    pub pearson: Option<Correlation>,
    /// Mean of (second − first): above 0 where the second is the milder one.
    pub mean_difference: f64,
    /// Mean of |second − first|.
    pub mean_distance: f64,
}

/// Every two judges of a panel that scored an item both; each item has a score of each judge.
#[must_use]
pub fn pairs<I: AsRef<[Option<f64>]>>(items: &[I]) -> Vec<JudgePair> {
    let judges = items.iter().map(|item| item.as_ref().len()).max().unwrap_or_default();
    let score = |item: &I, judge: usize| item.as_ref().get(judge).copied().flatten();
    let both = |(first, second): (usize, usize)| {
        let scores = known_pairs(items.iter().map(|item| (score(item, first), score(item, second))));
        let differences: Vec<f64> = scores.iter().map(|(first, second)| second - first).collect();
        let distances: Vec<f64> = differences.iter().map(|difference| difference.abs()).collect();
        Some(JudgePair {
            first,
            second,
            n: scores.len(),
            spearman: spearman(&scores),
            pearson: pearson(&scores),
            mean_difference: mean(&differences)?,
            mean_distance: mean(&distances)?,
        })
    };
    let all = (0..judges).flat_map(|first| (first + 1..judges).map(move |second| (first, second)));
    all.filter_map(both).collect()
}

/// On how many runs the verdict of a panel hangs on one judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hanging {
    /// Runs with a verdict.
    pub runs: usize,
    /// Runs whose verdict would be the other one if one judge had voted otherwise.
    pub hanging: usize,
    /// Runs on which judges voted differently.
    pub split: usize,
    /// Those of them whose verdict would be the other one if one judge had voted otherwise.
    pub narrow: usize,
    /// For each judge, in the panel's order, how many of these verdicts would turn with its vote.
    pub by_judge: Vec<usize>,
}

/// Counts runs whose verdict, a strict majority of the votes that were given, hangs on one vote. Each run has the vote of
/// each judge, as far as it is there.
#[must_use]
pub fn hanging<R: AsRef<[Option<bool>]>>(runs: &[R]) -> Hanging {
    let judges = runs.iter().map(|run| run.as_ref().len()).max().unwrap_or_default();
    let mut counted = Hanging { runs: 0, hanging: 0, split: 0, narrow: 0, by_judge: vec![0; judges] };
    for run in runs {
        let votes: Vec<bool> = run.as_ref().iter().copied().flatten().collect();
        if votes.is_empty() {
            continue;
        }
        let passes = votes.iter().filter(|vote| **vote).count();
        let turns = |vote: bool| {
            let otherwise = if vote { passes - 1 } else { passes + 1 };
            (otherwise * 2 > votes.len()) != (passes * 2 > votes.len())
        };
        counted.runs += 1;
        let hangs = votes.iter().any(|vote| turns(*vote));
        let is_split = passes > 0 && passes < votes.len();
        counted.hanging += usize::from(hangs);
        counted.split += usize::from(is_split);
        counted.narrow += usize::from(is_split && hangs);
        for (judge, vote) in run.as_ref().iter().enumerate() {
            counted.by_judge[judge] += usize::from(vote.is_some_and(turns));
        }
    }
    counted
}

/// How far a judge is from what examples are known to deserve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// How many examples it scored.
    pub n: usize,
    /// Mean of (given − deserved): above 0 where it is too mild.
    pub mean_difference: f64,
    /// Mean of |given − deserved|.
    pub mean_distance: f64,
}

/// A judge's drift from (deserved, given) scores. `None` without examples.
#[must_use]
pub fn drift(examples: &[(f64, f64)]) -> Option<Drift> {
    let differences: Vec<f64> = examples.iter().map(|(deserved, given)| given - deserved).collect();
    let distances: Vec<f64> = differences.iter().map(|difference| difference.abs()).collect();
    Some(Drift { n: examples.len(), mean_difference: mean(&differences)?, mean_distance: mean(&distances)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_that_say_the_same_agree_fully() {
        assert_eq!(krippendorff_alpha(&[[Some(0.1), Some(0.1)], [Some(0.9), Some(0.9)]]), Some(1.0));
        assert_eq!(krippendorff_alpha(&[[Some(0.5), Some(0.5)], [Some(0.5), Some(0.5)]]), None);
        assert_eq!(krippendorff_alpha(&[[Some(0.1), None], [Some(0.9), Some(0.9)]]), None);
        assert_eq!(krippendorff_alpha::<[Option<f64>; 2]>(&[]), None);
    }

    #[test]
    fn a_pair_is_compared_on_what_both_scored() {
        let items = [vec![Some(0.2), Some(0.4), None], vec![Some(0.5), Some(0.4), None]];
        let pairs = pairs(&items);
        assert_eq!(pairs.len(), 1);
        assert_eq!((pairs[0].first, pairs[0].second, pairs[0].n, pairs[0].spearman), (0, 1, 2, None));
        assert!((pairs[0].mean_difference - 0.05).abs() < 1e-12 && (pairs[0].mean_distance - 0.15).abs() < 1e-12);
    }

    #[test]
    fn a_verdict_hangs_on_the_votes_that_would_turn_it() {
        let (yes, no) = (Some(true), Some(false));
        let counted = hanging(&[[yes, yes, no], [yes, yes, yes], [yes, no, None], [None, None, no], [None; 3]]);
        // One of two votes is no majority; with the other vote it would be one.
        assert_eq!(counted, Hanging { runs: 4, hanging: 3, split: 2, narrow: 2, by_judge: vec![1, 2, 1] });
        // Of four, three passes are one more than it takes, and one pass is two less.
        let of_four = hanging(&[[yes, yes, yes, no], [yes, no, no, no]]);
        assert_eq!((of_four.split, of_four.narrow), (2, 1));
        assert_eq!(
            hanging::<[Option<bool>; 0]>(&[]),
            Hanging { runs: 0, hanging: 0, split: 0, narrow: 0, by_judge: vec![] }
        );
    }

    #[test]
    fn drift_says_whether_a_judge_is_too_mild() {
        assert_eq!(drift(&[(0.5, 0.75), (0.5, 0.25)]), Some(Drift { n: 2, mean_difference: 0.0, mean_distance: 0.25 }));
        assert_eq!(drift(&[]), None);
    }
}
