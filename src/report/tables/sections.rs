//! The tables of the report, as rows of words, for each form that shows them.

use std::collections::BTreeMap;

use super::TablesReport;
use crate::model::money::Usd;
use crate::stats::analysis::{Analysis, Interaction, Metric, Spread, TierSummary};
use crate::text::words::{counted, percent};

/// What stands for a value that is not known.
pub(super) const NONE: &str = "–";

/// A table with its title.
pub(super) struct Section {
    /// Its title.
    pub(super) title: &'static str,
    /// What one has to know to read it.
    pub(super) note: String,
    /// The titles of its columns.
    pub(super) titles: Vec<&'static str>,
    /// How many of these columns hold words, not numbers.
    pub(super) words: usize,
    /// Its rows. Names are as the tables have them.
    pub(super) rows: Vec<Vec<String>>,
}

/// All of them that have rows.
pub(super) fn sections(report: &TablesReport) -> Vec<Section> {
    let analysis = &report.analysis;
    let all = [
        tiers(report),
        omnibus(analysis),
        interactions(analysis),
        pairwise(analysis),
        correlations(analysis),
        judges(analysis),
        pairs(analysis),
        criteria(analysis),
        experiments(analysis),
        mistakes(report),
        differences(report),
    ];
    all.into_iter().filter(|section| !section.rows.is_empty()).collect()
}

/// A p as people write it.
pub(super) fn p_of(p: Option<f64>) -> String {
    match p {
        None => "no p".to_owned(),
        Some(p) if p < 0.001 => "p < 0.001".to_owned(),
        Some(p) => format!("p = {p:.3}"),
    }
}

/// A p in a column that says so.
fn p_cell(p: Option<f64>) -> String {
    match p {
        None => NONE.to_owned(),
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// A metric, in words.
pub(super) fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::PassRate => "pass rate",
        Metric::Score => "score",
        Metric::ImplRate => "implementation rate",
        Metric::CostUsd => "cost",
        Metric::DurationSeconds => "time",
        Metric::TotalTokens => "tokens",
        Metric::RProg => "progress",
        Metric::Cfp => "change failures",
        Metric::PrRevertRate => "reverted changes",
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| format!("{value:.digits$}"))
}

fn dollars(value: Option<f64>) -> String {
    value.and_then(|usd| Usd::from_dollars(usd).ok()).map_or_else(|| NONE.to_owned(), |usd| usd.to_string())
}

fn spread(spread: Spread) -> String {
    let sd = spread.sd.map(|sd| format!(" ± {sd:.3}")).unwrap_or_default();
    format!("{}{sd}", number(spread.mean, 3))
}

/// How a tier is called: with its model where there are several.
fn name(analysis: &Analysis, model: &str, tier: &str) -> String {
    let is_only = analysis.tiers.iter().all(|other| other.model == model);
    if is_only { tier.to_owned() } else { format!("{model} {tier}") }
}

fn tiers(report: &TablesReport) -> Section {
    let analysis = &report.analysis;
    let row = |tier: &TierSummary| {
        let drawn = tier.pass_rate.and_then(|rate| rate.interval);
        let range = |low: f64, high: f64| format!("{:.1}–{:.1} %", low * 100.0, high * 100.0);
        let rate = tier.pass_rate.map(|rate| format!("{} = {}", tier.passed, percent(rate.value)));
        vec![
            name(analysis, &tier.model, &tier.tier),
            tier.n.to_string(),
            rate.unwrap_or_else(|| NONE.to_owned()),
            drawn.map_or_else(|| NONE.to_owned(), |drawn| range(drawn.low, drawn.high)),
            tier.wilson.map_or_else(|| NONE.to_owned(), |wilson| range(wilson.low, wilson.high)),
            spread(tier.score),
            number(tier.consistency, 3),
            dollars(tier.cost.mean),
            dollars(tier.cop),
        ]
    };
    Section {
        title: "Tiers",
        note: format!(
            "Drawn intervals: {} samples, seed {}. They take runs as they come, whatever subtest they are of.",
            report.settings.samples, report.settings.seed
        ),
        titles: vec![
            "tier",
            "runs",
            "passed",
            "drawn 95 %",
            "Wilson 95 %",
            "score",
            "consistency",
            "cost of a run",
            "cost of a pass",
        ],
        words: 1,
        rows: analysis.tiers.iter().map(row).collect(),
    }
}

