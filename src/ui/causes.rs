//! Why runs are missing, and why runs did not pass: short blocks below the table of results.

use crate::model::control::BrokenControl;
use crate::model::event::Errored;
use crate::model::outcome::Excerpt;
use crate::model::shortfall::{SetupShortfall, Why};
use crate::text::columns::cut;
use crate::text::escape;
use crate::text::words::shell_word;

use super::tables::{Rows, named};
use crate::text::page::Page;
use crate::text::short::and_more;
use crate::text::styles::{Styles, Tone};

/// How many reasons why runs did not pass are shown, unless a person asked for a row for each setup.
const MOST_LINES: usize = 8;
/// How many columns of a log's last line are shown.
const MOST_EXCERPT: usize = 100;

/// The runs that are missing because something failed, in groups with the same reason.
pub(super) fn add_errored(page: &mut Page, errored: &[Errored]) {
    for Errored { failure, runs } in errored {
        page.line(format_args!("  {}: {}", named(runs), escape::terminal(&failure.words())));
        if let Some(excerpt) = &failure.excerpt {
            for line in excerpt.text.lines() {
                page.line(format_args!("      {}", escape::terminal(line)));
            }
            page.line(format_args!("      (the end of {})", escape::terminal(&excerpt.file)));
        }
    }
}

/// Controls that did not do what is expected, with the command that shows the first run of each; nothing when none is broken.
pub(super) fn add_broken_controls(page: &mut Page, broken: &[BrokenControl], folder: &str, styles: Styles) {
    for control in broken {
        page.line(styles.paint(Tone::Bad, control.sentence()));
        let BrokenControl { tier, subtest, run, .. } = control;
        page.line(format_args!("  `cargo scylla show {} {tier}/{subtest}/{}` shows why", shell_word(folder), run.run));
    }
    if !broken.is_empty() {
        page.line("");
    }
}

/// Why runs did not pass, a line for each reason of a setup; nothing when all passed.
pub(super) fn add_shortfalls(
    page: &mut Page,
    lines: &[SetupShortfall],
    folder: &str,
    rows: Option<Rows>,
    styles: Styles,
) {
    if lines.is_empty() {
        return;
    }
    let most = if rows == Some(Rows::Subtests) { lines.len() } else { MOST_LINES };
    page.line(styles.paint(Tone::Strong, "Why runs did not pass:"));
    for line in lines.iter().take(most) {
        let excerpt = line.excerpt.as_ref().map(shown).unwrap_or_default();
        page.line(format_args!("  {}/{}: {}{excerpt}", line.tier, line.subtest, sentence(line)));
    }
    if let Some(more) = and_more(lines.len(), most) {
        page.line(format_args!("  {more}: `cargo scylla status {} --by subtest`", shell_word(folder)));
    }
    page.line("");
}

fn shown(Excerpt { file, text }: &Excerpt) -> String {
    let last = escape::terminal(text.lines().last().unwrap_or_default());
    format!(": `{}` ({})", cut(&last, MOST_EXCERPT), escape::terminal(file))
}

fn sentence(SetupShortfall { why, changed_nothing, runs, of, .. }: &SetupShortfall) -> String {
    let agents = if *of == 1 { "the agent".to_owned() } else { format!("{runs} of {of} agents") };
    let times = match (*runs, *of) {
        (_, 1) => String::new(),
        (1, of) => format!(" once of {of}"),
        (runs, of) => format!(" {runs} times of {of}"),
    };
    let and_nothing = if *changed_nothing { " and changed nothing" } else { "" };
    match why {
        Why::AgentEnd { agent_end } => format!("{agents} {}{and_nothing}", agent_end.verb()),
        Why::Exited { exit_code } => format!("{agents} exited with {exit_code}{and_nothing}"),
        Why::ChangedNothing => format!("{agents} changed nothing"),
        Why::Check { check, timed_out_after } => {
            format!("check `{}` {}{times}", escape::terminal(check), failed(*timed_out_after))
        }
    }
}

/// How a check failed.
pub(super) fn failed(timed_out_after: Option<u64>) -> String {
    timed_out_after.map_or_else(|| "failed".to_owned(), |seconds| format!("timed out after {seconds} s"))
}
