//! The screen of one run.

use super::{Around, add_commands, add_named, agent, command, heading, judged, short, tone};
use crate::model::details::{AttemptDetails, GradingDetails, ItemDetails, RunDetails, RunState};
use crate::model::outcome::{AgentEnd, AttemptEnd};
use crate::model::score::Score;
use crate::model::usage::{CostSource, Usage};
use crate::text::escape;
use crate::text::page::Page;
use crate::text::short::{and_more, first_of};
use crate::text::styles::Tone;
use crate::text::words::{bytes, counted, moment, percent};

/// How many names of what was not captured are shown.
const MOST_NAMES: usize = 8;

/// One run on one screen.
#[must_use]
pub fn run(run: &RunDetails, around: Around<'_>) -> String {
    let mut page = Page::default();
    let name = run.name.as_deref().map(|name| format!("  {}", escape::terminal(name))).unwrap_or_default();
    let state = around.styles.paint(tone(run.state), run.state);
    let score = match (run.score, run.grade) {
        (Some(score), Some(grade)) => format!(", score {score}, grade {grade}"),
        (Some(score), None) => format!(", score {score}"),
        (None, _) => String::new(),
    };
    page.line(format_args!("{}{name}: {state}{score}\n", around.styles.paint(Tone::Strong, run.run)));
    add_named(&mut page, &facts(run));
    judged::add_rubric(&mut page, run, around);
    judged::add_judges(&mut page, run, around);
    judged::add_checks(&mut page, run, around);
    agent::add_stages(&mut page, run, around);
    add_attempts(&mut page, run, around);
    add_gradings(&mut page, run, around);
    add_left_out(&mut page, run, around);
    add_files(&mut page, run, around);
    add_commands(&mut page, around, &commands(run, around));
    page.into_text()
}

/// What is said of a run at its top, harmless for a terminal.
#[must_use]
pub fn facts(run: &RunDetails) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(why) = why(run) {
        facts.push(("why", escape::terminal(&why).into_owned()));
    }
    facts.push(("folder", escape::terminal(&run.folder).into_owned()));
    facts.extend(judged::panel(run).map(|panel| ("judges", panel)));
    facts.extend(agent::facts(run));
    facts
}

/// The reason for the run's state.
fn why(run: &RunDetails) -> Option<String> {
    let meaning = match run.state {
        RunState::Passed => None,
        RunState::Failed => return failed_because(run),
        RunState::AgentComplete => Some("the agent is done, the judges are not"),
        RunState::InFlight => Some("somebody works on it now"),
        RunState::Unfinished => Some("it was begun and cut short; its agent is not done"),
        RunState::NotStarted => Some("it is planned, and nothing of it is there"),
        RunState::Errored => {
            Some("infrastructure failed until the attempts were used up, so it is missing and not failed")
        }
        RunState::Damaged => Some("what is there is not what was committed, and counts nowhere"),
    };
    match (meaning, &run.why) {
        (Some(meaning), Some(why)) => Some(format!("{meaning}: {why}")),
        (meaning, why) => meaning.map(str::to_owned).or_else(|| why.clone()),
    }
}

/// Why a run did not pass; causes come before their effects.
fn failed_because(run: &RunDetails) -> Option<String> {
    let mut because = Vec::new();
    if let Some(agent) = &run.agent {
        match (agent.end, agent.exit_code) {
            (Some(AgentEnd::Finished) | None, Some(0) | None) => {}
            (Some(AgentEnd::Finished) | None, Some(code)) => because.push(format!("the agent exited with {code}")),
            (Some(end), _) => because.push(format!("the agent: {end}")),
        }
    }
    if run.changes.is_some_and(|size| size.files == 0) {
        because.push("the agent changed nothing".to_owned());
    }
    let failed = run.checks.iter().filter(|check| check.result.has_failed());
    because.extend(failed.map(|check| format!("check `{}` failed", check.result.name)));
    if because.is_empty() {
        let is_lost = |item: &&ItemDetails| item.scores.iter().any(|said| said.score == Some(Score::ZERO));
        because.extend(run.items.iter().filter(is_lost).map(|item| format!("a judge gives 0 for `{}`", item.id)));
    }
    (!because.is_empty()).then(|| first_of(&because, MOST_NAMES).join("; "))
}

/// Each former attempt: its number, why it was set aside and what it cost, and its folder.
#[must_use]
pub fn attempts(run: &RunDetails) -> Vec<(String, String, String)> {
    let one = |attempt: &AttemptDetails| {
        let (number, why) = match &attempt.record {
            Some(record) => {
                let why = match &record.end {
                    AttemptEnd::Failed { failure, .. } => {
                        format!("failed in {}: {}", record.stage, escape::terminal(&failure.words()))
                    }
                    AttemptEnd::Interrupted => format!("was stopped in {}", record.stage),
                    AttemptEnd::Rerun => "a person asked for another one".to_owned(),
                };
                (record.attempt.0.to_string(), format!("{}: {why}", moment(record.at)))
            }
            None => ("?".to_owned(), "no record tells why it lies there".to_owned()),
        };
        let cost = format!("cost {}", attempt.cost);
        (number, format!("{why}; {cost}"), escape::terminal(&attempt.folder).into_owned())
    };
    run.attempts.iter().map(one).collect()
}