fn omnibus(analysis: &Analysis) -> Section {
    let rows = analysis.omnibus_tests.iter().map(|test| {
        vec![
            name(analysis, &test.model, metric(test.metric)),
            test.n_groups.to_string(),
            number(test.h_statistic, 3),
            p_cell(test.p_value),
        ]
    });
    Section {
        title: "Do any tiers differ?",
        note: "Kruskal–Wallis, corrected for ties. Numbers that are the same in every run cannot differ.".to_owned(),
        titles: vec!["measured", "tiers", "H", "p"],
        words: 1,
        rows: rows.collect(),
    }
}

fn interactions(analysis: &Analysis) -> Section {
    let is_there = |tests: &[Interaction]| tests.iter().any(|test| test.effect == "interaction" && test.df > 0);
    let [by_experiment, by_model] = [&analysis.experiment_interaction_tests, &analysis.interaction_tests]
        .map(|tests| if is_there(tests) { tests.as_slice() } else { &[] });
    let tests = by_experiment.iter().chain(by_model);
    let rows = tests.map(|test| {
        let effect = if test.effect == "agent_model" { "model" } else { &test.effect };
        vec![
            metric(test.metric).to_owned(),
            effect.to_owned(),
            number(test.h_statistic, 3),
            test.df.to_string(),
            p_cell(test.p_value),
        ]
    });
    Section {
        title: "Do tiers do otherwise in some experiments than in others?",
        note: "Scheirer–Ray–Hare, as where every experiment has the same share of each tier; the row `interaction` has the answer.".to_owned(),
        titles: vec!["measured", "effect", "H", "df", "p"],
        words: 2,
        rows: rows.collect(),
    }
}

fn pairwise(analysis: &Analysis) -> Section {
    let effects: BTreeMap<_, _> = analysis
        .effect_sizes
        .iter()
        .map(|effect| ((&effect.model, &effect.tier1, &effect.tier2, effect.metric), effect))
        .collect();
    let is_constant = |model: &str, metric: Metric| {
        let mut tests = analysis.omnibus_tests.iter().filter(|test| test.model == model && test.metric == metric);
        tests.all(|test| test.h_statistic.is_none())
    };
    let rows = analysis.pairwise_comparisons.iter().filter(|test| !is_constant(&test.model, test.metric)).map(|test| {
        let effect = effects.get(&(&test.model, &test.tier1, &test.tier2, test.metric));
        let ends = effect.and_then(|effect| effect.ci_low.zip(effect.ci_high));
        vec![
            name(analysis, &test.model, &format!("{} → {}", test.tier1, test.tier2)),
            metric(test.metric).to_owned(),
            format!("{}, {}", test.n1, test.n2),
            number(effect.map(|effect| effect.cliffs_delta), 3),
            ends.map_or_else(|| NONE.to_owned(), |(low, high)| format!("{low:.3} to {high:.3}")),
            number(test.u_statistic, 1),
            p_cell(test.p_value_raw),
            p_cell(test.p_value),
        ]
    });
    Section {
        title: "Does a tier differ from the one before?",
        note: "Mann–Whitney; the last column is corrected by Holm within a metric. Cliff's delta is above 0 where the later tier is \
               higher."
            .to_owned(),
        titles: vec!["tiers", "measured", "runs", "delta", "drawn 95 %", "U", "p", "p corrected"],
        words: 2,
        rows: rows.collect(),
    }
}

fn correlations(analysis: &Analysis) -> Section {
    let rows = analysis.correlations.iter().map(|found| {
        vec![
            name(analysis, &found.model, &format!("{} and {}", metric(found.metric1), metric(found.metric2))),
            found.n.to_string(),
            number(found.spearman_rho, 3),
            p_cell(found.p_value),
        ]
    });
    Section {
        title: "What rises together?",
        note: "Spearman, over all runs.".to_owned(),
        titles: vec!["measured", "runs", "rho", "p"],
        words: 1,
        rows: rows.collect(),
    }
}

fn judges(analysis: &Analysis) -> Section {
    let rows = analysis.judges.iter().flat_map(|panel| {
        let judges = panel.judges.iter().zip(&panel.agreement.scores).zip(&panel.agreement.scored).enumerate();
        judges.map(|(place, ((judge, scores), scored))| {
            let hanging = panel.agreement.hanging.by_judge.get(place).copied().unwrap_or_default();
            vec![name(analysis, &panel.agent_model, judge), scored.to_string(), spread(*scores), hanging.to_string()]
        })
    });
    Section {
        title: "Judges",
        note: format!(
            "The last column: verdicts that would be the other one with another vote of this judge{}.",
            if analysis.judges.iter().any(|panel| panel.judges.len() == 2) {
                ", which of a panel of two is every pass"
            } else {
                ""
            }
        ),
        titles: vec!["judge", "runs", "score", "verdicts that hang on it"],
        words: 1,
        rows: rows.collect(),
    }
}

