//! Answers that the gateway gives itself, in the form of each provider, and what the refusals of providers say of time.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::model::allowance::Exceeded;
use crate::model::exchange::Interface;
use crate::os::relay::{Answer, Headers};
use crate::text::reset_headers;

/// The wait after the first refusal that names none; it doubles with each further one of the same request.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How often it doubles.
const MOST_DOUBLINGS: u32 = 5;

/// The refusals that pass with time: too many requests, overloaded in the words of HTTP, and in those of Anthropic.
pub(super) fn passes(status: u16) -> bool {
    matches!(status, 429 | 503 | 529)
}

/// The answer of a provider whose customer has no money left: programs give up at it, and do not ask again.
pub(super) fn budget(interface: Interface, exceeded: &Exceeded) -> Answer {
    let why = format!("cargo-scylla: a limit is reached: {exceeded}");
    match interface {
        Interface::Anthropic => {
            let message = format!("Your credit balance is too low to access the Anthropic API. ({why})");
            made(400, &json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}}))
        }
        Interface::OpenAiResponses | Interface::OpenAiChat => {
            let message =
                format!("You exceeded your current quota, please check your plan and billing details. ({why})");
            let kind = "insufficient_quota";
            made(429, &json!({"error": {"message": message, "type": kind, "param": null, "code": kind}}))
        }
        Interface::Gemini => {
            let message =
                format!("You exceeded your current quota, please check your plan and billing details. ({why})");
            // By a quota of the day, and not of the minute, its programs know that waiting is of no use.
            let quota = json!({
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}],
            });
            let error = json!({"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": [quota]});
            made(429, &json!({"error": error}))
        }
    }
}

/// The answer where what passed before could not be written down: nothing passes any more.
pub(super) fn unwritten(interface: Interface) -> Answer {
    let message = "cargo-scylla: what requests take cannot be recorded, so that no further one passes";
    let error = match interface {
        Interface::Anthropic => {
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}})
        }
        Interface::OpenAiResponses | Interface::OpenAiChat => {
            json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}})
        }
        Interface::Gemini => json!({"error": {"code": 400, "message": message, "status": "FAILED_PRECONDITION"}}),
    };
    made(400, &error)
}

/// The answer of a provider that is to be asked again after this wait.
pub(super) fn later(interface: Interface, wait: Duration) -> Answer {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let message =
        format!("Rate limit reached. Please try again in {seconds}s. (cargo-scylla: the provider asks to wait)");
    let body = match interface {
        Interface::Anthropic => json!({"type": "error", "error": {"type": "rate_limit_error", "message": message}}),
        Interface::OpenAiResponses | Interface::OpenAiChat => {
            json!({"error": {"message": message, "type": "requests", "param": null, "code": "rate_limit_exceeded"}})
        }
        Interface::Gemini => {
            let retry =
                json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s")});
            json!({"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": [retry]}})
        }
    };
    let mut answer = made(429, &body);
    answer.headers.push(("retry-after".to_owned(), seconds.to_string()));
    answer
}

fn made(status: u16, body: &Value) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Answer { status, headers, body: body.to_string().into_bytes() }
}

/// How long a provider that has refused is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    /// For so long from now on.
    pub lasts: Duration,
    /// Until when, where the provider has named it: else the wait is our own guess, which nobody else is to believe.
    pub named: Option<Timestamp>,
}

/// How long a provider that has refused so is not asked; `None` where waiting is of no use. `tries` is the number of refusals of the same
/// request before this one.
pub(super) fn wait(headers: &Headers, body: &[u8], (tries, now): (u32, Timestamp)) -> Option<Wait> {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let body = if body.is_array() { &body[0] } else { &body };
    if ["code", "type"].iter().any(|key| body["error"][key] == "insufficient_quota") {
        return None;
    }
    let named = reset_headers::of_refusal(|name| header(headers, name), body, now);
    let guess = FIRST_WAIT * (1 << tries.min(MOST_DOUBLINGS));
    Some(Wait { lasts: named.map_or(guess, |until| between(now, until)), named })
}

/// How long a provider that has answered is not to be asked again, because this answer took the last of something.
pub(super) fn exhausted(headers: &Headers, now: Timestamp) -> Option<Duration> {
    reset_headers::of_the_last(|name| header(headers, name), now).map(|until| between(now, until))
}

fn between(now: Timestamp, until: Timestamp) -> Duration {
    until.duration_since(now).try_into().unwrap_or_default()
}

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let value = &headers.iter().find(|(known, _)| known == name)?.1;
    std::str::from_utf8(value).ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Usd;

    fn named(headers: &[(&str, &str)]) -> Headers {
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
    }

    #[test]
    fn a_refusal_says_how_long_it_lasts_in_a_header_or_its_body_or_lasts_a_little_longer_each_time() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let none = json!({});
        let anthropic = [
            ("anthropic-ratelimit-tokens-remaining", "100"),
            ("anthropic-ratelimit-tokens-reset", "2026-11-30T13:00:00Z"),
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-11-30T12:00:20Z"),
        ];
        let openai = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "1m30s")];
        let retry = json!({"error": {"details": [{"@type": "x/RetryInfo", "retryDelay": "37s"}]}});
        let words = json!({"error": {"message": "Rate limit reached. Please try again in 6s.", "type": "tokens"}});
        let money = json!({"error": {"type": "insufficient_quota"}});
        for (headers, body, tries, seconds) in [
            (&[("retry-after-ms", "1500"), ("retry-after", "2")][..], &none, 0, Some(1.5)),
            (&[("retry-after", "Mon, 30 Nov 2026 12:00:09 GMT")], &none, 0, Some(9.0)),
            (&anthropic, &none, 0, Some(20.0)),
            (&openai, &none, 0, Some(90.0)),
            (&[], &retry, 0, Some(37.0)),
            (&[], &json!([retry]), 0, Some(37.0)),
            (&[], &words, 0, Some(6.0)),
            (&[], &none, 0, Some(1.0)),
            (&[], &none, 2, Some(4.0)),
            (&[], &none, 40, Some(32.0)),
            (&[], &money, 0, None),
        ] {
            let waits = wait(&named(headers), body.to_string().as_bytes(), (tries, now));
            assert_eq!(waits.map(|it| it.lasts.as_secs_f64()), seconds, "{headers:?} {body}");
            let is_named = seconds.is_some() && (!headers.is_empty() || *body != none);
            assert_eq!(waits.is_some_and(|it| it.named.is_some()), is_named, "{headers:?} {body}");
        }
        assert_eq!(exhausted(&named(&anthropic), now), Some(Duration::from_secs(20)));
        assert_eq!(exhausted(&named(&openai), now), Some(Duration::from_secs(90)));
        assert_eq!(exhausted(&named(&anthropic[..2]), now), None, "something is left");
    }

    #[test]
    fn each_provider_says_in_its_own_form_that_a_limit_is_reached() {
        let exceeded = Exceeded::Cost { most: Usd::from_dollars(1.0).unwrap(), used: Usd::from_dollars(1.25).unwrap() };
        let answers = [Interface::Anthropic, Interface::OpenAiResponses, Interface::OpenAiChat, Interface::Gemini]
            .map(|interface| [budget(interface, &exceeded), later(interface, Duration::from_millis(1200))]);
        let shown = answers
            .iter()
            .flatten()
            .map(|answer| format!("{} {:?} {}", answer.status, answer.headers, String::from_utf8_lossy(&answer.body)));
        crate::model::samples::snapshot("gateway", "answers_of_its_own", &shown.collect::<Vec<_>>().join("\n"));
    }
}
