//! When a rate limit ends, as the texts of providers and agent programs say it: `resets 4pm (Europe/Berlin)`,
//! `resets Apr 3, 6am (UTC)`, `try again in 1m30s`, or the header `Retry-After`.
//!
//! A time of the day without a zone is what the clocks of a machine show: it is taken only where that zone is given. Zones come
//! with the program, so that a text means the same on every machine.

use jiff::civil::{Date, Time};
use jiff::fmt::rfc2822;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// The words before a time of the day or a date.
const BEFORE_TIMES: [&str; 4] = ["resets at ", "resets on ", "resets ", "try again at "];
/// The words before a duration.
const BEFORE_DURATIONS: [&str; 5] = ["resets in ", "try again in ", "retry in ", "retry after ", "available in "];
/// A time that passed so recently means itself, not the same time of the next day.
const JUST_PASSED: SignedDuration = SignedDuration::from_mins(5);
/// Months by the three letters that they begin with.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The instant at which a text says that its rate limit ends; `None` when it says none, one that has passed, or a time of the day
/// without a zone.
#[must_use]
pub fn of_text(text: &str, now: Timestamp) -> Option<Timestamp> {
    read(text, now, None)
}

/// The same, where a time of the day without a zone is one of `here`.
#[must_use]
pub fn of_text_here(text: &str, now: Timestamp, here: &TimeZone) -> Option<Timestamp> {
    read(text, now, Some(here))
}

fn read(text: &str, now: Timestamp, here: Option<&TimeZone>) -> Option<Timestamp> {
    let lower = text.to_ascii_lowercase();
    let after = |words: &[&str]| {
        let found = words.iter().filter_map(|word| lower.find(word).map(|at| at + word.len()));
        found.max()
    };
    let duration = after(&BEFORE_DURATIONS).and_then(|at| now.checked_add(duration(lower.get(at..)?)?).ok());
    let time = || after(&BEFORE_TIMES).and_then(|at| time(lower.get(at..)?, text.get(at..)?, (now, here)));
    let seconds = || text.rsplit_once('|').and_then(|(_, seconds)| of_epoch(seconds.trim()));
    duration.or_else(time).or_else(seconds).filter(|at| *at > now)
}

/// The instant that the header `Retry-After` names: seconds from now, or a date of HTTP.
#[must_use]
pub fn of_header(value: &str, now: Timestamp) -> Option<Timestamp> {
    let value = value.trim();
    let seconds = || now.checked_add(SignedDuration::try_from_secs_f64(value.parse().ok()?).ok()?).ok();
    seconds().or_else(|| Some(rfc2822::parse(value).ok()?.timestamp())).filter(|at| *at > now)
}

/// The instant after a duration such as `6m0s` or `20ms`.
#[must_use]
pub fn of_duration(text: &str, now: Timestamp) -> Option<Timestamp> {
    now.checked_add(duration(text)?).ok()
}

/// Seconds since 1970, of ten digits: a shorter number is none.
fn of_epoch(seconds: &str) -> Option<Timestamp> {
    let is_meant = seconds.len() == 10 && seconds.bytes().all(|byte| byte.is_ascii_digit());
    Timestamp::from_second(seconds.parse().ok().filter(|_| is_meant)?).ok()
}

/// The sum of numbers with their units that a text begins with: `1m30s`, `2 days 3 hours`, `11.054s`, `20 seconds`.
fn duration(text: &str) -> Option<SignedDuration> {
    let mut rest = text;
    let mut sum: Option<SignedDuration> = None;
    loop {
        let after = rest.trim_start_matches([' ', ',']);
        let after = after.strip_prefix("and ").unwrap_or(after);
        let (number, after) = split(after, |it| it.is_ascii_digit() || it == '.');
        let (unit, after) = split(after.trim_start(), |it| it.is_ascii_alphabetic());
        let Some(seconds) = number.trim_end_matches('.').parse::<f64>().ok().zip(seconds_of(unit)) else { return sum };
        let part = SignedDuration::try_from_secs_f64(seconds.0 * seconds.1).ok()?;
        sum = Some(sum.unwrap_or_default().checked_add(part)?);
        rest = after;
    }
}

fn seconds_of(unit: &str) -> Option<f64> {
    match unit {
        "ms" => Some(0.001),
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1.0),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60.0),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(3600.0),
        "d" | "day" | "days" => Some(86400.0),
        _ => None,
    }
}

