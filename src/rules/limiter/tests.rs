use proptest::prelude::*;

use super::*;

const CEILING: usize = 8;
const LONGEST: Duration = Duration::from_secs(100);
const SECOND: Duration = Duration::from_secs(1);

fn model(name: &str) -> ModelName {
    ModelName::new(name)
}

/// A limit for a request of that time, with a wait of so many seconds.
fn wait(asked: Duration, seconds: u64) -> Limit {
    Limit { asked: Some(asked), wait: Duration::from_secs(seconds) }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_model_of_which_nothing_is_known_is_asked_by_as_many_as_there_are_jobs() {
    let mut limiter = Limiter::default();
    let opus = model("opus");
    assert_eq!(limiter.room(&opus, CEILING, Duration::ZERO), CEILING);
    for left in (0..CEILING).rev() {
        limiter.ask(&opus);
        assert_eq!(limiter.room(&opus, CEILING, Duration::ZERO), left);
    }
    limiter.leave(&opus);
    assert_eq!(limiter.room(&opus, CEILING, Duration::ZERO), 1);
}

#[test]
fn a_limit_pauses_its_model_until_its_time_and_no_other() {
    let mut limiter = Limiter::default();
    let (opus, sonnet) = (model("opus"), model("sonnet"));
    limiter.ask(&opus);
    let (pause, _) = limiter.limit(&opus, wait(Duration::ZERO, 9), (CEILING, LONGEST), SECOND);
    assert_eq!(pause, Pause::Until(seconds(10)));
    assert_eq!(limiter.room(&sonnet, CEILING, SECOND), CEILING);
    for now in 1..10 {
        assert_eq!(limiter.room(&opus, CEILING, seconds(now)), 0);
        assert_eq!(limiter.paused_until(&opus, seconds(now)), Some(seconds(10)));
        assert_eq!(limiter.end_pauses(seconds(now)), []);
    }
    assert_eq!(limiter.room(&opus, CEILING, seconds(10)), CEILING / 2 - 1, "half of them, and one still asks");
    assert_eq!(limiter.end_pauses(seconds(10)), [opus]);
    assert_eq!(limiter.end_pauses(seconds(10)), [], "that a pause is over is told once");
}

#[test]
fn those_who_asked_at_the_same_time_lower_once_how_many_may() {
    let mut limiter = Limiter::default();
    let opus = model("opus");
    let mut limit = |asked, now| limiter.limit(&opus, wait(asked, 1), (CEILING, LONGEST), now).1;
    assert_eq!(limit(Duration::ZERO, SECOND), Some(Concurrency { from: 8, to: 4 }));
    assert_eq!(limit(Duration::ZERO, seconds(2)), None);
    assert_eq!(limit(seconds(3), seconds(4)), Some(Concurrency { from: 4, to: 2 }));
    assert_eq!(limit(seconds(5), seconds(6)), Some(Concurrency { from: 2, to: 1 }));
    assert_eq!(limit(seconds(7), seconds(8)), None, "one may always ask");
}

#[test]
fn answers_raise_again_how_many_may_ask_up_to_the_ceiling() {
    let mut limiter = Limiter::default();
    let opus = model("opus");
    limiter.limit(&opus, wait(Duration::ZERO, 1), (4, LONGEST), SECOND);
    let mut changes = Vec::new();
    for count in 1..=20 {
        assert_eq!(limiter.answered(&opus, Duration::ZERO, 4), None, "what was asked before says nothing new");
        let raised = limiter.answered(&opus, seconds(3), 4);
        changes.extend(raised.map(|Concurrency { from, to }| (count, from, to)));
    }
    assert_eq!(changes, [(2, 2, 3), (5, 3, 4)]);
    assert_eq!(limiter.room(&opus, 4, seconds(3)), 4);
}

#[test]
fn another_failure_in_between_lets_answers_be_counted_anew() {
    let mut limiter = Limiter::default();
    let opus = model("opus");
    limiter.limit(&opus, wait(Duration::ZERO, 1), (4, LONGEST), SECOND);
    for _ in 0..9 {
        assert_eq!(limiter.answered(&opus, seconds(3), 4), None);
        limiter.failed(&opus);
    }
}

#[test]
fn a_provider_that_names_this_very_moment_is_asked_more_and_more_seldom_until_it_answers() {
    let mut limiter = Limiter::default();
    let opus = model("opus");
    let mut now = SECOND;
    let mut pause = |limiter: &mut Limiter| {
        let (pause, _) = limiter.limit(&opus, wait(now, 0), (CEILING, seconds(10_000)), now);
        let Pause::Until(until) = pause else { panic!("{pause:?}") };
        let pause = until.saturating_sub(now);
        now = until;
        pause.as_millis()
    };
    let pauses: Vec<u128> = (0..12).map(|_| pause(&mut limiter)).collect();
    assert_eq!(pauses, [50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 51_200]);
    limiter.answered(&opus, seconds(1_000_000), CEILING);
    assert_eq!(pause(&mut limiter), 50);
}

#[test]
fn what_is_waited_for_a_model_in_total_is_bounded_and_waiting_at_the_same_time_counts_once() {
    let mut limiter = Limiter::default();
    let (opus, sonnet) = (model("opus"), model("sonnet"));
    let mut limit =
        |model, seconds_to_wait, now| limiter.limit(model, wait(now, seconds_to_wait), (CEILING, LONGEST), now).0;
    assert_eq!(limit(&opus, 60, SECOND), Pause::Until(seconds(61)));
    assert_eq!(limit(&opus, 59, seconds(2)), Pause::Until(seconds(61)));
    assert_eq!(limit(&opus, 60, seconds(11)), Pause::Until(seconds(71)));
    assert_eq!(limit(&sonnet, 100, seconds(11)), Pause::Until(seconds(111)), "another model waits for itself");
    assert_eq!(limit(&opus, 31, seconds(71)), Pause::Exhausted(seconds(102)));
    assert_eq!(limit(&opus, 1, seconds(72)), Pause::Exhausted(seconds(73)), "it is not asked again in the session");
    assert!(limiter.is_exhausted(&opus) && !limiter.is_exhausted(&sonnet));
    assert_eq!(limiter.room(&opus, CEILING, seconds(1_000_000)), 0);
    assert_eq!(limiter.paused_until(&opus, seconds(72)), None, "nobody waits for what does not come");
}

#[test]
fn a_limit_of_a_former_session_lowers_nothing() {
    let mut limiter = Limiter::default();
    let opus = model("opus");
    let former = Limit { asked: None, wait: seconds(5) };
    let told = limiter.limit(&opus, former, (CEILING, LONGEST), Duration::ZERO);
    assert_eq!(told, (Pause::Until(seconds(5)), None));
    assert_eq!(limiter.room(&opus, CEILING, seconds(5)), CEILING);
}

/// Something that happens to one of two models.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ask,
    Answer,
    Fail,
    Limit(u64),
    Pass(u64),
}