fn pairs(analysis: &Analysis) -> Section {
    let rows = analysis.judges.iter().flat_map(|panel| {
        let of = |place: usize| panel.judges.get(place).map_or("?", String::as_str);
        panel.agreement.pairs.iter().map(move |pair| {
            vec![
                name(analysis, &panel.agent_model, &format!("{} and {}", of(pair.first), of(pair.second))),
                pair.n.to_string(),
                number(pair.spearman.map(|found| found.rho), 3),
                number(Some(pair.mean_difference), 3),
                number(Some(pair.mean_distance), 3),
            ]
        })
    });
    let alphas: Vec<String> = analysis.judges.iter().map(|panel| number(panel.agreement.alpha, 3)).collect();
    Section {
        title: "Do judges agree?",
        note: format!("Krippendorff's alpha, 1 fully and 0 as by chance: {}.", alphas.join(", ")),
        titles: vec!["judges", "runs", "rho", "second − first", "distance"],
        words: 1,
        rows: rows.collect(),
    }
}

fn criteria(analysis: &Analysis) -> Section {
    let rows = analysis.criteria.iter().map(|item| {
        let achieved = item.achieved.map_or_else(|| NONE.to_owned(), percent);
        vec![name(analysis, &item.agent_model, &item.criterion), item.n.to_string(), spread(item.score), achieved]
    });
    Section {
        title: "Items of the rubric",
        note: String::new(),
        titles: vec!["item", "scored", "score", "points given"],
        words: 1,
        rows: rows.collect(),
    }
}

fn experiments(analysis: &Analysis) -> Section {
    let rows = analysis.experiments.iter().map(|experiment| {
        vec![
            experiment.experiment.clone(),
            experiment.best_tier.clone().unwrap_or_else(|| NONE.to_owned()),
            experiment.n.to_string(),
            experiment.pass_rate.map_or_else(|| NONE.to_owned(), percent),
            experiment.total_cost.to_string(),
            dollars(experiment.cop),
        ]
    });
    Section {
        title: "Experiments",
        note: String::new(),
        titles: vec!["experiment", "best tier", "runs", "passed", "cost", "cost of a pass"],
        words: 2,
        rows: rows.collect(),
    }
}

/// Known mistakes, one row for all of a kind.
fn mistakes(report: &TablesReport) -> Section {
    let mut kinds: Vec<(Vec<String>, usize, String)> = Vec::new();
    let all = report.published.iter().flat_map(|published| &published.differences);
    for found in all {
        let Some(reason) = &found.known_mistake else { continue };
        let words = vec![found.array.clone(), found.field.clone(), found.published.to_string(), found.ours.to_string()];
        match kinds.iter_mut().find(|kind| kind.0 == words) {
            Some(kind) => kind.1 += 1,
            None => kinds.push((words, 1, reason.clone())),
        }
    }
    let rows = kinds.into_iter().map(|(words, count, reason)| [words, vec![count.to_string(), reason]].concat());
    Section {
        title: "Published with a known mistake",
        note: String::new(),
        titles: vec!["array", "field", "published", "here", "rows", "why"],
        words: 6,
        rows: rows.collect(),
    }
}

/// Most differences that are shown: the document has all.
const MOST_SHOWN: usize = 50;

fn differences(report: &TablesReport) -> Section {
    let all = report.published.iter().flat_map(|published| &published.differences);
    let others: Vec<_> = all.filter(|found| found.known_mistake.is_none()).collect();
    let rows = others.iter().take(MOST_SHOWN).map(|found| {
        let place = found.row.values().cloned().collect::<Vec<_>>().join(", ");
        vec![found.array.clone(), place, found.field.clone(), found.published.to_string(), found.ours.to_string()]
    });
    let more = others.len().saturating_sub(MOST_SHOWN);
    Section {
        title: "Published otherwise than it is",
        note: if more > 0 {
            format!("The first ones; {} more are in the form `json`.", counted(more, "field"))
        } else {
            String::new()
        },
        titles: vec!["array", "row", "field", "published", "here"],
        words: 5,
        rows: rows.collect(),
    }
}
