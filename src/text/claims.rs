//! What agents and judges report in their JSON beside their work: their cost, and what kept them from working. Each is
//! read separately, so that a mistake elsewhere loses neither.

use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822;
use jiff::fmt::temporal::Pieces;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::{foreign, loose};
use crate::model::money::Usd;
use crate::model::outcome::{Failure, FailureKind};

/// What kept an agent or a judge from its work. The kind may also be given alone, as a text.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
pub struct ClaimedFailure {
    /// What kind of failure it is: `auth`, `out_of_memory`, `provider` or `rate_limit`.
    pub kind: ClaimedKind,
    /// What happened, in a sentence for people.
    #[serde(default)]
    pub message: Option<String>,
    /// For a rate limit: when to try again. A time with its offset (`2026-11-28T12:00:00Z`), seconds from now (below
    /// 1,000,000,000), or seconds or milliseconds since 1970. Anything else is reported, and the wait is a minute.
    #[serde(default)]
    pub retry_at: Option<ClaimedTime>,
}

/// Kinds of failure that an agent or judge can know of, which excludes those of this tool's folders and checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum ClaimedKind {
    /// The provider refused the credentials.
    Auth,
    /// The kernel killed it because memory ran out.
    OutOfMemory,
    /// The provider failed (5xx, broken stream).
    Provider,
    /// The provider asked to wait.
    RateLimit,
}

/// A time that is reported.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum ClaimedTime {
    /// RFC 3339 with an offset, or the format of HTTP.
    Text(String),
    /// Seconds from now, or since 1970.
    Seconds(f64),
}

/// Longest message of a failure that is kept, in characters: it is shown in one line.
const MOST_MESSAGE: usize = 1000;
/// Longest part of a wrong value that is quoted, in characters.
const MOST_QUOTED: usize = 60;
/// Numbers below this are seconds from now: about thirty years.
const LEAST_EPOCH_SECONDS: f64 = 1e9;
/// The last second of the last year, since 1970.
const LAST_SECOND: f64 = 253_402_300_799.0;
/// Numbers from here on are milliseconds since 1970.
const LEAST_EPOCH_MILLISECONDS: f64 = 1e11;

/// The JSON itself: without a byte order mark, and without a Markdown fence around the whole.
#[must_use]
pub fn bare(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii();
    unfenced(bytes).unwrap_or(bytes)
}

fn unfenced(bytes: &[u8]) -> Option<&[u8]> {
    let fence = *bytes.first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = bytes.iter().take_while(|byte| **byte == fence).count();
    let inner = bytes.get(length..).filter(|_| length >= 3)?;
    let end = inner.len().checked_sub(length)?;
    let (inner, closing) = inner.split_at_checked(end)?;
    let word = inner.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let inner = inner.get(word..)?.trim_ascii();
    (closing.iter().all(|byte| *byte == fence) && inner.last() != Some(&fence)).then_some(inner)
}

/// The value of `cost_usd`, even when the rest is wrong or cut off. If there are several, the largest counts: money
/// that may have been spent is not forgotten. An invalid amount counts as none.
#[must_use]
pub fn cost(bytes: &[u8]) -> Option<Usd> {
    #[derive(Deserialize)]
    struct Whole {
        #[serde(default)]
        cost_usd: Option<Value>,
    }
    let bytes = bare(bytes);
    if bytes.first() == Some(&b'{')
        && let Ok(whole) = foreign::read::<Whole>(bytes)
    {
        return whole.cost_usd.and_then(|cost| amount(cost.to_string().as_bytes()));
    }
    let largest = |raw: Vec<&[u8]>| raw.into_iter().filter_map(amount).max();
    largest(loose::members(bytes, "cost_usd")).or_else(|| largest(loose::anywhere(bytes, "cost_usd")))
}

/// A number, or a text with a number.
fn amount(raw: &[u8]) -> Option<Usd> {
    std::str::from_utf8(raw).ok()?.trim_matches('"').trim().parse().ok()
}

/// The value of the key `name`, even when the rest is wrong or cut off.
#[must_use]
pub fn member(bytes: &[u8], name: &str) -> Option<Value> {
    loose::members(bare(bytes), name).into_iter().rev().find_map(|raw| foreign::read(raw).ok())
}

