//! What results say, in plain sentences: never more than the numbers do.

use super::best::best;
use super::{About, Answer, DriftReport, ExperimentReport, PanelReport, SetupReport};
use crate::model::control::BrokenControl;
use crate::model::ids::RunId;
use crate::model::money::Usd;
use crate::model::reported::ReportedRun;
use crate::stats::cost::{CostOfPass, frontier_cost_of_pass};
use crate::stats::estimate::Interval;
use crate::stats::power::runs_needed;
use crate::stats::proportion::difference;
use crate::stats::summaries::Summary;
use crate::text::words::{counted, list, percent};

/// From this chance on, a difference may be chance.
const ALPHA: f64 = 0.05;
/// The chance of seeing a difference that is there, for which needed runs are told.
const POWER: f64 = 0.8;
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
        (About::Tiers, tiers(report)),
        (About::Missing, missing(&report.whole)),
        (About::Judges, report.judges.as_ref().and_then(judges)),
    ];
    let drifts = report.judge_check.iter().flat_map(DriftReport::sentences);
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

/// That runs were played back. Whoever reads the rest must know it first: no agent worked for them.
fn replayed(runs: &[ReportedRun]) -> Option<String> {
    let agents = runs.iter().filter_map(|run| run.details.as_ref()?.agent.as_ref());
    let (all, played) =
        agents.fold((0, 0), |(all, played), agent| (all + 1, played + usize::from(agent.replayed.is_some())));
    let what = if played == 1 { "was played back from a recording" } else { "were played back from recordings" };
    (played > 0).then(|| {
        format!("{played} of {} {what}: no agent worked for that, and what agents cost when it was recorded is not counted here.", counted(all, "run"))
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

/// An interval of differences of shares.
fn points(interval: Interval) -> String {
    format!("{:+.0} to {:+.0} points", interval.low * 100.0, interval.high * 100.0)
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

fn chance(report: &ExperimentReport) -> Option<String> {
    let best = &report.setups[best(&report.setups)?];
    if best.summary.passed == 0 {
        return None;
    }
    let beside = report.setups.iter().filter_map(|setup| Some((setup, setup.beside_best?)));
    // A setup that passed as often is told with the winner.
    let mut behind: Vec<_> = beside.filter(|(_, beside)| beside.pass_rate.value > 0.0).collect();
    if behind.is_empty() {
        return None;
    }
    behind.sort_by(|(_, a), (_, b)| a.pass_rate.value.total_cmp(&b.pass_rate.value));
    let all = behind.len();
    let near: Vec<_> = behind.into_iter().filter(|(_, beside)| !beside.is_clear()).collect();
    let is_tied =
        report.setups.iter().filter_map(|setup| setup.beside_best).any(|beside| beside.pass_rate.value == 0.0);
    let ahead = if is_tied { "That they are ahead" } else { "That it is ahead" };
    let Some((nearest, difference)) = near.first() else {
        let others = if all == 1 { "the other one".to_owned() } else { format!("each of the {all} others") };
        return Some(format!(
            "{ahead} of {others} is more than chance would do (with 95 % confidence for all of them)."
        ));
    };
    let others = report.setups.iter().filter(|setup| setup.beside_best.is_some()).count();
    let at_once = match others {
        0 | 1 => String::new(),
        2 => ", an interval that holds for both comparisons with the best at once".to_owned(),
        several => format!(", an interval that holds for all {several} comparisons with the best at once"),
    };
    let interval = difference.pass_rate.interval.map(points).unwrap_or_default() + &at_once;
    let who = named(nearest);
    let of = passes(&nearest.summary);
    let more = match near.len() - 1 {
        0 => String::new(),
        more => format!(", and of {}", counted(more, "more setup")),
    };
    let needed = runs_needed(rate(&nearest.summary), rate(&best.summary), ALPHA, POWER);
    let needed = needed.map(|runs| format!(" To see a difference of this size takes about {runs} runs of each."));
    Some(format!(
        "{ahead} of {who} ({of}; the difference is {interval}){more} may be chance.{}",
        needed.unwrap_or_default()
    ))
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

fn dollars(amount: f64) -> String {
    Usd::from_dollars(amount).map_or_else(|_| format!("${amount}"), |usd| usd.to_string())
}

fn tiers(report: &ExperimentReport) -> Option<String> {
    let judged: Vec<_> = report.tiers.iter().filter(|tier| tier.summary.judged > 0).collect();
    let (mut clear, mut unclear) = (Vec::new(), Vec::new());
    for pair in judged.windows(2) {
        let (former, later) = (pair[0], pair[1]);
        let of = |summary: &Summary| (summary.passed, summary.judged);
        let Some(change) = difference(of(&later.summary), of(&former.summary), 1.0 - ALPHA) else { continue };
        match change.interval {
            Some(interval) if interval.excludes(0.0) => {
                let how = if change.value > 0.0 { "more" } else { "less" };
                let by = (change.value * 100.0).abs();
                let (tier, before, range) = (later.tier, former.tier, points(interval));
                clear.push(format!("{tier} solved its task {by:.0} points {how} often than {before} ({range})"));
            }
            _ => unclear.push(format!("{} and {}", former.tier, later.tier)),
        }
    }
    match (clear.is_empty(), unclear.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("{}.", clear.join("; "))),
        (true, false) => Some("No tier differs from the one before it by more than chance may do.".to_owned()),
        (false, false) => Some(format!(
            "{}; between {} there is no more difference than chance may make.",
            clear.join("; "),
            list(&unclear)
        )),
    }
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

fn judges(panel: &PanelReport) -> Option<String> {
    if panel.judges.len() < 2 {
        return None;
    }
    let hanging = &panel.hanging;
    let hangs = match hanging.hanging {
        0 => "no verdict hangs on one judge".to_owned(),
        1 => format!("1 verdict of {} hangs on one judge", hanging.runs),
        count => format!("{count} verdicts of {} hang on one judge", hanging.runs),
    };
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
