//! The report of experiments: which setup solved its task how often, at what cost, and how sure that is. One document, in
//! several forms.

mod answers;
mod best;
mod build;
pub mod check;
mod csv;
mod drift;
mod html;
mod human;
mod inspect;
mod json;
mod latex;
mod markdown;
pub mod stamp;
mod table;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::control::{BrokenControl, Control};
use crate::model::digest::Digest;
use crate::model::gold::DriftReport;
use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::reported::Reported;
use crate::model::row::RunRow;
use crate::stats::agreement::{Hanging, JudgePair};
use crate::stats::estimate::Estimate;
use crate::stats::summaries::{Summary, Uplift};
use crate::text::styles::Styles;
use crate::text::words::list;

pub use csv::subtests_csv;
pub use json::report_schema;

/// Version of the document's shape. It changes only when a key goes or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// A form of the report.
#[derive(Debug)]
pub struct Form {
    /// Its name.
    pub name: &'static str,
    /// A description: a line of the help.
    pub about: &'static str,
    /// Whether it is one text that is printed where no folder is named.
    pub is_printed: bool,
    /// Whether it tells each run whole, with its texts.
    pub needs_whole_runs: bool,
    /// Makes its files, the first of which is the main one. Styles are for people's terminals.
    pub files: fn(&Material<'_>, Styles) -> Vec<File>,
}

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its content.
    pub text: String,
}

/// What forms are made from.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// The document.
    pub report: &'a Report,
    /// The experiments behind it, in its order.
    pub experiments: &'a [Reported],
    /// The columns of the terminal that it is printed on; `None` where it is written to a file, which has any number.
    pub room: Option<usize>,
}

/// Every form, the default one first. A new one is a file beside this one, and a line here.
pub static FORMS: &[&Form] =
    &[&human::FORM, &markdown::FORM, &html::FORM, &json::FORM, &csv::FORM, &latex::FORM, &inspect::FORM];

/// The form for machines, for commands that are asked for JSON as a whole.
pub static FOR_MACHINES: &Form = &json::FORM;

/// The form with this name.
#[must_use]
pub fn form_of(name: &str) -> Option<&'static Form> {
    FORMS.iter().copied().find(|form| form.name == name)
}

/// The whole document. Equal results give equal bytes: it has no time of its own making.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name and version of the tool that made it.
    pub made_by: String,
    /// One digest over the results of all experiments in it: a report of other results has another one.
    #[schemars(with = "String")]
    pub results_digest: Digest,
    /// The filters that chose its runs; none where all planned runs are in it.
    pub filters: Vec<String>,
    /// Each experiment, in the order in which they were named.
    pub experiments: Vec<ExperimentReport>,
}

/// A word about filters that chose the runs of a report; nothing where all planned runs are in it.
fn chosen_by(filters: &[String]) -> String {
    let filters: Vec<String> = filters.iter().map(|filter| format!("`{filter}`")).collect();
    match filters.as_slice() {
        [] => String::new(),
        some => format!(", of the runs that {} chose", list(some)),
    }
}

/// What is made of each of these, in their order, on as many threads as there are cores.
fn each<T: Sync, R: Send>(all: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let make = &make;
    thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(cores).max(1));
        let parts: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(make).collect::<Vec<R>>())).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// What is said of one experiment.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExperimentReport {
    /// The name of its folder.
    pub name: String,
    /// The name of its fixture; `null` when nothing names it.
    pub experiment_id: Option<String>,
    /// The fixture's name for people.
    pub title: Option<String>,
    /// What its task is about.
    pub description: Option<String>,
    /// The models that agents are told to use.
    pub models: Vec<String>,
    /// When it was started; `null` when another tool made it.
    pub started_at: Option<String>,
    /// Name and version of the tool that started it.
    pub made_by: Option<String>,
    /// One digest over its results, and over what became of runs without one.
    #[schemars(with = "String")]
    pub results_digest: Digest,
    /// The digest of the seal over the whole experiment; `null` when it is not sealed.
    #[schemars(with = "Option<String>")]
    pub seal: Option<Digest>,
    /// What its results say, in plain sentences.
    pub answers: Vec<Answer>,
    /// Controls that did not do what is expected: nothing measured on the task can be trusted.
    pub broken_controls: Vec<BrokenControl>,
    /// All of its runs together.
    pub whole: Summary,
    /// Those of agents together: the same, without controls.
    pub measured: Summary,
    /// Each tier that measures agents, without its controls.
    pub tiers: Vec<TierReport>,
    /// Each setup, in the order of the plan.
    pub setups: Vec<SetupReport>,
    /// The judges; `null` where no run has a verdict.
    pub judges: Option<PanelReport>,
    /// How far judges were from gold examples when they were checked last; `null` when no session did that.
    pub judge_check: Option<DriftReport>,
    /// The items of the rubric, in its order.
    pub items: Vec<ItemReport>,
    /// Every planned run.
    #[schemars(with = "Vec<crate::model::row::Written<'static>>")]
    pub runs: Vec<RunRow>,
}

