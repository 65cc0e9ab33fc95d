//! The document from what was read of experiments. Pure.

use std::collections::BTreeMap;

use super::answers::answers;
use super::best::{add_beside, best};
use super::{
    ExperimentReport, ItemReport, JudgeReport, PanelReport, Report, SCHEMA_VERSION, SetupReport, SilentReport,
    TierReport,
};
use crate::model::control::Controls;
use crate::model::details::RunDetails;
use crate::model::digest::Digesting;
use crate::model::ids::SetupId;
use crate::model::reported::{Reported, ReportedRun};
use crate::model::result::Judgment;
use crate::model::row::RowStatus;
use crate::model::score::Score;
use crate::model::task::Fixture;
use crate::stats::agreement::{hanging, krippendorff_alpha, pairs};
use crate::stats::controls::broken;
use crate::stats::cost::frontier;
use crate::stats::descriptive::mean;
use crate::stats::drift;
use crate::stats::summaries::{Observation, Outcome, Settings, Summary, summaries, summary, uplifts};

impl Report {
    /// The report of some experiments, whose runs were chosen by these filters, by a tool of this name and version.
    #[must_use]
    pub fn of(experiments: &[Reported], filters: &[String], made_by: &str, settings: &Settings) -> Self {
        let mut digesting = Digesting::default();
        for experiment in experiments {
            digesting.add(experiment.results_digest().hex().as_bytes());
        }
        Self {
            schema_version: SCHEMA_VERSION,
            made_by: made_by.to_owned(),
            results_digest: match experiments {
                [only] => only.results_digest(),
                _ => digesting.end(),
            },
            filters: filters.to_vec(),
            experiments: experiments.iter().map(|experiment| one(experiment, settings)).collect(),
        }
    }
}

fn one(experiment: &Reported, settings: &Settings) -> ExperimentReport {
    let rubric = experiment.fixture.as_ref().map(|fixture| &fixture.rubric);
    let runs: Vec<Observation> = experiment.runs.iter().map(|run| Observation::of(run, rubric)).collect();
    let controls = experiment.fixture.as_ref().map(Fixture::controls).unwrap_or_default();
    let of_agents = |setup: SetupId| controls.get(setup).is_none();
    let measured: Vec<Observation> = runs.iter().filter(|run| of_agents((run.tier, run.subtest))).copied().collect();
    let measures_agents = measured.iter().any(|run| matches!(run.outcome, Outcome::Judged(_)));
    let verdicts = experiment.runs.iter().map(|run| &run.row).filter(|row| !row.is_missing());
    let verdicts = verdicts.map(|row| (row.run, row.status == RowStatus::Passed));
    let tiers = summaries(&measured, |run| run.tier, settings);
    let mut uplifts = uplifts(&tiers);
    let config = experiment.config.as_ref();
    let mut report = ExperimentReport {
        name: experiment.name.clone(),
        experiment_id: experiment.experiment_id.clone(),
        title: config.map(|config| config.name.clone()),
        description: config.map(|config| config.description.clone()).filter(|text| !text.is_empty()),
        models: config.map(|config| config.models.clone()).unwrap_or_default(),
        started_at: config.map(|config| config.created_at.to_string()),
        made_by: config.map(|config| config.created_by.clone()),
        results_digest: experiment.results_digest(),
        seal: experiment.seal,
        answers: Vec::new(),
        broken_controls: broken(&controls, verdicts),
        whole: summary(&runs, settings),
        measured: summary(&measured, settings),
        setups: setups(experiment, &controls, summaries(&runs, |run| (run.tier, run.subtest), settings)),
        tiers: tiers
            .into_iter()
            .map(|(tier, summary)| TierReport { tier, summary, uplift: uplifts.remove(&tier).flatten() })
            .collect(),
        judges: panel(experiment),
        judge_check: experiment.judge_check.as_ref().map(drift::reported),
        items: items(experiment, &|setup| !measures_agents || of_agents(setup)),
        runs: experiment.runs.iter().map(|run| run.row.clone()).collect(),
    };
    report.answers = answers(&report, &experiment.runs);
    report
}

fn setups(experiment: &Reported, controls: &Controls, summaries: BTreeMap<SetupId, Summary>) -> Vec<SetupReport> {
    let names: BTreeMap<SetupId, &Option<String>> =
        experiment.runs.iter().map(|run| ((run.row.run.tier, run.row.run.subtest), &run.row.name)).collect();
    // Neither a control nor what passes nothing is worth any cost: they stand on no frontier, and beat nobody on it.
    let measured = |(setup, summary): (&SetupId, &Summary)| {
        let cost = summary.cost.mean_of(summary.judged.max(1));
        let counts = summary.passed > 0 && cost.is_whole() && controls.get(*setup).is_none();
        (counts.then(|| cost.known.dollars()), summary.pass_rate.map_or(0.0, |rate| rate.value))
    };
    let on_frontier = frontier(&summaries.iter().map(measured).collect::<Vec<_>>());
    let mut setups: Vec<SetupReport> = summaries
        .into_iter()
        .zip(on_frontier)
        .map(|(((tier, subtest), summary), is_on_frontier)| SetupReport {
            tier,
            subtest,
            name: names.get(&(tier, subtest)).copied().cloned().flatten(),
            control: controls.get((tier, subtest)),
            summary,
            is_on_frontier,
            beside_best: None,
        })
        .collect();
    if let Some(best) = best(&setups) {
        add_beside(&mut setups, best);
    }
    setups
}

