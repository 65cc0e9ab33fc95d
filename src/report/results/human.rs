//! The report for a terminal: the answers, the setups, the tiers, the judges.

use super::table::{TITLES, WORDS, mark, notes, rows};
use super::{ExperimentReport, File, Form, Report, chosen_by};
use crate::text::columns::{aligned, cut};
use crate::text::escape;
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};
use crate::text::words::{counted, percent};

/// Most columns of a setup's name.
const MOST_NAME: usize = 32;
/// Columns in which sentences are broken.
const COLUMNS: usize = 100;

pub(super) static FORM: Form = Form {
    name: "terminal",
    about: "A summary for people",
    is_printed: true,
    needs_whole_runs: false,
    files: |material, styles| vec![File { name: "report.txt".into(), text: text(material.report, styles) }],
};

fn text(report: &Report, styles: Styles) -> String {
    let mut page = Page::default();
    for (place, experiment) in report.experiments.iter().enumerate() {
        if place > 0 {
            page.line("");
        }
        add(&mut page, experiment, &chosen_by(&report.filters), styles);
    }
    page.line(format_args!("\nresults {} · {}", report.results_digest, report.made_by));
    page.into_text()
}

fn add(page: &mut Page, experiment: &ExperimentReport, chosen: &str, styles: Styles) {
    let whole = &experiment.whole;
    let title = styles.paint(Tone::Strong, escape::terminal(&experiment.name));
    let chosen = escape::terminal(chosen);
    page.line(format_args!("{title}: {} of {} judged{chosen}", whole.judged, counted(whole.planned, "planned run")));
    page.line("");
    for answer in &experiment.answers {
        let sentence = escape::terminal(&answer.sentence);
        for (place, line) in crate::text::words::wrap(&sentence, COLUMNS - 2).iter().enumerate() {
            page.line(format_args!("{} {line}", if place == 0 { "•" } else { " " }));
        }
    }
    page.line("");
    let titles = TITLES.map(str::to_owned).to_vec();
    let body = rows(experiment).into_iter().enumerate().map(|(place, row)| {
        let mut cells: Vec<String> = row.into_iter().map(|cell| escape::terminal(&cell).into_owned()).collect();
        // A long name is cut before its mark.
        let mark = experiment.setups.get(place).map(mark).unwrap_or_default();
        let name = cells[1].strip_suffix(mark).unwrap_or(&cells[1]);
        cells[1] = format!("{}{mark}", cut(name, MOST_NAME));
        cells
    });
    for line in aligned(&std::iter::once(titles).chain(body).collect::<Vec<_>>(), WORDS) {
        page.line(line);
    }
    for note in notes(experiment) {
        page.line(styles.paint(Tone::Faint, note));
    }
    add_judges(page, experiment);
}

fn add_judges(page: &mut Page, experiment: &ExperimentReport) {
    let Some(panel) = experiment.judges.as_ref().filter(|panel| panel.judges.len() > 1) else { return };
    page.line("");
    let mut rows = vec![["judge", "name", "runs", "passed", "score"].map(str::to_owned).to_vec()];
    for judge in &panel.judges {
        let score = judge.mean_score.map_or_else(|| super::table::NONE.to_owned(), |score| format!("{score:.3}"));
        let name = cut(&escape::terminal(&judge.name), MOST_NAME);
        let share = crate::stats::tiers::share(judge.passed, judge.judged).map(percent).unwrap_or_default();
        let passed = format!("{} = {share}", judge.passed);
        rows.push(vec![judge.number.to_string(), name, judge.judged.to_string(), passed, score]);
    }
    for line in aligned(&rows, WORDS) {
        page.line(line);
    }
}