/// A plain sentence about results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Answer {
    /// What it is about.
    pub about: About,
    /// The sentence.
    pub sentence: String,
}

/// What a sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// That a control did not do what is expected.
    BrokenControl,
    /// That runs were played back from recordings.
    Replayed,
    /// Which setup solves its task most often.
    Winner,
    /// Whether that may be chance.
    Chance,
    /// What a pass costs.
    Cost,
    /// How much of the costs is estimated.
    Estimated,
    /// Whether later tiers are better.
    Tiers,
    /// Which runs are missing.
    Missing,
    /// Which judges gave no answer.
    MissingJudges,
    /// Whether judges agree.
    Judges,
    /// How far a judge was from gold examples.
    Drift,
}

/// What is said of a tier.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TierReport {
    /// The tier.
    pub tier: TierId,
    /// Its runs together.
    #[serde(flatten)]
    pub summary: Summary,
    /// How much more often it passes than the tier before; `null` for the first one.
    pub uplift: Option<Uplift>,
}

/// What is said of a setup.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SetupReport {
    /// Its tier.
    pub tier: TierId,
    /// Its subtest.
    pub subtest: SubtestId,
    /// Its name in the fixture.
    pub name: Option<String>,
    /// Its runs together.
    #[serde(flatten)]
    pub summary: Summary,
    /// What is expected of it when it is a control, which measures no agent and is compared with nobody; `null` for an agent's.
    pub control: Option<Control>,
    /// Whether it passes, and no other one passes as often for less, or more often for no more.
    pub is_on_frontier: bool,
    /// How it differs from the setup that passed most often; `null` for that one, for controls, and without a verdict.
    pub beside_best: Option<BesideBest>,
}

impl SetupReport {
    /// Whether a run of it says something of an agent.
    fn is_measured(&self) -> bool {
        self.control.is_none() && self.summary.judged > 0
    }
}

/// A setup beside the one that passed most often.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct BesideBest {
    /// Pass rate of the best one minus that of this one, with its interval by Newcombe's method: all intervals of an experiment
    /// together hold the truth in 95 % of experiments (Bonferroni).
    pub pass_rate: Estimate,
    /// The chance of passes that differ at least so much if both were the same (Mann-Whitney).
    pub p: Option<f64>,
    /// The same, corrected for how many setups are compared with the best one (Holm).
    pub p_corrected: Option<f64>,
}

impl BesideBest {
    /// Whether the interval speaks against chance.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.pass_rate.interval.is_some_and(|interval| interval.excludes(0.0))
    }
}

/// What is said of the judges.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PanelReport {
    /// The judges, in the order of the panel.
    pub judges: Vec<JudgeReport>,
    /// Krippendorff's alpha of their scores, over runs that all of them scored.
    pub alpha: Option<f64>,
    /// Every two of them.
    pub pairs: Vec<JudgePair>,
    /// On how many runs the verdict hangs on one judge.
    pub hanging: Hanging,
    /// Verdicts that do without judges, where `min_judges` allows that, by how many.
    pub verdicts_without: BTreeMap<usize, usize>,
    /// Judges that gave no answer about some of these runs.
    pub silent: Vec<SilentReport>,
}

/// What is said of a judge that gave no answer about some runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SilentReport {
    /// Its number in the panel.
    pub number: u32,
    /// Its name; `null` when nothing names it.
    pub name: Option<String>,
    /// About how many runs.
    pub runs: usize,
    /// The first of them.
    pub first: RunId,
}

/// What is said of a judge.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JudgeReport {
    /// Its number in the panel.
    pub number: u32,
    /// Its name: a model's, or the fixture's.
    pub name: String,
    /// Runs that it judged.
    pub judged: usize,
    /// Runs that it passed.
    pub passed: usize,
    /// Its mean score.
    pub mean_score: Option<f64>,
}

/// What is said of an item of the rubric.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ItemReport {
    /// Its id.
    pub id: String,
    /// What must be true.
    pub description: Option<String>,
    /// Its share.
    pub weight: Option<f64>,
    /// How often judges scored it.
    pub scored: usize,
    /// Its mean score over these.
    pub mean_score: Option<f64>,
}

#[cfg(test)]
mod tests;
