//! The winner of a tier: the subtest whose setup a later tier may inherit.

use std::collections::BTreeMap;

use super::descriptive::median;
use crate::model::ids::{SubtestId, TierId};
use crate::model::inherited::{Candidate, Compared, Winner};
use crate::model::result::RunResult;

/// Two medians that lie closer to each other than this are told apart by their tokens.
pub const NEAR_TIE: f64 = 0.05;

/// The winner among the committed runs of a tier, each with what is compared of it; `None` when there is none. A subtest
/// without a run is no candidate.
#[must_use]
pub fn winner_among(runs: impl IntoIterator<Item = Compared>) -> Option<Winner> {
    let mut subtests: BTreeMap<SubtestId, (Vec<f64>, Option<u64>)> = BTreeMap::new();
    for run in runs {
        let (scores, tokens) = subtests.entry(run.subtest).or_insert((Vec::new(), Some(0)));
        scores.push(run.score.get());
        *tokens = sum_of(*tokens, run.tokens);
    }
    let candidate = |(subtest, (scores, tokens)): (SubtestId, (Vec<f64>, Option<u64>))| {
        Some(Candidate { subtest, median: median(&scores)?, runs: scores.len(), tokens })
    };
    winner(&subtests.into_iter().filter_map(candidate).collect::<Vec<_>>())
}

/// The winner among candidates: the highest median score. When the second lies nearer than [`NEAR_TIE`], the one of the
/// two that used fewer tokens wins; if they used the same, or one of them did not say it, the one with the higher median, and then the one that comes
/// first. One candidate wins by 1. `None` when there is none.
///
/// The order of the candidates does not matter.
fn winner(candidates: &[Candidate]) -> Option<Winner> {
    let mut ranked: Vec<Candidate> = candidates.to_vec();
    ranked.sort_by(|a, b| b.median.total_cmp(&a.median).then(a.subtest.cmp(&b.subtest)));
    let first = *ranked.first()?;
    let Some(second) = ranked.get(1).copied() else {
        return Some(Winner { subtest: first.subtest, median: first.median, margin: 1.0, by_tokens: false, ranked });
    };
    let margin = first.median - second.median;
    let tokens = first.tokens.zip(second.tokens).filter(|_| margin < NEAR_TIE);
    let by_tokens = tokens.is_some();
    let chosen = if tokens.is_some_and(|(first, second)| second < first) { second } else { first };
    Some(Winner { subtest: chosen.subtest, median: chosen.median, margin, by_tokens, ranked })
}

/// Tokens together with those of one more run; `None` where one of them did not say it.
fn sum_of(tokens: Option<u64>, more: Option<u64>) -> Option<u64> {
    tokens.zip(more).map(|(tokens, more)| tokens.saturating_add(more))
}

