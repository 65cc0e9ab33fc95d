//! The screens of a setup and of a tier: the runs in a row, and how often what failed.

use std::collections::BTreeSet;

use super::run::share;
use super::{Around, add_commands, add_named, command, heading, lines, short, tone};
use crate::model::details::{RunOfSetup, RunState, SetupDetails};
use crate::model::ids::TierId;
use crate::text::columns::{columns, cut};
use crate::text::escape;
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};
use crate::text::words::counted;

/// How many runs are shown in a row.
const RUNS_IN_ROW: usize = 50;
/// Most columns of a setup's name in a tier's table.
const MOST_NAME: usize = 24;
/// How many marks of runs are shown in a tier's table.
const MOST_MARKS: usize = 24;

/// The runs of a setup together.
#[must_use]
pub fn setup(setup: &SetupDetails, around: Around<'_>) -> String {
    let mut page = Page::default();
    let id = format!("{}/{}", setup.tier, setup.subtest);
    let name = setup.name.as_deref().map(|name| format!("  {}", escape::terminal(name))).unwrap_or_default();
    let passed = passed(setup.passed, setup.judged);
    let mark = if setup.control.is_some() { " (control, which measures no agent)" } else { "" };
    page.line(format_args!("{}{name}{mark}: {passed}\n", around.styles.paint(Tone::Strong, id)));
    for (row, runs) in setup.runs.chunks(RUNS_IN_ROW).enumerate() {
        let first = format!("{:>5}", row * RUNS_IN_ROW + 1);
        page.line(format_args!("{}  {}", around.styles.paint(Tone::Faint, first), marks(runs, around.styles)));
    }
    page.line(format_args!("       {}\n", legend(setup.runs.iter(), around.styles)));
    let mut facts = vec![("runs", states(setup))];
    facts.extend(
        setup.mean_score.map(|score| ("mean score", format!("{score:.2} of {}", counted(setup.judged, "run")))),
    );
    facts.push(("spent", format!("{}, every attempt and judge included", setup.spent)));
    add_named(&mut page, &facts);
    add_failures(&mut page, setup, around);
    add_items(&mut page, setup, around);
    let failed = setup.runs.iter().find(|run| run.state == RunState::Failed);
    let shown = failed.or_else(|| setup.runs.iter().find(|run| !run.state.is_judged())).or(setup.runs.first());
    let why = if failed.is_some() { "To see why the first one failed" } else { "To see one of them" };
    let commands: Vec<_> =
        shown.map(|run| (command("show", around.dir, &format!(" {}", short(run.run))), why)).into_iter().collect();
    add_commands(&mut page, around, &commands);
    page.into_text()
}

/// How many of the judged runs passed, as words.
fn passed(passed: usize, judged: usize) -> String {
    match judged {
        0 => "no run has a verdict".to_owned(),
        _ => format!("{} judged runs passed", share(passed, judged)),
    }
}