fn step() -> impl Strategy<Value = (bool, Step)> {
    let step = prop_oneof![
        4 => Just(Step::Ask),
        4 => Just(Step::Answer),
        1 => Just(Step::Fail),
        2 => (0_u64..2000).prop_map(Step::Limit),
        3 => (0_u64..1500).prop_map(Step::Pass),
    ];
    (any::<bool>(), step)
}

/// A model as the test knows it.
#[derive(Debug, Default)]
struct Known {
    /// When each run that is asking now began to.
    asking: Vec<Duration>,
    /// The latest time that any provider has named.
    bound: Duration,
}

proptest! {
    /// Whatever happens: at least one and at most as many as there are jobs may ask, a pause ends when it said so and
    /// within its limit, time alone only ever opens, and a run that waits may ask once the others are done.
    #[test]
    fn a_model_is_never_asked_by_too_many_nor_kept_from_asking_for_good(
        steps in prop::collection::vec(step(), 1..120),
        ceiling in 1_usize..9,
    ) {
        let longest = Duration::from_secs(20);
        let mut limiter = Limiter::default();
        let names = [model("opus"), model("sonnet")];
        let mut known = [Known::default(), Known::default()];
        let mut now = Duration::ZERO;
        for (second, step) in steps {
            let (name, known) = (&names[usize::from(second)], &mut known[usize::from(second)]);
            match step {
                Step::Pass(milliseconds) => {
                    now += Duration::from_millis(milliseconds);
                    for name in limiter.end_pauses(now) {
                        prop_assert_eq!(limiter.paused_until(&name, now), None);
                    }
                }
                Step::Ask if limiter.room(name, ceiling, now) > 0 => {
                    limiter.ask(name);
                    known.asking.push(now);
                    prop_assert!(known.asking.len() <= ceiling, "more ask than there are jobs");
                }
                Step::Ask => {}
                step => {
                    let Some(asked) = known.asking.pop() else { continue };
                    limiter.leave(name);
                    match step {
                        Step::Answer => {
                            let changed = limiter.answered(name, asked, ceiling);
                            prop_assert!(changed.is_none_or(|it| it.to == it.from + 1 && it.to <= ceiling));
                        }
                        Step::Limit(milliseconds) => {
                            let limit = Limit { asked: Some(asked), wait: Duration::from_millis(milliseconds) };
                            let before = limiter.paused_until(name, now);
                            let (pause, changed) = limiter.limit(name, limit, (ceiling, longest), now);
                            prop_assert!(changed.is_none_or(|it| it.to == (it.from / 2).max(1) && it.to >= 1));
                            if let Pause::Until(until) = pause {
                                prop_assert!(before.is_none_or(|before| before <= until), "a pause was shortened");
                                prop_assert!(until >= now + limit.wait, "a pause is shorter than its provider asks for");
                                known.bound = until;
                            }
                        }
                        _ => limiter.failed(name),
                    }
                }
            }
        }
        for (name, known) in names.iter().zip(&mut known) {
            prop_assert!(known.bound <= now + longest, "a pause outlasts what may be waited in total");
            // Time alone only ever opens.
            let mut room = 0;
            for milliseconds in (0..=25_000).step_by(250) {
                let at = now + Duration::from_millis(milliseconds);
                prop_assert!(limiter.room(name, ceiling, at) >= room, "what was open is closed again by time alone");
                room = limiter.room(name, ceiling, at);
                prop_assert!(room + known.asking.len() <= ceiling.max(known.asking.len()));
                prop_assert!(limiter.paused_until(name, at).is_none_or(|until| until <= known.bound && at < until));
            }
            // Nobody waits for ever: when its pause is over and nobody is asking, at least one may.
            for _ in known.asking.drain(..) {
                limiter.leave(name);
            }
            let over = known.bound.max(now);
            prop_assert!(limiter.is_exhausted(name) || limiter.room(name, ceiling, over) >= 1, "nobody may ask");
        }
    }
}
