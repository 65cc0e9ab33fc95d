//! Tests: shapes, differences between tiers, correlations, and what models and tiers do together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::groups::{Groups, Metric, Model, Tier};
use crate::model::table::{RowRun, TableRun};
use crate::stats::correlation::{known_pairs, spearman};
use crate::stats::holm::holm;
use crate::stats::kruskal_wallis::kruskal_wallis;
use crate::stats::mann_whitney::mann_whitney;
use crate::stats::scheirer_ray_hare::scheirer_ray_hare;
use crate::stats::shapiro_wilk::shapiro_wilk;

/// Fewest numbers of a group that is compared with others.
const FEWEST: usize = 2;

/// Shapiro–Wilk of a tier's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Normality {
    /// The model.
    pub model: String,
    /// The tier.
    pub tier: String,
    /// What was measured.
    pub metric: Metric,
    /// How many numbers there are.
    pub n: usize,
    /// W; `null` of fewer than three numbers, and of numbers that are all the same.
    pub w_statistic: Option<f64>,
    /// p.
    pub p_value: Option<f64>,
    /// Whether p is above alpha.
    pub is_normal: Option<bool>,
}

/// Kruskal–Wallis over a model's tiers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Omnibus {
    /// The model.
    pub model: String,
    /// What was measured.
    pub metric: Metric,
    /// How many tiers there are.
    pub n_groups: usize,
    /// H, corrected for ties; `null` when a tier has fewer than two numbers, and of numbers that are all the same.
    pub h_statistic: Option<f64>,
    /// p.
    pub p_value: Option<f64>,
    /// Whether p is below alpha.
    pub is_significant: bool,
}

/// Mann–Whitney between two tiers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pairwise {
    /// The model.
    pub model: String,
    /// The former tier.
    pub tier1: String,
    /// The later tier.
    pub tier2: String,
    /// Numbers of the former.
    pub n1: usize,
    /// Numbers of the later.
    pub n2: usize,
    /// U of the former; `null` when one has fewer than two numbers.
    pub u_statistic: Option<f64>,
    /// Whether it is the last tier against the first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overall_contrast: bool,
    /// What was measured.
    pub metric: Metric,
    /// p of this test alone.
    pub p_value_raw: Option<f64>,
    /// p by Holm among all of the metric.
    pub p_value: Option<f64>,
    /// Whether the corrected p is below alpha.
    pub is_significant: bool,
}

/// Spearman's correlation of two metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Related {
    /// The model.
    pub model: String,
    /// One metric.
    pub metric1: Metric,
    /// The other one.
    pub metric2: Metric,
    /// Runs of which both are known.
    pub n: usize,
    /// ρ; `null` below three runs, and where one of both is constant.
    pub spearman_rho: Option<f64>,
    /// p.
    pub p_value: Option<f64>,
    /// Whether p is below alpha.
    pub is_significant: bool,
}

/// Scheirer–Ray–Hare with tiers, and models or experiments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interaction {
    /// What was measured.
    pub metric: Metric,
    /// `agent_model` or `experiment`, `tier`, or `interaction`.
    pub effect: String,
    /// H; `null` of numbers that are all the same.
    pub h_statistic: Option<f64>,
    /// Degrees of freedom.
    pub df: usize,
    /// p; `null` without degrees of freedom.
    pub p_value: Option<f64>,
    /// Whether p is below alpha.
    pub is_significant: bool,
}

fn is_below(p: Option<f64>, alpha: f64) -> bool {
    p.is_some_and(|p| p < alpha)
}

pub(super) fn normality(groups: &Groups, alpha: f64) -> Vec<Normality> {
    let of_tier = |model: &Model, tier: &Tier, metric: Metric| {
        let values = metric.of_all(&tier.runs);
        let test = shapiro_wilk(&values);
        Normality {
            model: model.name.to_owned(),
            tier: tier.name.to_owned(),
            metric,
            n: values.len(),
            w_statistic: test.map(|test| test.w),
            p_value: test.map(|test| test.p),
            is_normal: test.map(|test| test.p > alpha),
        }
    };
    let tiers = groups.models.iter().flat_map(|model| model.tiers.iter().map(move |tier| (model, tier)));
    tiers.flat_map(|(model, tier)| Metric::SHAPED.map(|metric| of_tier(model, tier, metric))).collect()
}

pub(super) fn omnibus(groups: &Groups, alpha: f64) -> Vec<Omnibus> {
    let of_model = |model: &Model, metric: Metric| {
        let tiers: Vec<Vec<f64>> = model.tiers.iter().map(|tier| metric.of_all(&tier.runs)).collect();
        let are_enough = tiers.iter().all(|tier| tier.len() >= FEWEST);
        let test = are_enough.then(|| kruskal_wallis(&tiers)).flatten();
        let p_value = test.map(|test| test.p);
        Omnibus {
            model: model.name.to_owned(),
            metric,
            n_groups: tiers.len(),
            h_statistic: test.map(|test| test.h),
            p_value,
            is_significant: is_below(p_value, alpha),
        }
    };
    let compared = groups.models.iter().filter(|model| model.tiers.len() > 1);
    compared.flat_map(|model| Metric::COMPARED.map(|metric| of_model(model, metric))).collect()
}