/// A time of the day that a text begins with, perhaps after a date, with its zone. `spelled` is the same text as it was
/// written: names of zones have capitals.
fn time(text: &str, spelled: &str, (now, here): (Timestamp, Option<&TimeZone>)) -> Option<Timestamp> {
    let zone = match zone(text, spelled) {
        Zone::Known(zone) => zone,
        Zone::Unnamed => here?.clone(),
        Zone::Unknown => return None,
    };
    let today = zone.to_datetime(now).date();
    let (date, rest) = date(text, today).map_or((None, text), |(date, rest)| (Some(date), rest));
    let time = time_of_day(rest.trim_start().trim_start_matches("at ").trim_start())?;
    let at = |date: Date| zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok();
    let (first, next) = match date {
        Some(Day { date, has_year: true }) => return at(date),
        Some(Day { date, has_year: false }) => (date, date.checked_add(1.year()).ok()?),
        None => (today, today.tomorrow().ok()?),
    };
    let first = at(first)?;
    if first >= now.checked_sub(JUST_PASSED).ok()? { Some(first) } else { at(next) }
}

/// A day of the calendar, and whether its year was named.
struct Day {
    date: Date,
    has_year: bool,
}

/// A date that a text begins with, such as `apr 3, ` or `dec 3rd, 2026 `, and what follows.
fn date(text: &str, today: Date) -> Option<(Day, &str)> {
    let (month, rest) = split(text, |it| it.is_ascii_alphabetic());
    let month = MONTHS.iter().position(|start| month.starts_with(start))?;
    let (day, rest) = split(rest.trim_start(), |it| it.is_ascii_digit());
    let rest = rest.trim_start_matches(|it: char| it.is_ascii_alphabetic());
    let rest = rest.trim_start_matches([',', ' ']);
    let (year, after) = split(rest, |it| it.is_ascii_digit());
    let has_year = year.len() == 4;
    let (year, rest) = if has_year { (year.parse().ok()?, after) } else { (today.year(), rest) };
    let date = Date::new(year, i8::try_from(month + 1).ok()?, day.parse().ok()?).ok()?;
    Some((Day { date, has_year }, rest.trim_start_matches([',', ' '])))
}

/// `4pm`, `4:30 pm`, `16:00`; an hour alone is none.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, rest) = split(text, |it| it.is_ascii_digit());
    let hour: i8 = hour.parse().ok()?;
    let (minute, rest) = match rest.strip_prefix(':') {
        Some(rest) => split(rest, |it| it.is_ascii_digit()),
        None => ("", rest),
    };
    let rest = rest.trim_start();
    let hour = match (rest.get(..2), hour) {
        (Some("am"), 1..=12) => hour % 12,
        (Some("pm"), 1..=12) => hour % 12 + 12,
        _ if !minute.is_empty() => hour,
        _ => return None,
    };
    Time::new(hour, if minute.is_empty() { 0 } else { minute.parse().ok()? }, 0, 0).ok()
}

/// The zone that a text names behind a time.
enum Zone {
    Known(TimeZone),
    /// One that nobody knows.
    Unknown,
    Unnamed,
}

/// The zone in brackets behind a time, or `UTC` or `GMT` without them.
fn zone(text: &str, spelled: &str) -> Zone {
    let bracketed = spelled.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    if let Some((name, _)) = bracketed {
        return TimeZoneDatabase::bundled().get(name.trim()).map_or(Zone::Unknown, Zone::Known);
    }
    let mut words = text.split(|it: char| !it.is_ascii_alphanumeric()).take(8);
    if words.any(|word| matches!(word, "utc" | "gmt")) { Zone::Known(TimeZone::UTC) } else { Zone::Unnamed }
}

