//! What a report says of judges that were checked against gold examples.

use crate::model::gold::DriftReport;
use crate::text::words::counted;

/// A sentence for each judge.
pub(super) fn sentences(drift: &DriftReport) -> impl Iterator<Item = String> + '_ {
    let day = drift.at.split_once('T').map_or(drift.at.as_str(), |(day, _)| day);
    drift.judges.iter().map(move |judge| {
        let name = &judge.name;
        let Some((mean, largest)) = judge.mean_difference.zip(judge.largest_drift) else {
            return format!("Judge {name}: no answer about {} ({day}).", counted(drift.examples, "gold example"));
        };
        // Adding zero turns -0.0 into 0.0.
        let mean = (mean * 100.0).round() / 100.0 + 0.0;
        let over = counted(judge.answered, "gold example");
        let silent = match drift.examples.saturating_sub(judge.answered) {
            0 => String::new(),
            several => format!(", no answer about {several} more"),
        };
        let beyond = if largest > drift.max_drift {
            format!(", which is beyond the limit of {:.2}", drift.max_drift)
        } else {
            String::new()
        };
        format!(
            "Judge {name}: mean difference {mean:+.2}, largest distance {largest:.2} over {over} ({day}){silent}{beyond}."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gold::JudgeDrift;

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
            sentences(&drift).collect::<Vec<_>>(),
            [
                "Judge x: mean difference +0.03, largest distance 0.08 over 3 gold examples (2026-11-29).",
                "Judge x: mean difference +0.00, largest distance 0.30 over 2 gold examples (2026-11-29), no answer about 1 \
                 more, which is beyond the limit of 0.10.",
                "Judge x: no answer about 3 gold examples (2026-11-29).",
            ]
        );
    }
}