/// The failure that is reported in JSON whose rest is wrong or cut off, as far as it can be read.
#[must_use]
pub fn loose_failure(bytes: &[u8], now: Timestamp) -> Option<Failure> {
    let claimed = member(bytes, "failure").or_else(|| {
        let raw = loose::members(bare(bytes), "failure").pop()?;
        let known = ["kind", "message", "retry_at"].into_iter();
        Some(known.filter_map(|key| Some((key.to_owned(), member(raw, key)?))).collect())
    })?;
    failure(&claimed, now).ok().flatten()
}

/// The failure that a value reports; `None` when it reports none. Mistakes in it beside the kind are mentioned in its
/// message, and otherwise ignored.
///
/// # Errors
/// When it names a kind that an agent or judge cannot know of.
pub fn failure(claimed: &Value, now: Timestamp) -> Result<Option<Failure>, String> {
    let said = match claimed {
        Value::Null => return Ok(None),
        Value::Object(said) => said.clone(),
        kind => [("kind".to_owned(), kind.clone())].into_iter().collect(),
    };
    let kind = said.get("kind").ok_or("a failure needs a `kind`")?;
    let kind = kind.as_str().and_then(kind_of).ok_or_else(|| {
        let kind = shown(kind);
        format!("the kind of a failure is `auth`, `out_of_memory`, `provider` or `rate_limit`, not {kind}")
    })?;
    let mut wrong = Vec::new();
    let message = match said.get("message") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(message)) => message.chars().take(MOST_MESSAGE).collect(),
        Some(other) => {
            wrong.push(format!("`message` is {}, and no text", shown(other)));
            String::new()
        }
    };
    let retry_at = time(said.get("retry_at").unwrap_or(&Value::Null), now).unwrap_or_else(|why| {
        wrong.push(why);
        None
    });
    let message = if message.trim().is_empty() { "nothing more is said of it".to_owned() } else { message };
    let message = if wrong.is_empty() { message } else { format!("{message} ({})", wrong.join("; ")) };
    Ok(Some(Failure { retry_at, ..Failure::new(kind, message) }))
}

/// Spellings such as `rate-limit` and `Rate Limit` are accepted.
fn kind_of(word: &str) -> Option<FailureKind> {
    match word.trim().to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
        "auth" => Some(FailureKind::Auth),
        "out_of_memory" => Some(FailureKind::OutOfMemory),
        "provider" => Some(FailureKind::Provider),
        "rate_limit" => Some(FailureKind::RateLimit),
        _ => None,
    }
}

