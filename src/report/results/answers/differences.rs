//! How far setups and tiers are apart, with how sure that is, in plain sentences: each difference has its size, its interval and its
//! runs.

use super::super::best::best;
use super::super::{BesideBest, ExperimentReport, SetupReport};
use super::{named, passes, rate};
use crate::stats::estimate::{Estimate, Interval};
use crate::stats::power::runs_needed;
use crate::stats::proportion::difference;
use crate::stats::summaries::Summary;
use crate::text::words::counted;

/// From this chance on, a difference may be chance.
const ALPHA: f64 = 0.05;
/// The chance of seeing a difference that is there, for which needed runs are told.
const POWER: f64 = 0.8;

/// A setup or tier, and its runs together.
type Named<'a> = (String, &'a Summary);

/// The lead of the best setup over the others: over the nearest one in numbers.
pub(super) fn chance(report: &ExperimentReport) -> Option<String> {
    let best = &report.setups[best(&report.setups)?];
    if best.summary.passed == 0 {
        return None;
    }
    let beside: Vec<(&SetupReport, BesideBest)> =
        report.setups.iter().filter_map(|setup| Some((setup, setup.beside_best?))).collect();
    // A setup that passed as often is told with the winner.
    let mut behind: Vec<_> = beside.iter().filter(|(_, beside)| beside.pass_rate.value > 0.0).collect();
    behind.sort_by(|(_, a), (_, b)| a.pass_rate.value.total_cmp(&b.pass_rate.value));
    let unclear = behind.iter().filter(|(_, beside)| !beside.is_clear()).count();
    let (nearest, lead) = behind.iter().find(|(_, beside)| unclear == 0 || !beside.is_clear())?;
    let at_once = match beside.len() {
        0 | 1 => String::new(),
        2 => ", an interval that holds for both comparisons with the best at once".to_owned(),
        several => format!(", an interval that holds for all {several} comparisons with the best at once"),
    };
    let interval = lead.pass_rate.interval.map(points).unwrap_or_default();
    let interval = format!("with 95 % confidence the difference is {interval}{at_once}");
    let (best, nearest) = ((named(best), &best.summary), (named(nearest), &nearest.summary));
    let ahead = ahead(&best, &nearest, lead.pass_rate.value, "");
    let others = behind.len() - 1;
    if unclear == 0 {
        let rest = match others {
            0 => String::new(),
            1 => " Its lead over the other one is larger, and no chance either.".to_owned(),
            several => format!(" Its leads over the {several} others are larger, and no chance either."),
        };
        return Some(format!("{ahead}; that is more than chance would do: {interval}.{rest}"));
    }
    let rest = match unclear - 1 {
        0 => String::new(),
        more => format!(" Its lead over {} may be chance, too.", counted(more, "more setup")),
    };
    let needed = runs_needed(rate(nearest.1), rate(best.1), ALPHA, POWER);
    let needed = needed.map(|runs| format!(" To see a difference of this size takes about {runs} runs of each."));
    Some(format!("{ahead}; that may be chance: {interval}.{rest}{}", needed.unwrap_or_default()))
}

/// Each tier beside the one before it.
pub(super) fn tiers(report: &ExperimentReport) -> Option<String> {
    let judged: Vec<_> = report.tiers.iter().filter(|tier| tier.summary.judged > 0).collect();
    let counts = |summary: &Summary| (summary.passed, summary.judged);
    let beside = judged.windows(2).filter_map(|pair| {
        let (former, later) = (pair[0], pair[1]);
        let Estimate { value, interval } = difference(counts(&later.summary), counts(&former.summary), 1.0 - ALPHA)?;
        let interval = interval?;
        let (first, second) = ((later.tier.to_string(), &later.summary), (former.tier.to_string(), &former.summary));
        let ahead = ahead(&first, &second, value, &format!("; {}", points(interval)));
        let is_chance = !interval.excludes(0.0) && is_there(value);
        Some(format!("{ahead}{}", if is_chance { ", which may be chance" } else { "" }))
    });
    let beside: Vec<String> = beside.collect();
    let of_each = if beside.len() > 1 { "each 95 % interval holds" } else { "the 95 % interval holds" };
    (!beside.is_empty()).then(|| format!("{}; {of_each} for that comparison alone.", beside.join("; ")))
}

/// Whether a difference of shares is one that can be told.
fn is_there(difference: f64) -> bool {
    difference.abs() >= 5e-4
}

/// How much more often the first one passed than the second one, with the runs of both and what else stands beside them.
fn ahead((who, first): &Named<'_>, (other, second): &Named<'_>, difference: f64, beside: &str) -> String {
    let runs = format!("{} against {} of {}{beside}", passes(first), second.passed, second.judged);
    if !is_there(difference) {
        return format!("{who} solved its task as often as {other} ({runs})");
    }
    let size = match format!("{:.0}", (difference * 100.0).abs()).as_str() {
        "0" => "less than 1 point".to_owned(),
        "1" => "1 point".to_owned(),
        points => format!("{points} points"),
    };
    let how = if difference > 0.0 { "more" } else { "less" };
    format!("{who} solved its task {size} {how} often than {other} ({runs})")
}

/// An interval of differences of shares.
fn points(interval: Interval) -> String {
    format!("{:+.0} to {:+.0} points", interval.low * 100.0, interval.high * 100.0)
}
