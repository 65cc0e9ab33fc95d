use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::ids::ModelName;
use crate::model::outcome::{FailureKind, StopLevel, StopSignal};
use crate::model::usage::Total;
use crate::rules::costs::{Costs, Spent};
use crate::rules::facts::{Change, Consequence, Fact};
use crate::rules::retry::{Failed, ForRun, Who};

mod models;
mod time;

fn limits() -> Limits {
    Limits {
        jobs: 2,
        attempts: 3,
        max_cost: None,
        max_time: None,
        systemic_failures: 5,
        rate_limit: Duration::from_hours(1),
    }
}

fn runs(ids: &[&str]) -> Vec<RunId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

/// A new session with these runs, each with the model that it asks.
fn asking(runs: &[(&str, &str)]) -> State {
    let runs = runs.iter().map(|(id, name)| (id.parse().unwrap(), Some(ModelName::new(name))));
    State::new(runs, [], Spent::default(), Costs::default())
}

fn fresh(ids: &[&str]) -> State {
    asking(&ids.iter().map(|id| (*id, "m")).collect::<Vec<_>>())
}

fn dollars(amount: f64) -> Usd {
    Usd::from_dollars(amount).unwrap()
}

fn spent(known: Usd) -> Spent {
    let mut spent = Spent::default();
    spent.add_elsewhere(known.into());
    spent
}

/// Four committed runs of ten cents each.
fn dimes() -> Costs {
    runs(&["T1/00/1", "T1/00/2", "T1/00/3", "T1/00/4"]).into_iter().map(|run| (run, dollars(0.1).into())).collect()
}

fn failed(run: RunId, kind: FailureKind, wait: u64) -> Fact {
    let failed = Failed { kind, who: Who::Agent, wait: Some(Duration::from_secs(wait)) };
    Fact::Failed { run, failed, cost: Total::ZERO, agent: None }
}

fn committed(run: RunId, cost: Usd) -> Fact {
    Fact::Committed { run, spent: cost.into(), cost: cost.into() }
}

/// A consequence for a run and for something that runs share.
fn both(run: ForRun, change: Change) -> Consequence {
    Consequence { run: Some(run), changes: vec![change] }
}

const AT_ONCE: ForRun = ForRun::Retry { after: Duration::ZERO };
const NOW: Duration = Duration::from_secs(1000);