/// The winner of each tier that has a committed run.
#[must_use]
pub fn winners(results: &[RunResult]) -> BTreeMap<TierId, Winner> {
    let mut tiers: BTreeMap<TierId, Vec<Compared>> = BTreeMap::new();
    for result in results {
        let (subtest, score, tokens) = (result.subtest, result.judge_score, result.usage.tokens.total());
        tiers.entry(result.tier).or_default().push(Compared { subtest, score, tokens });
    }
    tiers.into_iter().filter_map(|(tier, runs)| Some((tier, winner_among(runs)?))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::digest::Digest;

    fn candidate(subtest: u32, median: f64, tokens: u64) -> Candidate {
        Candidate { subtest: SubtestId(subtest), median, runs: 3, tokens: Some(tokens) }
    }

    fn won(candidates: &[Candidate]) -> (u32, bool) {
        let winner = winner(candidates).unwrap();
        (winner.subtest.0, winner.by_tokens)
    }

    #[test]
    fn the_highest_median_wins_when_it_is_well_ahead() {
        assert_eq!(won(&[candidate(0, 0.7, 1), candidate(1, 0.9, 1000)]), (1, false));
    }

    #[test]
    fn near_the_second_the_fewer_tokens_win() {
        assert_eq!(won(&[candidate(0, 0.88, 1), candidate(1, 0.9, 1000)]), (0, true));
        assert_eq!(won(&[candidate(0, 0.88, 1001), candidate(1, 0.9, 1000)]), (1, true));
    }

    #[test]
    fn the_difference_is_rounded_as_floating_point_gives_it() {
        // 0.9 - 0.85 is a little more than 0.05 in floating point, 0.35 - 0.3 a little less.
        assert_eq!(won(&[candidate(0, 0.85, 1), candidate(1, 0.9, 1000)]), (1, false));
        assert_eq!(won(&[candidate(0, 0.3, 1), candidate(1, 0.35, 1000)]), (0, true));
    }

    #[test]
    fn only_the_two_best_are_compared_by_tokens() {
        assert_eq!(won(&[candidate(0, 0.88, 1), candidate(1, 0.9, 1000), candidate(2, 0.89, 500)]), (2, true));
    }

    #[test]
    fn equal_candidates_are_told_apart_by_median_and_then_by_id() {
        assert_eq!(won(&[candidate(0, 0.88, 10), candidate(1, 0.9, 10)]), (1, true));
        assert_eq!(won(&[candidate(4, 0.9, 10), candidate(3, 0.9, 10)]), (3, true));
    }

    #[test]
    fn tokens_that_nobody_said_are_not_fewer_than_others() {
        let silent = Candidate { tokens: None, ..candidate(0, 0.88, 0) };
        assert_eq!(won(&[silent, candidate(1, 0.9, 1000)]), (1, false));
        assert_eq!(won(&[candidate(0, 0.88, 10), Candidate { tokens: None, ..candidate(1, 0.9, 0) }]), (1, false));
        assert_eq!((sum_of(Some(1), Some(2)), sum_of(Some(1), None)), (Some(3), None));
    }

    #[test]
    fn one_subtest_wins_by_one_and_none_has_no_winner() {
        let alone = winner(&[candidate(5, 0.1, 10)]).unwrap();
        assert_eq!((alone.subtest.0, alone.margin, alone.by_tokens), (5, 1.0, false));
        assert_eq!(winner(&[]), None);
    }

    fn result(tier: u32, subtest: u32, run: u32, score: f64) -> RunResult {
        let digest = Digest::of(b"");
        serde_json::from_value(json!({
            "version": "4.0", "experiment_id": "e", "tier": TierId(tier), "subtest": SubtestId(subtest), "run_number": run,
            "attempt": 1, "config_hash": digest, "exit_code": 0, "agent_end": "finished", "timed_out": false,
            "token_stats": {"input_tokens": 1, "output_tokens": 20, "cache_creation_tokens": 300, "cache_read_tokens": 4000},
            "cost_usd": 0, "judge_cost_usd": 0, "duration_seconds": 0.0, "agent_duration_seconds": 0.0,
            "judge_duration_seconds": 0.0, "judge_score": score, "judge_passed": true, "judge_grade": "A", "judges": [],
            "checks": [], "started_at": "2026-11-23T10:00:00Z", "committed_at": "2026-11-23T10:00:00Z", "seal": digest,
        }))
        .unwrap()
    }

    #[test]
    fn each_tier_with_a_result_has_its_winner() {
        let results = [
            result(0, 1, 1, 0.5),
            result(0, 0, 2, 0.4),
            result(2, 7, 1, 0.0),
            result(0, 0, 1, 1.0),
            result(0, 0, 3, 0.9),
        ];
        let winners = winners(&results);
        let won: Vec<(u32, u32)> = winners.iter().map(|(tier, winner)| (tier.0, winner.subtest.0)).collect();
        assert_eq!(won, [(0, 0), (2, 7)]);
        let ranked = &winners[&TierId(0)].ranked;
        assert_eq!(ranked[0], Candidate { subtest: SubtestId(0), median: 0.9, runs: 3, tokens: Some(3 * 4321) });
        assert_eq!(ranked[1], Candidate { subtest: SubtestId(1), median: 0.5, runs: 1, tokens: Some(4321) });
    }

    proptest! {
        #[test]
        fn the_order_of_candidates_changes_nothing(
            candidates in prop::collection::vec((0.0..=1.0_f64, 0..5_u64), 1..6)
                .prop_map(|all| all.into_iter().zip(0..).map(|((median, tokens), id)| candidate(id, median, tokens)).collect::<Vec<_>>())
                .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        ) {
            prop_assert_eq!(winner(&candidates.0), winner(&candidates.1));
        }
    }
}
