//! The judges and checks of a run.

use super::{Around, add_text, agent, heading, lines, short};
use crate::model::details::{CheckDetails, ItemDetails, JudgeOfItem, RunDetails, SilentJudge};
use crate::model::result::{Before, CheckResult, Judgment};
use crate::model::score::Score;
use crate::text::columns::cut;
use crate::text::escape;
use crate::text::page::Page;
use crate::text::styles::Tone;
use crate::text::words::{counted, duration, list};

/// How many lines of a reason are shown.
const MOST_REASON: usize = 6;
/// Columns of a line of a check's output.
const MOST_COLUMNS: usize = 72;

/// How each judge voted.
pub(super) fn panel(run: &RunDetails) -> Option<String> {
    let names = |passed: bool| -> Vec<String> {
        let of = run.judges.iter().filter(|judgment| judgment.passed == passed);
        of.map(|judgment| escape::terminal(&name(judgment)).into_owned()).collect()
    };
    let (passed, failed) = (names(true), names(false));
    let votes: Vec<String> = [(passed, "passed it"), (failed, "failed it")]
        .into_iter()
        .filter(|(names, _)| !names.is_empty())
        .map(|(names, how)| format!("{} {how}", list(&names)))
        .collect();
    let spread = Judgment::spread(&run.judges).filter(|spread| *spread > Score::ZERO);
    let apart = spread.map(|spread| format!("their scores are {spread} apart"));
    let silent: Vec<String> =
        run.silent_judges.iter().map(|judge| escape::terminal(&judge.name).into_owned()).collect();
    let silent = if silent.is_empty() { counted(run.missing_judges, "judge") } else { list(&silent) };
    let missing = (run.missing_judges > 0).then(|| format!("{silent} gave no answer"));
    (!votes.is_empty()).then(|| votes.into_iter().chain(apart).chain(missing).collect::<Vec<_>>().join("; "))
}

fn name(judgment: &Judgment) -> String {
    if judgment.model.is_empty() { judgment.judge_number.to_string() } else { judgment.model.clone() }
}

/// Each item with each judge's score and reason.
pub(super) fn add_rubric(page: &mut Page, run: &RunDetails, around: Around<'_>) {
    if run.items.is_empty() {
        return;
    }
    heading(page, around.styles, "Rubric");
    for item in &run.items {
        add_item(page, run, item, around);
    }
}

fn add_item(page: &mut Page, run: &RunDetails, item: &ItemDetails, around: Around<'_>) {
    let weight = item.weight.map(|weight| format!("weight {weight}"));
    let check = item.rests_on.as_deref().map(|check| format!("rests on the check `{}`", escape::terminal(check)));
    let beside: Vec<String> = weight.into_iter().chain(check).collect();
    let beside = if beside.is_empty() { String::new() } else { format!(" ({})", beside.join(", ")) };
    page.line(format_args!("  {}{beside}", around.styles.paint(Tone::Strong, escape::terminal(&item.id))));
    if let Some(description) = &item.description {
        add_text(page, description, 4, MOST_REASON, "");
    }
    for JudgeOfItem { judge, score, explanation } in &item.scores {
        let shown = score.map_or_else(|| " n/a".to_owned(), |score| score.to_string());
        let tone = match score.map(crate::model::score::Score::get) {
            Some(score) if score >= 1.0 => Tone::Good,
            Some(score) if score <= 0.0 => Tone::Bad,
            _ => Tone::Plain,
        };
        let start = format!("    {judge}  ");
        let indent = start.len() + 6;
        let reason = lines(explanation, indent);
        let first = reason.first().map(String::as_str).unwrap_or_default();
        let line = format!("{start}{}  {first}", around.styles.paint(tone, shown));
        page.line(line.trim_end());
        let more = format!("`--judge {}` shows all", judge.0);
        let rest: Vec<&String> = reason.iter().skip(1).collect();
        for line in rest.iter().take(MOST_REASON - 1) {
            page.line(format_args!("{:indent$}{line}", ""));
        }
        if reason.len() > MOST_REASON {
            page.line(format_args!("{:indent$}… {more} ({})", "", short(run.run)));
        }
    }
}

