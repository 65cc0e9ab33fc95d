//! Tables of text. The door to `comfy-table`.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Cell, CellAlignment, Row, Table, presets};

use crate::model::changes::{NotCaptured, Remainder};
use crate::model::event::{Missing, SetupTotals, TierTotals, Totals};
use crate::model::finding::Finding;
use crate::model::flag::Flag;
use crate::model::ids::{RunId, TierId};
use crate::model::usage::Total;
use crate::stats::tiers::{sum, sum_of};
use crate::text::columns::{columns, cut};
use crate::text::escape;
use crate::text::words::{bytes, counted, duration, list, percent, shell_word, wrap};

use crate::text::page::Page;
use crate::text::short::first_of;
use crate::text::styles::{Styles, Tone};

/// With more setups than this, a table has a row for each tier, unless a person chose otherwise.
const MOST_SETUPS: usize = 30;
/// Longest name of a setup that is shown in full.
const MOST_NAME: usize = 28;
/// So much of a name is shown wherever there is no room.
const FEWEST: usize = 10;
/// How many runs are named that failed for the same reason.
const MOST_NAMED: usize = 5;
/// So many columns have lines that are wrapped.
const COLUMNS: usize = 80;
/// Shown for a number that does not exist.
const NONE: &str = "–";

/// A table without lines: the first column aligned to the left, the others to the right, separated by two spaces.
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

/// The rows of a table of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Each setup.
    Subtests,
    /// Each tier.
    Tiers,
}

/// The totals of each setup, or of each tier when there are many setups, and the grand totals when there are several
/// rows. If a person chose the rows, that applies for any number of setups. Controls measure no agent: they are marked, and neither
/// the row of a tier nor the last one counts them.
pub(super) fn results_table(tiers: &[TierTotals], setups: &[SetupTotals], chosen: Option<Rows>) -> String {
    let rows = chosen.unwrap_or(if setups.len() > MOST_SETUPS { Rows::Tiers } else { Rows::Subtests });
    let (title, mut body): (&str, Vec<Vec<String>>) = match rows {
        Rows::Subtests => ("setup", setups.iter().map(|setup| row(String::new(), &setup.totals)).collect()),
        Rows::Tiers => ("tier", tiers.iter().map(|tier| row_of_tier(tier, setups)).collect()),
    };
    let measured: Vec<&Totals> =
        setups.iter().filter(|setup| setup.control.is_none()).map(|setup| &setup.totals).collect();
    if measured.len() == setups.len() && body.len() > 1 {
        body.push(row("all".to_owned(), &sum_of(tiers)));
    } else if measured.len() < setups.len() && measured.len() > 1 {
        body.push(row("all but controls".to_owned(), &sum(measured)));
    }
    let titles = [title, "done", "passed", "pass rate", "mean score", "mean cost", "mean time"];
    body.insert(0, titles.map(str::to_owned).to_vec());
    if rows == Rows::Subtests {
        add_names(&mut body, setups);
    }
    table(body)
}

/// Fills the first column with the setups, shortened to what the other columns leave of the room.
fn add_names(body: &mut [Vec<String>], setups: &[SetupTotals]) {
    let widest = |column: usize| body.iter().map(|cells| columns(&cells[column])).max().unwrap_or(0);
    // Each column has two spaces before it.
    let others: usize = (1..body[0].len()).map(|column| widest(column) + 2).sum();
    let ids: Vec<String> = setups.iter().map(|setup| format!("{}/{}", setup.tier, setup.subtest)).collect();
    let width = ids.iter().map(String::len).max().unwrap_or(0);
    for ((cells, setup), id) in body[1..].iter_mut().zip(setups).zip(ids) {
        let room = COLUMNS.saturating_sub(2 + others + width + 2 + mark(setup).len()).clamp(FEWEST, MOST_NAME);
        cells[0] = match &setup.name {
            Some(name) => format!("{id:<width$}  {}{}", cut(&escape::terminal(name), room), mark(setup)),
            None => format!("{id}{}", mark(setup)),
        };
    }
}

/// What stands behind the name of a control.
fn mark(setup: &SetupTotals) -> &'static str {
    if setup.control.is_some() { " (control)" } else { "" }
}

