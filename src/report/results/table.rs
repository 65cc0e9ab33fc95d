//! The table of setups, for each form that shows one.

use super::{ExperimentReport, SetupReport};
use crate::model::money::Usd;
use crate::stats::cost::CostOfPass;
use crate::stats::summaries::Summary;
use crate::text::words::{duration, percent};

/// What stands for a value that is not known.
pub(super) const NONE: &str = "–";
/// The titles of its columns.
pub(super) const TITLES: [&str; 9] =
    ["setup", "name", "runs", "passed", "95 %", "score", "cost of a run", "cost of a pass", "time of a run"];
/// How many of these columns hold words, not numbers.
pub(super) const WORDS: usize = 2;

/// A row for each setup, and one for all that measure an agent where there are several. Names are as the fixture has them.
pub(super) fn rows(report: &ExperimentReport) -> Vec<[String; 9]> {
    let of_setups = report.setups.iter().map(of_setup);
    of_setups.chain(all(report)).collect()
}

/// The row of all setups that measure an agent.
fn all(report: &ExperimentReport) -> Option<[String; 9]> {
    let controls = report.setups.iter().filter(|setup| setup.control.is_some()).count();
    let which = if controls == 0 { "" } else { "without controls" };
    (report.setups.len() - controls > 1).then(|| row("all".to_owned(), which.to_owned(), &report.measured))
}

/// What stands behind the name of a control.
pub(super) fn mark(setup: &SetupReport) -> &'static str {
    if setup.control.is_some() { " (control)" } else { "" }
}

/// What one has to know to read the table, a sentence each.
pub(super) fn notes(report: &ExperimentReport) -> Vec<&'static str> {
    let star = report.setups.iter().any(|setup| setup.is_on_frontier);
    let control = report.setups.iter().any(|setup| setup.control.is_some());
    let estimated = report.whole.cost_estimated_usd > Usd::ZERO;
    let notes = [(star, STAR), (control, CONTROL), (estimated, ESTIMATED)];
    notes.into_iter().filter(|(is_there, _)| *is_there).map(|(_, note)| note).collect()
}

const STAR: &str = "★ no other setup passes as often for less";
const ESTIMATED: &str = "~ a part of it is estimated: tokens, times the prices of a day";
const CONTROL: &str = "(control) measures the task and no agent: it wins nothing, and is compared with nobody";

fn of_setup(setup: &SetupReport) -> [String; 9] {
    let star = if setup.is_on_frontier { " ★" } else { "" };
    let id = format!("{}/{}{star}", setup.tier, setup.subtest);
    let name = format!("{}{}", setup.name.as_deref().unwrap_or_default(), mark(setup));
    row(id, name.trim_start().to_owned(), &setup.summary)
}

/// What stands before costs of which a part is estimated.
fn about(summary: &Summary) -> &'static str {
    if summary.cost_estimated_usd > Usd::ZERO { "~" } else { "" }
}

fn row(id: String, name: String, summary: &Summary) -> [String; 9] {
    let none = || NONE.to_owned();
    let missing = summary.planned - summary.judged;
    let runs = if missing == 0 {
        summary.judged.to_string()
    } else {
        format!("{} of {}, {missing} missing", summary.judged, summary.planned)
    };
    let rate = summary.pass_rate.map(|rate| format!("{} = {}", summary.passed, percent(rate.value)));
    let interval = summary.wilson.map(|range| format!("{:.0}–{:.0} %", range.low * 100.0, range.high * 100.0));
    let sd = summary.sd_score.map(|sd| format!(" ± {sd:.2}")).unwrap_or_default();
    let about = about(summary);
    let cost = (summary.judged > 0).then(|| summary.cost.mean_of(summary.judged).to_string());
    [
        id,
        name,
        runs,
        rate.unwrap_or_else(none),
        interval.unwrap_or_else(none),
        summary.mean_score.map_or_else(none, |mean| format!("{mean:.3}{sd}")),
        cost.unwrap_or_else(none),
        summary.cost_of_pass.map_or_else(none, |cost| cost_of_pass(about, cost)),
        summary.mean_seconds.map_or_else(none, duration),
    ]
}

/// What a pass costs, in words, with a mark before its dollars.
fn cost_of_pass(about: &str, cost: CostOfPass) -> String {
    let dollars = |amount| Usd::from_dollars(amount).map_or_else(|_| NONE.to_owned(), |usd| format!("{about}{usd}"));
    match cost {
        CostOfPass::Known(usd) => dollars(usd),
        CostOfPass::AtLeast(usd) => format!("at least {}", dollars(usd)),
        CostOfPass::Unknown => "unknown".to_owned(),
        CostOfPass::NoPass => NONE.to_owned(),
    }
}
