//! What results say, in plain sentences: never more than the numbers do.

mod differences;

use differences::{chance, tiers};

use super::best::best;
use super::{About, Answer, ExperimentReport, PanelReport, SetupReport, drift};
use crate::model::control::BrokenControl;
use crate::model::ids::RunId;
use crate::model::money::Usd;
use crate::model::reported::ReportedRun;
use crate::report::panel::splits;
use crate::stats::cost::{CostOfPass, frontier_cost_of_pass};
use crate::stats::estimate::Interval;
use crate::stats::summaries::Summary;
use crate::text::words::{counted, list, percent};

/// So many setups are named in one sentence.
const MOST_NAMED: usize = 3;
/// From this alpha on judges agree well, and from the lower one on well enough for careful conclusions.
///
/// Source: Krippendorff, "Content analysis" (2004), page 241.
const AGREE_WELL: f64 = 0.8;
const AGREE_ENOUGH: f64 = 0.667;

/// The sentences about an experiment, whose numbers are there already.
pub(super) fn answers(report: &ExperimentReport, runs: &[ReportedRun]) -> Vec<Answer> {
    let broken = report.broken_controls.iter().map(|broken| (About::BrokenControl, Some(with_command(broken))));
    let said = [
        (About::Replayed, replayed(runs)),
        (About::Winner, winner(report)),
        (About::Chance, chance(report)),
        (About::Cost, cost(report)),
        (About::Estimated, estimated(&report.whole)),
        (About::Tiers, tiers(report)),
        (About::Missing, missing(&report.whole)),
        (About::MissingJudges, report.judges.as_ref().and_then(missing_judges)),
        (About::Judges, report.judges.as_ref().and_then(judges)),
    ];
    let drifts = report.judge_check.iter().flat_map(drift::sentences);
    let drifts = drifts.map(|sentence| (About::Drift, Some(sentence)));
    broken
        .chain(said)
        .chain(drifts)
        .filter_map(|(about, sentence)| Some(Answer { about, sentence: sentence? }))
        .collect()
}

/// What a broken control means, with the command that shows its first run.
fn with_command(broken: &BrokenControl) -> String {
    let RunId { tier, subtest, run } = broken.run;
    format!("{} `cargo scylla show {tier}/{subtest}/{run}` shows why.", broken.sentence())
}

/// That runs were played back. Whoever reads the rest must know it first: no model was asked for them.
fn replayed(runs: &[ReportedRun]) -> Option<String> {
    let agents = runs.iter().filter_map(|run| run.details.as_ref()?.agent.as_ref());
    let (all, played) =
        agents.fold((0, 0), |(all, played), agent| (all + 1, played + usize::from(agent.replayed.is_some())));
    let what = if played == 1 { "was played back from a recording" } else { "were played back from recordings" };
    (played > 0).then(|| {
        format!("{played} of {} {what}: no model was asked for that, and what agents cost when it was recorded is not counted here.", counted(all, "run"))
    })
}

/// A setup by its place and name.
fn named(setup: &SetupReport) -> String {
    match &setup.name {
        Some(name) => format!("{}/{} ({name})", setup.tier, setup.subtest),
        None => format!("{}/{}", setup.tier, setup.subtest),
    }
}

fn passes(summary: &Summary) -> String {
    format!("{} of {}", summary.passed, counted(summary.judged, "run"))
}

fn rate(summary: &Summary) -> f64 {
    summary.pass_rate.map_or(0.0, |rate| rate.value)
}

fn with_interval(summary: &Summary) -> String {
    let share = percent(rate(summary));
    match summary.wilson {
        Some(interval) => format!("{share}; with 95 % confidence {}", range(interval)),
        None => share,
    }
}

/// An interval of shares, such as `60 to 98 %`.
fn range(interval: Interval) -> String {
    format!("{:.0} to {:.0} %", interval.low * 100.0, interval.high * 100.0)
}

fn winner(report: &ExperimentReport) -> Option<String> {
    let judged: Vec<&SetupReport> = report.setups.iter().filter(|setup| setup.is_measured()).collect();
    let Some(best) = best(&report.setups).map(|best| &report.setups[best]) else {
        let only_controls = report.whole.judged > 0;
        return only_controls.then(|| "No agent was measured: every run with a verdict is of a control.".to_owned());
    };
    if best.summary.passed == 0 {
        let setups = counted(judged.len(), "setup");
        return Some(format!("No run solved its task: 0 of {} of {setups}.", counted(report.measured.judged, "run")));
    }
    if judged.len() == 1 {
        let (who, of) = (named(best), passes(&best.summary));
        return Some(format!("{who} solved its task in {of} ({}).", with_interval(&best.summary)));
    }
    let as_often: Vec<&&SetupReport> = judged
        .iter()
        .filter(|setup| setup.summary.passed * best.summary.judged == best.summary.passed * setup.summary.judged)
        .collect();
    if as_often.len() == 1 {
        let (who, of) = (named(best), passes(&best.summary));
        return Some(format!("{who} solved its task most often: in {of} ({}).", with_interval(&best.summary)));
    }
    let who = some_of(&as_often.iter().map(|setup| named(setup)).collect::<Vec<_>>());
    let share = percent(rate(&best.summary));
    Some(format!("{who} solved their task equally often, and no setup more often: in {share} of their runs."))
}

