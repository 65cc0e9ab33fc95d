//! The table of setups, for each form that shows one.

use super::{ExperimentReport, SetupReport};
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

/// A row for each setup, and one for all where there are several. Names are as the fixture has them.
pub(super) fn rows(report: &ExperimentReport) -> Vec<[String; 9]> {
    let mut rows: Vec<[String; 9]> = report.setups.iter().map(of_setup).collect();
    if rows.len() > 1 {
        rows.push(row("all".to_owned(), String::new(), &report.whole));
    }
    rows
}

fn of_setup(setup: &SetupReport) -> [String; 9] {
    let mark = if setup.is_on_frontier { " ★" } else { "" };
    let id = format!("{}/{}{mark}", setup.tier, setup.subtest);
    row(id, setup.name.clone().unwrap_or_default(), &setup.summary)
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
    let cost = (summary.judged > 0).then(|| summary.cost.mean_of(summary.judged).to_string());
    [
        id,
        name,
        runs,
        rate.unwrap_or_else(none),
        interval.unwrap_or_else(none),
        summary.mean_score.map_or_else(none, |mean| format!("{mean:.3}{sd}")),
        cost.unwrap_or_else(none),
        summary.cost_of_pass.map_or_else(none, cost_of_pass),
        summary.mean_seconds.map_or_else(none, duration),
    ]
}

/// What a pass costs, in words.
pub(super) fn cost_of_pass(cost: CostOfPass) -> String {
    use crate::model::money::Usd;
    let dollars = |amount| Usd::from_dollars(amount).map_or_else(|_| NONE.to_owned(), |usd| usd.to_string());
    match cost {
        CostOfPass::Known(usd) => dollars(usd),
        CostOfPass::AtLeast(usd) => format!("at least {}", dollars(usd)),
        CostOfPass::Unknown => "unknown".to_owned(),
        CostOfPass::NoPass => NONE.to_owned(),
    }
}
