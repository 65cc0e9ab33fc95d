//! What is known of a setup, a tier, or an experiment: how many runs there are, how often they passed, what they cost.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bootstrap;
use super::cost::{CostOfPass, cost_of_pass};
use super::descriptive::{
    consistency, implementation_rate, implementation_rate_of_panel, known, mean, median, number, sd,
};
use super::estimate::{Estimate, Interval};
use super::passes::{over_tasks, pass_all, pass_at};
use super::proportion::wilson;
use crate::model::details::RunDetails;
use crate::model::ids::{SetupId, SubtestId, TierId};
use crate::model::money::Usd;
use crate::model::reported::ReportedRun;
use crate::model::result::Judgment;
use crate::model::row::RowStatus;
use crate::model::rubric::Rubric;
use crate::model::usage::{self, Cost, Total};

/// A planned run, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Its tier.
    pub tier: TierId,
    /// Its subtest.
    pub subtest: SubtestId,
    /// What became of it.
    pub outcome: Outcome,
    /// All that it cost: every attempt, every judge, answers that could not be read too.
    pub spent: Total,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// It has a verdict.
    Judged(Judged),
    /// It has none: it is missing, and never a failure.
    Missing(RowStatus),
}

/// A run with a verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Whether it passed.
    pub passed: bool,
    /// Its score, 0 to 1; results of other tools may have none.
    pub score: Option<f64>,
    /// How much of what the rubric asks for was found, 0 to 1, if that is known.
    pub implementation: Option<f64>,
    /// What its agent and its judges cost, former attempts left out.
    pub cost: Total,
    /// How much of that is estimated from tokens.
    pub estimated: Usd,
    /// Tokens of its agent, if it says them.
    pub tokens: Option<u64>,
    /// Agent, checks and judges, in seconds.
    pub seconds: Option<f64>,
    /// The agent alone.
    pub agent_seconds: Option<f64>,
}

impl Observation {
    /// A run as reports read it. Without its rubric no implementation rate is known.
    #[must_use]
    pub fn of(run: &ReportedRun, rubric: Option<&Rubric>) -> Self {
        let row = &run.row;
        if row.is_missing() {
            return Self::missing(row.run.tier, row.run.subtest, row.status, row.spent);
        }
        let judgments = run.details.iter().flat_map(|details| &details.judges);
        let rates: Vec<Option<f64>> = judgments.map(|judge| rubric.and_then(|rubric| rate(judge, rubric))).collect();
        let judged = Judged {
            passed: row.status == RowStatus::Passed,
            score: row.score,
            implementation: implementation_rate_of_panel(&rates),
            cost: row.cost.unwrap_or(Total::UNKNOWN),
            estimated: run.details.as_deref().map_or(Usd::ZERO, estimated),
            tokens: row.tokens,
            seconds: row.seconds,
            agent_seconds: run.details.as_ref().and_then(|details| details.agent.as_ref()?.duration_seconds),
        };
        Self { tier: row.run.tier, subtest: row.run.subtest, outcome: Outcome::Judged(judged), spent: row.spent }
    }

    /// A planned run without a verdict, and what it has cost all the same.
    #[must_use]
    pub fn missing(tier: TierId, subtest: SubtestId, why: RowStatus, spent: Total) -> Self {
        Self { tier, subtest, outcome: Outcome::Missing(why), spent }
    }

    fn judged(&self) -> Option<&Judged> {
        if let Outcome::Judged(judged) = &self.outcome { Some(judged) } else { None }
    }
}

/// What the agent of a run and the judges of its verdict cost by estimates.
fn estimated(run: &RunDetails) -> Usd {
    let agent = run.agent.iter().map(|agent| agent.usage.cost);
    agent.chain(run.judges.iter().map(|judge| judge.cost)).filter_map(Cost::estimated).sum()
}

/// The points that a judge gave of those to be had: the weights of the items that apply.
#[must_use]
pub fn rate(judge: &Judgment, rubric: &Rubric) -> Option<f64> {
    let points = rubric.items.iter().filter_map(|item| {
        let score = judge.criteria_scores.get(&item.id)?.score?;
        Some((score.get() * item.weight, item.weight))
    });
    implementation_rate(points)
}

/// How setups are summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The share of intervals that hold the truth, 0 to 1.
    pub level: f64,
    /// For how many tries pass@k and pass^k are told.
    pub tries: Vec<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { level: 0.95, tries: vec![1, 3, 5, 10] }
    }
}