/// The first few of some names, and how many more there are.
fn some_of(names: &[String]) -> String {
    if names.len() <= MOST_NAMED {
        return list(names);
    }
    let mut some = names[..MOST_NAMED].to_vec();
    some.push(format!("{} more", names.len() - MOST_NAMED));
    list(&some)
}

fn cost(report: &ExperimentReport) -> Option<String> {
    let measured = report.setups.iter().filter(|setup| setup.is_measured());
    let costs = measured.filter_map(|setup| Some((setup, setup.summary.cost_of_pass?)));
    let costs: Vec<(&SetupReport, CostOfPass)> = costs.filter(|(_, cost)| *cost != CostOfPass::NoPass).collect();
    if costs.is_empty() {
        return None;
    }
    let unknown = costs.iter().filter(|(_, cost)| cost.known().is_none()).count();
    let Some((least, amount)) = frontier_cost_of_pass(costs.iter().map(|(setup, cost)| (*setup, *cost))) else {
        return Some(
            "What a pass costs is not known: in every setup some agent or judge did not say what it cost.".to_owned(),
        );
    };
    let left_out = match unknown {
        0 => String::new(),
        count => format!(" Of {} it is not known.", counted(count, "setup")),
    };
    let best = &report.setups[best(&report.setups)?];
    let is_best = (least.tier, least.subtest) == (best.tier, best.subtest);
    let price = dollars(amount);
    if costs.len() == 1 {
        return Some(format!("A pass costs {price}.{left_out}"));
    }
    let of_best = best.summary.cost_of_pass.and_then(CostOfPass::known).filter(|_| !is_best);
    let beside = of_best.map(|amount| format!("; with {} it costs {}", named(best), dollars(amount)));
    Some(format!("A pass costs least with {}: {price}{}.{left_out}", named(least), beside.unwrap_or_default()))
}

/// How much of what runs cost is estimated.
fn estimated(whole: &Summary) -> Option<String> {
    let Summary { cost, cost_estimated_usd: estimated, judged, .. } = whole;
    let runs =
        if *judged == 1 { "The run with a verdict".to_owned() } else { format!("The {judged} runs with a verdict") };
    (*estimated > Usd::ZERO)
        .then(|| format!("{runs} cost {cost}, of it {estimated} estimated: tokens, times the prices of a day."))
}

fn dollars(amount: f64) -> String {
    Usd::from_dollars(amount).map_or_else(|_| format!("${amount}"), |usd| usd.to_string())
}

fn missing(whole: &Summary) -> Option<String> {
    let missing = whole.planned - whole.judged;
    if missing == 0 {
        return None;
    }
    let why: Vec<String> =
        whole.missing.iter().map(|(status, count)| format!("{count} {}", status.word().replace('_', " "))).collect();
    let (have, count) = if missing == 1 { ("has", "counts") } else { ("have", "count") };
    Some(format!(
        "{missing} of {} {have} no verdict ({}) and {count} nowhere.",
        counted(whole.planned, "planned run"),
        why.join(", ")
    ))
}

/// Verdicts that do without judges, which ones these are, and where one sees why.
fn missing_judges(panel: &PanelReport) -> Option<String> {
    let first = panel.silent.first()?.first;
    let verdicts: usize = panel.verdicts_without.values().sum();
    let by_count = panel.verdicts_without.iter().map(|(missing, verdicts)| {
        let (lack, judges) = (if *verdicts == 1 { "lacks" } else { "lack" }, counted(*missing, "judge"));
        format!("{verdicts} {lack} {judges}")
    });
    let silent = panel.silent.iter().map(|judge| {
        let name = judge.name.clone().unwrap_or_else(|| format!("judge {}", judge.number));
        format!("{name} gave no answer about {}", counted(judge.runs, "run"))
    });
    let RunId { tier, subtest, run } = first;
    let (do_, of) = (if verdicts == 1 { "does" } else { "do" }, counted(panel.hanging.runs, "verdict"));
    Some(format!(
        "{verdicts} of {of} {do_} without some judge of the panel ({}): {}. `cargo scylla show {tier}/{subtest}/{run}` shows why.",
        by_count.collect::<Vec<_>>().join(", "),
        silent.collect::<Vec<_>>().join("; ")
    ))
}

fn judges(panel: &PanelReport) -> Option<String> {
    if panel.judges.len() < 2 {
        return None;
    }
    let hangs = splits(&panel.hanging);
    let Some(alpha) = panel.alpha else {
        return Some(format!("How far the judges agree cannot be said; {hangs}."));
    };
    let how = match alpha {
        alpha if alpha >= AGREE_WELL => "agree well",
        alpha if alpha >= AGREE_ENOUGH => "agree well enough for careful conclusions",
        _ => "agree too little to rely on their scores",
    };
    Some(format!("The judges {how} (Krippendorff's alpha {alpha:.2}); {hangs}."))
}
