//! The screen of `verify`.

use std::collections::BTreeSet;

use crate::model::finding::{Finding, FindingKind, Level};
use crate::model::ids::RunId;
use crate::model::sandbox::WayOfIsolation;
use crate::text::escape;
use crate::text::words::{counted, list};

use super::{Conclusion, Examined, Format, Verification, level_name};
use crate::text::cures::{cure_command, cure_sentence};
use crate::text::page::Page;
use crate::text::short::and_more;
use crate::text::styles::{Styles, Tone};

/// How many findings of one kind are shown; all of them are in the JSON.
const MOST_OF_A_KIND: usize = 20;

/// Places up to this width are padded, so that messages are aligned.
const WIDEST_PADDED_PLACE: usize = 44;

/// This format.
pub(super) static FORMAT: Format = Format {
    name: "human",
    about: "For people",
    write: |verifications, styles, out| out.write_all(pages(verifications, styles).as_bytes()),
};

/// The page of each folder; of several, each under its name.
fn pages(verifications: &[Verification], styles: Styles) -> String {
    if let [only] = verifications {
        return human(only, styles);
    }
    let page = |verification: &Verification| {
        let name = styles.paint(Tone::Strong, escape::terminal(verification.folder));
        format!("{name}\n{}", human(verification, styles))
    };
    verifications.iter().map(page).collect::<Vec<_>>().join("\n")
}

/// Findings by level, worst first, each kind with its cure, and the verdict as the last line.
pub(super) fn human(verification: &Verification, styles: Styles) -> String {
    let mut page = Page::default();
    let mut level = None;
    for (kind, findings) in verification.by_kind() {
        if level.replace(kind.level()) != Some(kind.level()) {
            page.line(format_args!("{}\n", level_heading(kind.level(), styles)));
        }
        add_kind(&mut page, kind, &findings, verification, styles);
    }
    if !verification.policy.is_empty() {
        page.line(styles.paint(Tone::Bad, "Policy not met:"));
        for sentence in verification.policy {
            page.line(format_args!("  {}", escape::terminal(sentence)));
        }
        page.line("");
    }
    add_verdict(&mut page, verification, styles);
    page.into_text()
}

fn level_heading(level: Level, styles: Styles) -> String {
    let (tone, meaning) = match level {
        Level::Damaged => (Tone::Bad, "evidence or results are damaged, altered or gone"),
        Level::Mendable => (Tone::Warning, "folder and checkpoint differ, and repair can mend it"),
        Level::Outdated => (Tone::Warning, "a report does not say what the results say"),
        Level::Incomplete => (Tone::Warning, "planned runs are missing"),
        Level::Warning => (Tone::Warning, "no count and no verdict is touched"),
        Level::Note => (Tone::Plain, "nothing is wrong"),
    };
    let name = level_name(level);
    let capital = name[..1].to_uppercase() + &name[1..];
    format!("{}: {meaning}", styles.paint(tone, capital))
}

fn add_kind(page: &mut Page, kind: FindingKind, findings: &[&Finding], verification: &Verification, styles: Styles) {
    let count = if findings.len() > 1 { format!(" ({})", findings.len()) } else { String::new() };
    page.line(format_args!("  {}{count}: {}", styles.paint(Tone::Strong, kind.name()), kind.description()));
    let shown = &findings[..findings.len().min(MOST_OF_A_KIND)];
    let places: Vec<_> = shown.iter().map(|finding| shown_place(finding)).collect();
    let width = places.iter().map(|place| place.chars().count()).filter(|width| *width <= WIDEST_PADDED_PLACE).max();
    let width = width.unwrap_or(0);
    for (finding, place) in shown.iter().zip(&places) {
        page.line(format_args!("    {place:<width$}  {}", escape::terminal(&finding.message)));
    }
    if let Some(more) = and_more(findings.len(), shown.len()) {
        page.line(format_args!("    {more} (`--format json` lists all)"));
    }
    let runs: BTreeSet<RunId> = shown.iter().filter_map(|finding| finding.run).collect();
    page.line(format_args!("    {} {}", styles.paint(Tone::Good, "cure:"), cure_sentence(kind.cure())));
    if let Some(command) = cure_command(kind.cure(), runs, verification.folder) {
        page.line(format_args!("          {}", styles.paint(Tone::Strong, command)));
    }
    page.line("");
}

fn shown_place(finding: &Finding) -> String {
    if finding.place.is_empty() { ".".to_owned() } else { escape::terminal(&finding.place).into_owned() }
}

fn add_verdict(page: &mut Page, verification: &Verification, styles: Styles) {
    match verification.examined {
        Examined::Shape => page.line("Only names and forms of files were looked at."),
        Examined::Counts => page.line("Evidence was not held against its seals."),
        Examined::Content => page.line("Verdicts were not computed again, and reports not made again."),
        Examined::Recompute => {}
    }
    if let Some(holder) = verification.live {
        let holder = holder.to_string();
        page.line(format_args!("Held by {}: what is in flight is not judged.", escape::terminal(&holder)));
    }
    for line in isolation_lines(verification) {
        page.line(line);
    }
    let tone = match verification.verdict() {
        Conclusion::Ok | Conclusion::Live => Tone::Good,
        Conclusion::Incomplete | Conclusion::Outdated | Conclusion::Mendable => Tone::Warning,
        Conclusion::Damaged => Tone::Bad,
    };
    page.line(styles.paint(tone, verdict_sentence(verification)));
}

/// What was not kept from agents: one sentence where that was the same for all.
fn isolation_lines(verification: &Verification) -> Vec<String> {
    let line = |(way, runs): (&WayOfIsolation, &usize)| {
        let open: Vec<String> = way.not_isolated.iter().map(ToString::to_string).collect();
        let readable: Vec<String> = way.readable.iter().map(|path| escape::terminal(path).into_owned()).collect();
        let readable = if readable.is_empty() { String::new() } else { format!(", readable: {}", list(&readable)) };
        let hosts: Vec<String> = way.allow.iter().map(ToString::to_string).collect();
        let hosts = if hosts.is_empty() { String::new() } else { format!(", reachable: {}", list(&hosts)) };
        let of = if verification.isolated.len() > 1 { format!(" of {}", counted(*runs, "run")) } else { String::new() };
        let open = if open.is_empty() { "nothing".to_owned() } else { list(&open) };
        format!("Not isolated{of}: {open}{readable}{hosts}.")
    };
    verification.isolated.iter().map(line).collect()
}

/// How many findings of a level: warnings and notes are things, the others are what something is.
fn level_count(level: Level, count: usize) -> String {
    match level {
        Level::Warning | Level::Note => counted(count, level_name(level)),
        _ => format!("{count} {}", level_name(level)),
    }
}

/// `590 of 590 planned runs agree.`, or what is wrong in numbers.
pub(super) fn verdict_sentence(verification: &Verification) -> String {
    let planned = counted(verification.planned, "planned run");
    let planned = if verification.plan_is_open { format!("at least {planned}") } else { planned };
    let agree = if verification.planned == 1 { "agrees" } else { "agree" };
    let wrong: Vec<String> = verification.counts().iter().map(|(level, count)| level_count(*level, *count)).collect();
    let agreement = format!("{} of {planned} {agree}", verification.agreeing);
    if wrong.is_empty() {
        format!("{agreement}.")
    } else {
        format!("{agreement}; {}: {}.", counted(verification.findings.len(), "finding"), list(&wrong))
    }
}
