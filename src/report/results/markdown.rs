//! The report in Markdown, as a comment to a pull request takes it.

use super::table::{TITLES, WORDS, notes, rows};
use super::{File, Form, Report, chosen_by};
use crate::text::escape::markdown;
use crate::text::page::Page;
use crate::text::words::counted;

pub(super) static FORM: Form = Form {
    name: "md",
    about: "Markdown, for a comment to a pull request",
    is_printed: true,
    needs_whole_runs: false,
    files: |material, _| vec![File { name: "report.md".into(), text: text(material.report) }],
};

fn text(report: &Report) -> String {
    let mut page = Page::default();
    let chosen = markdown(&chosen_by(&report.filters));
    for experiment in &report.experiments {
        let whole = &experiment.whole;
        page.line(format_args!("### {}\n", markdown(&experiment.name)));
        page.line(format_args!("{} of {} judged{chosen}.\n", whole.judged, counted(whole.planned, "planned run")));
        for answer in &experiment.answers {
            page.line(format_args!("- {}", markdown(&answer.sentence)));
        }
        page.line("");
        page.line(format_args!("| {} |", TITLES.join(" | ")));
        let rule = |column: usize| if column < WORDS { "---" } else { "---:" };
        page.line(format_args!("| {} |", (0..TITLES.len()).map(rule).collect::<Vec<_>>().join(" | ")));
        for row in rows(experiment) {
            page.line(format_args!("| {} |", row.map(|cell| markdown(&cell)).join(" | ")));
        }
        for note in notes(experiment) {
            page.line(format_args!("\n{note}"));
        }
        if let Some(seal) = experiment.seal {
            page.line(format_args!("\nseal `{seal}`"));
        }
        page.line("");
    }
    page.line(format_args!("results `{}` · {}", report.results_digest, report.made_by));
    page.into_text()
}
