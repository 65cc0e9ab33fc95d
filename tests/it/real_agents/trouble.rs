//! Trouble of a provider, as each program meets it: told by its kind, within a time that is bounded.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::experiment::Experiment;
use super::programs::{Real, WhenLimited, installed};
use crate::model_server::Say;
use crate::scenes::{recorded, status};
use crate::world::Live;

/// What the provider does about each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 401.
    KeyRefused,
    /// 429 until a time.
    Limited,
    /// 429, and no word of when it ends.
    LimitedForSomeTime,
    /// 503.
    Down,
    /// 529.
    Overloaded,
    /// What is no answer.
    Malformed,
    /// An answer that breaks off.
    Cut,
}

impl Trouble {
    const ALL: [Self; 7] = [
        Self::KeyRefused,
        Self::Limited,
        Self::LimitedForSomeTime,
        Self::Down,
        Self::Overloaded,
        Self::Malformed,
        Self::Cut,
    ];

    fn say(self) -> Say {
        match self {
            Self::KeyRefused => Say::refuse(401, "this key is refused"),
            Self::Limited => Say::Refuse(
                429,
                vec![("retry-after", "3600".to_owned())],
                "too many requests, please try again in 1h0m0s".to_owned(),
            ),
            Self::LimitedForSomeTime => Say::refuse(429, "too many requests"),
            Self::Down => Say::refuse(503, "down"),
            Self::Overloaded => Say::refuse(529, "overloaded"),
            Self::Malformed => Say::Body("data: {\"oops\n\n".to_owned()),
            Self::Cut => Say::Cut,
        }
    }

    /// The kind of failure that it is.
    fn kind(self) -> &'static str {
        match self {
            Self::KeyRefused => "auth",
            Self::Limited | Self::LimitedForSomeTime => "rate_limit",
            Self::Down | Self::Overloaded | Self::Malformed | Self::Cut => "provider",
        }
    }
}

/// The longest time that a program may take to give up.
const LONGEST: Duration = Duration::from_secs(150);

/// Every trouble, all at once, for most of the time is spent waiting: each is told by its kind.
pub(super) fn each_is_told_by_its_kind(real: &'static Real) {
    let Some(installed) = installed() else { return };
    let wrong = thread::scope(|scope| {
        let tried = Trouble::ALL.map(|trouble| {
            let installed = &installed;
            scope.spawn(move || {
                let of = Experiment::new(installed, real, move |_| trouble.say());
                met(&of, real, trouble)
            })
        });
        tried.map(|tried| tried.join().unwrap())
    });
    let wrong = wrong.into_iter().flatten().fold(String::new(), |mut all, one| {
        writeln!(all, "{one}").unwrap();
        all
    });
    assert_eq!(wrong, "");
}

/// Meets a trouble, and says what is wrong with what was told of it.
fn met(of: &Experiment, real: &Real, trouble: Trouble) -> Option<String> {
    let begun = Instant::now();
    let is_waited_out = trouble == Trouble::Limited && real.when_limited != WhenLimited::GivesUp;
    let limit: &[&str] = if is_waited_out { &["--timeout", "45"] } else { &[] };
    // What the program itself does about it is asked here, not what the gateway makes of it.
    let mut live = Live::start(&mut of.run(&[&["--attempts", "1", "--hold", "0s"], limit].concat()));
    let failed = live.wait_for("failure or end", |event| {
        matches!(event["reason"].as_str(), Some("attempt-failed" | "experiment-finished"))
    });
    let mut until = Value::Null;
    if failed["failure"]["kind"] == "rate_limit" {
        until = live.wait_for_reason("rate-limited")["until"].clone();
        live.signal("TERM");
    }
    let (code, events, stderr) = live.end();
    let time = begun.elapsed();
    let told = (failed["failure"]["kind"].as_str(), code);
    let is_limit = trouble.kind() == "rate_limit";
    let is_right = told == (Some(trouble.kind()), Some(if is_limit { 143 } else { 6 }))
        && (!is_limit || is_until(trouble == Trouble::Limited, &until, &failed["at"]))
        && of.server.times(super::experiment::JUDGE) == 0
        && time < LONGEST;
    // A rate limit burns no attempt, the others have used up the only one.
    let checkpoint = (recorded(&of.world, "T0/00/1"), status(&of.world));
    let is_right = is_right && if is_limit { checkpoint.0.is_null() } else { checkpoint.0 == json!("errored") };
    (!is_right).then(|| {
        format!(
            "{trouble:?}: {time:?}, {} requests, {told:?} {until} {checkpoint:?} {}\n{events:#?}\n{stderr}",
            of.asked(),
            failed["failure"]
        )
    })
}

/// Whether a pause ends when it should: after the hour that was named, or the minute that is waited for when nothing is known.
fn is_until(is_named: bool, until: &Value, told_at: &Value) -> bool {
    let [until, at] = [until, told_at].map(|time| time.as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok()));
    let (Some(until), Some(at)) = (until, at) else { return false };
    let wait = until.as_second() - at.as_second();
    if is_named { (3500..=3610).contains(&wait) } else { (55..=65).contains(&wait) }
}

/// A model that never answers, and one that stops in the middle of an answer: our own limit ends both. Of the one nothing is known,
/// and what the other one did is graded.
pub(super) fn silence_ends_by_our_own_limit(real: &'static Real) {
    let Some(installed) = installed() else { return };
    thread::scope(|scope| {
        for (silence, code) in [(Say::Hang, 6), (Say::Stall, 0)] {
            let installed = &installed;
            scope.spawn(move || {
                let said = silence.clone();
                let of = Experiment::new(installed, real, move |_| said.clone());
                let begun = Instant::now();
                let live = Live::start(&mut of.run(&["--timeout", "30", "--attempts", "1"]));
                of.server.wait_for(real.asked_for, 1);
                let (ended, events, stderr) = live.end();
                assert_eq!(ended, Some(code), "{silence:?}: {events:#?}\n{stderr}");
                let failed = events.iter().find(|event| event["reason"] == "attempt-failed");
                if let Some(failed) = failed {
                    assert_eq!((&failed["failure"]["kind"], code), (&json!("provider"), 6), "{failed:#}");
                } else {
                    let result = of.result("T0/00/run_01");
                    let end = (&result["agent_end"], &result["judge_passed"]);
                    assert_eq!(end, (&json!("timed_out"), &json!(false)), "{silence:?}");
                }
                assert!(begun.elapsed() < LONGEST, "{silence:?}: {:?}", begun.elapsed());
                crate::real_agents::stopped::nothing_is_left(&of.world);
            });
        }
    });
}
