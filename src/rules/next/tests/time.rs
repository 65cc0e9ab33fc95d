use super::*;

const MOST: Duration = Duration::from_hours(1);

fn limited() -> Limits {
    Limits { max_time: Some(MOST), ..limits() }
}

fn worked(state: &mut State, worked: Duration) {
    state.apply(Fact::Worked(worked), &limited(), NOW);
}

const REACHED: Action = Action::ReachTime { limit: MOST };

#[test]
fn runs_start_until_the_limit_of_all_sessions_and_none_after_it() {
    let mut state = fresh(&["T0/00/1", "T0/00/2", "T0/00/3"]);
    worked(&mut state, MOST.saturating_sub(Duration::from_millis(1)));
    assert_eq!(next(&state, &limited(), NOW).len(), 2);
    worked(&mut state, MOST);
    assert_eq!(next(&state, &limited(), NOW), [REACHED]);
    assert_eq!(next(&state, &limits(), NOW).len(), 2, "without a limit all start");
    let higher = Limits { max_time: Some(MOST * 2), ..limits() };
    assert_eq!(next(&state, &higher, NOW).len(), 2);
}

#[test]
fn at_the_limit_runs_in_flight_end_and_then_the_session_does() {
    let mut state = fresh(&["T0/00/1", "T0/00/2", "T0/00/3"]);
    let [first, second, _] = runs(&["T0/00/1", "T0/00/2", "T0/00/3"])[..] else { panic!() };
    for run in [first, second] {
        state.apply(Fact::Started(run), &limited(), NOW);
    }
    worked(&mut state, Duration::from_mins(50));
    let then = NOW + Duration::from_mins(10);
    assert_eq!(next(&state, &limited(), NOW), [Action::Wait(then)], "it is told when it happens, not when a run ends");
    worked(&mut state, MOST);
    assert_eq!(next(&state, &limited(), then), [REACHED]);
    state.apply(Fact::TimeReached, &limited(), then);
    assert_eq!(next(&state, &limited(), then), []);
    state.apply(committed(first, Usd::ZERO), &limited(), then);
    // A run that fails now is not tried again: that would be a start.
    state.apply(failed(second, FailureKind::Provider, 0), &limited(), then);
    assert_eq!(next(&state, &limited(), then), [Action::Finish(ExperimentEnd::TimeReached)]);
}

#[test]
fn a_limit_that_is_reached_when_nothing_is_left_to_start_is_not_told() {
    let mut state = fresh(&["T0/00/1"]);
    let run = runs(&["T0/00/1"])[0];
    state.apply(Fact::Started(run), &limited(), NOW);
    worked(&mut state, MOST * 2);
    assert_eq!(next(&state, &limited(), NOW), []);
    state.apply(committed(run, Usd::ZERO), &limited(), NOW);
    assert_eq!(next(&state, &limited(), NOW), [Action::Finish(ExperimentEnd::Completed)]);
}

#[test]
fn a_wait_for_a_rate_limit_ends_at_the_limit_of_the_time() {
    let mut state = fresh(&["T0/00/1"]);
    let run = runs(&["T0/00/1"])[0];
    state.apply(Fact::Started(run), &limited(), NOW);
    state.apply(failed(run, FailureKind::RateLimit, 1800), &limited(), NOW);
    worked(&mut state, MOST.saturating_sub(Duration::from_secs(5)));
    assert_eq!(next(&state, &limited(), NOW), [Action::Wait(NOW + Duration::from_secs(5))]);
    worked(&mut state, MOST);
    assert_eq!(next(&state, &limited(), NOW + Duration::from_secs(5)), [REACHED]);
}

#[test]
fn models_that_are_limited_for_longer_than_is_waited_end_the_session_before_the_time_does() {
    let mut state = fresh(&["T0/00/1"]);
    let run = runs(&["T0/00/1"])[0];
    state.apply(Fact::Started(run), &limited(), NOW);
    state.apply(failed(run, FailureKind::RateLimit, 3601), &limited(), NOW);
    worked(&mut state, Duration::from_mins(1));
    assert_eq!(next(&state, &limited(), NOW), [Action::Finish(ExperimentEnd::RateLimited)]);
}

#[test]
fn winners_are_not_chosen_when_no_time_is_left_for_who_inherits_from_them() {
    let mut state = fresh(&["T1/00/1"]).waiting([(tier("T1"), [tier("T0")].into())].into());
    worked(&mut state, MOST);
    assert_eq!(next(&state, &limited(), NOW), [REACHED]);
}