fn add_attempts(page: &mut Page, run: &RunDetails, around: Around<'_>) {
    if run.attempts.is_empty() {
        return;
    }
    heading(page, around.styles, "Former attempts");
    for (number, why, folder) in attempts(run) {
        add_named(page, &[(&number, why), ("", folder)]);
    }
}

/// Each grading: its number, and its verdict with when and why it was made.
#[must_use]
pub fn gradings(run: &RunDetails) -> Vec<(String, String)> {
    let one = |grading: &GradingDetails| {
        let verdict = match (grading.passed, grading.score) {
            (Some(passed), Some(score)) => format!("{}, score {score}", RunState::judged(passed)),
            _ => "no verdict".to_owned(),
        };
        let counts = if grading.counts { "; it counts" } else { "" };
        let at = grading.at.map(|at| format!("; made {}", moment(at))).unwrap_or_default();
        let reason =
            grading.reason.as_deref().map(|reason| format!(": {}", escape::terminal(reason))).unwrap_or_default();
        (grading.number.to_string(), format!("{verdict}{counts}{at}{reason}"))
    };
    run.gradings.iter().map(one).collect()
}

fn add_gradings(page: &mut Page, run: &RunDetails, around: Around<'_>) {
    if run.gradings.is_empty() {
        return;
    }
    heading(page, around.styles, "Gradings");
    for (number, words) in gradings(run) {
        add_named(page, &[(&number, words)]);
    }
}

/// How much of the agent's tree was not captured.
#[must_use]
pub fn not_captured(run: &RunDetails) -> Vec<String> {
    let left = run.not_captured;
    let mut lines = Vec::new();
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    if left.ignored_files > 0 {
        let files = counted(count(left.ignored_files), "file");
        lines.push(format!("{files} ({}) that `.gitignore` hides", bytes(left.ignored_bytes)));
    }
    if left.left_out > 0 {
        let places = counted(count(left.left_out), "place");
        lines.push(format!("{places} that no patch can hold, or that were too much"));
    }
    lines
}

fn add_left_out(page: &mut Page, run: &RunDetails, around: Around<'_>) {
    let lines = not_captured(run);
    if run.flags.is_empty() && lines.is_empty() {
        return;
    }
    heading(page, around.styles, "Unusual, or not captured");
    for flag in &run.flags {
        page.line(format_args!("  {}", around.styles.paint(Tone::Warning, flag.meaning())));
    }
    for line in lines {
        page.line(format_args!("  {line}"));
    }
    let names: Vec<String> =
        run.not_captured_names.iter().map(|name| format!("`{}`", escape::terminal(name))).collect();
    if !names.is_empty() {
        add_named(page, &[("  first", first_of(&names, MOST_NAMES).join(", "))]);
    }
}

fn add_files(page: &mut Page, run: &RunDetails, around: Around<'_>) {
    if run.files.is_empty() {
        return;
    }
    heading(page, around.styles, "Files");
    for file in &run.files {
        page.line(format_args!("  {:>10}  {}", bytes(file.bytes), escape::terminal(&file.path)));
    }
    if let Some(more) = and_more(run.files.len() + run.more_files, run.files.len()) {
        page.line(format_args!("  {:>10}  {more}", ""));
    }
}

fn commands(run: &RunDetails, around: Around<'_>) -> Vec<(String, &'static str)> {
    let dir = around.dir;
    let id = short(run.run);
    let mut commands = Vec::new();
    if run.changes.is_some_and(|size| size.files > 0) {
        commands.push((command("show", dir, &format!(" {id} --diff")), "To see what the agent changed"));
    }
    if let Some(judge) = run.judges.first() {
        let judge = format!(" {id} --judge {}", judge.judge_number.0);
        commands.push((command("show", dir, &judge), "To see what a judge was asked and what it answered"));
    }
    let is_metered = |usage: &Usage| matches!(usage.cost.at_least(), Some((_, CostSource::Metered)));
    if run.agent.as_ref().is_some_and(|agent| is_metered(&agent.usage) && agent.usage.tokens.total() > Some(0)) {
        let exchanges = command("show", dir, &format!(" {id} --exchanges"));
        commands.push((exchanges, "To see what its agent asked its models"));
    }
    let resume = || command("resume", dir, "");
    match run.state {
        RunState::Passed | RunState::Failed => {}
        RunState::InFlight => {
            commands.push((command("status", dir, " --watch"), "To see it come to its end"));
            commands.push((command("stop", dir, ""), "To stop when the runs in flight have come to their end"));
        }
        RunState::Damaged => commands.push((command("verify", dir, ""), "To see what is wrong, and what cures it")),
        _ if around.is_held => {
            commands.push((command("status", dir, " --watch"), "A coordinator is at work and comes to it"));
        }
        RunState::AgentComplete => commands.push((resume(), "To ask the judges; no agent is asked again")),
        RunState::Errored => commands.push((resume(), "To try it again")),
        RunState::Unfinished | RunState::NotStarted => commands.push((resume(), "To make it")),
    }
    commands
}

/// A share of runs in words.
pub(super) fn share(part: usize, of: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "no experiment has so many runs")]
    let share = part as f64 / of.max(1) as f64;
    if of == 0 { "none".to_owned() } else { format!("{part} of {of} ({})", percent(share)) }
}
