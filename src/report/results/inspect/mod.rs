//! The report as logs of Inspect AI (version 2, JSON), so that `inspect view` and its data frames open our runs.
//!
//! Each setup is an eval of its own, in a file of its own: an eval of Inspect is one way to solve a task, its score is that of
//! this way, and its viewer lists evals beside each other. So the list of the viewer is our table of setups. The one sample of
//! an eval is the task, and each run is an epoch of it. One log for all setups would have one score over all of them, which answers
//! no question.
//!
//! A run without a verdict is a sample with an error and without a score, which no metric of Inspect counts. Keys follow the
//! models of `inspect_ai.log` 0.3; what is not known is `null` or left out, but where Inspect demands a word.

mod known;
mod sample;
mod scored;
mod used;
mod written;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value, json};

use sample::Sample;
use used::Used;
use written::written;

use super::{ExperimentReport, File, Form, Material, SetupReport, each};
use crate::model::details::RunDetails;
use crate::model::digest::Digest;
use crate::model::ids::JudgeNumber;
use crate::model::reported::{Reported, ReportedRun};
use crate::model::row::RowStatus;
use crate::model::task::Subtest;
use crate::stats::descriptive::{known, mean};
use crate::stats::summaries::Summary;
use crate::text::escape;
use crate::text::words::counted;

pub(super) static FORM: Form = Form {
    name: "inspect",
    about: "A log of Inspect AI for each setup, which `inspect view` opens",
    is_printed: false,
    needs_whole_runs: true,
    files: |material, _| files(material),
};

/// Version of the format of logs.
const VERSION: u32 = 2;
/// The score that says whether a run passed.
const PASSED: &str = "passed";
/// The mean score of the panel.
const SCORE: &str = "score";
/// What Inspect calls no model.
const NO_MODEL: &str = "none/none";
/// How times stand in the names of folders of experiments.
const NAMED_TIME: &str = "%Y-%m-%dT%H-%M-%S";
/// A model whose name nobody tells.
const UNKNOWN_MODEL: &str = "unknown";
/// Characters of an id, as Inspect's ids have them.
const ID_LENGTH: usize = 22;
/// Characters of the name of a task in the name of a file.
const MOST_NAME: usize = 80;

fn files(material: &Material<'_>) -> Vec<File> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut evals = Vec::new();
    for (experiment, report) in material.experiments.iter().zip(&material.report.experiments) {
        for setup in &report.setups {
            let eval = Eval::of(experiment, report, setup);
            // Copies of one experiment differ in nothing else.
            let places = (2_u32..).map(|number| format!("-{number}"));
            let mut free = std::iter::once(String::new()).chain(places).map(|place| eval.file_name(&place));
            let Some(name) = free.find(|name| names.insert(name.clone())) else { continue };
            evals.push((eval, name));
        }
    }
    each(&evals, |(eval, name)| {
        let log = eval.log(&material.report.made_by, &material.report.filters);
        File { name: name.clone().into(), text: written(&log) }
    })
}

/// A log. Its order of keys is a part of Inspect's format.
#[derive(Debug, Serialize)]
struct Log<'a> {
    version: u32,
    status: &'static str,
    eval: Value,
    plan: Value,
    results: Value,
    stats: Value,
    /// Inspect refuses a log whose error is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    samples: Vec<Sample<'a>>,
}

/// One setup of an experiment.
struct Eval<'a> {
    experiment: &'a Reported,
    report: &'a ExperimentReport,
    setup: &'a SetupReport,
    runs: Vec<&'a ReportedRun>,
    /// When its experiment was started: where no config tells it, its first agent, else as its folder is named; else 1970.
    created: Timestamp,
    /// The name of its task.
    task: &'a str,
    model: String,
}

impl<'a> Eval<'a> {
    fn of(experiment: &'a Reported, report: &'a ExperimentReport, setup: &'a SetupReport) -> Self {
        let is_of = |run: &&ReportedRun| (run.row.run.tier, run.row.run.subtest) == (setup.tier, setup.subtest);
        let started = || experiment.runs.iter().filter_map(|run| times(run).0).min();
        let created = experiment.config.as_ref().map(|config| config.created_at).or_else(started);
        let created = created.or_else(|| named_time(&experiment.name));
        let runs: Vec<&ReportedRun> = experiment.runs.iter().filter(is_of).collect();
        let model = model(experiment, setup, &runs);
        let task = experiment.experiment_id.as_deref().unwrap_or(&experiment.name);
        Self { experiment, report, setup, runs, created: created.unwrap_or_default(), task, model }
    }

    /// Its place in the plan, such as `T0/00`.
    fn place(&self) -> String {
        format!("{}/{}", self.setup.tier, self.setup.subtest)
    }

    /// An id of its own that follows from what it is: other results do not change it.
    fn id(&self, of: &str) -> String {
        let named = format!("{of}\n{}\n{}", self.task, self.created);
        Digest::of(named.as_bytes()).hex().chars().take(ID_LENGTH).collect()
    }

