//! Tables: tiers, subtests, metrics, tokens and experiments.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::groups::{Groups, Metric, Tier, tier_order};
use crate::model::money::Usd;
use crate::model::score::Grade;
use crate::model::table::{RowRun, TableRun};
use crate::model::usage::{self, Total};
use crate::stats::descriptive::{consistency, excess_kurtosis, known, mean, median, quantile, sd, skew};
use crate::stats::estimate::{Estimate, Interval};
use crate::stats::proportion::wilson;
use crate::stats::{bootstrap, cost};

/// Mean, median and sample sd of some numbers; `null` where there are too few.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// Mean.
    pub mean: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Sample standard deviation.
    pub sd: Option<f64>,
}

impl Spread {
    pub(super) fn of(values: &[f64]) -> Self {
        Self { mean: mean(values), median: median(values), sd: sd(values) }
    }
}

/// The mean cost of a run divided by the pass rate. `None` where no run passed, and where a cost is not known.
fn cost_of_pass(runs: &[&TableRun]) -> Option<f64> {
    let judged: Vec<&TableRun> = runs.iter().copied().filter(|run| run.passed.is_some()).collect();
    let passed = judged.iter().filter(|run| run.passed == Some(true)).count();
    cost::cost_of_pass(total_cost(&judged), passed, judged.len())?.known()
}

/// What runs cost together.
fn total_cost(runs: &[&TableRun]) -> Total {
    let known = |run: &&TableRun| Metric::CostUsd.of(run).and_then(|usd| Usd::from_dollars(usd).ok());
    runs.iter().map(|run| known(run).map_or(Total::UNKNOWN, Total::from)).sum()
}

/// Pass rate and cost of a tier; or, as `frontier`, the least cost of a pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TierDescriptive {
    /// The model.
    pub model: String,
    /// The tier, or `frontier`.
    pub tier: String,
    /// Runs.
    pub n: usize,
    /// Share of runs that passed.
    pub pass_rate: Option<f64>,
    /// Mean cost of a run in US dollars, of those whose cost is known.
    pub mean_cost: Option<f64>,
    /// Median cost.
    pub median_cost: Option<f64>,
    /// Cost of a pass.
    pub cop: Option<f64>,
    /// Of the frontier, whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontier_tier: Option<String>,
}

pub(super) fn tier_descriptives(groups: &Groups) -> Vec<TierDescriptive> {
    let mut rows = Vec::new();
    for model in &groups.models {
        let of_tier = |tier: &Tier| {
            let costs = Metric::CostUsd.of_all(&tier.runs);
            TierDescriptive {
                model: model.name.to_owned(),
                tier: tier.name.to_owned(),
                n: tier.runs.len(),
                pass_rate: mean(&Metric::PassRate.of_all(&tier.runs)),
                mean_cost: mean(&costs),
                median_cost: median(&costs),
                cop: cost_of_pass(&tier.runs),
                frontier_tier: None,
            }
        };
        let tiers: Vec<TierDescriptive> = model.tiers.iter().map(of_tier).collect();
        let costs = tiers.iter().filter_map(|tier| Some((tier.cop?, tier.tier.clone())));
        let least = costs.reduce(|least, other| if other.0 < least.0 { other } else { least });
        let n = tiers.iter().map(|tier| tier.n).sum();
        rows.extend(tiers);
        rows.extend(least.map(|(cop, tier)| TierDescriptive {
            model: model.name.to_owned(),
            tier: "frontier".to_owned(),
            n,
            pass_rate: None,
            mean_cost: None,
            median_cost: None,
            cop: Some(cop),
            frontier_tier: Some(tier),
        }));
    }
    rows
}

/// A tier with its intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TierSummary {
    /// The model.
    pub model: String,
    /// The tier.
    pub tier: String,
    /// Distinct subtests, by name.
    pub subtests: usize,
    /// Runs.
    pub n: usize,
    /// Runs that passed.
    pub passed: usize,
    /// Pass rate with its drawn interval.
    pub pass_rate: Option<Estimate>,
    /// The Wilson interval of the pass rate.
    pub wilson: Option<Interval>,
    /// Scores.
    pub score: Spread,
    /// Implementation rates.
    pub impl_rate: Spread,
    /// 1 − sd / mean of the scores.
    pub consistency: Option<f64>,
    /// Costs in US dollars.
    pub cost: Spread,
    /// All costs together.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub total_cost: Total,
    /// Cost of a pass.
    pub cop: Option<f64>,
}

