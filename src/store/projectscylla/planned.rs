//! Which runs an experiment of ProjectScylla plans. Its config names tiers and the maximum number of subtests of each;
//! which ones those are is in its fixture, which is not available here. So subtests that were not started are derived
//! from the order of their numbers.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ids::{SetupId, SubtestId, TierId};
use crate::model::outcome::ExperimentStatus;
use crate::model::plan::Plan;
use crate::os::files;
use crate::projectscylla::checkpoint::Reading;
use crate::projectscylla::config::Config;
use crate::projectscylla::states::{ExperimentState, TierState};
use crate::store::layout::Base;
use crate::store::layout::ExperimentFolder;

/// Written when a tier is finished.
const WINNER: &str = "best_subtest.json";

/// How many subtests each tier of ProjectScylla has at least, in every version of its own fixtures.
const SUBTESTS: [usize; 7] = [24, 10, 15, 41, 7, 15, 1];

/// The plan of such an experiment.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// Every run, as far as subtests are known or follow from the config.
    pub(super) plan: Plan,
    /// The part of it with subtests that are known.
    pub(super) known: Plan,
    /// Planned tiers without a subtest in the plan.
    pub(super) without: Vec<TierId>,
    /// Whether more may be planned than is known.
    pub(super) is_open: bool,
}

impl Expected {
    /// For each planned tier the subtests that are known, limited to the first ones when a maximum was given. For a
    /// tier that was not finished, the maximum is assumed.
    pub(super) fn of(config: &Config, known: &BTreeSet<SetupId>, finished: &BTreeSet<TierId>) -> Self {
        let mut planned = Self::default();
        let most = config.max_subtests.map(|most| most as usize);
        // When no tiers are named, those with folders are meant.
        let there: Vec<TierId> = known.iter().map(|(tier, _)| *tier).collect::<BTreeSet<_>>().into_iter().collect();
        let tiers = if config.tiers_to_run.is_empty() { &there } else { &config.tiers_to_run };
        for tier in tiers {
            let of_tier = known.iter().filter(|(of, _)| of == tier).map(|(_, subtest)| *subtest);
            let mut subtests: BTreeSet<SubtestId> = of_tier.take(most.unwrap_or(usize::MAX)).collect();
            for subtest in &subtests {
                planned.known.add(*tier, *subtest, config.runs_per_subtest);
            }
            if !finished.contains(tier) {
                let expected = most.map(|most| most.min(SUBTESTS.get(tier.0 as usize).copied().unwrap_or_default()));
                // ProjectScylla numbers the subtests of its first tier from 0, and those of all others from 1.
                for number in u32::from(tier.0 > 0).. {
                    if expected.is_none_or(|expected| subtests.len() >= expected) {
                        break;
                    }
                    subtests.insert(SubtestId(number));
                }
                planned.is_open |= most.is_none_or(|most| subtests.len() < most && *tier != LAST);
            }
            for subtest in &subtests {
                planned.plan.add(*tier, *subtest, config.runs_per_subtest);
            }
            if subtests.is_empty() && config.runs_per_subtest > 0 {
                planned.without.push(*tier);
            }
        }
        planned
    }
}

/// The tier that always has exactly one subtest.
const LAST: TierId = TierId(6);

/// The tiers that ProjectScylla finished: all of their subtests are known.
pub(super) fn finished(
    folder: &ExperimentFolder,
    recorded: Option<&Reading>,
    tiers: &BTreeSet<TierId>,
) -> BTreeSet<TierId> {
    let is_complete = recorded.is_some_and(|reading| {
        reading.checkpoint.status == ExperimentStatus::Completed
            || reading.states.experiment.is_some_and(ExperimentState::claims_done)
    });
    let states: BTreeMap<TierId, TierState> = recorded.map(|reading| reading.states.tiers.clone()).unwrap_or_default();
    let has_winner = |tier: &TierId| {
        let bases = [Base::Root, Base::Completed];
        bases.iter().any(|base| {
            let place = folder.base(*base).join(tier.to_string()).join(WINNER);
            matches!(files::kind_of(&place), Ok(Some(_)))
        })
    };
    let done = |tier: &TierId| {
        states.get(tier).is_some_and(|state| *state != TierState::Failed && *state >= TierState::BestSelected)
    };
    tiers.iter().copied().filter(|tier| is_complete || done(tier) || has_winner(tier)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(most: Option<u32>, tiers: &[u32], known: &[(u32, u32)], finished: &[u32]) -> Expected {
        let config = Config {
            runs_per_subtest: 1,
            max_subtests: most,
            tiers_to_run: tiers.iter().map(|tier| TierId(*tier)).collect(),
            ..Config::default()
        };
        let known = known.iter().map(|(tier, subtest)| (TierId(*tier), SubtestId(*subtest))).collect();
        Expected::of(&config, &known, &finished.iter().map(|tier| TierId(*tier)).collect())
    }

    #[test]
    fn what_was_not_started_is_planned_as_far_as_the_config_says() {
        let two_of_twelve = planned(Some(6), &[0, 1], &[(0, 0), (0, 1)], &[]);
        assert_eq!((two_of_twelve.plan.total(), two_of_twelve.known.total()), (12, 2));
        assert_eq!((two_of_twelve.is_open, two_of_twelve.without), (false, Vec::new()));
        let names: Vec<String> = two_of_twelve.plan.runs().map(|run| run.to_string()).collect();
        assert_eq!((names[2].as_str(), names[6].as_str()), ("T0/02/run_01", "T1/01/run_01"));
        let finished = planned(Some(6), &[0, 1], &[(0, 0), (0, 1), (1, 1)], &[0]);
        assert_eq!(finished.plan.total(), 2 + 6);
        let last = planned(Some(3), &[6], &[], &[]);
        assert_eq!((last.plan.total(), last.is_open), (1, false), "it has one, whatever is asked for");
    }

    #[test]
    fn where_nothing_says_how_many_there_are_the_plan_is_open() {
        let open = planned(None, &[0, 1], &[(0, 0)], &[]);
        assert_eq!((open.plan.total(), open.is_open, open.without), (1, true, vec![TierId(1)]));
        let known = planned(None, &[0], &[(0, 0)], &[0]);
        assert_eq!((known.plan.total(), known.is_open), (1, false));
        assert!(planned(Some(9), &[4], &[(4, 1)], &[]).is_open, "there may be more than seven");
    }
}
