//! When a rate limit ends, as the headers of providers' answers say it: those of Anthropic (`anthropic-ratelimit-…`, times of RFC 3339),
//! of `OpenAI` and servers like it (`x-ratelimit-…`, durations such as `6m0s`), and of gateways to many providers
//! (`x-ratelimit-reset`, seconds or milliseconds since 1970). Sources: the providers' pages on rate limits.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::resets;

/// What is counted at Anthropic.
const ANTHROPIC: [&str; 4] = ["requests", "tokens", "input-tokens", "output-tokens"];
/// What is counted at `OpenAI`.
const OPENAI: [&str; 2] = ["requests", "tokens"];
/// A number of seconds since 1970 has more than this, a number of milliseconds much more.
const LEAST_EPOCH: f64 = 1e9;
const LEAST_EPOCH_MILLISECONDS: f64 = 1e12;

/// When to ask again after a refusal; `None` where nothing says it. `header` gives the value of a header by its name in lower case.
pub fn of_refusal<'a>(header: impl Fn(&str) -> Option<&'a str>, body: &Value, now: Timestamp) -> Option<Timestamp> {
    let milliseconds = || {
        let milliseconds = header("retry-after-ms")?.parse::<f64>().ok()?;
        after(now, milliseconds / 1000.0)
    };
    let named = || header("retry-after").and_then(|value| resets::of_header(value, now));
    let delay = || {
        let details = body["error"]["details"].as_array()?;
        let delay = details.iter().find_map(|detail| detail["retryDelay"].as_str())?;
        after(now, delay.strip_suffix('s')?.parse().ok()?)
    };
    let words = || resets::of_text(body["error"]["message"].as_str()?, now);
    milliseconds().or_else(named).or_else(|| of_the_last(&header, now)).or_else(delay).or_else(words)
}

/// When something is there again of which this answer took the last; the latest, where several are used up.
pub fn of_the_last<'a>(header: impl Fn(&str) -> Option<&'a str>, now: Timestamp) -> Option<Timestamp> {
    let is_used_up =
        |name: &str| header(name).and_then(|left| left.parse::<f64>().ok()).is_some_and(|left| left <= 0.0);
    let anthropic = ANTHROPIC.iter().filter_map(|kind| {
        let name = |what: &str| format!("anthropic-ratelimit-{kind}-{what}");
        header(&name("reset")).filter(|_| is_used_up(&name("remaining")))?.parse().ok()
    });
    let openai = OPENAI.iter().filter_map(|kind| {
        let reset = header(&format!("x-ratelimit-reset-{kind}"));
        let reset = reset.filter(|_| is_used_up(&format!("x-ratelimit-remaining-{kind}")))?;
        reset.parse().ok().and_then(|seconds| after(now, seconds)).or_else(|| resets::of_duration(reset, now))
    });
    let general = header("x-ratelimit-reset").filter(|_| is_used_up("x-ratelimit-remaining")).and_then(|reset| {
        let number = reset.parse::<f64>().ok()?;
        match () {
            () if number >= LEAST_EPOCH_MILLISECONDS => after(Timestamp::UNIX_EPOCH, number / 1000.0),
            () if number >= LEAST_EPOCH => after(Timestamp::UNIX_EPOCH, number),
            () => after(now, number),
        }
    });
    anthropic.chain(openai).chain(general).filter(|until| *until > now).max()
}

/// So many seconds after a time.
fn after(time: Timestamp, seconds: f64) -> Option<Timestamp> {
    time.checked_add(SignedDuration::try_from_secs_f64(seconds).ok().filter(|it| !it.is_negative())?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_something_is_there_again_at_the_latest_time_that_is_named() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (headers, until) in [
            (&[][..], None),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1796040005000")], Some("2026-11-30T12:00:05Z")),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1796040005")], Some("2026-11-30T12:00:05Z")),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "7")], Some("2026-11-30T12:00:07Z")),
            (&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "7")], None),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "20ms"),
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "6m0s"),
                ],
                Some("2026-11-30T12:06:00Z"),
            ),
            (
                &[
                    ("anthropic-ratelimit-output-tokens-remaining", "0"),
                    ("anthropic-ratelimit-output-tokens-reset", "2026-11-30T12:00:30Z"),
                ],
                Some("2026-11-30T12:00:30Z"),
            ),
            (
                &[
                    ("anthropic-ratelimit-requests-remaining", "0"),
                    ("anthropic-ratelimit-requests-reset", "2026-11-30T11:00:00Z"),
                ],
                None,
            ),
        ] {
            let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            let expected = until.map(|until: &str| until.parse::<Timestamp>().unwrap());
            assert_eq!(of_the_last(header, now), expected, "{headers:?}");
        }
    }
}