pub(super) fn tiers(groups: &Groups, settings: &bootstrap::Settings) -> Vec<TierSummary> {
    let of_tier = |model: &str, tier: &Tier| {
        let verdicts = Metric::PassRate.of_all(&tier.runs);
        let passed = verdicts.iter().filter(|verdict| **verdict > 0.5).count();
        let (scores, costs) = (Metric::Score.of_all(&tier.runs), Metric::CostUsd.of_all(&tier.runs));
        TierSummary {
            model: model.to_owned(),
            tier: tier.name.to_owned(),
            subtests: tier.runs.iter().map(|run| run.run.subtest.as_str()).collect::<BTreeSet<_>>().len(),
            n: tier.runs.len(),
            passed,
            pass_rate: bootstrap::mean_of(&verdicts, settings),
            wilson: wilson(passed, verdicts.len(), settings.level),
            score: Spread::of(&scores),
            impl_rate: Spread::of(&Metric::ImplRate.of_all(&tier.runs)),
            consistency: consistency(&scores),
            cost: Spread::of(&costs),
            total_cost: total_cost(&tier.runs),
            cop: cost_of_pass(&tier.runs),
        }
    };
    let all = groups.models.iter().flat_map(|model| model.tiers.iter().map(move |tier| (model.name, tier)));
    all.map(|(model, tier)| of_tier(model, tier)).collect()
}

/// A subtest of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubtestSummary {
    /// The experiment.
    pub experiment: String,
    /// The model.
    pub agent_model: String,
    /// The tier.
    pub tier: String,
    /// The subtest.
    pub subtest: String,
    /// Runs.
    pub n: usize,
    /// Share of runs that passed.
    pub pass_rate: Option<f64>,
    /// Scores.
    pub score: Spread,
    /// Implementation rates.
    pub impl_rate: Spread,
    /// 1 − sd / mean of the scores.
    pub consistency: Option<f64>,
    /// Mean cost in US dollars.
    pub mean_cost: Option<f64>,
    /// All costs together.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub total_cost: Total,
    /// Mean seconds.
    pub mean_duration: Option<f64>,
    /// Cost of a pass; `null` where none passed.
    pub cop: Option<f64>,
    /// `r_prog`, `cfp`, `pr_revert_rate` and `strategic_drift`.
    pub process: [Spread; 4],
    /// How many runs have each grade, best first: S A B C D F.
    pub grades: [usize; 6],
    /// The most frequent grade, of equals the first in the alphabet.
    pub modal_grade: Option<Grade>,
}

/// The scale, best first.
const GRADES: [Grade; 6] = [Grade::S, Grade::A, Grade::B, Grade::C, Grade::D, Grade::F];

/// Each subtest of each experiment.
#[must_use]
pub fn subtests(runs: &[TableRun]) -> Vec<SubtestSummary> {
    let mut groups: BTreeMap<_, Vec<&TableRun>> = BTreeMap::new();
    for row in runs {
        let RowRun { experiment, agent_model, tier, subtest, .. } = &row.run;
        groups.entry((experiment, agent_model, tier_order(tier), subtest)).or_default().push(row);
    }
    groups.into_values().filter_map(|runs| subtest(&runs)).collect()
}

/// Sums up the runs of one subtest.
fn subtest(runs: &[&TableRun]) -> Option<SubtestSummary> {
    let RowRun { experiment, agent_model, tier, subtest, .. } = runs.first()?.run.clone();
    let scores = Metric::Score.of_all(runs);
    let grades = GRADES.map(|grade| runs.iter().filter(|run| run.grade == Some(grade)).count());
    let counted = GRADES.into_iter().zip(grades).filter(|(_, count)| *count > 0);
    let most = counted.max_by_key(|(grade, count)| (*count, Reverse(grade.to_string())));
    let spread = |metric: Metric| Spread::of(&metric.of_all(runs));
    let drift = Spread::of(&known(runs.iter().map(|run| run.strategic_drift)));
    Some(SubtestSummary {
        experiment,
        agent_model,
        tier,
        subtest,
        n: runs.len(),
        pass_rate: mean(&Metric::PassRate.of_all(runs)),
        score: Spread::of(&scores),
        impl_rate: spread(Metric::ImplRate),
        consistency: consistency(&scores),
        mean_cost: mean(&Metric::CostUsd.of_all(runs)),
        total_cost: total_cost(runs),
        mean_duration: mean(&Metric::DurationSeconds.of_all(runs)),
        cop: cost_of_pass(runs),
        process: [spread(Metric::RProg), spread(Metric::Cfp), spread(Metric::PrRevertRate), drift],
        grades,
        modal_grade: most.map(|(grade, _)| grade),
    })
}

/// The distribution of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricSummary {
    /// The model.
    pub model: String,
    /// The metric.
    pub metric: Metric,
    /// Runs of which it is known.
    pub n: usize,
    /// Mean, median and sd.
    pub spread: Spread,
    /// The least.
    pub min: Option<f64>,
    /// The most.
    pub max: Option<f64>,
    /// The quantile at 0.25.
    pub q1: Option<f64>,
    /// The quantile at 0.75.
    pub q3: Option<f64>,
    /// Skewness.
    pub skew: Option<f64>,
    /// Excess kurtosis.
    pub excess_kurtosis: Option<f64>,
}

