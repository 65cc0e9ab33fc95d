//! The table of setups in LaTeX, with the rules of the package `booktabs`.

use super::table::{TITLES, WORDS, notes, rows};
use super::{ExperimentReport, File, Form, Report, chosen_by};
use crate::text::escape::latex;
use crate::text::page::Page;
use crate::text::words::counted;

pub(super) static FORM: Form = Form {
    name: "latex",
    about: "A LaTeX table of the setups, with the rules of booktabs",
    is_printed: true,
    needs_whole_runs: false,
    files: |material, _| vec![File { name: "report.tex".into(), text: text(material.report) }],
};

fn text(report: &Report) -> String {
    let mut page = Page::default();
    page.line(format_args!("% results {}, {}", report.results_digest, report.made_by));
    page.line("% needs \\usepackage{booktabs}");
    for experiment in &report.experiments {
        page.line(table(experiment, &chosen_by(&report.filters)));
    }
    page.into_text()
}

fn table(experiment: &ExperimentReport, chosen: &str) -> String {
    let mut page = Page::default();
    let columns: String = (0..TITLES.len()).map(|column| if column < WORDS { 'l' } else { 'r' }).collect();
    page.line("\\begin{table}");
    page.line("  \\centering");
    page.line(format_args!("  \\begin{{tabular}}{{{columns}}}"));
    page.line("    \\toprule");
    page.line(format_args!("    {} \\\\", TITLES.map(latex).join(" & ")));
    page.line("    \\midrule");
    let rows = rows(experiment);
    let (setups, all) = rows.split_at(experiment.setups.len());
    for row in setups {
        page.line(format_args!("    {} \\\\", row.each_ref().map(|cell| latex(cell)).join(" & ")));
    }
    for row in all {
        page.line("    \\midrule");
        page.line(format_args!("    {} \\\\", row.each_ref().map(|cell| latex(cell)).join(" & ")));
    }
    page.line("    \\bottomrule");
    page.line("  \\end{tabular}");
    let whole = &experiment.whole;
    let broken = experiment.broken_controls.iter().map(|broken| format!(" {}", latex(&broken.sentence())));
    let notes = notes(experiment).into_iter().map(|note| format!(" {}.", latex(note)));
    let beside: String = broken.chain(notes).collect();
    page.line(format_args!(
        "  \\caption{{{}: {} of {} judged{}; Wilson intervals.{beside}}}",
        latex(&experiment.name),
        whole.judged,
        counted(whole.planned, "planned run"),
        latex(chosen)
    ));
    page.add("\\end{table}");
    page.into_text()
}