/// The setups of a tier together: without controls, unless there are no others.
fn row_of_tier(tier: &TierTotals, setups: &[SetupTotals]) -> Vec<String> {
    let of_tier = || setups.iter().filter(|setup| setup.tier == tier.tier);
    let measured: Vec<&Totals> = of_tier().filter(|setup| setup.control.is_none()).map(|setup| &setup.totals).collect();
    match measured.len() {
        0 if of_tier().next().is_some() => row(format!("{} (controls)", tier.tier), &tier.totals),
        some if some < of_tier().count() => row(tier.tier.to_string(), &sum(measured)),
        _ => row(tier.tier.to_string(), &tier.totals),
    }
}

/// A name shortened to what a row can hold.
pub(super) fn shortened(name: &str) -> String {
    let name = escape::terminal(name);
    cut(&name, MOST_NAME)
}

fn row(name: String, totals: &Totals) -> Vec<String> {
    let none = || NONE.to_owned();
    vec![
        name,
        format!("{}/{}", totals.done, totals.planned),
        totals.passed.to_string(),
        totals.pass_rate.map_or_else(none, percent),
        totals.mean_score.map_or_else(none, |score| format!("{score:.2}")),
        mean_cost(totals).map_or_else(none, |cost| cost.to_string()),
        totals.mean_seconds.map_or_else(none, duration),
    ]
}

/// The mean cost of committed runs; a lower bound when some costs are not known.
fn mean_cost(totals: &Totals) -> Option<Total> {
    (totals.done > 0).then(|| totals.cost.mean_of(totals.done))
}

/// What agents of committed runs left that was not captured, one line for each kind; nothing when everything was
/// captured.
pub(super) fn add_remainders(page: &mut Page, remainders: &[Remainder]) {
    let ignored = remainders.iter().filter(|left| left.not_captured.ignored_files > 0);
    let (runs, files, size) = ignored.fold((0, 0_u64, 0_u64), |(runs, files, size), left| {
        let NotCaptured { ignored_files, ignored_bytes, .. } = left.not_captured;
        (runs + 1, files.saturating_add(ignored_files), size.saturating_add(ignored_bytes))
    });
    if runs > 0 {
        let (files, of) = (ignored_files(files, size), counted(runs, "run"));
        page.line(format_args!("  {files} of {of} not captured; `changes.json` of a run names the first"));
    }
    let flags: BTreeSet<Flag> = remainders.iter().flat_map(|left| &left.flags).copied().collect();
    for flag in flags {
        let runs: Vec<RunId> =
            remainders.iter().filter(|left| left.flags.contains(&flag)).map(|left| left.run).collect();
        page.line(format_args!("  {}: {}", named(&runs), flag.meaning()));
    }
}

/// The number of ignored files, with their size.
pub(super) fn ignored_files(files: u64, size: u64) -> String {
    let files = counted(usize::try_from(files).unwrap_or(usize::MAX), "ignored file");
    format!("{files} ({})", bytes(size))
}

/// The first runs by name, and how many more there are.
pub(super) fn named(runs: &[RunId]) -> String {
    list(&first_of(runs, MOST_NAMED))
}

/// The planned runs that are missing, one line for each reason; nothing when none is.
pub(super) fn add_missing(page: &mut Page, missing: &BTreeMap<Missing, usize>, styles: Styles) {
    add_counts(page, missing, "missing", styles);
}

/// The same while a coordinator is working: runs that it has not reached yet do not count as missing.
pub(super) fn add_to_come(page: &mut Page, missing: &BTreeMap<Missing, usize>, styles: Styles) {
    // A coordinator does not repair damage.
    let missing = missing.iter().filter(|(why, _)| **why != Missing::Damaged).map(|(why, count)| (*why, *count));
    add_counts(page, &missing.collect(), "still to be done", styles);
}

fn add_counts(page: &mut Page, missing: &BTreeMap<Missing, usize>, what: &str, styles: Styles) {
    let all: usize = missing.values().sum();
    if all == 0 {
        return;
    }
    let is = if all == 1 { "is" } else { "are" };
    page.line(styles.paint(Tone::Strong, format!("{} {is} {what}:", counted(all, "planned run"))));
    let width = missing.values().map(|count| count.to_string().len()).max().unwrap_or(0);
    for (why, count) in missing.iter().filter(|(_, count)| **count > 0) {
        page.line(format_args!("  {count:>width$} {}", why.sentence()));
    }
}