pub(super) fn metrics(groups: &Groups) -> Vec<MetricSummary> {
    let of_values = |model: &str, metric: Metric, values: &[f64]| MetricSummary {
        model: model.to_owned(),
        metric,
        n: values.len(),
        spread: Spread::of(values),
        min: quantile(values, 0.0),
        max: quantile(values, 1.0),
        q1: quantile(values, 0.25),
        q3: quantile(values, 0.75),
        skew: skew(values),
        excess_kurtosis: excess_kurtosis(values),
    };
    let each = groups.models.iter().flat_map(|model| Metric::DESCRIBED.map(|metric| (model, metric)));
    each.map(|(model, metric)| of_values(model.name, metric, &metric.of_all(&model.runs()))).collect()
}

/// Mean tokens of a tier's runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenMeans {
    /// The model.
    pub model: String,
    /// The tier.
    pub tier: String,
    /// Read anew.
    pub input: Option<f64>,
    /// Written.
    pub output: Option<f64>,
    /// Read from the provider's cache.
    pub cache_read: Option<f64>,
    /// Written to it.
    pub cache_creation: Option<f64>,
}

pub(super) fn tokens(groups: &Groups) -> Vec<TokenMeans> {
    let mean_of =
        |tier: &Tier, tokens: fn(&TableRun) -> Option<f64>| mean(&known(tier.runs.iter().map(|run| tokens(run))));
    let all = groups.models.iter().flat_map(|model| model.tiers.iter().map(move |tier| (model.name, tier)));
    let row = |(model, tier): (&str, &Tier)| TokenMeans {
        model: model.to_owned(),
        tier: tier.name.to_owned(),
        input: mean_of(tier, |run| run.input_tokens),
        output: mean_of(tier, |run| run.output_tokens),
        cache_read: mean_of(tier, |run| run.cache_read_tokens),
        cache_creation: mean_of(tier, |run| run.cache_creation_tokens),
    };
    all.map(row).collect()
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentSummary {
    /// Its name.
    pub experiment: String,
    /// Runs.
    pub n: usize,
    /// Share of runs that passed.
    pub pass_rate: Option<f64>,
    /// The tier with the highest pass rate, of equals the first.
    pub best_tier: Option<String>,
    /// Mean cost in US dollars.
    pub mean_cost: Option<f64>,
    /// All costs together.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub total_cost: Total,
    /// Cost of a pass.
    pub cop: Option<f64>,
}

pub(super) fn experiments(runs: &[TableRun]) -> Vec<ExperimentSummary> {
    let mut experiments: BTreeMap<&str, Vec<&TableRun>> = BTreeMap::new();
    for row in runs {
        experiments.entry(&row.run.experiment).or_default().push(row);
    }
    let summary = |(experiment, runs): (&str, Vec<&TableRun>)| {
        let mut tiers: BTreeMap<_, Vec<&TableRun>> = BTreeMap::new();
        for row in &runs {
            tiers.entry(tier_order(&row.run.tier)).or_default().push(row);
        }
        let rates = tiers.iter().filter_map(|((_, tier), runs)| Some((*tier, mean(&Metric::PassRate.of_all(runs))?)));
        let best = rates.reduce(|best, other| if other.1 > best.1 { other } else { best });
        let costs = Metric::CostUsd.of_all(&runs);
        ExperimentSummary {
            experiment: experiment.to_owned(),
            n: runs.len(),
            pass_rate: mean(&Metric::PassRate.of_all(&runs)),
            best_tier: best.map(|(tier, _)| tier.to_owned()),
            mean_cost: mean(&costs),
            total_cost: total_cost(&runs),
            cop: cost_of_pass(&runs),
        }
    };
    experiments.into_iter().map(summary).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(subtest: &str, number: u32, passed: Option<bool>, cost: Option<f64>) -> TableRun {
        let row = serde_json::json!({
            "experiment": "e", "agent_model": "m", "tier": "T0", "subtest": subtest, "run_number": number,
            "score": passed.map(f64::from), "passed": passed, "cost_usd": cost, "grade": passed.map(|passed| if passed { "A" } else { "F" }),
        });
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn a_pass_has_no_cost_where_none_passed_or_a_cost_is_not_known() {
        let rows = [
            run("00", 1, Some(true), Some(1.0)),
            run("00", 2, Some(false), Some(2.0)),
            run("01", 1, Some(false), Some(1.0)),
            run("02", 1, Some(true), None),
        ];
        let costs: Vec<Option<f64>> = subtests(&rows).iter().map(|subtest| subtest.cop).collect();
        assert_eq!(costs, [Some(3.0), None, None]);
    }

    #[test]
    fn a_run_without_verdict_is_counted_and_fails_nothing() {
        let rows = [run("00", 1, Some(true), Some(1.0)), run("00", 2, None, Some(1.0))];
        let subtest = subtests(&rows).remove(0);
        assert_eq!(
            (subtest.n, subtest.pass_rate, subtest.score.mean, subtest.modal_grade),
            (2, Some(1.0), Some(1.0), Some(Grade::A))
        );
    }
}
