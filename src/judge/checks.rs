//! The judge `checks`: an item gets the full score when the check that it rests on has passed.

use crate::model::judge::{Answer, Judge, JudgeAdapter, Way};
use crate::model::program::Kind;
use crate::model::result::{Before, CheckResult};
use crate::model::rubric::{ItemScore, Rubric, RubricItem};
use crate::model::score::Score;
use crate::model::usage::Cost;

/// The name of the kind, and of its only judge.
pub(super) const NAME: &str = "checks";

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Judge> = Kind {
    name: NAME,
    about: "scores each item by the check that it rests on",
    keys: &[],
    takes: &[],
    read: |keys| {
        keys.reserve_name(NAME);
        Some(by_default())
    },
};

/// Scores each rubric item by the check that it rests on.
#[derive(Debug)]
struct Checks;

/// The judge of a fixture that names none.
#[must_use]
pub fn by_default() -> Judge {
    Judge::new(Checks)
}

impl JudgeAdapter for Checks {
    fn kind(&self) -> &'static Kind<Judge> {
        &KIND
    }

    fn name(&self) -> &str {
        NAME
    }

    fn way(&self) -> Way<'_> {
        Way::FromChecks(answer)
    }
}

/// The answer that follows from the checks. Items that rest on no check do not apply to this judge; the fixture's
/// loader refuses such a rubric for it. An error names the check that was not carried out.
fn answer(rubric: &Rubric, checks: &[CheckResult]) -> Result<Answer, String> {
    let scores = rubric.items.iter().map(|item| Ok((item.id.clone(), item_score(item, checks)?)));
    let items = scores.collect::<Result<_, String>>()?;
    Ok(Answer { items, reasoning: reasoning(checks), cost: Cost::NOTHING })
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

fn item_score(item: &RubricItem, checks: &[CheckResult]) -> Result<ItemScore, String> {
    let Some(name) = &item.rests_on else {
        return Ok(ItemScore { score: None, explanation: "rests on no check".to_owned() });
    };
    let check = checks.iter().find(|check| check.name == *name);
    let no_result = || format!("item `{}` rests on the check `{name}`, of which there is no result", item.id);
    let check = check.ok_or_else(no_result)?;
    if let Some(why) = &check.not_applicable {
        return Ok(ItemScore { score: None, explanation: format!("`{name}` does not apply: {why}") });
    }
    let (score, how) = match check {
        CheckResult { passed: true, .. } => (Score::ONE, "passed".to_owned()),
        CheckResult { no_longer_applies: Some(why), .. } => (Score::ZERO, format!("does not apply any more: {why}")),
        CheckResult { timed_out: true, .. } => (Score::ZERO, "ran out of time".to_owned()),
        CheckResult { exceeded: Some(limit), .. } => (Score::ZERO, format!("used {limit}")),
        CheckResult { exit_code: Some(code), .. } => (Score::ZERO, format!("ended with exit code {code}")),
        CheckResult { exit_code: None, .. } => (Score::ZERO, "was ended by a signal".to_owned()),
    };
    let as_before =
        if check.before == Some(Before::Failed) && !check.passed { ", and failed before the agent came" } else { "" };
    let cut = if check.output_truncated { "; its output was cut at the output limit" } else { "" };
    Ok(ItemScore { score: Some(score), explanation: format!("`{name}` {how}{as_before}{cut}") })
}
