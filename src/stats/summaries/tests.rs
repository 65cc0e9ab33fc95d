//! Summaries of setups: what counts, what is missing, what is not known.

use super::*;
use crate::model::money::Usd;

fn dollars(known: f64) -> Total {
    Usd::from_dollars(known).unwrap().into()
}

fn judged(tier: u32, subtest: u32, score: f64, cost: Total) -> Observation {
    let outcome = Outcome::Judged(Judged {
        passed: score >= 0.6,
        score: Some(score),
        implementation: Some(score),
        cost,
        estimated: Usd::ZERO,
        tokens: Some(100),
        seconds: Some(10.0),
        agent_seconds: Some(8.0),
    });
    Observation { tier: TierId(tier), subtest: SubtestId(subtest), outcome, spent: cost + cost }
}

fn missing(tier: u32, subtest: u32, why: RowStatus) -> Observation {
    Observation::missing(TierId(tier), SubtestId(subtest), why, dollars(0.5))
}

#[test]
fn a_run_that_is_missing_is_counted_by_its_reason_and_is_no_failure() {
    let runs = [
        judged(0, 0, 1.0, dollars(1.0)),
        judged(0, 0, 0.5, dollars(2.0)),
        missing(0, 0, RowStatus::Errored),
        missing(0, 0, RowStatus::Errored),
        missing(0, 0, RowStatus::NotStarted),
    ];
    let summary = summary(&runs, &Settings::default());
    assert_eq!((summary.planned, summary.judged, summary.passed), (5, 2, 1));
    assert_eq!(summary.missing, BTreeMap::from([(RowStatus::Errored, 2), (RowStatus::NotStarted, 1)]));
    assert_eq!((summary.pass_rate.map(|rate| rate.value), summary.mean_score), (Some(0.5), Some(0.75)));
    assert_eq!((summary.cost, summary.spent), (dollars(3.0), dollars(7.5)));
    assert_eq!(summary.cost_of_pass, Some(CostOfPass::Known(3.0)));
    assert_eq!(
        (summary.mean_seconds, summary.mean_agent_seconds, summary.mean_tokens),
        (Some(10.0), Some(8.0), Some(100.0))
    );
}

#[test]
fn of_runs_that_are_all_missing_nothing_is_said_but_what_they_cost() {
    let summary = summary(&[missing(0, 0, RowStatus::Unfinished)], &Settings::default());
    assert_eq!((summary.planned, summary.judged, summary.spent), (1, 0, dollars(0.5)));
    assert_eq!((summary.pass_rate, summary.wilson, summary.mean_score, summary.cost_of_pass), (None, None, None, None));
    assert_eq!((summary.consistency, summary.tries.len()), (None, 0));
}

#[test]
fn a_cost_that_is_not_known_stays_unknown() {
    let summary = summary(&[judged(0, 0, 1.0, Total::UNKNOWN), judged(0, 0, 1.0, dollars(1.0))], &Settings::default());
    assert_eq!(summary.cost_of_pass, Some(CostOfPass::AtLeast(0.5)));
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!((&json["cost_usd"], &json["cost_unknown"]), (&serde_json::json!(1.0), &serde_json::json!(1)));
    assert_eq!(serde_json::from_value::<Summary>(json).unwrap(), summary);
}

#[test]
fn tries_are_told_where_every_subtest_has_runs_enough() {
    let mut runs = vec![judged(0, 0, 1.0, Total::ZERO), judged(0, 0, 0.0, Total::ZERO), judged(0, 0, 1.0, Total::ZERO)];
    let tries = |runs: &[Observation]| summary(runs, &Settings::default()).tries;
    assert_eq!(tries(&runs).iter().map(|tries| tries.k).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(tries(&runs)[1], Tries { k: 3, any: 1.0, all: 0.0 });
    runs.push(judged(0, 1, 0.0, Total::ZERO));
    let alone = tries(&runs);
    let third = |chance: f64| (chance - 1.0 / 3.0).abs() < 1e-12;
    assert!(alone.len() == 1 && third(alone[0].any) && third(alone[0].all), "{alone:?}");
}

#[test]
fn each_tier_has_its_uplift_over_the_one_before() {
    let runs = [
        judged(0, 0, 0.0, Total::ZERO),
        judged(1, 0, 1.0, Total::ZERO),
        judged(1, 1, 0.0, Total::ZERO),
        judged(3, 0, 1.0, Total::ZERO),
        missing(4, 0, RowStatus::NotStarted),
    ];
    let tiers = summaries(&runs, |run| run.tier, &Settings::default());
    let uplifts = uplifts(&tiers);
    assert_eq!(uplifts[&TierId(1)], Some(Uplift { difference: 0.5, relative: None }));
    assert_eq!(uplifts[&TierId(3)], Some(Uplift { difference: 0.5, relative: Some(1.0) }));
    assert_eq!((uplifts[&TierId(4)], uplifts.len()), (None, 3));
    assert_eq!(
        tiers[&TierId(3)].pass_rate,
        Some(Estimate { value: 1.0, interval: Some(Interval { low: 1.0, high: 1.0 }) })
    );
}
