//! What a provider's refusal means: its kind, and when to ask again.

use jiff::Timestamp;
use serde_json::Value;

use crate::text::{foreign, reset_headers, short};

/// A refusal as it came.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The status of HTTP.
    pub status: u16,
    /// Headers by their names in lower case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
    /// When it came.
    pub at: Timestamp,
}

/// Why a model did not judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// Its kind, as an answer names it; `None` when the question itself is refused, so that asking again does not help.
    pub kind: Option<&'static str>,
    /// What happened, in a sentence for people.
    pub message: String,
    /// When to ask again.
    pub retry_at: Option<Timestamp>,
}

impl Trouble {
    /// The provider failed, or cannot be reached.
    #[must_use]
    pub fn provider(message: impl Into<String>) -> Self {
        Self { kind: Some("provider"), message: message.into(), retry_at: None }
    }

    /// The provider does not accept the key, or there is none.
    #[must_use]
    pub fn auth(message: impl Into<String>) -> Self {
        Self { kind: Some("auth"), message: message.into(), retry_at: None }
    }
}

/// Longest part of a provider's message that is told, in characters.
const MOST_WORDS: usize = 300;

/// What a refusal means.
#[must_use]
pub fn meaning(refusal: &Refusal<'_>) -> Trouble {
    let body: Value = foreign::read(refusal.body).unwrap_or_default();
    // Gemini answers a stream's form, a list of one, at times.
    let body = body.get(0).unwrap_or(&body);
    let error = &body["error"];
    let header = |name: &str| refusal.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
    let words = error["message"].as_str().or(error.as_str()).or(body["message"].as_str());
    // The gateway says in plain words why it got no answer.
    let is_plain = || header("content-type").is_some_and(|kind| kind.starts_with("text/plain"));
    let words = words.or_else(|| std::str::from_utf8(refusal.body).ok().filter(|_| is_plain())).unwrap_or_default();
    let words = short::cut(words.split_whitespace().collect::<Vec<_>>().join(" ").as_str(), MOST_WORDS);
    let said = if words.is_empty() { String::new() } else { format!(": {words}") };
    let message = format!("the provider answers with {}{said}", refusal.status);
    let code = error["code"].as_str().or(error["type"].as_str()).unwrap_or_default();
    let kind = match refusal.status {
        // An account without money is refused in the words of a rate limit, and no wait helps.
        429 if matches!(code, "insufficient_quota" | "billing_hard_limit_reached") => Some("auth"),
        429 => Some("rate_limit"),
        401..=403 => Some("auth"),
        400 if names_a_wrong_key(error) => Some("auth"),
        // 529 is overloaded, 408 and 409 pass.
        408 | 409 | 500.. => Some("provider"),
        _ => None,
    };
    let retry_at = if kind == Some("rate_limit") { reset_headers::of_refusal(header, body, refusal.at) } else { None };
    Trouble { kind, message, retry_at }
}

/// Gemini refuses a wrong key with 400.
fn names_a_wrong_key(error: &Value) -> bool {
    let details = error["details"].as_array().into_iter().flatten();
    details.into_iter().any(|detail| detail["reason"] == "API_KEY_INVALID")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(status: u16, headers: &[(&str, &str)], body: &Value) -> (Option<&'static str>, String, Option<Timestamp>) {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (body, at) = (body.to_string(), "2026-11-28T11:00:00Z".parse().unwrap());
        let trouble = meaning(&Refusal { status, headers: &headers, body: body.as_bytes(), at });
        (trouble.kind, trouble.message, trouble.retry_at)
    }

    #[test]
    fn a_refusal_is_told_by_its_status_and_its_code() {
        for (status, body, kind) in [
            (429, json!({"error": {"type": "rate_limit_error", "message": "slow"}}), Some("rate_limit")),
            (429, json!({"error": {"code": "insufficient_quota", "message": "pay"}}), Some("auth")),
            (401, json!({"error": {"message": "who?"}}), Some("auth")),
            (402, json!({}), Some("auth")),
            (403, json!([{"error": {"message": "not you"}}]), Some("auth")),
            (400, json!({"error": {"details": [{"reason": "API_KEY_INVALID"}]}}), Some("auth")),
            (400, json!({"error": "no such form"}), None),
            (404, json!({"message": "no such model"}), None),
            (500, json!(null), Some("provider")),
            (503, json!("busy"), Some("provider")),
            (529, json!({"error": {"type": "overloaded_error"}}), Some("provider")),
        ] {
            assert_eq!(told(status, &[], &body).0, kind, "{status} {body}");
        }
    }

    #[test]
    fn the_words_of_a_provider_are_told_on_one_line_and_cut() {
        let (_, message, _) = told(400, &[], &json!({"error": {"message": "a\n  b"}}));
        assert_eq!(message, "the provider answers with 400: a b");
        assert_eq!(told(502, &[], &json!(null)).1, "the provider answers with 502");
        let plain = [("content-type", "text/plain; charset=utf-8")];
        assert_eq!(told(502, &plain, &json!(17)).1, "the provider answers with 502: 17");
        assert!(told(500, &[], &json!({"error": {"message": "x".repeat(1000)}})).1.chars().count() < 350);
    }

    #[test]
    fn the_time_to_ask_again_is_taken_from_header_or_body() {
        let delay = json!({"error": {"details": [{"@type": "RetryInfo", "retryDelay": "34.5s"}]}});
        let used_up = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")];
        for (headers, body, at) in [
            (&[("retry-after", "17")][..], &json!({}), Some("2026-11-28T11:00:17Z")),
            (&[("retry-after", "Sat, 28 Nov 2026 12:00:00 GMT")], &json!({}), Some("2026-11-28T12:00:00Z")),
            (&[("retry-after", "2"), ("retry-after-ms", "1500")], &json!({}), Some("2026-11-28T11:00:01.5Z")),
            (&used_up, &json!({}), Some("2026-11-28T11:06:00Z")),
            (&[], &delay, Some("2026-11-28T11:00:34.5Z")),
            (&[("retry-after", "9")], &delay, Some("2026-11-28T11:00:09Z")),
            (&[], &json!({}), None),
        ] {
            let at = at.map(|at: &str| at.parse::<Timestamp>().unwrap());
            assert_eq!(told(429, headers, body).2, at, "{headers:?} {body}");
        }
        assert_eq!(told(503, &[("retry-after", "9")], &json!({})).2, None, "only a rate limit names a time");
    }
}
