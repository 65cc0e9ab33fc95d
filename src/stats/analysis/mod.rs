//! The analysis of tables of results: every test, effect, power, correlation and table that is published of one, from its
//! rows alone.
//!
//! Tiers pool the runs of all experiments and subtests, as published tables do; intervals that take subtests as they are
//! lie in [`super::paired`]. What cannot be said is `null`, never a number that is none.

mod effects;
mod groups;
mod judges;
mod rows;
mod significance;
mod tables;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use effects::{EffectSize, Power};
pub use groups::Metric;
pub use judges::{Agreement, CriterionSummary, JudgeAgreement};
pub use rows::Tables;
pub use significance::{Interaction, Normality, Omnibus, Pairwise, Related};
pub use tables::{
    ExperimentSummary, MetricSummary, Spread, SubtestSummary, TierDescriptive, TierSummary, TokenMeans, subtests,
};

use super::{bootstrap, power};
use crate::model::table::{CriterionRow, JudgeRow, TableRun};
use groups::Groups;
use significance::Factor;

/// How tables are analysed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Below which p something is significant, 0 to 1.
    pub alpha: f64,
    /// How intervals are drawn.
    pub bootstrap: bootstrap::Settings,
    /// How power is found.
    pub power: power::Settings,
}

impl Default for Settings {
    /// What the published analysis was made with.
    fn default() -> Self {
        Self { alpha: 0.05, bootstrap: bootstrap::Settings::default(), power: power::Settings::default() }
    }
}

/// The tables that are analysed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rows<'a> {
    /// Runs.
    pub runs: &'a [TableRun],
    /// What judges said of them; may be empty.
    pub judges: &'a [JudgeRow],
    /// What judges said of each item; may be empty.
    pub criteria: &'a [CriterionRow],
}

/// All that is said of tables of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// Whether numbers of a tier may come from a normal distribution.
    pub normality_tests: Vec<Normality>,
    /// Whether tiers differ at all.
    pub omnibus_tests: Vec<Omnibus>,
    /// Whether each tier differs from the one before, and the last from the first.
    pub pairwise_comparisons: Vec<Pairwise>,
    /// How much each tier differs from the one before.
    pub effect_sizes: Vec<EffectSize>,
    /// How likely such differences are seen.
    pub power_analysis: Vec<Power>,
    /// What rises together.
    pub correlations: Vec<Related>,
    /// Pass rate and cost of each tier, and the frontier.
    pub tier_descriptives: Vec<TierDescriptive>,
    /// What models and tiers do, and what they do together.
    pub interaction_tests: Vec<Interaction>,
    /// What experiments and tiers do, and whether tiers do otherwise in some experiments than in others.
    pub experiment_interaction_tests: Vec<Interaction>,
    /// Each tier with its intervals.
    pub tiers: Vec<TierSummary>,
    /// Each subtest of each experiment.
    pub subtests: Vec<SubtestSummary>,
    /// The distribution of each metric.
    pub metrics: Vec<MetricSummary>,
    /// Mean tokens of each tier.
    pub tokens: Vec<TokenMeans>,
    /// Each experiment.
    pub experiments: Vec<ExperimentSummary>,
    /// How far judges agree.
    pub judges: Vec<JudgeAgreement>,
    /// Each item of the rubric.
    pub criteria: Vec<CriterionSummary>,
}

/// Analyses tables.
#[must_use]
pub fn analyse(rows: &Rows, settings: &Settings) -> Analysis {
    let groups = Groups::of(rows.runs);
    Analysis {
        normality_tests: significance::normality(&groups, settings.alpha),
        omnibus_tests: significance::omnibus(&groups, settings.alpha),
        pairwise_comparisons: significance::pairwise(&groups, settings.alpha),
        effect_sizes: effects::effect_sizes(&groups, &settings.bootstrap),
        power_analysis: effects::power(&groups, &settings.power),
        correlations: significance::correlations(&groups, settings.alpha),
        tier_descriptives: tables::tier_descriptives(&groups),
        interaction_tests: significance::interactions(rows.runs, Factor::AgentModel, settings.alpha),
        experiment_interaction_tests: significance::interactions(rows.runs, Factor::Experiment, settings.alpha),
        tiers: tables::tiers(&groups, &settings.bootstrap),
        subtests: subtests(rows.runs),
        metrics: tables::metrics(&groups),
        tokens: tables::tokens(&groups),
        experiments: tables::experiments(rows.runs),
        judges: judges::judges(rows.judges),
        criteria: judges::criteria(rows.criteria),
    }
}
