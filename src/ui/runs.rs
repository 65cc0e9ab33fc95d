//! The table of runs: a row for each, as wide as there is room.

use crate::model::outcome::AgentEnd;
use crate::model::row::{RowStatus, RunRow};
use crate::model::usage::Total;
use crate::text::columns::{columns, cut};
use crate::text::escape;
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};
use crate::text::words::duration;

use super::tables::shortened;

/// What stands for a value that is not there.
const NONE: &str = "–";
/// Space between two columns.
const GAP: usize = 2;
/// The fewest columns that a name is cut to, and those of a reason.
const FEWEST: usize = 8;
const FEWEST_OF_REASON: usize = 10;
/// So many columns of a reason are shown where there is room for any.
const MOST_REASON: usize = 160;
/// On fewer columns, the grade stands behind the score, and how an agent ended stands with the reason.
const NARROW: usize = 110;

/// The columns that are left out, in this order, where there is no room for reasons.
const DISPENSABLE: [&str; 4] = ["tokens", "time", "cost", "setup"];

/// One column of the table.
struct Column {
    cells: Vec<String>,
    is_number: bool,
    width: usize,
}

impl Column {
    fn new(title: &str, is_number: bool, rows: &[&RunRow], cell: impl Fn(&RunRow) -> Option<String>) -> Self {
        let mut cells = vec![title.to_owned()];
        cells.extend(rows.iter().map(|row| cell(row).unwrap_or_else(|| NONE.to_owned())));
        let width = cells.iter().map(|cell| columns(cell)).max().unwrap_or(0);
        Self { cells, is_number, width }
    }

    /// So many columns it needs at least.
    fn fewest(&self) -> usize {
        match self.cells[0].as_str() {
            "setup" => self.width.min(FEWEST),
            "reason" => self.width.min(FEWEST_OF_REASON),
            _ => self.width,
        }
    }

    fn narrowed(&mut self, width: usize) {
        self.width = self.width.min(width);
        for cell in &mut self.cells {
            if columns(cell) > self.width {
                *cell = cut(cell, self.width);
            }
        }
    }

    fn padded(&self, line: usize) -> String {
        let cell = self.cells.get(line).map_or("", String::as_str);
        let space = " ".repeat(self.width.saturating_sub(columns(cell)));
        if self.is_number { format!("{space}{cell}") } else { format!("{cell}{space}") }
    }
}

/// The table, on so many columns; on any number of them where nothing is said.
#[must_use]
pub fn runs_table(rows: &[&RunRow], room: Option<usize>, styles: Styles) -> String {
    let score = |row: &RunRow| row.score.map(|score| format!("{score:.2}"));
    let grade = |row: &RunRow| row.grade.map(|grade| grade.to_string());
    let mut table = vec![
        Column::new("run", false, rows, |row| {
            Some(format!("{}/{}/{}", row.run.tier, row.run.subtest, row.run.run.get()))
        }),
        Column::new("setup", false, rows, |row| {
            let mark = if row.control.is_some() { " (control)" } else { "" };
            row.name.as_deref().map(|name| format!("{}{mark}", shortened(name)))
        }),
        Column::new("status", false, rows, |row| Some(row.status.to_string())),
    ];
    let is_narrow = room.is_some_and(|room| room < NARROW);
    if is_narrow {
        let both = |row: &RunRow| Some(format!("{} {}", score(row)?, grade(row).unwrap_or_default()));
        table.push(Column::new("score", false, rows, both));
    } else {
        table.push(Column::new("score", true, rows, score));
        table.push(Column::new("grade", false, rows, grade));
        table.push(Column::new("end", false, rows, |row| row.end.map(|end| end.to_string())));
    }
    table.extend([
        Column::new("cost", true, rows, |row| row.cost.map(cost)),
        Column::new("tokens", true, rows, |row| row.tokens.map(tokens)),
        Column::new("time", true, rows, |row| row.seconds.map(duration)),
        Column::new("reason", false, rows, |row| Some(reason(row, is_narrow))),
    ]);
    if let Some(room) = room {
        for title in DISPENSABLE {
            let needed: usize = table.iter().map(|column| column.fewest() + GAP).sum::<usize>() - GAP;
            if needed <= room {
                break;
            }
            table.retain(|column| column.cells[0] != title);
        }
        fit(&mut table, room);
    }
    let mut page = Page::default();
    for line in 0..=rows.len() {
        let cells = table.iter().map(|column| match line {
            1.. if column.cells[0] == "status" => painted(rows[line - 1].status, &column.padded(line), styles),
            _ => column.padded(line),
        });
        let text = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
        let text = text.trim_end();
        page.line(room.map_or_else(|| text.to_owned(), |room| cut(text, room)));
    }
    page.into_text()
}