    /// As Inspect names its files, which its viewer finds by their time.
    fn file_name(&self, beside: &str) -> String {
        let plain = |char: char| if char.is_ascii_alphanumeric() || char == '.' { char } else { '-' };
        let task: String = self.task.chars().map(plain).take(MOST_NAME).collect();
        let time = self.created.strftime(NAMED_TIME);
        let place = self.place().replace('/', "-");
        format!("{time}+00-00_{task}-{place}_{}{beside}.json", self.id(&self.place()))
    }

    fn log(&'a self, made_by: &str, filters: &[String]) -> Log<'a> {
        let (status, error) = self.status();
        let steps: Vec<Value> = self
            .solver()
            .map(|solver| json!({"solver": solver, "params": {"setup": self.setup.name}}))
            .into_iter()
            .collect();
        Log {
            version: VERSION,
            status,
            eval: self.eval(made_by, filters),
            plan: json!({"name": "plan", "steps": steps}),
            results: self.results(),
            stats: self.stats(),
            error,
            samples: self.runs.iter().map(|run| Sample::of(self, run)).collect(),
        }
    }

    /// `success` where nothing is left to be done, `cancelled` where a run can still be made, `error` where every run errored.
    fn status(&self) -> (&'static str, Option<Value>) {
        let is_left = |run: &&ReportedRun| {
            !matches!(run.row.status, RowStatus::Passed | RowStatus::Failed | RowStatus::Errored | RowStatus::Damaged)
        };
        if self.runs.iter().any(is_left) {
            ("cancelled", None)
        } else if self.setup.summary.judged == 0 {
            ("error", Some(error(&format!("{} without any verdict", counted(self.runs.len(), "run")))))
        } else {
            ("success", None)
        }
    }

    fn eval(&self, made_by: &str, filters: &[String]) -> Value {
        let setup = self.setup;
        let config = self.experiment.config.as_ref();
        let (program, version) = made_by.split_once(' ').unwrap_or((made_by, ""));
        json!({
            "eval_id": self.id(&self.place()),
            "run_id": self.id("experiment"),
            "created": self.created,
            "task": self.task,
            "task_id": self.id(&format!("task {}", self.place())),
            "task_version": 0,
            "task_display_name": self.report.title,
            "task_description": self.report.description,
            "task_args": self.arguments(),
            "solver": self.solver(),
            "tags": [setup.tier],
            "dataset": {"name": self.task, "samples": 1, "sample_ids": [self.task], "shuffled": false},
            "model": self.model,
            "config": {
                "epochs": setup.summary.planned,
                "epochs_reducer": ["mean"],
                "fail_on_error": false,
                "time_limit": config.map(|config| config.timeout_seconds),
            },
            "revision": null,
            "packages": {program: version},
            "metadata": {
                "made_by": made_by,
                "experiment": self.report.name,
                "results_digest": self.report.results_digest.to_string(),
                "seal": self.report.seal.map(|seal| seal.to_string()),
                "filters": filters,
                "broken_controls": self.report.broken_controls,
                "setup": setup,
            },
            "scorers": self.scorers().into_iter().map(|(name, judge)| json!({
                "name": name,
                "metadata": judge.map(|judge| json!({"judge": judge})),
            })).collect::<Vec<_>>(),
            "headline_metric": {"scorer": PASSED, "metric": "accuracy"},
        })
    }

    /// What tells it from other evals of its task: a column of the viewer's list.
    fn arguments(&self) -> Map<String, Value> {
        let name = self.setup.name.as_ref().map(|name| ("name".to_owned(), json!(name)));
        [("setup".to_owned(), json!(self.place()))].into_iter().chain(name).collect()
    }

    /// The kind of its agent, where the fixture tells it.
    fn solver(&self) -> Option<&'static str> {
        Some(subtest(self.experiment, self.setup)?.agent.kind().name)
    }

    /// Each score of a run: that it passed, the panel's, and that of each judge with its name.
    fn scorers(&self) -> Vec<(String, Option<&str>)> {
        let panel = [PASSED, SCORE].map(|name| (name.to_owned(), None));
        let judges = self.report.judges.iter().flat_map(|panel| &panel.judges);
        let judges = judges.map(|judge| (judge_name(judge.number), Some(judge.name.as_str())));
        panel.into_iter().chain(judges).collect()
    }

