use super::*;
use crate::rules::limiter::Concurrency;

#[test]
fn a_rate_limit_burns_no_attempt_and_holds_its_model_back_until_its_time() {
    let mut state = fresh(&["T0/00/1", "T0/00/2", "T0/00/3"]);
    let run = runs(&["T0/00/1"])[0];
    state.apply(Fact::Started(run), &limits(), NOW);
    let until = NOW + Duration::from_mins(1);
    let limited = state.apply(failed(run, FailureKind::RateLimit, 60), &limits(), NOW);
    let halved = Change::Concurrency(ModelName::new("m"), Concurrency { from: 2, to: 1 });
    let changes = vec![Change::RateLimited(ModelName::new("m"), until), halved];
    assert_eq!(limited, Consequence { run: Some(ForRun::Waits), changes });
    assert_eq!(state.failures(run), 0);
    assert_eq!(next(&state, &limits(), NOW), [Action::Wait(until)]);
    let over = state.apply(Fact::WaitOver, &limits(), until);
    assert_eq!(over.changes, [Change::RateLimitOver(ModelName::new("m"))]);
    assert_eq!(next(&state, &limits(), until), [Action::Start(run)], "one at once, of two before");
    state.apply(Fact::Started(run), &limits(), until);
    assert_eq!(next(&state, &limits(), until), []);
    let raised = state.apply(Fact::Asked { run, answered: true }, &limits(), until);
    let back = Change::Concurrency(ModelName::new("m"), Concurrency { from: 1, to: 2 });
    assert_eq!((raised.changes, next(&state, &limits(), until).len()), (vec![back], 1));
}

#[test]
fn a_model_that_failed_in_another_way_has_not_answered_and_is_not_asked_by_more() {
    let mut state = fresh(&["T0/00/1", "T0/00/2", "T0/00/3"]);
    let run = runs(&["T0/00/1"])[0];
    state.apply(Fact::Started(run), &limits(), NOW);
    state.apply(failed(run, FailureKind::RateLimit, 60), &limits(), NOW);
    let until = NOW + Duration::from_mins(1);
    state.apply(Fact::WaitOver, &limits(), until);
    state.apply(Fact::Started(run), &limits(), until);
    let asked = state.apply(Fact::Asked { run, answered: false }, &limits(), until);
    assert_eq!(asked.changes, []);
    assert_eq!(next(&state, &limits(), until).len(), 1, "still one at once, and nobody is asking");
}

#[test]
fn rate_limits_that_outlast_the_longest_wait_end_the_session() {
    let mut state = fresh(&["T0/00/1"]);
    let run = runs(&["T0/00/1"])[0];
    state.apply(Fact::Started(run), &limits(), NOW);
    let limited = state.apply(failed(run, FailureKind::RateLimit, 3601), &limits(), NOW);
    let until = NOW + Duration::from_secs(3601);
    assert_eq!(limited.changes[0], Change::RateLimitExhausted(ModelName::new("m"), until));
    assert_eq!(next(&state, &limits(), NOW), [Action::Finish(ExperimentEnd::RateLimited)]);
}

#[test]
fn two_limits_at_once_are_waited_for_once() {
    let mut state = fresh(&["T0/00/1", "T0/00/2"]);
    for run in runs(&["T0/00/1", "T0/00/2"]) {
        state.apply(Fact::Started(run), &limits(), NOW);
    }
    for run in runs(&["T0/00/1", "T0/00/2"]) {
        let told = state.apply(failed(run, FailureKind::RateLimit, 2000), &limits(), NOW);
        let until = NOW + Duration::from_secs(2000);
        assert_eq!(told.changes[0], Change::RateLimited(ModelName::new("m"), until));
    }
}

#[test]
fn while_a_model_is_limited_the_others_have_all_the_jobs() {
    let mut state = asking(&[
        ("T0/00/1", "limited"),
        ("T0/00/2", "limited"),
        ("T0/01/1", "other"),
        ("T0/01/2", "other"),
        ("T0/01/3", "other"),
    ]);
    let [first, other, another, third] = runs(&["T0/00/1", "T0/01/1", "T0/01/2", "T0/01/3"])[..] else { panic!() };
    assert_eq!(next(&state, &limits(), NOW), [Action::Start(first), Action::Start(other)]);
    state.apply(Fact::Started(first), &limits(), NOW);
    state.apply(Fact::Started(other), &limits(), NOW);
    state.apply(failed(first, FailureKind::RateLimit, 60), &limits(), NOW);
    assert_eq!(next(&state, &limits(), NOW), [Action::Start(another)]);
    state.apply(Fact::Started(another), &limits(), NOW);
    for run in [other, another] {
        state.apply(committed(run, Usd::ZERO), &limits(), NOW);
    }
    assert_eq!(next(&state, &limits(), NOW), [Action::Start(third)], "of two jobs one has nothing to do");
    state.apply(Fact::Started(third), &limits(), NOW);
    state.apply(committed(third, Usd::ZERO), &limits(), NOW);
    assert_eq!(next(&state, &limits(), NOW), [Action::Wait(NOW + Duration::from_mins(1))]);
}