/// Narrows the names and the reasons, so that all columns have room.
fn fit(table: &mut [Column], room: usize) {
    let last = table.len() - 1;
    let named = table.iter().position(|column| column.cells[0] == "setup");
    let (name, reason) = (named.map_or(0, |place| table[place].width), table[last].width);
    let others: usize = table.iter().map(|column| column.width + GAP).sum::<usize>() - GAP - name - reason;
    let left = room.saturating_sub(others);
    // Half of it is for names where both are long.
    let for_names = name.min((left / 2).max(left.saturating_sub(reason)));
    if let Some(place) = named {
        table[place].narrowed(for_names);
    }
    table[last].narrowed(left - for_names);
}

fn painted(status: RowStatus, text: &str, styles: Styles) -> String {
    let tone = match status {
        RowStatus::Passed => Tone::Good,
        RowStatus::Failed | RowStatus::Errored | RowStatus::Damaged => Tone::Bad,
        RowStatus::Running => Tone::Strong,
        RowStatus::AgentComplete | RowStatus::Unfinished | RowStatus::NotStarted => Tone::Warning,
    };
    styles.paint(tone, text).to_string()
}

fn cost(cost: Total) -> String {
    match cost.at_least() {
        Some(usd) if !cost.is_whole() => format!("≥{}{usd}", if cost.is_estimated { "~" } else { "" }),
        _ => cost.to_string(),
    }
}

/// `950`, `12.3k`, `1.2M`.
pub(super) fn tokens(count: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = (count / (unit / 100)).saturating_add(5) / 10;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match count {
        0..1_000 => count.to_string(),
        1_000..999_950 => format!("{}k", tenths(1_000)),
        _ => format!("{}M", tenths(1_000_000)),
    }
}

/// Why a run did not pass; with its end, where that is told nowhere else.
fn reason(row: &RunRow, with_end: bool) -> String {
    let end = row.end.filter(|end| with_end && row.reason.is_none() && *end != AgentEnd::Finished);
    let reason = end.map(|end| format!("agent {}", end.verb())).or_else(|| row.reason.clone());
    let reason = reason.map(|reason| escape::terminal(&reason).into_owned());
    // What is cut where there is little room is not which limit it was.
    let limit = row.exceeded.map(|exceeded| format!("{exceeded}: over a limit of the run"));
    let all: Vec<String> = limit.into_iter().chain(reason).collect();
    cut(&all.join("; "), MOST_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::allowance::Exceeded;
    use crate::model::row::samples as row;
    use crate::model::samples::snapshot;
    use crate::model::score::Grade;

    #[test]
    fn a_run_is_a_row_and_long_texts_are_cut_where_there_is_no_room() {
        let rows = row::all();
        let rows: Vec<&RunRow> = rows.iter().collect();
        let narrow = runs_table(&rows, Some(80), Styles::plain());
        snapshot("screens", "runs", &narrow);
        for room in [40, 50, 60] {
            let table = runs_table(&rows, Some(room), Styles::plain());
            snapshot("screens", &format!("runs_{room}"), &table);
            assert!(table.lines().all(|line| columns(line) <= room), "{table}");
        }
        snapshot("screens", "runs_wide", &runs_table(&rows, None, Styles::plain()));
        assert!(narrow.lines().all(|line| columns(line) <= 80), "{narrow}");
        for text in [&narrow, &runs_table(&rows, None, Styles::plain())] {
            assert_eq!(text.lines().count(), rows.len() + 1);
            assert!(!text.contains('\u{1b}'), "{text}");
        }
        let colored = runs_table(&rows, Some(80), Styles::colored());
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), narrow);
    }

    #[test]
    fn the_limit_at_which_an_agent_ended_is_told_whether_its_run_passed_or_not() {
        let exceeded = Some(Exceeded::Turns { most: 8, used: 9 });
        let over = |row: RunRow| RunRow { end: Some(AgentEnd::OverBudget), exceeded, ..row };
        let rows = [
            over(row::passed("T0/00/1")),
            over(row::failed("T0/00/2", 0.2, Grade::F, "the agent ended over budget")),
            RunRow { end: Some(AgentEnd::TimedOut), ..row::passed("T0/00/3") },
            row::passed("T0/00/4"),
        ];
        let rows: Vec<&RunRow> = rows.iter().collect();
        for room in [None, Some(80)] {
            let table = runs_table(&rows, room, Styles::plain());
            let said: Vec<bool> = table.lines().map(|line| line.contains("9 turns of")).collect();
            assert_eq!(said, [false, true, true, false, false], "{table}");
        }
        let limits: Vec<Option<&str>> = rows.iter().map(|row| row.limit()).collect();
        assert_eq!(limits, [Some("turns"), Some("turns"), Some("time"), None]);
    }

    #[test]
    fn tokens_are_rounded_to_tenths_of_their_unit() {
        let shown = [0, 999, 1_000, 1_049, 1_050, 12_345, 999_949, 999_950, 1_250_000].map(tokens);
        assert_eq!(shown, ["0", "999", "1.0k", "1.0k", "1.1k", "12.3k", "999.9k", "1.0M", "1.3M"]);
    }
}