fn judged(runs: &[ReportedRun]) -> impl Iterator<Item = &RunDetails> {
    runs.iter().filter(|run| !run.row.is_missing()).filter_map(|run| run.details.as_deref())
}

fn panel(experiment: &Reported) -> Option<PanelReport> {
    let runs = &experiment.runs;
    let mut judges: BTreeMap<u32, (String, Vec<&Judgment>)> = BTreeMap::new();
    for judgment in judged(runs).flat_map(|details| &details.judges) {
        let judge = judges.entry(judgment.judge_number.0).or_insert_with(|| (judgment.model.clone(), Vec::new()));
        judge.1.push(judgment);
    }
    if judges.is_empty() {
        return None;
    }
    let numbers: Vec<u32> = judges.keys().copied().collect();
    let of = |details: &RunDetails, number: u32| {
        details
            .judges
            .iter()
            .find(|judgment| judgment.judge_number.0 == number)
            .map(|said| (said.score.get(), said.passed))
    };
    let panels: Vec<Vec<Option<(f64, bool)>>> =
        judged(runs).map(|details| numbers.iter().map(|number| of(details, *number)).collect()).collect();
    let scores: Vec<Vec<Option<f64>>> =
        panels.iter().map(|panel| panel.iter().map(|said| said.map(|(score, _)| score)).collect()).collect();
    let votes: Vec<Vec<Option<bool>>> =
        panels.iter().map(|panel| panel.iter().map(|said| said.map(|(_, passed)| passed)).collect()).collect();
    let judge = |(number, (name, said)): (u32, (String, Vec<&Judgment>))| JudgeReport {
        number,
        name,
        judged: said.len(),
        passed: said.iter().filter(|judgment| judgment.passed).count(),
        mean_score: mean(&said.iter().map(|judgment| judgment.score.get()).collect::<Vec<_>>()),
    };
    let names: BTreeMap<u32, String> = judges.iter().map(|(number, (name, _))| (*number, name.clone())).collect();
    let mut verdicts_without: BTreeMap<usize, usize> = BTreeMap::new();
    for details in judged(runs).filter(|details| details.missing_judges > 0) {
        *verdicts_without.entry(details.missing_judges).or_default() += 1;
    }
    Some(PanelReport {
        verdicts_without,
        silent: silent(experiment, &names),
        judges: judges.into_iter().map(judge).collect(),
        alpha: krippendorff_alpha(&scores),
        pairs: pairs(&scores),
        hanging: hanging(&votes),
    })
}

/// The judges that gave no answer where a verdict does without some.
fn silent(experiment: &Reported, names: &BTreeMap<u32, String>) -> Vec<SilentReport> {
    let fixture = experiment.fixture.as_ref();
    let size = fixture.map_or(0, |fixture| fixture.judges.len()).max(names.len());
    let mut silent: BTreeMap<u32, SilentReport> = BTreeMap::new();
    for details in judged(&experiment.runs).filter(|details| details.missing_judges > 0) {
        let has_answered = |number: u32| details.judges.iter().any(|judgment| judgment.judge_number.0 == number);
        for number in (1..).take(size).filter(|number| !has_answered(*number)) {
            let known = || fixture?.judges.get(number as usize - 1).map(|judge| judge.name().to_owned());
            let name = || names.get(&number).cloned().or_else(known);
            let new = || SilentReport { number, name: name(), runs: 0, first: details.run };
            silent.entry(number).or_insert_with(new).runs += 1;
        }
    }
    silent.into_values().collect()
}

/// What is said of the items of the rubric, from runs of setups that are chosen.
fn items(experiment: &Reported, is_chosen: &dyn Fn(SetupId) -> bool) -> Vec<ItemReport> {
    let rubric = experiment.fixture.as_ref().map(|fixture| &fixture.rubric);
    let known = rubric.iter().flat_map(|rubric| &rubric.items);
    let mut items: Vec<(ItemReport, Vec<f64>)> = known
        .map(|item| {
            let report = ItemReport {
                id: item.id.clone(),
                description: Some(item.description.clone()),
                weight: Some(item.weight),
                scored: 0,
                mean_score: None,
            };
            (report, Vec::new())
        })
        .collect();
    let mut places: BTreeMap<String, usize> =
        items.iter().enumerate().map(|(place, (item, _))| (item.id.clone(), place)).collect();
    let of_agents = judged(&experiment.runs).filter(|details| is_chosen((details.run.tier, details.run.subtest)));
    for (id, said) in of_agents.flat_map(|details| &details.judges).flat_map(|judge| &judge.criteria_scores) {
        let place = *places.entry(id.clone()).or_insert_with(|| {
            let report = ItemReport { id: id.clone(), description: None, weight: None, scored: 0, mean_score: None };
            items.push((report, Vec::new()));
            items.len() - 1
        });
        items[place].1.extend(said.score.map(Score::get));
    }
    let summed =
        items.into_iter().map(|(item, scores)| ItemReport { scored: scores.len(), mean_score: mean(&scores), ..item });
    summed.filter(|item| item.scored > 0).collect()
}