#[test]
fn a_run_that_comes_to_a_limited_judge_leaves_its_job_to_others_and_comes_first_when_it_may_go_on() {
    let mut state = fresh(&["T0/00/1", "T0/00/2", "T0/00/3"]);
    let limits = Limits { jobs: 1, ..limits() };
    let judge = ModelName::new("judge");
    let [first, second, third] = runs(&["T0/00/1", "T0/00/2", "T0/00/3"])[..] else { panic!() };
    state.apply(Fact::Started(first), &limits, NOW);
    state.apply(Fact::Asked { run: first, answered: true }, &limits, NOW);
    assert!(state.may_ask(first, &judge, &limits, NOW));
    let failed = Failed { kind: FailureKind::RateLimit, who: Who::Judge, wait: Some(Duration::from_mins(1)) };
    let limited = state.apply(Fact::Failed { run: first, failed, cost: Total::ZERO, agent: None }, &limits, NOW);
    let until = NOW + Duration::from_mins(1);
    assert_eq!(limited, both(ForRun::Waits, Change::RateLimited(judge.clone(), until)));
    assert_eq!(next(&state, &limits, NOW), [Action::Start(second)]);
    state.apply(Fact::Started(second), &limits, NOW);
    state.apply(Fact::Asked { run: second, answered: true }, &limits, NOW);
    assert!(!state.may_ask(second, &judge, &limits, NOW));
    state.apply(Fact::Waits { run: second, spent: dollars(1.0).into(), model: judge.clone() }, &limits, NOW);
    assert_eq!((state.spent(), state.in_flight()), (dollars(1.0).into(), 0));
    assert_eq!(next(&state, &limits, NOW), [Action::Start(third)]);
    state.apply(Fact::Started(third), &limits, NOW);
    state.apply(committed(third, Usd::ZERO), &limits, NOW);
    assert_eq!(next(&state, &limits, NOW), [Action::Wait(until)]);
    state.apply(Fact::WaitOver, &limits, until);
    assert_eq!(next(&state, &limits, until), [Action::Start(first)]);
    state.apply(Fact::Started(first), &limits, until);
    assert!(state.may_ask(first, &judge, &limits, until), "it has asked since it was started");
}

#[test]
fn a_model_that_may_not_be_waited_for_ends_the_session_when_the_others_are_done() {
    let mut state = asking(&[("T0/00/1", "limited"), ("T0/01/1", "other"), ("T0/01/2", "other")]);
    let limits = Limits { jobs: 1, ..limits() };
    let [first, other, another] = runs(&["T0/00/1", "T0/01/1", "T0/01/2"])[..] else { panic!() };
    state.apply(Fact::Started(first), &limits, NOW);
    state.apply(failed(first, FailureKind::RateLimit, 3601), &limits, NOW);
    for run in [other, another] {
        assert_eq!(next(&state, &limits, NOW), [Action::Start(run)]);
        state.apply(Fact::Started(run), &limits, NOW);
        state.apply(committed(run, Usd::ZERO), &limits, NOW);
    }
    assert_eq!(next(&state, &limits, NOW), [Action::Finish(ExperimentEnd::RateLimited)]);
}

/// With a look at each run for every decision this would take minutes.
#[test]
fn ten_thousand_runs_that_wait_for_a_model_cost_those_of_another_one_no_time() {
    let ids: Vec<RunId> = (1..=20_000).map(|run| format!("T0/0{}/{run}", run % 2).parse().unwrap()).collect();
    let limited = |run: &RunId| run.subtest == ids[1].subtest;
    let models = ids.iter().map(|run| (*run, Some(ModelName::new(if limited(run) { "limited" } else { "other" }))));
    let mut state = State::new(models, [], Spent::default(), Costs::default());
    let limits = Limits { jobs: 8, ..limits() };
    let begun = std::time::Instant::now();
    state.apply(Fact::StillLimited(ModelName::new("limited"), Duration::from_mins(9)), &limits, NOW);
    let mut done = 0;
    loop {
        let actions = next(&state, &limits, NOW);
        for action in &actions {
            let Action::Start(run) = action else {
                assert_eq!((actions.len(), *action), (1, Action::Wait(NOW + Duration::from_mins(9))));
                assert_eq!((done, state.waiting_in(tier("T0"))), (10_000, 10_000));
                assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
                return;
            };
            assert!(!limited(run));
            state.apply(Fact::Started(*run), &limits, NOW);
            state.apply(Fact::Asked { run: *run, answered: true }, &limits, NOW);
            state.apply(committed(*run, Usd::ZERO), &limits, NOW);
            state.apply(Fact::WaitOver, &limits, NOW);
            done += 1;
        }
    }
}
