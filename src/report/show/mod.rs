//! The output of `show`: one run on one screen, the runs of a setup in a row, the setups of a tier; for people and as
//! JSON.

mod agent;
mod exchanges;
mod judged;
mod run;
mod setup;
mod steps;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

use crate::model::details::{RunDetails, RunState, SetupDetails};
use crate::model::ids::{RunId, TierId};
use crate::model::result::CheckResult;
use crate::text::escape;
use crate::text::page::{Page, pretty};
use crate::text::styles::{Styles, Tone};
use crate::text::words::{shell_word, wrap};

pub use agent::stages;
pub use exchanges::{Asked, exchanges, exchanges_json, exchanges_schema};
pub use run::{attempts, facts, gradings, not_captured, run};
pub use setup::{setup, tier};
pub use steps::{steps, steps_json, steps_schema, what_it_is};

/// Columns of a screen.
const COLUMNS: usize = 80;

/// What screens need in addition to the values that they show.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The experiment's folder, as it was given.
    pub dir: &'a str,
    /// Whether a coordinator is working on it.
    pub is_held: bool,
    /// Styles of the screen.
    pub styles: Styles,
}

/// How a check ended, harmless for a terminal.
#[must_use]
pub fn check_words(check: &CheckResult) -> String {
    let (_, how, beside) = judged::check_words(check);
    format!("{how}{beside}")
}

/// A run as JSON.
#[must_use]
pub fn run_json(run: &RunDetails) -> String {
    pretty(run)
}

/// A setup as JSON.
#[must_use]
pub fn setup_json(setup: &SetupDetails) -> String {
    pretty(setup)
}

/// A tier as JSON.
#[must_use]
pub fn tier_json(tier: TierId, setups: &[SetupDetails]) -> String {
    pretty(&Tier { tier, setups })
}

/// The setups of a tier.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Tier<'a> {
    /// The tier.
    tier: TierId,
    /// Its setups, in the order of the plan.
    setups: &'a [SetupDetails],
}

/// Texts of a run.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Texts<'a> {
    /// The run.
    run: RunId,
    /// The texts, in the order in which people read them.
    texts: &'a [TextOf<'a>],
}

/// A text of a run as JSON.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct TextOf<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its file.
    pub path: &'a str,
    /// Its content; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// Texts of a run as JSON.
#[must_use]
pub fn texts_json(run: RunId, texts: &[TextOf<'_>]) -> String {
    pretty(&Texts { run, texts })
}

/// The JSON schema of [`run_json`].
#[must_use]
pub fn run_schema() -> Value {
    schemars::schema_for!(RunDetails).to_value()
}

/// The JSON schema of [`setup_json`].
#[must_use]
pub fn setup_schema() -> Value {
    schemars::schema_for!(SetupDetails).to_value()
}

/// The JSON schema of [`tier_json`].
#[must_use]
pub fn tier_schema() -> Value {
    schemars::schema_for!(Tier<'_>).to_value()
}

/// The JSON schema of [`texts_json`].
#[must_use]
pub fn texts_schema() -> Value {
    schemars::schema_for!(Texts<'_>).to_value()
}

fn tone(state: RunState) -> Tone {
    match state {
        RunState::Passed => Tone::Good,
        RunState::Failed | RunState::Damaged => Tone::Bad,
        RunState::Errored | RunState::AgentComplete | RunState::Unfinished => Tone::Warning,
        RunState::InFlight | RunState::NotStarted => Tone::Plain,
    }
}

/// The lines of a text from another source, wrapped to the width of the screen and safe for a terminal.
fn lines(text: &str, indent: usize) -> Vec<String> {
    let room = COLUMNS.saturating_sub(indent);
    let of_line = |line: &str| wrap(&escape::terminal(line), room);
    let lines = text.trim().lines().flat_map(|line| of_line(line.trim_end()));
    // Escaped after wrapping, because a line begins again where it was wrapped.
    lines.map(|line| escape::terminal(&line).into_owned()).collect()
}

/// Adds a text below the line before it, shortened to its first lines when it is long; `more` names the place of the
/// whole.
fn add_text(page: &mut Page, text: &str, indent: usize, most: usize, more: &str) {
    let lines = lines(text, indent);
    for line in lines.iter().take(most).filter(|line| !line.is_empty()) {
        page.line(format_args!("{:indent$}{line}", ""));
    }
    if lines.len() > most {
        page.line(format_args!("{:indent$}… {more}", ""));
    }
}

/// Adds names with their values, aligned; a long value is wrapped.
fn add_named(page: &mut Page, named: &[(&str, String)]) {
    let width = named.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in named {
        let mut name = *name;
        for line in wrap(value, COLUMNS - width - 4) {
            page.line(format_args!("  {name:<width$}  {line}"));
            name = "";
        }
    }
}

fn heading(page: &mut Page, styles: Styles, words: &str) {
    page.line(format_args!("\n{}", styles.paint(Tone::Strong, words)));
}

/// A run as it is typed.
fn short(run: RunId) -> String {
    format!("{}/{}/{}", run.tier, run.subtest, run.run)
}

/// Commands that can be typed, each with its effect.
fn add_commands(page: &mut Page, around: Around<'_>, commands: &[(String, &str)]) {
    if commands.is_empty() {
        return;
    }
    page.line("");
    for (command, what) in commands {
        page.line(format_args!("{what}:"));
        page.line(format_args!("  {}", around.styles.paint(Tone::Strong, command)));
    }
}

fn command(verb: &str, dir: &str, rest: &str) -> String {
    format!("cargo scylla {verb} {}{rest}", shell_word(dir))
}
