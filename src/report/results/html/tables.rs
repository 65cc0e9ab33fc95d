//! The tables of the page: setups, tiers, judges and items of the rubric.

use super::super::table::{NONE, TITLES, WORDS, notes, rows};
use super::super::{ExperimentReport, PanelReport, SetupReport};
use crate::report::panel::splits;
use crate::text::escape::xml;
use crate::text::page::Page;
use crate::text::words::percent;

/// Adds the table of setups, which the script lets sort.
pub(super) fn add_setups(page: &mut Page, experiment: &ExperimentReport, number: usize) {
    if experiment.setups.is_empty() {
        return;
    }
    page.line(format_args!("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table of setups\">"));
    page.line(format_args!(
        "<table class=\"numbers setups\" data-experiment=\"{number}\"><caption>Setups</caption>\n<thead><tr>"
    ));
    for (column, title) in TITLES.iter().enumerate() {
        page.line(format_args!("<th scope=\"col\"{}>{title}</th>", words(column)));
    }
    page.line("</tr></thead>\n<tbody>");
    let rows = rows(experiment);
    for (place, (setup, row)) in experiment.setups.iter().zip(&rows).enumerate() {
        let id = format!("{}/{}", setup.tier, setup.subtest);
        page.add(format_args!("<tr data-setup=\"{id}\">"));
        for ((column, cell), value) in row.iter().enumerate().zip(values(setup, place)) {
            let value = value.map(|value| format!(" data-value=\"{value}\"")).unwrap_or_default();
            if column == 0 {
                let mark = if setup.is_on_frontier { " <span title=\"on the frontier\">★</span>" } else { "" };
                page.add(format_args!("<th scope=\"row\"{value}><a href=\"#q={id}\">{id}</a>{mark}</th>"));
            } else {
                page.add(format_args!("<td{}{value}>{}</td>", words(column), xml(cell)));
            }
        }
        page.line("</tr>");
    }
    page.line("</tbody>");
    if let Some(all) = rows.get(experiment.setups.len()) {
        page.add("<tfoot><tr>");
        for (column, cell) in all.iter().enumerate() {
            let (tag, scope) = if column == 0 { ("th", " scope=\"row\"") } else { ("td", "") };
            page.add(format_args!("<{tag}{scope}{}>{}</{tag}>", words(column), xml(cell)));
        }
        page.line("</tr></tfoot>");
    }
    page.line("</table></div>");
    for note in notes(experiment) {
        page.line(format_args!("<p class=\"note\">{note}.</p>"));
    }
}

/// Columns of words begin at the left.
fn words(column: usize) -> &'static str {
    if column < WORDS { " class=\"word\"" } else { "" }
}

/// What each column is sorted by; `None` where that is its text or not known.
fn values(setup: &SetupReport, place: usize) -> [Option<f64>; 9] {
    let summary = &setup.summary;
    let number = |count: usize| u32::try_from(count).ok().map(f64::from);
    let cost = summary.cost.mean_of(summary.judged.max(1));
    [
        number(place),
        None,
        number(summary.judged),
        summary.pass_rate.map(|rate| rate.value),
        summary.wilson.map(|interval| interval.low),
        summary.mean_score,
        (summary.judged > 0).then(|| cost.at_least()).flatten().map(crate::model::money::Usd::dollars),
        summary.cost_of_pass.and_then(crate::stats::cost::CostOfPass::known),
        summary.mean_seconds,
    ]
}

/// Adds what is said of tiers, judges and items.
pub(super) fn add_panel(page: &mut Page, experiment: &ExperimentReport, is_one: bool) {
    let of = if is_one { String::new() } else { format!(" of {}", xml(&experiment.name)) };
    if experiment.tiers.len() > 1 {
        page.line(format_args!("<section>\n<h2>Tiers{of}</h2>"));
        let rows = experiment.tiers.iter().map(|tier| {
            let summary = &tier.summary;
            let uplift = tier.uplift.as_ref();
            [
                tier.tier.to_string(),
                format!("{} of {}", summary.judged, summary.planned),
                summary.pass_rate.map_or_else(none, |rate| percent(rate.value)),
                summary
                    .wilson
                    .map_or_else(none, |range| format!("{:.0}–{:.0} %", range.low * 100.0, range.high * 100.0)),
                uplift.map_or_else(none, |uplift| format!("{:+.0} points", uplift.difference * 100.0)),
            ]
        });
        add_table(page, ["tier", "judged", "passed", "95 %", "beside the tier before"], rows);
        page.line("</section>");
    }
    if let Some(panel) = &experiment.judges {
        page.line(format_args!("<section>\n<h2>Judges{of}</h2>"));
        add_judges(page, panel);
        page.line("</section>");
    }
    if !experiment.items.is_empty() {
        page.line(format_args!("<section>\n<h2>Items of the rubric{of}</h2>"));
        let rows = experiment.items.iter().map(|item| {
            [
                item.id.clone(),
                item.description.clone().unwrap_or_default(),
                item.weight.map_or_else(none, |weight| weight.to_string()),
                item.scored.to_string(),
                score(item.mean_score),
            ]
        });
        add_table(page, ["item", "what must be true", "weight", "scored", "mean score"], rows);
        page.line("</section>");
    }
}

fn add_judges(page: &mut Page, panel: &PanelReport) {
    let rows = panel.judges.iter().map(|judge| {
        let [judged, passed] = [judge.judged, judge.passed].map(|count| count.to_string());
        [judge.number.to_string(), judge.name.clone(), judged, passed, score(judge.mean_score)]
    });
    add_table(page, ["judge", "name", "judged", "passed", "mean score"], rows);
    if panel.pairs.is_empty() {
        return;
    }
    let alpha = panel.alpha.map_or_else(none, |alpha| format!("{alpha:.2}"));
    let splits = splits(&panel.hanging);
    page.line(format_args!("<p>Krippendorff’s alpha of their scores: {alpha}; {splits}.</p>"));
    let rows = panel.pairs.iter().map(|pair| {
        let name = |place: usize| panel.judges.get(place).map_or_else(none, |judge| judge.name.clone());
        let correlation = pair.spearman.map_or_else(none, |found| format!("{:.2}", found.rho));
        let difference = format!("{:+.3}", pair.mean_difference);
        [name(pair.first), name(pair.second), pair.n.to_string(), correlation, difference]
    });
    add_table(page, ["judge", "beside", "runs", "Spearman’s ρ", "mean difference"], rows);
}

fn none() -> String {
    NONE.to_owned()
}

fn score(score: Option<f64>) -> String {
    score.map_or_else(none, |score| format!("{score:.3}"))
}

/// A table of which the first two columns are words.
fn add_table<const N: usize>(page: &mut Page, titles: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    page.line(format_args!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table by {}\">",
        titles[0]
    ));
    page.add("<table class=\"numbers\">\n<thead><tr>");
    for (column, title) in titles.iter().enumerate() {
        page.add(format_args!("<th scope=\"col\"{}>{title}</th>", words(column)));
    }
    page.line("</tr></thead>\n<tbody>");
    for row in rows {
        page.add("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let (tag, scope) = if column == 0 { ("th", " scope=\"row\"") } else { ("td", "") };
            page.add(format_args!("<{tag}{scope}{}>{}</{tag}>", words(column), xml(cell)));
        }
        page.line("</tr>");
    }
    page.line("</tbody>\n</table></div>");
}