/// Names the runs whose results are damaged, and the command that shows what is wrong with them; nothing when none is.
pub(super) fn add_damaged(page: &mut Page, damaged: &[RunId], folder: &str) {
    if damaged.is_empty() {
        return;
    }
    let (counts, results) = if damaged.len() == 1 { ("counts", "result") } else { ("count", "results") };
    page.line(format_args!(
        "{} damaged {results} {counts} nowhere ({}): `cargo scylla verify {}` says what is wrong",
        damaged.len(),
        named(damaged),
        shell_word(folder),
    ));
}

/// Counts the damage beside damaged results, and names the command that shows what is wrong.
pub(super) fn add_damage(page: &mut Page, damage: &[Finding], folder: &str) {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in damage {
        *kinds.entry(finding.kind.name()).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    page.line(format_args!(
        "damaged ({}): `cargo scylla verify {}` says what is wrong, and what cures it",
        kinds.join(", "),
        shell_word(folder),
    ));
}

/// Reports which tiers wait for the winners of which other tiers.
pub(super) fn add_waiting(page: &mut Page, waiting: &BTreeMap<TierId, BTreeSet<TierId>>) {
    for (tier, sources) in waiting {
        let what = if sources.len() == 1 { "the winner" } else { "the winners" };
        let sources = list(&sources.iter().map(ToString::to_string).collect::<Vec<_>>());
        page.line(format_args!("  {tier} has not begun: it takes over {what} of {sources}"));
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

/// The same on lines that are no wider than most terminals, where there are spaces to part them at.
pub(super) fn wrapped_lines(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut parted = Vec::new();
    for (name, value) in lines {
        let pieces = wrap(value, COLUMNS.saturating_sub(width + 4));
        parted.extend(pieces.into_iter().enumerate().map(|(at, piece)| (if at == 0 { *name } else { "" }, piece)));
    }
    named_lines(&parted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{setup, tier};

    #[test]
    fn one_setup_needs_no_sum() {
        let (one, two) = (setup(0, 0, &tier(0, 3, 3, 2, 12.0)), setup(1, 0, &tier(1, 3, 0, 0, 0.0)));
        assert_eq!(results_table(&[tier(0, 3, 3, 2, 12.0)], std::slice::from_ref(&one), None).lines().count(), 2);
        let both = results_table(&[tier(0, 3, 3, 2, 12.0), tier(1, 3, 0, 0, 0.0)], &[one, two], None);
        assert_eq!(both.lines().count(), 4);
    }

    #[test]
    fn a_setup_without_results_has_no_rate_and_no_mean() {
        let table = results_table(&[tier(0, 3, 0, 0, 0.0)], &[setup(0, 0, &tier(0, 3, 0, 0, 0.0))], None);
        assert!(!table.contains('%'), "{table}");
        assert_eq!(table.matches(NONE).count(), 4);
    }

    #[test]
    fn many_setups_are_shown_by_tier_unless_a_person_wants_all() {
        let tiers = [tier(0, 120, 0, 0, 0.0)];
        let setups: Vec<SetupTotals> = (0..40).map(|number| setup(0, number, &tier(0, 3, 0, 0, 0.0))).collect();
        let lines = |setups, chosen| results_table(&tiers, setups, chosen).lines().count();
        assert_eq!(lines(&setups, None), 2);
        assert_eq!(lines(&setups, Some(Rows::Subtests)), 42);
        assert_eq!(lines(&setups[..30], None), 32);
        assert_eq!(lines(&setups[..30], Some(Rows::Tiers)), 2);
    }

    #[test]
    fn a_name_cannot_widen_a_row_or_command_a_terminal() {
        let mut hostile = setup(0, 0, &tier(0, 3, 3, 3, 1.0));
        hostile.name = Some(format!("\u{1b}[2J\n{}", "long ".repeat(40)));
        let table = results_table(&[tier(0, 3, 3, 3, 1.0)], &[hostile], None);
        assert_eq!(table.lines().count(), 2);
        assert!(!table.contains('\u{1b}') && table.lines().all(|line| line.chars().count() <= COLUMNS), "{table}");
    }
}