/// Each judge's verdict and explanation.
pub(super) fn add_judges(page: &mut Page, run: &RunDetails, around: Around<'_>) {
    if run.judges.is_empty() {
        return;
    }
    heading(page, around.styles, "Judges");
    for judgment in &run.judges {
        let (tone, vote) = if judgment.passed { (Tone::Good, "passed it") } else { (Tone::Bad, "failed it") };
        let vote = around.styles.paint(tone, vote);
        let Judgment { judge_number, score, grade, .. } = judgment;
        let name = escape::terminal(&judgment.model);
        page.line(format_args!("  {judge_number}  {name}: {vote}, score {score}, grade {grade}"));
        if !judgment.tokens.is_unknown() {
            let cost = agent::sourced(judgment.cost, judgment.prices.as_ref());
            page.line(format_args!("    cost {cost}; tokens {}", agent::tokens(judgment.tokens)));
        }
        add_text(page, &judgment.reasoning, 4, MOST_REASON, &format!("`--judge {}` shows all", judge_number.0));
    }
    for SilentJudge { judge, name, reason } in &run.silent_judges {
        let none = around.styles.paint(Tone::Warning, "gave no answer");
        page.line(format_args!("  {judge}  {}: {none}", escape::terminal(name)));
        add_text(page, reason, 4, MOST_REASON, &format!("`--judge {}` shows all", judge.0));
    }
}

/// Each check, with the end of the output of those that failed.
pub(super) fn add_checks(page: &mut Page, run: &RunDetails, around: Around<'_>) {
    if run.checks.is_empty() {
        return;
    }
    heading(page, around.styles, "Checks");
    for check in &run.checks {
        add_check(page, check, around);
    }
}

/// How a check ended, and how it ended before the agent came.
pub(super) fn check_words(result: &CheckResult) -> (Tone, String, String) {
    let took = duration(result.duration_seconds);
    let (tone, how) = match (&result.not_applicable, result.passed, result.timed_out, result.exit_code) {
        (Some(why), ..) => (Tone::Faint, format!("does not apply: {}", escape::terminal(why))),
        (None, true, ..) => (Tone::Good, format!("passed in {took}")),
        (None, false, true, _) => (Tone::Bad, format!("timed out after {took}")),
        (None, false, false, Some(code)) => (Tone::Bad, format!("failed with exit code {code} in {took}")),
        (None, false, false, None) => (Tone::Bad, format!("failed: a signal ended it after {took}")),
    };
    let before = match result.before {
        Some(Before::Passed) if result.has_failed() => "; it passed before the agent came",
        Some(Before::Failed) if result.passed => "; it failed before the agent came",
        Some(Before::Failed) => "; it failed before the agent came, too",
        _ => "",
    };
    let gone =
        result.no_longer_applies.as_deref().map(|why| format!("; {}", escape::terminal(why))).unwrap_or_default();
    let exceeded = result.exceeded.map(|limit| format!("; it used {limit}")).unwrap_or_default();
    (tone, how, format!("{exceeded}{before}{gone}"))
}

fn add_check(page: &mut Page, CheckDetails { result, excerpt }: &CheckDetails, around: Around<'_>) {
    let (tone, how, beside) = check_words(result);
    page.line(format_args!("  {}  {}{beside}", escape::terminal(&result.name), around.styles.paint(tone, how)));
    if let Some(excerpt) = excerpt {
        for line in excerpt.text.lines() {
            page.line(format_args!("    | {}", cut(&escape::terminal(line), MOST_COLUMNS)));
        }
        page.line(format_args!("    (the end of {})", escape::terminal(&excerpt.file)));
    }
}
