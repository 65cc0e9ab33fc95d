//! The table of the fixtures in a folder.

use super::tables::table;

/// One fixture of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its contents; `None` when mistakes keep it from being read.
    pub counts: Option<Counts>,
    /// How many mistakes it has.
    pub mistakes: usize,
}

/// The contents of a fixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Its tiers.
    pub tiers: usize,
    /// The subtests of all tiers.
    pub subtests: usize,
    /// How many of them have distinct setups.
    pub setups: usize,
}

/// A line for each fixture.
#[must_use]
pub fn fixture_table(rows: &[Row]) -> String {
    let titles = ["fixture", "tiers", "subtests", "distinct setups", "mistakes"];
    let mut lines = vec![titles.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(line));
    table(lines)
}

fn line(row: &Row) -> Vec<String> {
    let count = |of: fn(Counts) -> usize| row.counts.map_or_else(|| "–".to_owned(), |counts| of(counts).to_string());
    vec![
        row.name.clone(),
        count(|counts| counts.tiers),
        count(|counts| counts.subtests),
        count(|counts| counts.setups),
        row.mistakes.to_string(),
    ]
}