/// What is known of a group of runs. Beside every mean stands how many runs it rests on, and how many are missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Planned runs.
    pub planned: usize,
    /// Runs with a verdict.
    pub judged: usize,
    /// Runs without, by why.
    pub missing: BTreeMap<RowStatus, usize>,
    /// Runs that passed.
    pub passed: usize,
    /// Share of judged runs that passed, with its bootstrap (`BCa`) interval.
    pub pass_rate: Option<Estimate>,
    /// The Wilson interval of the pass rate.
    pub wilson: Option<Interval>,
    /// Mean score.
    pub mean_score: Option<f64>,
    /// Median score.
    pub median_score: Option<f64>,
    /// Sample standard deviation of the scores.
    pub sd_score: Option<f64>,
    /// 1 − sd / mean of the scores.
    pub consistency: Option<f64>,
    /// Mean implementation rate of the runs of which it is known.
    pub implementation_rate: Option<f64>,
    /// What judged runs cost, former attempts left out.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub cost: Total,
    /// How much of that is estimated: tokens, times the prices of a day.
    #[serde(default)]
    pub cost_estimated_usd: Usd,
    /// All that was spent: every attempt and judge, of missing runs too.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// What a pass costs, former attempts left out.
    pub cost_of_pass: Option<CostOfPass>,
    /// Mean seconds of a run.
    pub mean_seconds: Option<f64>,
    /// Median seconds of a run.
    pub median_seconds: Option<f64>,
    /// Mean seconds of its agent.
    pub mean_agent_seconds: Option<f64>,
    /// Mean tokens of the runs whose agents say them.
    pub mean_tokens: Option<f64>,
    /// What one may expect of several tries: means over subtests, where each has runs enough.
    pub tries: Vec<Tries>,
}

/// What one may expect of k tries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tries {
    /// How many tries.
    pub k: usize,
    /// pass@k: the chance that one of them passes.
    pub any: f64,
    /// pass^k: the chance that all of them pass.
    pub all: f64,
}

/// Sums up some runs.
#[must_use]
pub fn summary<'a>(runs: impl IntoIterator<Item = &'a Observation>, settings: &Settings) -> Summary {
    let runs: Vec<&Observation> = runs.into_iter().collect();
    let judged: Vec<&Judged> = runs.iter().filter_map(|run| run.judged()).collect();
    let mut missing = BTreeMap::new();
    let mut tasks: BTreeMap<SetupId, (usize, usize)> = BTreeMap::new();
    let mut spent = Total::ZERO;
    for run in &runs {
        spent += run.spent;
        let task = tasks.entry((run.tier, run.subtest)).or_default();
        match &run.outcome {
            Outcome::Missing(why) => *missing.entry(*why).or_default() += 1,
            Outcome::Judged(judged) => *task = (task.0 + usize::from(judged.passed), task.1 + 1),
        }
    }
    let numbers = |of: fn(&Judged) -> Option<f64>| known(judged.iter().map(|run| of(run)));
    let (scores, seconds) = (numbers(|run| run.score), numbers(|run| run.seconds));
    let passed = judged.iter().filter(|run| run.passed).count();
    let cost: Total = judged.iter().map(|run| run.cost).sum();
    let tasks: Vec<(usize, usize)> = tasks.into_values().collect();
    let tries = settings.tries.iter().filter_map(|k| {
        Some(Tries { k: *k, any: over_tasks(*k, &tasks, pass_at)?, all: over_tasks(*k, &tasks, pass_all)? })
    });
    Summary {
        planned: runs.len(),
        judged: judged.len(),
        missing,
        passed,
        pass_rate: bootstrap::share_of(passed, judged.len(), settings.level),
        wilson: wilson(passed, judged.len(), settings.level),
        mean_score: mean(&scores),
        median_score: median(&scores),
        sd_score: sd(&scores),
        consistency: consistency(&scores),
        implementation_rate: mean(&known(judged.iter().map(|run| run.implementation))),
        cost,
        cost_estimated_usd: judged.iter().map(|run| run.estimated).sum(),
        spent,
        cost_of_pass: cost_of_pass(cost, passed, judged.len()),
        mean_seconds: mean(&seconds),
        median_seconds: median(&seconds),
        mean_agent_seconds: mean(&numbers(|run| run.agent_seconds)),
        mean_tokens: mean(&known(judged.iter().map(|run| run.tokens.map(as_number)))),
        tries: tries.collect(),
    }
}

/// Sums up the runs of each key, such as each setup (`|run| (run.tier, run.subtest)`) or tier (`|run| run.tier`).
pub fn summaries<K: Ord>(
    runs: &[Observation],
    key: impl Fn(&Observation) -> K,
    settings: &Settings,
) -> BTreeMap<K, Summary> {
    let mut groups: BTreeMap<K, Vec<&Observation>> = BTreeMap::new();
    for run in runs {
        groups.entry(key(run)).or_default().push(run);
    }
    groups.into_iter().map(|(key, runs)| (key, summary(runs, settings))).collect()
}

/// How much more often a tier passes than another one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Uplift {
    /// Difference of the pass rates, −1 to 1.
    pub difference: f64,
    /// The difference as a share of the other rate; `None` where that is 0.
    pub relative: Option<f64>,
}

/// The uplift of a pass rate over another one. `None` where one has no runs.
#[must_use]
pub fn uplift(later: &Summary, former: &Summary) -> Option<Uplift> {
    let (later, former) = (later.pass_rate?.value, former.pass_rate?.value);
    let difference = later - former;
    Some(Uplift { difference, relative: (former > 0.0).then(|| difference / former) })
}

/// The uplift of each tier over the one before it, among those that are summed up.
#[must_use]
pub fn uplifts(tiers: &BTreeMap<TierId, Summary>) -> BTreeMap<TierId, Option<Uplift>> {
    let pairs = tiers.iter().zip(tiers.iter().skip(1));
    pairs.map(|((_, former), (tier, later))| (*tier, uplift(later, former))).collect()
}

fn as_number(count: u64) -> f64 {
    number(usize::try_from(count).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests;
