//! Figures with their goals, as a table that reads well in a terminal and as Markdown.

use super::sample::Samples;

/// The figures of a section.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) section: &'static str,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    figure: String,
    spread: String,
    goal: Option<Goal>,
}

/// What a figure should be.
#[derive(Debug, Clone)]
pub(super) struct Goal {
    words: String,
    met: bool,
}

impl Goal {
    /// At most so much.
    pub(super) fn at_most(most: f64, unit: &str, figure: f64) -> Self {
        Self { words: format!("≤ {most}{unit}"), met: figure <= most }
    }

    /// At least so much.
    pub(super) fn at_least(least: f64, unit: &str, figure: f64) -> Self {
        Self { words: format!("≥ {least}{unit}"), met: figure >= least }
    }
}

/// How a number is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unit {
    Milliseconds,
    Ratio,
}

impl Unit {
    fn write(self, value: f64) -> String {
        match self {
            Self::Milliseconds => format!("{:.2} ms", value * 1e3),
            Self::Ratio => format!("{value:.2} ×"),
        }
    }
}

impl Table {
    pub(super) fn new(section: &'static str) -> Self {
        Self { section, rows: Vec::new() }
    }

    /// A median with the range that it comes from; samples of time are in seconds.
    pub(super) fn samples(&mut self, what: impl Into<String>, samples: &Samples, unit: Unit, goal: Option<Goal>) {
        let spread = format!("{} – {}", unit.write(samples.least()), unit.write(samples.most()));
        self.rows.push(Row { what: what.into(), figure: unit.write(samples.median()), spread, goal });
    }

    /// A figure that stands alone.
    pub(super) fn figure(&mut self, what: impl Into<String>, figure: impl Into<String>, goal: Option<Goal>) {
        self.rows.push(Row { what: what.into(), figure: figure.into(), spread: String::new(), goal });
    }

    pub(super) fn met(&self) -> usize {
        self.goals().filter(|goal| goal.met).count()
    }

    pub(super) fn missed(&self) -> usize {
        self.goals().filter(|goal| !goal.met).count()
    }

    fn goals(&self) -> impl Iterator<Item = &Goal> {
        self.rows.iter().filter_map(|row| row.goal.as_ref())
    }

    /// The lines of the table, its columns as wide as their widest cell.
    pub(super) fn lines(&self) -> Vec<String> {
        let head = ["what", "median", "range", "goal", ""].map(str::to_owned);
        let cells = self.rows.iter().map(|row| {
            let (words, how) = match &row.goal {
                Some(Goal { words, met }) => (words.clone(), if *met { "met" } else { "**missed**" }),
                None => (String::new(), ""),
            };
            [row.what.clone(), row.figure.clone(), row.spread.clone(), words, how.to_owned()]
        });
        let lines: Vec<[String; 5]> = [head].into_iter().chain(cells).collect();
        let widths: Vec<usize> = (0..5)
            .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default())
            .collect();
        let written = |line: &[String; 5]| {
            let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            format!("| {} |", padded.join(" | "))
        };
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        let mut written: Vec<String> = lines.iter().map(written).collect();
        written.insert(1, format!("|{}|", rule.join("|")));
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_shows_medians_ranges_and_which_goals_are_met() {
        let mut table = Table::new("start");
        let ratios: Samples = [1.0, 2.5, 1.5].into_iter().collect();
        table.samples("ratio", &ratios, Unit::Ratio, Some(Goal::at_most(1.25, " ×", ratios.median())));
        table.figure("memory", "14 MB", Some(Goal::at_least(1.0, " MB", 14.0)));
        let expected = [
            "| what   | median | range           | goal     |            |",
            "|--------|--------|-----------------|----------|------------|",
            "| ratio  | 1.50 × | 1.00 × – 2.50 × | ≤ 1.25 × | **missed** |",
            "| memory | 14 MB  |                 | ≥ 1 MB   | met        |",
        ];
        assert_eq!(table.lines(), expected);
        assert_eq!((table.met(), table.missed()), (1, 1));
    }
}
