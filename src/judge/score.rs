//! Scores, computed in code: the weighted mean of a judge's items, and the panel's verdict.

use std::collections::BTreeMap;

use crate::model::ids::JudgeNumber;
use crate::model::judge::Answer;
use crate::model::result::{Judgment, Verdict};
use crate::model::rubric::{ItemScore, Rubric};
use crate::model::score::Score;
use crate::model::usage::Tokens;

/// Why items give no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no item of the rubric applies, so there is nothing to score")]
pub struct NothingApplies;

/// The judge, and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The judge's number in the panel.
    pub number: JudgeNumber,
    /// Its name.
    pub model: String,
    /// How long it took, in seconds.
    pub duration_seconds: f64,
}

/// The mean of the item scores, weighted over the items that apply.
///
/// # Errors
/// When no item applies.
pub fn score(rubric: &Rubric, items: &BTreeMap<String, ItemScore>) -> Result<Score, NothingApplies> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for item in &rubric.items {
        if let Some(score) = items.get(&item.id).and_then(|given| given.score) {
            sum += item.weight * score.get();
            weights += item.weight;
        }
    }
    if weights > 0.0 { mean(sum, weights).ok_or(NothingApplies) } else { Err(NothingApplies) }
}

/// The quotient as a score. It is rounded to twelve decimals, because in floating point 0.7 + 0.7 + 0.7 divided by 3 is
/// a little less than 0.7, and would not reach a threshold of 0.7.
fn mean(sum: f64, count: f64) -> Option<Score> {
    const DECIMALS: f64 = 1e12;
    Score::new(((sum / count * DECIMALS).round() / DECIMALS).clamp(0.0, 1.0)).ok()
}

/// A judge's verdict from its valid answer.
///
/// # Errors
/// When no item applies.
pub fn judgment(rubric: &Rubric, judged: Judged, answer: Answer) -> Result<Judgment, NothingApplies> {
    let score = score(rubric, &answer.items)?;
    Ok(Judgment {
        judge_number: judged.number,
        model: judged.model,
        score,
        passed: score >= rubric.pass_threshold,
        grade: rubric.grade_scale.grade(score),
        reasoning: answer.reasoning,
        criteria_scores: answer.items,
        tokens: Tokens::default(),
        cost: answer.cost,
        prices: None,
        duration_seconds: judged.duration_seconds,
    })
}

/// The panel's verdict: the mean score, and a strict majority of those that answered. `judges`: how many there are, and how
/// many of them must have answered; `None` while fewer have.
#[must_use]
pub fn panel(rubric: &Rubric, judgments: &[Judgment], (judges, least): (usize, usize)) -> Option<Verdict> {
    let answered = judgments.len();
    if answered == 0 || answered < least || answered > judges {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a panel has few judges")]
    let score = mean(judgments.iter().map(|judgment| judgment.score.get()).sum(), answered as f64)?;
    let passes = judgments.iter().filter(|judgment| judgment.passed).count();
    Some(Verdict {
        score,
        passed: passes * 2 > answered,
        grade: rubric.grade_scale.grade(score),
        spread: Judgment::spread(judgments),
        missing_judges: judges - answered,
    })
}