    fn results(&self) -> Value {
        let summary = &self.setup.summary;
        let score = |(name, judge): (String, Option<&str>)| {
            let values = self.values(&name);
            let metrics = if name == PASSED { of_passes(summary) } else { of_scores(summary, &values, judge) };
            let metrics: Map<String, Value> = metrics
                .into_iter()
                .filter_map(|(metric, value)| Some((metric, value.filter(|value| value.is_finite())?)))
                .map(|(metric, value)| (metric.to_owned(), json!({"name": metric, "value": value})))
                .collect();
            (!metrics.is_empty()).then(|| {
                json!({
                    "name": name,
                    "scorer": name,
                    "scored_samples": values.len(),
                    "unscored_samples": summary.planned.saturating_sub(values.len()),
                    "metrics": metrics,
                    "metadata": judge.map(|judge| json!({"judge": judge})),
                })
            })
        };
        json!({
            "total_samples": summary.planned,
            "completed_samples": summary.judged,
            "scores": self.scorers().into_iter().filter_map(score).collect::<Vec<_>>(),
        })
    }

    /// A score of each run that has it.
    fn values(&self, scorer: &str) -> Vec<f64> {
        let judged = self.runs.iter().filter(|run| !run.row.is_missing());
        let value = |run: &&ReportedRun| match scorer {
            PASSED => Some(f64::from(u8::from(run.row.status == RowStatus::Passed))),
            SCORE => run.row.score,
            judge => {
                let mut said = details(run)?.judges.iter();
                Some(said.find(|said| judge_name(said.judge_number.0) == judge)?.score.get())
            }
        };
        known(judged.map(value))
    }

    fn stats(&self) -> Value {
        let (started, completed): (Vec<_>, Vec<_>) = self.runs.iter().map(|run| times(run)).unzip();
        let moment = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        // A sum of which a part is not known would be too small, and Inspect has no word for that.
        let was_started = |run: &&&ReportedRun| run.row.status != RowStatus::NotStarted;
        let used: Option<Vec<Used>> = self.runs.iter().filter(was_started).map(|run| Used::of(run)).collect();
        let used = used.and_then(|used| used.into_iter().reduce(Used::plus));
        json!({
            "started_at": moment(started.into_iter().flatten().min()),
            "completed_at": moment(completed.into_iter().flatten().max()),
            "model_usage": self.by_model(used),
        })
    }

    /// What was used, by the name of the model.
    fn by_model(&self, used: Option<Used>) -> Value {
        Value::Object(used.into_iter().map(|used| (self.model.clone(), used.json())).collect())
    }
}

/// The time at the beginning of the name of an experiment's folder.
fn named_time(name: &str) -> Option<Timestamp> {
    let (time, _) = name.split_at_checked("2026-11-23T12-00-00".len())?;
    TimeZone::UTC.to_timestamp(DateTime::strptime(NAMED_TIME, time).ok()?).ok()
}

fn of_passes(summary: &Summary) -> Vec<(&'static str, Option<f64>)> {
    let wilson = summary.wilson.as_ref();
    vec![
        ("accuracy", summary.pass_rate.as_ref().map(|rate| rate.value)),
        ("wilson_low", wilson.map(|interval| interval.low)),
        ("wilson_high", wilson.map(|interval| interval.high)),
    ]
}

fn of_scores(summary: &Summary, values: &[f64], judge: Option<&str>) -> Vec<(&'static str, Option<f64>)> {
    match judge {
        Some(_) => vec![("mean", mean(values))],
        None => vec![("mean", summary.mean_score), ("std", summary.sd_score)],
    }
}

/// The name of the score of a judge.
fn judge_name(number: u32) -> String {
    JudgeNumber(number).to_string()
}

fn subtest<'a>(experiment: &'a Reported, setup: &SetupReport) -> Option<&'a Subtest> {
    experiment.fixture.as_ref()?.tiers.get(&setup.tier)?.get(&setup.subtest)
}

/// The model that its agent is told to use, or uses anyway. Inspect demands a word.
fn model(experiment: &Reported, setup: &SetupReport, runs: &[&ReportedRun]) -> String {
    if let Some(model) = runs.iter().find_map(|run| run.row.model.clone()) {
        return escape::lines(&model).into_owned();
    }
    let Some(subtest) = subtest(experiment, setup) else { return UNKNOWN_MODEL.to_owned() };
    match (subtest.agent.model(Some("one")), subtest.agent.model(Some("another"))) {
        (None, _) => NO_MODEL.to_owned(),
        // Whatever agents are told, this one uses its own.
        (Some(model), Some(same)) if model == same => model.as_str().to_owned(),
        _ => UNKNOWN_MODEL.to_owned(),
    }
}

/// All that is known of a run.
fn details(run: &ReportedRun) -> Option<&RunDetails> {
    run.whole.as_deref().map(|whole| &whole.details).or(run.details.as_deref())
}

/// When its agent was started, and when its result was committed.
fn times(run: &ReportedRun) -> (Option<Timestamp>, Option<Timestamp>) {
    let details = details(run);
    let started = details.and_then(|details| details.agent.as_ref()?.started_at);
    (started, details.and_then(|details| details.committed_at))
}

/// An error, as Inspect wants it.
fn error(message: &str) -> Value {
    json!({"message": message, "traceback": "", "traceback_ansi": ""})
}

#[cfg(test)]
mod tests;
