//! Two groups of runs side by side, item by item of the rubric: where they differ most, and how sure that is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::descriptive::mean;
use super::estimate::Estimate;
use super::paired::{self, BySubtest};
use super::proportion::difference_of_means;
use crate::model::details::RunDetails;
use crate::model::ids::SetupId;
use crate::model::rubric::Rubric;
use crate::model::score::Score;

/// The share of intervals that hold the truth.
const LEVEL: f64 = 0.95;

/// Scores of one item, by the setup whose runs they are.
type Scores = BySubtest<SetupId>;

/// How two groups differ in one item of the rubric.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ItemDifference {
    /// The item's id.
    pub id: String,
    /// What must be true; `null` when no rubric is known.
    pub description: Option<String>,
    /// Mean score of the first group, 0 to 1: the mean of the judges of a run, then that of the runs.
    pub first: f64,
    /// Runs of the first group to which the item applies.
    pub first_runs: usize,
    /// Mean score of the later group.
    pub later: f64,
    /// Runs of the later group to which the item applies.
    pub later_runs: usize,
    /// That of the later minus that of the first, −1 to 1, with a 95 % interval for this item alone. Where setups are paired it is
    /// the mean over those that both have, and clustered by them.
    pub difference: Estimate,
}

/// A group of runs with what is known of each, and the rubric that they were graded by.
#[derive(Debug, Clone, Copy)]
pub struct Graded<'a> {
    /// The runs with a verdict.
    pub runs: &'a [&'a RunDetails],
    /// Their rubric, when it can be read.
    pub rubric: Option<&'a Rubric>,
}

/// The items that both groups were graded by, those first in which they differ most. An item that says something else in each
/// rubric is none. `is_paired` is that of [`super::comparison::between`].
#[must_use]
pub fn differing(first: Graded<'_>, later: Graded<'_>, is_paired: bool) -> Vec<ItemDifference> {
    let of_first = scores(first.runs);
    let mut of_later = scores(later.runs);
    let mut items: Vec<ItemDifference> = Vec::new();
    for (id, first_scores) in of_first {
        let Some(later_scores) = of_later.remove(id) else { continue };
        let (meant, also) = (description(first.rubric, id), description(later.rubric, id));
        if meant.zip(also).is_some_and(|(meant, also)| meant != also) {
            continue;
        }
        let (a, b) = (all(&first_scores), all(&later_scores));
        let (Some(of_a), Some(of_b)) = (mean(&a), mean(&b)) else { continue };
        let paired = if is_paired { paired::difference_of_shares(&later_scores, &first_scores, LEVEL) } else { None };
        // One setup alone has no interval over setups.
        let paired = paired.map(|paired| paired.estimate).filter(|estimate| estimate.interval.is_some());
        let Some(difference) = paired.or_else(|| difference_of_means((of_b, b.len()), (of_a, a.len()), LEVEL)) else {
            continue;
        };
        items.push(ItemDifference {
            id: id.to_owned(),
            description: meant.or(also).map(str::to_owned),
            first: of_a,
            first_runs: a.len(),
            later: of_b,
            later_runs: b.len(),
            difference,
        });
    }
    items.sort_by(|a, b| b.difference.value.abs().total_cmp(&a.difference.value.abs()).then_with(|| a.id.cmp(&b.id)));
    items
}

/// The scores of each item: of a run, the mean of its judges.
fn scores<'a>(runs: &[&'a RunDetails]) -> BTreeMap<&'a str, Scores> {
    let mut items: BTreeMap<&str, Scores> = BTreeMap::new();
    for run in runs {
        let mut of_run: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (id, said) in run.judges.iter().flat_map(|judgment| &judgment.criteria_scores) {
            of_run.entry(id).or_default().extend(said.score.map(Score::get));
        }
        for (id, by_judges) in of_run {
            let Some(score) = mean(&by_judges) else { continue };
            items.entry(id).or_default().entry((run.run.tier, run.run.subtest)).or_default().push(score);
        }
    }
    items
}

fn all(scores: &Scores) -> Vec<f64> {
    scores.values().flatten().copied().collect()
}

fn description<'a>(rubric: Option<&'a Rubric>, id: &str) -> Option<&'a str> {
    rubric?.items.iter().find(|item| item.id == id).map(|item| item.description.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::details::samples::{details, rubric};

    /// Runs of a setup, of which some have this score of the first item, and the others 0.
    fn runs(setup: &str, with: usize, of: usize, score: f64) -> Vec<RunDetails> {
        let run = |number: usize| {
            let mut run = details(&format!("{setup}/{number}"), true);
            for said in run.judges.iter_mut().filter_map(|judge| judge.criteria_scores.get_mut("R001")) {
                said.score = Score::new(if number <= with { score } else { 0.0 }).ok();
            }
            run
        };
        (1..=of).map(run).collect()
    }

    fn compared(
        first: &[RunDetails],
        later: &[RunDetails],
        rubrics: [Option<&Rubric>; 2],
        paired: bool,
    ) -> Vec<ItemDifference> {
        let (first, later): (Vec<&RunDetails>, Vec<&RunDetails>) = (first.iter().collect(), later.iter().collect());
        let [of_first, of_later] = rubrics;
        differing(Graded { runs: &first, rubric: of_first }, Graded { runs: &later, rubric: of_later }, paired)
    }

    #[test]
    fn items_that_apply_to_both_are_compared_with_an_interval_that_is_never_a_point() {
        let rubric = rubric();
        let (first, later) = (runs("T0/00", 0, 6, 1.0), runs("T0/01", 6, 6, 1.0));
        let items = compared(&first, &later, [Some(&rubric), Some(&rubric)], false);
        // The second item applies to no run.
        assert_eq!(items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["R001"]);
        assert_eq!((items[0].first, items[0].later, items[0].first_runs), (0.0, 1.0, 6));
        let difference = items[0].difference;
        let interval = difference.interval.unwrap();
        assert!((difference.value, interval.high) == (1.0, 1.0) && (0.4..0.5).contains(&interval.low), "{interval:?}");
        assert_eq!(items[0].description.as_deref(), Some(rubric.items[0].description.as_str()));
        assert_eq!(compared(&first, &[], [None, None], false), []);
    }

    #[test]
    fn the_same_setups_are_compared_setup_by_setup() {
        let side = |passed: usize| {
            let setup = |place: usize| runs(&format!("T0/0{place}"), passed, 40, 1.0);
            (0..8).flat_map(setup).collect::<Vec<RunDetails>>()
        };
        let (first, later) = (side(10), side(12));
        let width = |is_paired| {
            let difference = compared(&first, &later, [None, None], is_paired)[0].difference;
            assert!((difference.value - 0.05).abs() < 1e-9, "{difference:?}");
            let interval = difference.interval.unwrap();
            assert!(!interval.excludes(0.0), "setups that all differ by the same are no certainty: {interval:?}");
            interval.high - interval.low
        };
        // Of few setups less is known than of as many runs.
        assert!(width(true) > width(false));
    }

    #[test]
    fn an_item_that_says_something_else_elsewhere_is_another_one() {
        let (rubric, mut other) = (rubric(), rubric());
        other.items[0].description.push_str(" Or so.");
        let (first, later) = (runs("T0/00", 0, 2, 1.0), runs("T0/00", 2, 2, 1.0));
        assert_eq!(compared(&first, &later, [Some(&rubric), Some(&other)], false), []);
        assert_eq!(compared(&first, &later, [Some(&rubric), None], false).len(), 1);
    }
}
