//! The tables in LaTeX, with the rules of the package `booktabs`; alone, for each form has a file.

use super::sections::{Section, sections};
use super::{Form, TablesReport};
use crate::report::results::File;
use crate::text::escape::latex;
use crate::text::page::Page;

pub(super) static FORM: Form = Form {
    name: "latex",
    is_printed: true,
    files: |report, _| vec![File { name: "tables.tex".into(), text: text(report) }],
};

fn text(report: &TablesReport) -> String {
    let mut page = Page::default();
    page.line(format_args!("% tables {}, {}", report.inputs_digest, report.made_by));
    page.line("% needs \\usepackage{booktabs}");
    for section in sections(report) {
        add(&mut page, &section);
    }
    page.into_text()
}

fn add(page: &mut Page, section: &Section) {
    let columns: String =
        (0..section.titles.len()).map(|column| if column < section.words { 'l' } else { 'r' }).collect();
    let titles: Vec<String> = section.titles.iter().map(|title| latex(title)).collect();
    page.line("\\begin{table}\n  \\centering");
    page.line(format_args!("  \\begin{{tabular}}{{{columns}}}\n    \\toprule"));
    page.line(format_args!("    {} \\\\\n    \\midrule", titles.join(" & ")));
    for row in &section.rows {
        page.line(format_args!("    {} \\\\", row.iter().map(|cell| latex(cell)).collect::<Vec<_>>().join(" & ")));
    }
    page.line("    \\bottomrule\n  \\end{tabular}");
    page.line(format_args!("  \\caption{{{} {}}}", latex(section.title), latex(&section.note)));
    page.line("\\end{table}");
}
