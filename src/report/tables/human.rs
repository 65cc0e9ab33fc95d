//! The report of tables for a terminal: what they say, and their tables.

use super::sections::sections;
use super::{Form, TablesReport};
use crate::report::results::File;
use crate::text::columns::{aligned, cut};
use crate::text::escape;
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};
use crate::text::words::{counted, wrap};

/// Most columns of a name.
const MOST_NAME: usize = 60;
/// Columns in which sentences are broken.
const COLUMNS: usize = 100;

pub(super) static FORM: Form = Form {
    name: "terminal",
    is_printed: true,
    files: |report, styles| vec![File { name: "tables.txt".into(), text: text(report, styles) }],
};

fn text(report: &TablesReport, styles: Styles) -> String {
    let mut page = Page::default();
    for sentence in sentences(report) {
        let sentence = escape::terminal(&sentence).into_owned();
        for (place, line) in wrap(&sentence, COLUMNS - 2).iter().enumerate() {
            page.line(format_args!("{} {line}", if place == 0 { "•" } else { " " }));
        }
    }
    for section in sections(report) {
        page.line(format_args!("\n{}", styles.paint(Tone::Strong, section.title)));
        if !section.note.is_empty() {
            page.line(styles.paint(Tone::Faint, &section.note));
        }
        let titles = section.titles.iter().map(|title| (*title).to_owned()).collect();
        let shown = |cell: String| cut(&escape::terminal(&cell), MOST_NAME);
        let rows = section.rows.into_iter().map(|row| row.into_iter().map(shown).collect());
        for line in aligned(&std::iter::once(titles).chain(rows).collect::<Vec<Vec<String>>>(), section.words) {
            page.line(line);
        }
    }
    page.line(format_args!("\ntables {} · {}", report.inputs_digest, report.made_by));
    page.into_text()
}

/// What a reader has to know first: contradictions, answers, notes.
pub(super) fn sentences(report: &TablesReport) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(published) = &report.published {
        sentences.extend(published.contradictions.iter().cloned());
        sentences.push(format!(
            "Of what was published, {} were compared: {} by a known mistake, {} otherwise.",
            counted(published.compared, "field"),
            differ(published.known_mistakes),
            differ(published.differing)
        ));
        if !published.not_compared.is_empty() {
            sentences
                .push(format!("Not compared, for nothing is known of them: {}.", published.not_compared.join(", ")));
        }
    }
    sentences.extend(report.answers.iter().cloned());
    sentences.extend(report.notes.iter().cloned());
    sentences
}

fn differ(count: usize) -> String {
    if count == 1 { "1 differs".to_owned() } else { format!("{count} differ") }
}
