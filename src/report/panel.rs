//! What is said of a panel's verdicts: how often its judges did not vote alike, and what came of that.

use crate::stats::agreement::Hanging;
use crate::text::words::counted;

/// How often the judges split, as the second half of a sentence about them. What one vote means depends on how many there are: of two
/// judges both must pass a run, so each split fails; of more, a split may or may not turn with one vote.
pub(super) fn splits(hanging: &Hanging) -> String {
    let Hanging { runs, split, narrow, by_judge, .. } = hanging;
    let on = format!("they split on {split} of {}", counted(*runs, "verdict"));
    match (by_judge.len(), *split) {
        (_, 0) => format!("they voted alike on {}", if *runs == 1 { "the one verdict" } else { "every verdict" }),
        (2, 1) => format!("{on}, which failed for that: a panel of two passes what both pass"),
        (2, _) => format!("{on}, which all failed for that: a panel of two passes what both pass"),
        (_, 1) if *narrow == 1 => format!("{on}, which would be the other one with another vote of one judge"),
        (_, all) if *narrow == all => {
            format!("{on}, each of which would be the other one with another vote of one judge")
        }
        (_, _) => format!("{on}, of which {narrow} would be the other one with another vote of one judge"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::agreement::hanging;

    #[test]
    fn what_a_split_means_is_said_for_the_size_of_the_panel() {
        let (yes, no) = (Some(true), Some(false));
        let said = [
            splits(&hanging(&[[yes, yes], [yes, yes], [no, no]])),
            splits(&hanging(&[[yes, yes], [yes, no], [no, no]])),
            splits(&hanging(&[[no, yes], [yes, no], [no, no]])),
            splits(&hanging(&[[yes, yes, yes], [yes, no, yes]])),
            splits(&hanging(&[[no, yes, yes], [yes, no, no], [yes, yes, yes]])),
            splits(&hanging(&[[yes, yes, yes, no], [yes, no, no, no]])),
        ];
        assert_eq!(
            said,
            [
                "they voted alike on every verdict",
                "they split on 1 of 3 verdicts, which failed for that: a panel of two passes what both pass",
                "they split on 2 of 3 verdicts, which all failed for that: a panel of two passes what both pass",
                "they split on 1 of 2 verdicts, which would be the other one with another vote of one judge",
                "they split on 2 of 3 verdicts, each of which would be the other one with another vote of one judge",
                "they split on 2 of 2 verdicts, of which 1 would be the other one with another vote of one judge",
            ]
        );
    }
}