/// The setups of a tier, one per line.
#[must_use]
pub fn tier(tier: TierId, setups: &[SetupDetails], around: Around<'_>) -> String {
    let mut page = Page::default();
    let measured = || setups.iter().filter(|setup| setup.control.is_none());
    let sum = |of: fn(&SetupDetails) -> usize| measured().map(of).sum::<usize>();
    let passed = match (measured().count(), setups.len()) {
        (0, 1..) => "all of them controls, which measure no agent".to_owned(),
        (some, all) if some < all => {
            format!(
                "{} without {}",
                passed(sum(|setup| setup.passed), sum(|setup| setup.judged)),
                counted(all - some, "control")
            )
        }
        _ => passed(sum(|setup| setup.passed), sum(|setup| setup.judged)),
    };
    let setups_word = counted(setups.len(), "setup");
    page.line(format_args!("{}: {setups_word}, {passed}\n", around.styles.paint(Tone::Strong, tier)));
    let name = |setup: &SetupDetails| {
        let mark = if setup.control.is_some() { " (control)" } else { "" };
        format!("{}{mark}", cut(&escape::terminal(setup.name.as_deref().unwrap_or_default()), MOST_NAME))
    };
    let width = setups.iter().map(|setup| columns(&name(setup))).max().unwrap_or(0);
    let most = setups.iter().map(|setup| setup.runs.len().min(MOST_MARKS + 1)).max().unwrap_or(0);
    for setup in setups {
        let shown = &setup.runs[..setup.runs.len().min(MOST_MARKS)];
        let more = if setup.runs.len() > MOST_MARKS { "…" } else { "" };
        let pad = |used: usize, width: usize| " ".repeat(width.saturating_sub(used));
        let name = name(setup);
        let score = setup.mean_score.map_or_else(|| "–".to_owned(), |score| format!("{score:.2}"));
        page.line(format_args!(
            "  {}/{}  {name}{}  {}{more}{}  {:>5}/{:<5} {score:>5}",
            setup.tier,
            setup.subtest,
            pad(columns(&name), width),
            marks(shown, around.styles),
            pad(shown.len() + more.chars().count(), most),
            setup.passed,
            setup.judged,
        ));
    }
    page.line(format_args!("\n  {}", legend(setups.iter().flat_map(|setup| &setup.runs), around.styles)));
    page.line("  behind them: passed of judged, mean score");
    let first = measured().find(|setup| setup.passed < setup.judged).or(measured().next()).or(setups.first());
    let commands: Vec<_> = first
        .map(|setup| {
            let id = format!(" {}/{}", setup.tier, setup.subtest);
            (command("show", around.dir, &id), "To see what failed how often")
        })
        .into_iter()
        .collect();
    add_commands(&mut page, around, &commands);
    page.into_text()
}

fn marks(runs: &[RunOfSetup], styles: Styles) -> String {
    runs.iter().map(|run| styles.paint(tone(run.state), run.state.mark()).to_string()).collect()
}

/// The meaning of the marks that are shown.
fn legend<'a>(runs: impl Iterator<Item = &'a RunOfSetup>, styles: Styles) -> String {
    let there: BTreeSet<RunState> = runs.map(|run| run.state).collect();
    let meant: Vec<String> =
        there.iter().map(|state| format!("{} {state}", styles.paint(tone(*state), state.mark()))).collect();
    meant.join("   ")
}

fn states(setup: &SetupDetails) -> String {
    let count = |state: RunState| setup.runs.iter().filter(|run| run.state == state).count();
    let counts: Vec<String> = RunState::ALL
        .into_iter()
        .map(|state| (count(state), state))
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {state}"))
        .collect();
    format!("{} of {} judged: {}", setup.judged, setup.runs.len(), counts.join(", "))
}

fn add_failures(page: &mut Page, setup: &SetupDetails, around: Around<'_>) {
    if setup.checks.is_empty() && setup.ends.is_empty() {
        return;
    }
    heading(page, around.styles, "What failed how often");
    let checks = setup.checks.iter().map(|check| (format!("check `{}` failed", escape::terminal(&check.what)), check));
    let ends = setup.ends.iter().map(|end| (format!("agent ended: {}", escape::terminal(&end.what)), end));
    let rows: Vec<(String, String)> =
        checks.chain(ends).map(|(what, counted)| (what, share(counted.runs, counted.of))).collect();
    let width = rows.iter().map(|(what, _)| columns(what)).max().unwrap_or(0);
    for (what, share) in &rows {
        page.line(format_args!("  {what}{}  {share}", " ".repeat(width - columns(what))));
    }
}

fn add_items(page: &mut Page, setup: &SetupDetails, around: Around<'_>) {
    if setup.items.is_empty() {
        return;
    }
    heading(page, around.styles, "Rubric: mean score of each item");
    for item in &setup.items {
        let score = item.mean_score.map_or_else(|| " n/a".to_owned(), |score| format!("{score:.2}"));
        let start = format!("  {score}  {} ({})", escape::terminal(&item.id), counted(item.runs, "run"));
        page.line(start);
        for line in item.description.iter().flat_map(|description| lines(description, 8)) {
            page.line(format_args!("        {line}"));
        }
    }
}
