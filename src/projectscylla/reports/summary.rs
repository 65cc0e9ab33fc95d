//! ProjectScylla's summary of a subtest's runs.

use crate::model::ids::SubtestId;
use crate::model::inherited::Winner;
use crate::model::money::Usd;
use crate::model::result::RunResult;
use crate::model::score::Grade;
use crate::model::usage::{Tokens, Total};
use crate::projectscylla::json::Json;

use super::duration;

/// A subtest that has results.
pub(super) struct Summary<'a> {
    pub(super) id: SubtestId,
    /// By number.
    pub(super) runs: Vec<&'a RunResult>,
    /// The median by which the winner was chosen.
    pub(super) median: Option<f64>,
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

/// The sum of tokens of each kind.
pub(super) fn sum(all: impl Iterator<Item = Tokens>) -> Tokens {
    let add =
        |sum: Option<u64>, each: Option<u64>| Some(sum.unwrap_or_default().saturating_add(each.unwrap_or_default()));
    all.fold(Tokens::NOTHING, |sum, each| Tokens {
        input: add(sum.input, each.input),
        output: add(sum.output, each.output),
        cache_creation: add(sum.cache_creation, each.cache_creation),
        cache_read: add(sum.cache_read, each.cache_read),
    })
}

fn number(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of runs stay far below 2^53")]
    let number = count as f64;
    number
}

impl<'a> Summary<'a> {
    pub(super) fn new(id: SubtestId, mut runs: Vec<&'a RunResult>, winner: Option<&Winner>) -> Self {
        runs.sort_by_key(|result| result.run_number);
        let count = number(runs.len());
        let scores = || runs.iter().map(|result| result.judge_score.get());
        let mean = scores().sum::<f64>() / count;
        // The standard deviation of a sample, as Python's `statistics.stdev`.
        let squares: f64 = scores().map(|score| (score - mean).powi(2)).sum();
        let deviation = if runs.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        let ranked = winner.map(|winner| winner.ranked.as_slice()).unwrap_or_default();
        let median = ranked.iter().find(|candidate| candidate.subtest == id).map(|candidate| candidate.median);
        Self { id, runs, median, mean, deviation }
    }

    pub(super) fn passed(&self) -> usize {
        self.runs.iter().filter(|result| result.judge_passed).count()
    }

    pub(super) fn pass_rate(&self) -> f64 {
        number(self.passed()) / number(self.runs.len())
    }

    pub(super) fn cost(&self) -> Usd {
        self.runs.iter().map(|result| Total::from(result.usage.cost).known).sum()
    }

    pub(super) fn mean_cost(&self) -> f64 {
        self.cost().dollars() / number(self.runs.len())
    }

    pub(super) fn seconds(&self) -> f64 {
        self.runs.iter().map(|result| duration(result)).sum()
    }

    pub(super) fn tokens(&self) -> Tokens {
        sum(self.runs.iter().map(|result| result.usage.tokens))
    }

    /// The cost per pass; `None` when no run passed, where ProjectScylla writes `Infinity`.
    pub(super) fn cost_of_pass(&self) -> Option<f64> {
        (self.passed() > 0).then(|| self.mean_cost() / self.pass_rate())
    }

    /// How consistent the scores are, between 0 and 1.
    pub(super) fn consistency(&self) -> f64 {
        if self.mean > 0.0 { (1.0 - self.deviation / self.mean).clamp(0.0, 1.0) } else { 0.0 }
    }

    fn grades(&self) -> impl Iterator<Item = Grade> + '_ {
        self.runs.iter().map(|result| result.judge_grade)
    }

    /// How often each grade was given, in the order of their first occurrence.
    fn distribution(&self) -> Vec<(Grade, usize)> {
        let mut distribution: Vec<(Grade, usize)> = Vec::new();
        for grade in self.grades() {
            match distribution.iter_mut().find(|(known, _)| *known == grade) {
                Some((_, count)) => *count += 1,
                None => distribution.push((grade, 1)),
            }
        }
        distribution
    }

    /// The keys of a subtest's grades, which are in two files.
    pub(super) fn grade_entries(&self) -> [(&'static str, Json); 4] {
        let distribution = self.distribution();
        // The first of the most frequent grades.
        let modal = distribution.iter().rev().max_by_key(|(_, count)| *count).map(|(grade, _)| grade.to_string());
        let counts = distribution.iter().map(|(grade, count)| (grade.to_string(), Json::from(*count)));
        [
            ("grade_distribution", Json::Map(counts.collect())),
            ("modal_grade", modal.into()),
            // Grades are ordered best first.
            ("min_grade", self.grades().max().map(|grade| grade.to_string()).into()),
            ("max_grade", self.grades().min().map(|grade| grade.to_string()).into()),
        ]
    }
}
