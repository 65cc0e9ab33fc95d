//! Tables of text. The door to `comfy-table`.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Cell, CellAlignment, Row, Table, presets};

use crate::model::event::{Missing, TierTotals};
use crate::model::ids::TierId;
use crate::stats::tiers::sum_of;
use crate::text::words::{counted, duration, list, percent};

use super::page::Page;
use super::styles::{Styles, Tone};

/// What stands for a number that does not exist.
const NONE: &str = "–";

/// A table without lines: the first column to the left, the others to the right, two spaces before each.
pub(super) fn table(rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for row in rows {
        let cells = row.into_iter().enumerate().map(|(column, text)| {
            let alignment = if column == 0 { CellAlignment::Left } else { CellAlignment::Right };
            Cell::new(text).set_alignment(alignment)
        });
        table.add_row(Row::from(cells.collect::<Vec<Cell>>()));
    }
    for column in table.column_iter_mut() {
        column.set_padding((2, 0));
    }
    let mut page = Page::default();
    for line in table.lines() {
        page.line(line.trim_end());
    }
    page.into_text()
}

/// Each tier's numbers, and all of them together when there are several tiers.
pub(super) fn tier_table(tiers: &[TierTotals]) -> String {
    let titles = ["tier", "done", "passed", "pass rate", "mean score", "cost", "time"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(tiers.iter().map(|tier| tier_row(&tier.tier.to_string(), tier)));
    if tiers.len() > 1 {
        rows.extend(sum_of(tiers).map(|sum| tier_row("all", &sum)));
    }
    table(rows)
}

fn tier_row(name: &str, totals: &TierTotals) -> Vec<String> {
    let none = || NONE.to_owned();
    vec![
        name.to_owned(),
        format!("{}/{}", totals.done, totals.planned),
        totals.passed.to_string(),
        totals.pass_rate.map_or_else(none, percent),
        totals.mean_score.map_or_else(none, |score| format!("{score:.2}")),
        totals.cost_usd.to_string(),
        if totals.done == 0 { none() } else { duration(totals.seconds) },
    ]
}

/// The planned runs that are missing, one line for each reason; nothing when none is.
pub(super) fn add_missing(page: &mut Page, missing: &BTreeMap<Missing, usize>, styles: Styles) {
    let all: usize = missing.values().sum();
    if all == 0 {
        return;
    }
    let is = if all == 1 { "is" } else { "are" };
    page.line(styles.paint(Tone::Strong, format!("{} {is} missing:", counted(all, "planned run"))));
    let width = missing.values().map(|count| count.to_string().len()).max().unwrap_or(0);
    for (why, count) in missing.iter().filter(|(_, count)| **count > 0) {
        page.line(format_args!("  {count:>width$} {}", why_missing(*why)));
    }
}

/// Says which tiers wait for the winners of which.
pub(super) fn add_waiting(page: &mut Page, waiting: &BTreeMap<TierId, BTreeSet<TierId>>) {
    for (tier, sources) in waiting {
        let what = if sources.len() == 1 { "the winner" } else { "the winners" };
        let sources = list(&sources.iter().map(ToString::to_string).collect::<Vec<_>>());
        page.line(format_args!("  {tier} has not begun: it takes over {what} of {sources}"));
    }
}

fn why_missing(why: Missing) -> &'static str {
    match why {
        Missing::NotStarted => "not started",
        Missing::Unfinished => "started and not finished",
        Missing::AgentComplete => "not judged: the agent is done, the judges are not",
        Missing::Errored => "errored: infrastructure failed until the attempts were used up",
    }
}

/// Lines of a name and its value, the values below each other.
pub(super) fn named_lines(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut page = Page::default();
    for (name, value) in lines {
        page.line(format_args!("  {name:<width$}  {value}"));
    }
    page.into_text()
}

#[cfg(test)]
mod tests {
    use super::super::samples::tier;
    use super::*;

    #[test]
    fn one_tier_needs_no_sum() {
        assert_eq!(tier_table(&[tier(0, 3, 3, 2, 12.0)]).lines().count(), 2);
        assert_eq!(tier_table(&[tier(0, 3, 3, 2, 12.0), tier(1, 3, 0, 0, 0.0)]).lines().count(), 4);
    }

    #[test]
    fn a_tier_without_results_has_no_rate_and_no_score() {
        let table = tier_table(&[tier(0, 3, 0, 0, 0.0)]);
        assert!(!table.contains('%'), "{table}");
        assert_eq!(table.matches(NONE).count(), 3);
    }
}