pub(super) fn pairwise(groups: &Groups, alpha: f64) -> Vec<Pairwise> {
    let families = groups.models.iter().flat_map(|model| Metric::COMPARED.map(|metric| family(model, metric, alpha)));
    families.flatten().collect()
}

/// The comparisons of one metric, whose p are corrected together.
fn family(model: &Model, metric: Metric, alpha: f64) -> Vec<Pairwise> {
    let ends = model.tiers.first().zip(model.tiers.last());
    let overall = ends.filter(|_| metric == Metric::PassRate && model.tiers.len() > 2).map(|ends| (ends, true));
    let transitions = model.transitions().map(|pair| (pair, false)).chain(overall);
    let mut family: Vec<Pairwise> = transitions
        .map(|((former, later), overall_contrast)| {
            let (first, second) = (metric.of_all(&former.runs), metric.of_all(&later.runs));
            let are_enough = first.len() >= FEWEST && second.len() >= FEWEST;
            let test = are_enough.then(|| mann_whitney(&first, &second)).flatten();
            Pairwise {
                model: model.name.to_owned(),
                tier1: former.name.to_owned(),
                tier2: later.name.to_owned(),
                n1: first.len(),
                n2: second.len(),
                u_statistic: test.map(|test| test.u),
                overall_contrast,
                metric,
                p_value_raw: test.map(|test| test.p),
                p_value: None,
                is_significant: false,
            }
        })
        .collect();
    let tested = || family.iter().enumerate().filter_map(|(at, row)| Some((at, row.p_value_raw?)));
    let (places, raw): (Vec<usize>, Vec<f64>) = tested().unzip();
    for (at, p) in places.into_iter().zip(holm(&raw)) {
        family[at].p_value = Some(p);
        family[at].is_significant = p < alpha;
    }
    family
}

pub(super) fn correlations(groups: &Groups, alpha: f64) -> Vec<Related> {
    use Metric::{CostUsd, DurationSeconds, ImplRate, Score, TotalTokens};
    let pairs = [
        (Score, CostUsd),
        (Score, TotalTokens),
        (Score, DurationSeconds),
        (Score, ImplRate),
        (ImplRate, CostUsd),
        (ImplRate, DurationSeconds),
        (CostUsd, TotalTokens),
    ];
    let of_model = |model: &Model, (metric1, metric2): (Metric, Metric)| {
        let known = known_pairs(model.runs().into_iter().map(|run| (metric1.of(run), metric2.of(run))));
        let found = spearman(&known);
        let p_value = found.map(|found| found.p);
        Related {
            model: model.name.to_owned(),
            metric1,
            metric2,
            n: known.len(),
            spearman_rho: found.map(|found| found.rho),
            p_value,
            is_significant: is_below(p_value, alpha),
        }
    };
    groups.models.iter().flat_map(|model| pairs.map(|pair| of_model(model, pair))).collect()
}

/// What is crossed with tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Factor {
    AgentModel,
    Experiment,
}

impl Factor {
    fn name(self) -> &'static str {
        match self {
            Self::AgentModel => "agent_model",
            Self::Experiment => "experiment",
        }
    }

    fn of(self, run: &RowRun) -> &str {
        match self {
            Self::AgentModel => &run.agent_model,
            Self::Experiment => &run.experiment,
        }
    }
}

pub(super) fn interactions(runs: &[TableRun], factor: Factor, alpha: f64) -> Vec<Interaction> {
    let of_metric = |metric: Metric| {
        let known = |row: &TableRun| Some((factor.of(&row.run).to_owned(), row.run.tier.clone(), metric.of(row)?));
        let test = scheirer_ray_hare(&runs.iter().filter_map(known).collect::<Vec<_>>());
        let effects = [
            (factor.name(), test.map(|test| test.first)),
            ("tier", test.map(|test| test.second)),
            ("interaction", test.map(|test| test.interaction)),
        ];
        effects.map(|(name, effect)| {
            let p_value = effect.and_then(|effect| effect.p);
            Interaction {
                metric,
                effect: name.to_owned(),
                h_statistic: effect.map(|effect| effect.h),
                df: effect.map_or(0, |effect| effect.df),
                p_value,
                is_significant: is_below(p_value, alpha),
            }
        })
    };
    Metric::CROSSED.into_iter().flat_map(of_metric).collect()
}
