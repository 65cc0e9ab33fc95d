//! What a report says of judges that were checked against gold examples.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::gold::JudgeCheck;
use crate::stats::drift::mean_difference;
use crate::text::words::counted;

/// How far judges were from gold examples when they were checked last.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DriftReport {
    /// When the last judge had answered.
    pub at: String,
    /// The largest drift that was allowed.
    pub max_drift: f64,
    /// How many gold examples there were.
    pub examples: usize,
    /// The judges, in the order of the panel.
    pub judges: Vec<JudgeDrift>,
}

/// How far a judge was from gold examples.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JudgeDrift {
    /// Its name.
    pub name: String,
    /// About how many examples it gave an answer.
    pub answered: usize,
    /// Its mean difference from what these deserve: above 0 where it is too mild; `null` without an answer.
    pub mean_difference: Option<f64>,
    /// Its largest distance from what one deserves, whichever way; `null` without an answer.
    pub largest_drift: Option<f64>,
    /// Whether it gave every answer, and no distance is beyond the limit.
    pub within_limit: bool,
}

impl DriftReport {
    pub(super) fn of(check: &JudgeCheck) -> Self {
        let judges = check.judges.iter().map(|judge| JudgeDrift {
            name: judge.name.clone(),
            answered: judge.examples.iter().filter(|example| example.difference.is_some()).count(),
            mean_difference: mean_difference(judge),
            largest_drift: judge.largest_drift,
            within_limit: judge.within_limit,
        });
        Self {
            at: check.at.to_string(),
            max_drift: check.max_drift,
            examples: check.gold.len(),
            judges: judges.collect(),
        }
    }

    /// A sentence for each judge.
    pub(super) fn sentences(&self) -> impl Iterator<Item = String> + '_ {
        let day = self.at.split_once('T').map_or(self.at.as_str(), |(day, _)| day);
        self.judges.iter().map(move |judge| {
            let name = &judge.name;
            let Some((mean, largest)) = judge.mean_difference.zip(judge.largest_drift) else {
                return format!("Judge {name}: no answer about {} ({day}).", counted(self.examples, "gold example"));
            };
            // Adding zero turns -0.0 into 0.0.
            let mean = (mean * 100.0).round() / 100.0 + 0.0;
            let over = counted(judge.answered, "gold example");
            let silent = match self.examples.saturating_sub(judge.answered) {
                0 => String::new(),
                several => format!(", no answer about {several} more"),
            };
            let beyond = if largest > self.max_drift {
                format!(", which is beyond the limit of {:.2}", self.max_drift)
            } else {
                String::new()
            };
            format!(
                "Judge {name}: mean difference {mean:+.2}, largest distance {largest:.2} over {over} ({day}){silent}{beyond}."
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_how_far_a_judge_is_off_and_which_answers_are_missing() {
        let judge = |answered, mean: Option<f64>, largest: Option<f64>| JudgeDrift {
            name: "x".to_owned(),
            answered,
            mean_difference: mean,
            largest_drift: largest,
            within_limit: true,
        };
        let judges = vec![judge(3, Some(0.03), Some(0.08)), judge(2, Some(-0.001), Some(0.3)), judge(0, None, None)];
        let drift = DriftReport { at: "2026-11-29T16:39:59Z".to_owned(), max_drift: 0.1, examples: 3, judges };
        assert_eq!(
            drift.sentences().collect::<Vec<_>>(),
            [
                "Judge x: mean difference +0.03, largest distance 0.08 over 3 gold examples (2026-11-29).",
                "Judge x: mean difference +0.00, largest distance 0.30 over 2 gold examples (2026-11-29), no answer about 1 \
                 more, which is beyond the limit of 0.10.",
                "Judge x: no answer about 3 gold examples (2026-11-29).",
            ]
        );
    }
}