#[test]
fn every_subtest_has_its_first_run_before_any_has_its_second() {
    let state = fresh(&["T0/00/1", "T0/00/2", "T0/01/1", "T1/00/1"]);
    let limits = Limits { jobs: 4, ..limits() };
    let order: Vec<String> = next(&state, &limits, NOW)
        .into_iter()
        .map(|action| match action {
            Action::Start(run) => run.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(order, ["T0/00/run_01", "T0/01/run_01", "T0/00/run_02", "T1/00/run_01"]);
}

/// Two runs of T0 and one of T1 and T2 each; T1 waits for T0, and T2 for T0 and T1.
fn inheriting() -> State {
    let tiers = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<BTreeSet<TierId>>();
    let waiting = [("T1", tiers(&["T0"])), ("T2", tiers(&["T0", "T1"]))];
    let waiting = waiting.into_iter().map(|(tier, sources)| (tier.parse().unwrap(), sources)).collect();
    fresh(&["T0/00/1", "T0/00/2", "T1/00/1", "T2/00/1"]).waiting(waiting)
}

fn tier(id: &str) -> TierId {
    id.parse().unwrap()
}

#[test]
fn a_tier_that_inherits_begins_when_its_sources_are_settled_and_its_winners_known() {
    let limits = Limits { jobs: 9, attempts: 1, ..limits() };
    let mut state = inheriting();
    let [first, second, third, last] = runs(&["T0/00/1", "T0/00/2", "T1/00/1", "T2/00/1"])[..] else { panic!() };
    assert_eq!(next(&state, &limits, NOW), [Action::Start(first), Action::Start(second)]);
    for run in [first, second] {
        state.apply(Fact::Started(run), &limits, NOW);
    }
    state.apply(committed(first, Usd::ZERO), &limits, NOW);
    assert_eq!(next(&state, &limits, NOW), [], "one run of the source is in flight");
    // A run that is given up settles its tier as a committed one does.
    state.apply(failed(second, FailureKind::Spawn, 0), &limits, NOW);
    assert_eq!(next(&state, &limits, NOW), [Action::Inherit(tier("T1"))]);
    state.apply(Fact::Inherited(tier("T1")), &limits, NOW);
    assert_eq!(next(&state, &limits, NOW), [Action::Start(third)]);
    state.apply(Fact::Started(third), &limits, NOW);
    assert_eq!(next(&state, &limits, NOW), []);
    state.apply(committed(third, Usd::ZERO), &limits, NOW);
    assert_eq!(next(&state, &limits, NOW), [Action::Inherit(tier("T2"))]);
    state.apply(Fact::Inherited(tier("T2")), &limits, NOW);
    assert_eq!(next(&state, &limits, NOW), [Action::Start(last)]);
}

#[test]
fn a_tier_whose_source_has_no_result_is_never_started_and_the_experiment_is_incomplete() {
    let limits = Limits { jobs: 9, attempts: 1, ..limits() };
    let mut state = inheriting();
    for run in runs(&["T0/00/1", "T0/00/2"]) {
        state.apply(Fact::Started(run), &limits, NOW);
        state.apply(failed(run, FailureKind::Spawn, 0), &limits, NOW);
    }
    assert_eq!(next(&state, &limits, NOW), [Action::Inherit(tier("T1"))]);
    state.apply(Fact::Blocked(tier("T1")), &limits, NOW);
    assert_eq!(next(&state, &limits, NOW), [Action::Finish(ExperimentEnd::Incomplete)]);
    let waiting: Vec<TierId> = state.tiers_in_wait().map(|(tier, _)| tier).collect();
    assert_eq!(waiting, [tier("T1"), tier("T2")]);
}

#[test]
fn no_winner_is_chosen_of_a_tier_that_is_stopped() {
    let limits = Limits { jobs: 9, attempts: 1, systemic_failures: 1, ..limits() };
    let mut state = inheriting();
    let first = runs(&["T0/00/1"])[0];
    state.apply(Fact::Started(first), &limits, NOW);
    let paused = state.apply(failed(first, FailureKind::Spawn, 0), &limits, NOW);
    assert_eq!(paused, both(ForRun::Errored { attempts: 1 }, Change::TierStopped(1)));
    assert_eq!(next(&state, &limits, NOW), [Action::Finish(ExperimentEnd::Incomplete)]);
    let mut state = fresh(&["T1/00/1"]).waiting([(tier("T1"), [tier("T0")].into())].into());
    assert_eq!(next(&state, &limits, NOW), [Action::Inherit(tier("T1"))]);
    state.apply(Fact::Signal(StopSignal::Interrupt), &limits, NOW);
    assert_eq!(next(&state, &limits, NOW), [Action::Finish(ExperimentEnd::Stopped { signal: StopSignal::Interrupt })]);
}

#[test]
fn no_more_runs_start_than_there_are_jobs() {
    let mut state = fresh(&["T0/00/1", "T0/00/2", "T0/00/3"]);
    assert_eq!(next(&state, &limits(), NOW).len(), 2);
    state.apply(Fact::Started("T0/00/1".parse().unwrap()), &limits(), NOW);
    assert_eq!(next(&state, &limits(), NOW), [Action::Start("T0/00/2".parse().unwrap())]);
}

#[test]
fn the_budget_counts_what_runs_in_flight_are_expected_to_cost() {
    let limits = Limits { max_cost: Some(dollars(1.0)), jobs: 9, ..limits() };
    // Four committed runs cost 0.10 each; at 0.70 spent, three more fit below 1.00.
    let ids = runs(&["T0/00/1", "T0/00/2", "T0/00/3", "T0/00/4"]).into_iter().map(|run| (run, None));
    let state = State::new(ids, [], spent(dollars(0.7)), dimes());
    assert_eq!(next(&state, &limits, NOW).len(), 3);
    let nearly = State::new([("T0/00/1".parse().unwrap(), None)], [], spent(dollars(0.95)), dimes());
    let ceiling = Action::ReachBudget { expected: dollars(0.1), ceiling: dollars(1.0) };
    assert_eq!(next(&nearly, &limits, NOW), [ceiling]);
}

#[test]
fn the_budget_counts_a_cost_that_is_not_known_as_the_highest_of_its_tier_if_there_is_any() {
    let limits = Limits { max_cost: Some(dollars(1.0)), jobs: 1, ..limits() };
    let run = |id: &str| id.parse::<RunId>().unwrap();
    let mut state = fresh(&["T0/00/1", "T0/01/1", "T0/01/2", "T0/02/1"]);
    let commit = |state: &mut State, id: &str, cost: Total| {
        state.apply(Fact::Started(run(id)), &limits, NOW);
        state.apply(Fact::Committed { run: run(id), spent: cost, cost }, &limits, NOW);
    };
    commit(&mut state, "T0/01/1", Total::UNKNOWN);
    assert_eq!((state.spent(), state.assumed()), (Total::UNKNOWN, Usd::ZERO));
    assert_eq!(next(&state, &limits, NOW), [Action::Start(run("T0/00/1"))], "nothing is known that could be counted");
    commit(&mut state, "T0/00/1", dollars(0.4).into());
    assert_eq!((state.spent().known, state.assumed()), (dollars(0.4), dollars(0.4)));
    let ceiling = Action::ReachBudget { expected: dollars(0.4), ceiling: dollars(1.0) };
    assert_eq!(next(&state, &limits, NOW), [ceiling]);
}

#[test]
fn a_reached_budget_drains_and_ends_so() {
    let mut state = fresh(&["T0/00/1", "T0/00/2"]);
    let [first, _] = runs(&["T0/00/1", "T0/00/2"])[..] else { panic!() };
    state.apply(Fact::Started(first), &limits(), NOW);
    state.apply(Fact::BudgetReached, &limits(), NOW);
    assert_eq!(next(&state, &limits(), NOW), []);
    state.apply(committed(first, dollars(1.0)), &limits(), NOW);
    assert_eq!(next(&state, &limits(), NOW), [Action::Finish(ExperimentEnd::BudgetReached)]);
}

#[test]
fn stop_levels_only_go_up_and_sigterm_begins_at_the_second_one() {
    let climb = |signals: &[StopSignal]| -> Vec<Consequence> {
        let mut state = fresh(&["T0/00/1"]);
        signals.iter().map(|signal| state.apply(Fact::Signal(*signal), &limits(), NOW)).collect()
    };
    let stop_levels = |stop_levels: &[StopLevel]| {
        let climbed = |stop_level: &StopLevel| Consequence::from_iter([Change::StopLevelRaised(*stop_level)]);
        stop_levels.iter().map(climbed).collect::<Vec<_>>()
    };
    assert_eq!(
        climb(&[StopSignal::Interrupt; 4]),
        stop_levels(&[StopLevel::Drain, StopLevel::Terminate, StopLevel::Kill, StopLevel::Kill])
    );
    assert_eq!(climb(&[StopSignal::Terminate; 2]), stop_levels(&[StopLevel::Terminate, StopLevel::Kill]));
    assert_eq!(climb(&[StopSignal::Hangup; 2]), stop_levels(&[StopLevel::Terminate, StopLevel::Kill]));
    assert_eq!(
        climb(&[StopSignal::Interrupt, StopSignal::Terminate]),
        stop_levels(&[StopLevel::Drain, StopLevel::Terminate])
    );
}

#[test]
fn a_stop_that_finds_everything_done_is_a_completed_experiment() {
    let mut state = fresh(&["T0/00/1"]);
    let run = runs(&["T0/00/1"])[0];
    state.apply(Fact::Started(run), &limits(), NOW);
    state.apply(Fact::Signal(StopSignal::Interrupt), &limits(), NOW);
    assert_eq!(next(&state, &limits(), NOW), []);
    state.apply(committed(run, Usd::ZERO), &limits(), NOW);
    assert_eq!(next(&state, &limits(), NOW), [Action::Finish(ExperimentEnd::Completed)]);
}

#[test]
fn the_same_failure_in_a_row_stops_its_tier_and_no_other() {
    let limits = Limits { systemic_failures: 2, attempts: 9, ..limits() };
    let mut state = fresh(&["T0/00/1", "T0/01/1", "T0/02/1", "T1/00/1"]);
    let [first, second, third] = runs(&["T0/00/1", "T0/01/1", "T0/02/1"])[..] else { panic!() };
    for run in [first, second, third] {
        state.apply(Fact::Started(run), &limits, NOW);
    }
    let retried = state.apply(failed(first, FailureKind::Auth, 0), &limits, NOW);
    assert_eq!((retried.run, retried.changes), (Some(AT_ONCE), vec![]));
    let stopped = state.apply(failed(second, FailureKind::Auth, 0), &limits, NOW);
    assert_eq!(stopped, both(ForRun::Left, Change::TierStopped(2)));
    let was_in_flight = state.apply(failed(third, FailureKind::Auth, 0), &limits, NOW);
    assert_eq!(was_in_flight, Consequence { run: Some(ForRun::Left), changes: vec![] }, "a tier is stopped once");
    assert_eq!(next(&state, &limits, NOW), [Action::Start("T1/00/1".parse().unwrap())]);
}

#[test]
fn runs_that_are_killed_at_once_from_outside_count_as_one_failure_in_a_row() {
    let limits = Limits { systemic_failures: 2, attempts: 9, ..limits() };
    let mut state = fresh(&["T0/00/1", "T0/01/1", "T0/02/1"]);
    let all = runs(&["T0/00/1", "T0/01/1", "T0/02/1"]);
    let later = NOW + Duration::from_secs(1);
    for run in &all {
        state.apply(Fact::Started(*run), &limits, NOW);
    }
    for run in &all {
        let killed = state.apply(failed(*run, FailureKind::Killed, 0), &limits, later);
        assert_eq!((killed.run, killed.changes), (Some(AT_ONCE), vec![]), "{run}");
    }
    // One that was begun behind that is another failure.
    let again = later + Duration::from_secs(1);
    state.apply(Fact::Started(all[1]), &limits, again);
    let stopped = state.apply(failed(all[1], FailureKind::Killed, 0), &limits, again);
    assert_eq!(stopped.changes, [Change::TierStopped(2)]);
}

#[test]
fn one_bad_run_alone_stops_no_tier() {
    let limits = Limits { systemic_failures: 2, attempts: 9, ..limits() };
    let mut state = fresh(&["T0/00/1", "T0/01/1"]);
    let run = runs(&["T0/00/1"])[0];
    for _ in 0..5 {
        state.apply(Fact::Started(run), &limits, NOW);
        assert_eq!(state.apply(failed(run, FailureKind::Auth, 0), &limits, NOW).run, Some(AT_ONCE));
        state.apply(Fact::WaitOver, &limits, NOW);
    }
    assert_eq!(next(&state, &limits, NOW).len(), 2);
}

#[test]
fn a_folder_that_cannot_be_written_begins_nothing_more() {
    let mut state = fresh(&["T0/00/1", "T0/00/2"]);
    let run = runs(&["T0/00/1"])[0];
    state.apply(Fact::Started(run), &limits(), NOW);
    state.apply(Fact::Halt, &limits(), NOW);
    assert_eq!(next(&state, &limits(), NOW), []);
    state.apply(failed(run, FailureKind::Storage, 0), &limits(), NOW);
    assert_eq!(next(&state, &limits(), NOW), [Action::Finish(ExperimentEnd::Incomplete)]);
}

#[test]
fn withheld_runs_leave_an_experiment_incomplete() {
    let state = State::new([], runs(&["T0/00/1"]), Spent::default(), Costs::default());
    assert_eq!(next(&state, &limits(), NOW), [Action::Finish(ExperimentEnd::Incomplete)]);
}

/// What a worker's run does in the simulation, attempt by attempt.
#[derive(Debug, Clone, Copy)]
enum Turnout {
    Commit,
    Fail,
    Limit,
}

fn turnout() -> impl Strategy<Value = Turnout> {
    prop_oneof![5 => Just(Turnout::Commit), 3 => Just(Turnout::Fail), 1 => Just(Turnout::Limit)]
}

proptest! {
    /// A simulated session: whatever workers do, it ends, within its limits, and reports its end correctly.
    #[test]
    fn every_session_ends_within_its_limits(
        turnouts in prop::collection::vec(turnout(), 1..200),
        planned in 1_u32..30,
        jobs in 1_usize..5,
        attempts in 1_u32..4,
        most_millis in prop::option::of(0_u64..400),
    ) {
        let max_time = most_millis.map(Duration::from_millis);
        let limits = Limits { jobs, attempts, max_cost: None, max_time, systemic_failures: 4, rate_limit: Duration::from_secs(50) };
        let ids: Vec<RunId> = (1..=planned).map(|run| format!("T{}/00/{run}", run % 3).parse().unwrap()).collect();
        let waiting = [(tier("T2"), [tier("T0")].into()), (tier("T1"), [tier("T2")].into())];
        let mut state = {
            let runs = ids.iter().map(|run| (*run, Some(ModelName::new(if run.tier.0 == 1 { "one" } else { "other" }))));
            State::new(runs, [], Spent::default(), Costs::default()).waiting(waiting.into())
        };
        let mut turnouts = turnouts.into_iter().cycle();
        let (mut now, mut flight) = (Duration::ZERO, Vec::new());
        let mut done = BTreeSet::<RunId>::new();
        let mut begun = BTreeSet::new();
        let end = 'session: loop {
            state.apply(Fact::WaitOver, &limits, now);
            state.apply(Fact::Worked(now), &limits, now);
            for action in next(&state, &limits, now) {
                match action {
                    Action::Start(run) => {
                        prop_assert!(!done.contains(&run), "{run} is paid twice");
                        prop_assert!(max_time.is_none_or(|most| now < most), "{run} is started out of time");
                        prop_assert!(!flight.contains(&run), "{run} is started twice");
                        prop_assert!(run.tier.0 == 0 || begun.contains(&run.tier), "{run} does not wait");
                        flight.push(run);
                        state.apply(Fact::Started(run), &limits, now);
                        prop_assert!(flight.len() <= jobs);
                    }
                    Action::Wait(time) => {
                        prop_assert!(time > now, "waiting for the past spins");
                        if flight.is_empty() { now = time; }
                    }
                    Action::Finish(end) => break 'session end,
                    Action::Inherit(tier) => {
                        prop_assert!(begun.insert(tier), "winners of {tier} are chosen twice");
                        let source = if tier.0 == 2 { 0 } else { 2 };
                        prop_assert!(flight.iter().all(|run| run.tier.0 != source));
                        let found = done.iter().any(|run| run.tier.0 == source);
                        state.apply(if found { Fact::Inherited(tier) } else { Fact::Blocked(tier) }, &limits, now);
                    }
                    Action::ReachTime { limit } => {
                        prop_assert!(now >= limit, "{now:?} of {limit:?}");
                        state.apply(Fact::TimeReached, &limits, now);
                    }
                    Action::ReachBudget { .. } => prop_assert!(false, "there is no budget"),
                }
            }
            if let Some(run) = flight.pop() {
                now += Duration::from_millis(10);
                let fact = match turnouts.next().unwrap() {
                    Turnout::Commit => { done.insert(run); committed(run, Usd::ZERO) }
                    Turnout::Fail => failed(run, FailureKind::Provider, 0),
                    Turnout::Limit => failed(run, FailureKind::RateLimit, 7),
                };
                state.apply(fact, &limits, now);
            }
        };
        prop_assert!(flight.is_empty());
        prop_assert_eq!(end == ExperimentEnd::Completed, done.len() == ids.len());
        prop_assert!(end != ExperimentEnd::TimeReached || max_time.is_some_and(|most| now >= most));
    }
}
