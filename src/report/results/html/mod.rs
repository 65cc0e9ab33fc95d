//! The report as one page for a browser: it needs no network and no other file, and no text of others is obeyed in it.
//!
//! Answers, chart and tables are in its markup. Runs are blocks of JSON, which its script reads when one is opened; the script makes
//! elements of texts and never markup.

mod blocks;
mod chart;
mod tables;

use super::{ExperimentReport, File, Form, Material, Report};
use crate::model::digest::Digest;
use crate::text::escape::xml;
use crate::text::page::Page;
use crate::text::words::{counted, list};

pub(super) static FORM: Form = Form {
    name: "html",
    about: "A page for a browser, with every run",
    is_printed: false,
    needs_whole_runs: true,
    files: |material, _| vec![File { name: "report.html".into(), text: text(material, MOST_BYTES) }],
};

/// So many bytes of blocks are in a page: more takes a browser too long to open.
const MOST_BYTES: usize = 24 << 20;
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page, with at most so many bytes of blocks.
pub(super) fn text(material: &Material<'_>, room: usize) -> String {
    let report = material.report;
    let mut page = Page::default();
    add_head(&mut page, report);
    add_title(&mut page, report);
    page.line("<main id=\"overview\">");
    let is_one = report.experiments.len() == 1;
    for (number, experiment) in report.experiments.iter().enumerate() {
        page.line("<section class=\"experiment\">");
        if !is_one {
            page.line(format_args!("<h2>{}</h2>", xml(&experiment.name)));
        }
        add_about(&mut page, experiment);
        add_answers(&mut page, experiment);
        chart::add(&mut page, experiment, number);
        tables::add_setups(&mut page, experiment, number);
        page.line("</section>");
    }
    add_runs(&mut page);
    for experiment in &report.experiments {
        tables::add_panel(&mut page, experiment, is_one);
    }
    page.line("</main>");
    page.line("<main id=\"view\" hidden></main>");
    add_stamp(&mut page, report);
    blocks::add(&mut page, material, room);
    page.line(format_args!("<script>{SCRIPT}</script>\n</body>\n</html>"));
    page.into_text()
}

fn add_head(page: &mut Page, report: &Report) {
    let hash = |text: &str| format!("'sha256-{}'", Digest::of(text.as_bytes()).base64());
    page.line("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
    page.line(format_args!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; script-src {}; img-src data:; \
         base-uri 'none'; form-action 'none'\">",
        hash(STYLE),
        hash(SCRIPT)
    ));
    page.line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    page.line("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">");
    let meta = |name: &str, content: &str| format!("<meta name=\"{name}\" content=\"{}\">", xml(content));
    page.line(meta("generator", &report.made_by));
    page.line(meta("scylla-results-digest", &report.results_digest.to_string()));
    for seal in report.experiments.iter().filter_map(|experiment| experiment.seal) {
        page.line(meta("scylla-seal", &seal.to_string()));
    }
    page.line(format_args!("<title>{}</title>", xml(&title(report))));
    page.line("<link rel=\"icon\" href=\"data:,\">");
    page.line(format_args!("<style>{STYLE}</style>\n</head>"));
}

fn title(report: &Report) -> String {
    match report.experiments.as_slice() {
        [only] => only.title.clone().unwrap_or_else(|| only.name.clone()),
        several => counted(several.len(), "experiment"),
    }
}

fn add_title(page: &mut Page, report: &Report) {
    page.line("<body>\n<a class=\"skip\" href=\"#runs\">To the runs</a>\n<header>");
    page.line(format_args!(
        "<p class=\"kind\">Report of {}</p>",
        match report.experiments.as_slice() {
            [only] => xml(&only.name).into_owned(),
            several => list(&several.iter().map(|one| xml(&one.name).into_owned()).collect::<Vec<_>>()),
        }
    ));
    page.line(format_args!("<h1>{}</h1>", xml(&title(report))));
    if !report.filters.is_empty() {
        let filters: Vec<String> =
            report.filters.iter().map(|filter| format!("<code>{}</code>", xml(filter))).collect();
        page.line(format_args!("<p>Only runs that fit {}.</p>", filters.join(" or ")));
    }
    page.line("</header>");
}

/// What the experiment is about.
fn add_about(page: &mut Page, experiment: &ExperimentReport) {
    if let Some(description) = &experiment.description {
        page.line(format_args!("<p class=\"about\">{}</p>", xml(description)));
    }
    let whole = &experiment.whole;
    let mut facts = vec![format!("{} of {} judged", whole.judged, counted(whole.planned, "planned run"))];
    facts.push(counted(experiment.setups.len(), "setup"));
    if !experiment.models.is_empty() {
        facts.push(xml(&list(&experiment.models)).into_owned());
    }
    facts.extend(experiment.started_at.as_deref().map(|at| format!("started {}", xml(at))));
    facts.extend(experiment.made_by.as_deref().map(|by| format!("run by {}", xml(by))));
    page.line(format_args!("<p class=\"facts\">{}</p>", facts.join(" · ")));
}

fn add_answers(page: &mut Page, experiment: &ExperimentReport) {
    if experiment.answers.is_empty() {
        page.line("<p>No run has a verdict yet, so nothing can be said.</p>");
        return;
    }
    page.line("<ul class=\"answers\">");
    for answer in &experiment.answers {
        page.line(format_args!("<li>{}</li>", xml(&answer.sentence)));
    }
    page.line("</ul>");
}

/// Where the script puts the matrix of runs.
fn add_runs(page: &mut Page) {
    page.line("<section aria-labelledby=\"runs\">\n<h2 id=\"runs\" tabindex=\"-1\">Every run</h2>");
    page.line("<p>Each square is a run: open it for its prompt, changes, checks and judges.</p>");
    page.line("<div id=\"controls\"></div>\n<p id=\"count\" role=\"status\"></p>\n<div id=\"matrix\"></div>");
    page.line(
        "<noscript><p>Runs are shown by the script of this page, which the browser does not let run.</p></noscript>",
    );
    page.line("</section>");
}

/// From what the page was made.
fn add_stamp(page: &mut Page, report: &Report) {
    page.line("<footer>\n<dl class=\"stamp\">");
    let mut line = |name: &str, value: &str| page.line(format_args!("<dt>{name}</dt><dd>{}</dd>", xml(value)));
    line("Results", &report.results_digest.to_string());
    for experiment in &report.experiments {
        match experiment.seal {
            Some(seal) => line("Seal", &seal.to_string()),
            None => line("Seal", "none"),
        }
    }
    line("Made by", &report.made_by);
    page.line(
        "</dl>\n<p>The same results give the same page, byte for byte: it has no time of its own.</p>\n</footer>",
    );
}
