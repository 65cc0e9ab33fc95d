//! The report of tables in Markdown; alone, for each form has a file.

use super::human::sentences;
use super::sections::sections;
use super::{Form, TablesReport};
use crate::report::results::File;
use crate::text::escape::markdown;
use crate::text::page::Page;

pub(super) static FORM: Form = Form {
    name: "md",
    is_printed: true,
    files: |report, _| vec![File { name: "tables.md".into(), text: text(report) }],
};

fn text(report: &TablesReport) -> String {
    let mut page = Page::default();
    for sentence in sentences(report) {
        page.line(format_args!("- {}", markdown(&sentence)));
    }
    for section in sections(report) {
        page.line(format_args!("\n### {}\n", section.title));
        if !section.note.is_empty() {
            page.line(format_args!("{}\n", markdown(&section.note)));
        }
        page.line(format_args!("| {} |", section.titles.join(" | ")));
        let rule = |column: usize| if column < section.words { "---" } else { "---:" };
        page.line(format_args!("| {} |", (0..section.titles.len()).map(rule).collect::<Vec<_>>().join(" | ")));
        for row in &section.rows {
            page.line(format_args!("| {} |", row.iter().map(|cell| markdown(cell)).collect::<Vec<_>>().join(" | ")));
        }
    }
    page.line(format_args!("\ntables `{}` · {}", report.inputs_digest, report.made_by));
    page.into_text()
}
