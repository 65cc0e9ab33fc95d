//! The `checks` judge: each item has the full score when the check that it rests on has passed.

use crate::judge::answer::Answer;
use crate::judge::score::{Judged, NothingApplies, judgment as judge};
use crate::model::ids::JudgeNumber;
use crate::model::result::{Before, CheckResult, ChecksResult, Judgment};
use crate::model::rubric::{ItemScore, Rubric, RubricItem};
use crate::model::score::Score;
use crate::model::usage::Cost;

/// Why the checks give no judgment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChecksError {
    /// No item rests on a check.
    #[error(transparent)]
    NothingApplies(#[from] NothingApplies),
    /// A check that an item rests on was not carried out.
    #[error("item `{item}` rests on the check `{check}`, of which there is no result")]
    NoResult {
        /// The item of the rubric.
        item: String,
        /// The check's name.
        check: String,
    },
}

/// The judgment that follows from the checks. Items that rest on no check do not apply to this judge; the fixture's
/// loader refuses such a rubric for it.
///
/// # Errors
/// When no item rests on a check, or a check that one rests on has no result.
pub fn judgment(number: JudgeNumber, rubric: &Rubric, result: &ChecksResult) -> Result<Judgment, ChecksError> {
    let scores = rubric.items.iter().map(|item| Ok((item.id.clone(), item_score(item, &result.checks)?)));
    let items = scores.collect::<Result<_, ChecksError>>()?;
    let reasoning = reasoning(&result.checks);
    let judged = Judged { number, model: "checks".to_owned(), duration_seconds: 0.0 };
    Ok(judge(rubric, judged, Answer { items, reasoning, cost: Cost::NOTHING })?)
}

/// The checks that failed and those that do not apply, in words.
fn reasoning(checks: &[CheckResult]) -> String {
    let named = |chosen: fn(&&CheckResult) -> bool| {
        checks.iter().filter(chosen).map(|check| check.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let failed = named(|check| !check.passed && check.not_applicable.is_none());
    let not_applicable = named(|check| check.not_applicable.is_some());
    match (failed.is_empty(), not_applicable.is_empty()) {
        (true, true) => "every check passed".to_owned(),
        (true, false) => format!("every check that applies passed; not applicable: {not_applicable}"),
        (false, true) => format!("failed: {failed}"),
        (false, false) => format!("failed: {failed}; not applicable: {not_applicable}"),
    }
}

fn item_score(item: &RubricItem, checks: &[CheckResult]) -> Result<ItemScore, ChecksError> {
    let Some(name) = &item.rests_on else {
        return Ok(ItemScore { score: None, explanation: "rests on no check".to_owned() });
    };
    let check = checks.iter().find(|check| check.name == *name);
    let no_result = || ChecksError::NoResult { item: item.id.clone(), check: name.clone() };
    let check = check.ok_or_else(no_result)?;
    if let Some(why) = &check.not_applicable {
        return Ok(ItemScore { score: None, explanation: format!("`{name}` does not apply: {why}") });
    }
    let (score, how) = match check {
        CheckResult { passed: true, .. } => (Score::ONE, "passed".to_owned()),
        CheckResult { no_longer_applies: Some(why), .. } => (Score::ZERO, format!("does not apply any more: {why}")),
        CheckResult { timed_out: true, .. } => (Score::ZERO, "ran out of time".to_owned()),
        CheckResult { exit_code: Some(code), .. } => (Score::ZERO, format!("ended with exit code {code}")),
        CheckResult { exit_code: None, .. } => (Score::ZERO, "was ended by a signal".to_owned()),
    };
    let as_before =
        if check.before == Some(Before::Failed) && !check.passed { ", and failed before the agent came" } else { "" };
    let cut = if check.output_truncated { "; its output was cut at the output limit" } else { "" };
    Ok(ItemScore { score: Some(score), explanation: format!("`{name}` {how}{as_before}{cut}") })
}