/// The beginning of a text whose characters are all like that, and the rest.
fn split(text: &str, is_of_it: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|it: char| !is_of_it(it)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_of_the_day_is_the_next_one_in_its_zone() {
        let noon = at("2026-11-28T12:00:00Z");
        for (text, expected) in [
            ("Claude usage limit reached. resets 4pm (Europe/Berlin)", "2026-11-28T15:00:00Z"),
            ("You've hit your limit · resets 12:30pm (Europe/Berlin)", "2026-11-29T11:30:00Z"),
            ("resets at 1am (UTC)", "2026-11-29T01:00:00Z"),
            ("Resets 12am (UTC)", "2026-11-29T00:00:00Z"),
            ("resets 16:45 (America/New_York).", "2026-11-28T21:45:00Z"),
            ("try again at 3:05 PM UTC", "2026-11-28T15:05:00Z"),
            ("resets Dec 3, 6am (America/Los_Angeles)", "2026-12-03T14:00:00Z"),
            ("resets Apr 3, 6am (Europe/Berlin)", "2027-04-03T04:00:00Z"),
            ("try again at Dec 3rd, 2027 3:05 PM (UTC)", "2027-12-03T15:05:00Z"),
            ("resets on December 1 at 9 am (UTC)", "2026-12-01T09:00:00Z"),
            ("Claude AI usage limit reached|1795870800", "2026-11-28T13:00:00Z"),
        ] {
            assert_eq!(of_text(text, noon), Some(at(expected)), "{text}");
        }
    }

    #[test]
    fn a_time_of_the_day_without_a_zone_is_that_of_the_machine_where_it_is_known() {
        let noon = at("2026-11-28T12:00:00Z");
        let here = TimeZoneDatabase::bundled().get("America/New_York").unwrap();
        for (text, expected) in [
            ("resets 4pm", Some("2026-11-28T21:00:00Z")),
            ("You've hit your limit · resets 6am", Some("2026-11-29T11:00:00Z")),
            ("resets Dec 3, 6am", Some("2026-12-03T11:00:00Z")),
            ("resets 4pm (UTC)", Some("2026-11-28T16:00:00Z")),
            ("try again in 1m30s", Some("2026-11-28T12:01:30Z")),
            ("resets 4pm (Nowhere/Land)", None),
            ("resets soon", None),
        ] {
            assert_eq!(of_text_here(text, noon, &here), expected.map(at), "{text}");
        }
        assert_eq!(of_text("resets 4pm", noon), None);
    }

    #[test]
    fn a_time_that_a_clock_shows_twice_or_never_is_one_instant() {
        // In Berlin, clocks are put back at 3:00 on 25 October 2026, and forward at 2:00 on 28 March 2027.
        let back = at("2026-10-24T22:00:00Z");
        assert_eq!(of_text("resets 2:30am (Europe/Berlin)", back), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(of_text("resets 4am (Europe/Berlin)", back), Some(at("2026-10-25T03:00:00Z")));
        let forward = at("2027-03-27T23:00:00Z");
        assert_eq!(of_text("resets 2:30am (Europe/Berlin)", forward), Some(at("2027-03-28T01:30:00Z")));
        assert_eq!(of_text("resets 4am (Europe/Berlin)", forward), Some(at("2027-03-28T02:00:00Z")));
    }

    #[test]
    fn a_duration_counts_from_now() {
        let now = at("2026-11-28T12:00:00Z");
        for (text, expected) in [
            ("Limit 30000, Used 22999. Please try again in 11.5s. Visit", "2026-11-28T12:00:11.5Z"),
            ("Please try again in 1m30s.", "2026-11-28T12:01:30Z"),
            ("please retry in 34 seconds", "2026-11-28T12:00:34Z"),
            ("try again in 2 days, 3 hours and 4 minutes", "2026-11-30T15:04:00Z"),
            ("try again in 250ms", "2026-11-28T12:00:00.25Z"),
            ("quota resets in 1h", "2026-11-28T13:00:00Z"),
        ] {
            assert_eq!(of_text(text, now), Some(at(expected)), "{text}");
        }
    }

    #[test]
    fn what_names_no_instant_or_a_past_one_is_not_known() {
        let now = at("2026-11-28T12:00:00Z");
        for text in [
            "",
            "429",
            "Too many requests, try again later",
            "resets 4pm",
            "resets 4 (UTC)",
            "resets 25:00 (UTC)",
            "resets 13pm (UTC)",
            "resets 4pm (Nowhere/Land)",
            "resets Feb 30, 6am (UTC)",
            "resets 11:58am (UTC)",
            "try again at Dec 3rd, 2025 3:05 PM (UTC)",
            "try again in a while",
            "try again in 99999999999999999999999999 days",
            "usage limit reached|12",
            "resets \u{e9}\u{301}(",
            "resets İ 4pm (UTC)",
        ] {
            assert_eq!(of_text(text, now), None, "{text}");
        }
    }

    #[test]
    fn the_header_names_seconds_or_a_date() {
        let now = at("2026-11-28T12:00:00Z");
        for value in ["3600", " 3600 ", "3600.0", "Sat, 28 Nov 2026 13:00:00 GMT"] {
            assert_eq!(of_header(value, now), Some(at("2026-11-28T13:00:00Z")), "{value}");
        }
        for value in ["", "soon", "-5", "0", "1e300", "Sat, 28 Nov 2026 11:00:00 GMT"] {
            assert_eq!(of_header(value, now), None, "{value}");
        }
    }
}
