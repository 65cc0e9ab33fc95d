//! The `checks` judge: each item has the full score when the check that it rests on has passed.

use crate::judge::answer::Answer;
use crate::judge::score::{Judged, NothingApplies, judgment as judge};
use crate::model::ids::JudgeNumber;
use crate::model::money::Usd;
use crate::model::result::{CheckResult, ChecksResult, Judgment};
use crate::model::rubric::{ItemScore, Rubric, RubricItem};
use crate::model::score::Score;

/// The judgment that follows from the checks. Items that rest on no check do not apply to this judge; the fixture's
/// loader refuses such a rubric for it.
///
/// # Errors
/// When no item rests on a check.
pub fn judgment(number: JudgeNumber, rubric: &Rubric, result: &ChecksResult) -> Result<Judgment, NothingApplies> {
    let items = rubric.items.iter().map(|item| (item.id.clone(), item_score(item, &result.checks))).collect();
    let failed: Vec<&str> =
        result.checks.iter().filter(|check| !check.passed).map(|check| check.name.as_str()).collect();
    let reasoning =
        if failed.is_empty() { "every check passed".to_owned() } else { format!("failed: {}", failed.join(", ")) };
    let judged = Judged { number, model: "checks".to_owned(), duration_seconds: 0.0 };
    judge(rubric, judged, Answer { items, reasoning, cost_usd: Usd::ZERO })
}

fn item_score(item: &RubricItem, checks: &[CheckResult]) -> ItemScore {
    let check = item.rests_on.as_ref().and_then(|name| checks.iter().find(|check| check.name == *name));
    match check {
        None => ItemScore { score: None, explanation: "rests on no check".to_owned() },
        Some(CheckResult { name, passed: true, .. }) => {
            ItemScore { score: Some(Score::ONE), explanation: format!("`{name}` passed") }
        }
        Some(CheckResult { name, timed_out: true, .. }) => {
            ItemScore { score: Some(Score::ZERO), explanation: format!("`{name}` ran out of time") }
        }
        Some(CheckResult { name, exit_code, .. }) => {
            let code = exit_code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            ItemScore { score: Some(Score::ZERO), explanation: format!("`{name}` ended with {code}") }
        }
    }
}