fn time(claimed: &Value, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let wrong = |why: &str| format!("`retry_at` is {}, {why}, so when to go on is not known", shown(claimed));
    let time = match claimed {
        Value::Null => return Ok(None),
        Value::Number(number) => of_number(number, now),
        Value::String(text) => {
            let text = text.trim();
            let number = || of_number(&text.parse().ok()?, now);
            let http = || rfc2822::parse(text).ok().map(|time| time.timestamp());
            text.parse().ok().or_else(|| last_moment(text)).or_else(number).or_else(http)
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    match time {
        Some(time) if time > now => Ok(Some(time)),
        Some(_) => Err(wrong("which is past")),
        None if claimed.as_str().is_some_and(|text| text.trim().parse::<DateTime>().is_ok()) => {
            Err(wrong("a time without an offset such as `Z` or `+01:00`"))
        }
        None => Err(wrong("which is no time")),
    }
}

/// The latest possible time, for texts of its day or the next, which providers write for "never".
fn last_moment(text: &str) -> Option<Timestamp> {
    let pieces = Pieces::parse(text).ok()?;
    let is_of_last_year = pieces.date().year() == Date::MAX.year() && pieces.to_numeric_offset().is_some();
    is_of_last_year.then_some(Timestamp::MAX)
}

fn of_number(number: &Number, now: Timestamp) -> Option<Timestamp> {
    let number = number.as_f64()?;
    let after = |from: Timestamp, seconds: f64| from.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?).ok();
    if number < LEAST_EPOCH_SECONDS {
        return after(now, number);
    }
    let milliseconds = after(Timestamp::UNIX_EPOCH, number / 1000.0).filter(|_| number >= LEAST_EPOCH_MILLISECONDS);
    match milliseconds {
        // So many seconds are of a far year, which is a way to write "never".
        Some(past) if past <= now && number <= LAST_SECOND => {
            Some(after(Timestamp::UNIX_EPOCH, number).unwrap_or(Timestamp::MAX))
        }
        Some(time) => Some(time),
        None => after(Timestamp::UNIX_EPOCH, number),
    }
}

/// A wrong value as it is shown, shortened.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let start: String = text.chars().take(MOST_QUOTED).collect();
    let rest = if start.len() < text.len() { "…" } else { "" };
    format!("`{}{rest}`", start.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-28T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_cost_is_read_whatever_else_is_wrong() {
        let dollar = Usd::from_dollars(1.0).ok();
        let half = Usd::from_dollars(0.5).ok();
        for (text, expected) in [
            (r#"{"cost_usd": 1.0}"#, dollar),
            (r#"{"cost_usd": 1.0, "end": "done"}"#, dollar),
            (r#"{"end": 7, "cost_usd": 1}"#, dollar),
            (r#"{"cost_usd": "1.0"}"#, dollar),
            (r#"{"cost_usd": "$1"}"#, dollar),
            (r#"{"cost_usd": 1.0, "items": {"R001": {"sco"#, dollar),
            (r#"{"items": {"a": [1, {"cost_usd": 9}]}, "cost_usd": 1.0"#, dollar),
            (r#"{"items": {"a": NaN}, "cost_usd": 1.0}"#, dollar),
            (r#"{"message": "he said "no"", "cost_usd": 1.0}"#, dollar),
            (r#"{"message": "a"b", "cost_usd": 1.0}"#, dollar),
            (r#"{"cost_usd": 0.5, "cost_usd": 1.0}"#, dollar),
            ("\u{feff}```json\n{\"cost_usd\": 1.0}\n```\n", dollar),
            ("My verdict: {\"cost_usd\": 1.0} and that is all", dollar),
            ("{\"step\": 1}\n{\"cost_usd\": 1.0}\n", dollar),
            (r#"[{"cost_usd": 1.0}]"#, dollar),
            (r#"{"cost_usd": 0.5, "cost_usd": -3}"#, half),
            (r#"{"usage": {"cost_usd": 1.0}}"#, None),
            (r#"{"message": "{\"cost_usd\": 1.0}"}"#, None),
            (r#"{"cost_usd": -1}"#, None),
            (r#"{"cost_usd": NaN}"#, None),
            (r#"{"cost_usd": 1e300, "end": "done"}"#, None),
            (r#"{"cost_usd": null}"#, None),
            (r#"{"cost_usd":"#, None),
            ("", None),
        ] {
            assert_eq!(cost(text.as_bytes()), expected, "{text}");
        }
        let deep = format!("{{\"x\":{}, \"cost_usd\": 1", "[".repeat(100_000));
        assert_eq!(cost(deep.as_bytes()), dollar, "within what is cut it is better counted than lost");
    }

    #[test]
    fn one_fence_and_a_byte_order_mark_are_taken_off_and_nothing_else() {
        for (text, expected) in [
            ("{}", "{}"),
            ("\u{feff}{}", "{}"),
            ("```\n{}\n```", "{}"),
            ("```json\r\n{}\r\n```\r\n", "{}"),
            ("~~~~JSON\n{}\n~~~~", "{}"),
            ("```json {} ```", "{}"),
            ("```json\n{}", "```json\n{}"),
            ("````\n{}\n```", "````\n{}\n```"),
            ("``\n{}\n``", "``\n{}\n``"),
            ("here:\n```\n{}\n```", "here:\n```\n{}\n```"),
            ("```", "```"),
        ] {
            assert_eq!(String::from_utf8_lossy(bare(text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn what_is_known_of_a_rate_limit_is_honoured_and_what_is_wrong_is_told() {
        let (hour, unknown) = (Some("2026-11-28T13:00:00Z".parse().unwrap()), None);
        for (claimed, retry_at, message) in [
            (r#""rate_limit""#, unknown, "nothing more is said of it"),
            (r#"{"kind": "rate_limit"}"#, unknown, "nothing more is said of it"),
            (r#"{"kind": "Rate-Limit", "message": ""}"#, unknown, "nothing more is said of it"),
            (r#"{"kind": "rate_limit", "message": "429", "retry_at": null}"#, unknown, "429"),
            (r#"{"kind": "rate_limit", "message": "429", "retry_at": "2026-11-28T14:00:00+01:00"}"#, hour, "429"),
            (r#"{"kind": "rate_limit", "message": "429", "retry_at": "Sat, 28 Nov 2026 13:00:00 GMT"}"#, hour, "429"),
            (r#"{"kind": "rate_limit", "message": "429", "retry_at": 3600}"#, hour, "429"),
            (r#"{"kind": "rate_limit", "message": "429", "retry_at": "3600"}"#, hour, "429"),
            (r#"{"kind": "rate_limit", "message": "429", "retry_at": 1795870800}"#, hour, "429"),
            (r#"{"kind": "rate_limit", "message": "429", "retry_at": 1795870800000}"#, hour, "429"),
            (
                r#"{"kind": "rate_limit", "message": "429", "retry_at": "2026-11-28T13:00:00"}"#,
                unknown,
                "429 (`retry_at` is `2026-11-28T13:00:00`, a time without an offset such as `Z` or `+01:00`, so when \
                 to go on is not known)",
            ),
            (
                r#"{"kind": "rate_limit", "message": 429, "retry_at": "soon"}"#,
                unknown,
                "nothing more is said of it (`message` is `429`, and no text; `retry_at` is `soon`, which is no time, \
                 so when to go on is not known)",
            ),
            (
                r#"{"kind": "rate_limit", "message": "429", "retry_at": "2026-11-28T11:59:59Z"}"#,
                unknown,
                "429 (`retry_at` is `2026-11-28T11:59:59Z`, which is past, so when to go on is not known)",
            ),
            (
                r#"{"kind": "rate_limit", "message": "429", "retry_at": 1e300}"#,
                unknown,
                "429 (`retry_at` is `1e+300`, which is no time, so when to go on is not known)",
            ),
        ] {
            let failure = failure(&serde_json::from_str(claimed).unwrap(), now()).unwrap().unwrap();
            assert_eq!((failure.kind, failure.retry_at), (FailureKind::RateLimit, retry_at), "{claimed}");
            assert_eq!(failure.message, message);
        }
    }

    #[test]
    fn the_last_second_of_the_last_year_is_a_time() {
        let claimed = serde_json::json!({"kind": "rate_limit", "message": "429", "retry_at": 253_402_300_799_u64});
        assert_eq!(failure(&claimed, now()).unwrap().unwrap().retry_at, Some(Timestamp::MAX));
        for never in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999-02:00", "9999-12-30T22:00:00Z"] {
            let claimed = serde_json::json!({"kind": "rate_limit", "message": "429", "retry_at": never});
            let failure = failure(&claimed, now()).unwrap().unwrap();
            assert!(failure.retry_at >= "9999-12-30T21:00:00Z".parse().ok(), "{never}: {failure:?}");
            assert_eq!(failure.message, "429");
        }
    }

    #[test]
    fn a_failure_is_read_whatever_else_is_wrong() {
        for text in [
            r#"{"failure": "rate_limit", "end": "done"}"#,
            r#"{"failure": {"kind": "rate_limit"}, "cost_usd": -1}"#,
            r#"{"cost_usd": 1, "failure": {"kind": "rate_limit", "message": "4"#,
            "Sorry!\n{\"failure\": {\"kind\": \"rate_limit\"}}",
        ] {
            let kind = loose_failure(text.as_bytes(), now()).map(|failure| failure.kind);
            assert_eq!(kind, Some(FailureKind::RateLimit), "{text}");
        }
        assert_eq!(loose_failure(br#"{"failure": null, "end": "done"}"#, now()), None);
    }

    #[test]
    fn a_failure_is_of_a_kind_that_its_teller_can_know() {
        let told = |claimed: &str| failure(&serde_json::from_str(claimed).unwrap(), now());
        assert_eq!(told("null"), Ok(None));
        let wrong = "the kind of a failure is `auth`, `out_of_memory`, `provider` or `rate_limit`, not `storage`";
        assert_eq!(told(r#"{"kind": "storage"}"#), Err(wrong.to_owned()));
        assert_eq!(told(r#"{"message": "429"}"#), Err("a failure needs a `kind`".to_owned()));
        assert!(told("[1]").is_err());
    }
}
