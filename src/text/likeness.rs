//! Whether two texts of a program are the same but for what differs each time that it runs: times, durations and random names; and
//! where they are not.

use serde_json::Value;

/// Names of months and days, by the three letters that they begin with.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Units of a duration.
const UNITS: [&str; 12] =
    ["ms", "s", "sec", "secs", "second", "seconds", "us", "µs", "ns", "min", "minutes", "milliseconds"];
/// A number in hexadecimal digits of at least so many is the name of something.
const LEAST_HEX: usize = 7;
/// The same of what is called an id.
const LEAST_ID: usize = 6;
/// A word of letters and digits of at least so many is one.
const LEAST_RANDOM: usize = 16;

/// So many letters of a text are shown before the place where it differs, and from there on.
const SHOWN: (usize, usize) = (40, 120);

/// What a text says, for comparing: a JSON value with one key on each line and masked texts, without these keys `at_its_top` and those
/// `anywhere` in it; any other text masked.
#[must_use]
pub fn compared(text: &str, at_its_top: &[&str], anywhere: &[&str]) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return masked(text) };
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|key, _| !at_its_top.contains(&key.as_str()));
    }
    mask_in(&mut value, anywhere);
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

fn mask_in(value: &mut Value, keys: &[&str]) {
    match value {
        Value::String(text) => *text = masked(text),
        Value::Array(items) => items.iter_mut().for_each(|item| mask_in(item, keys)),
        Value::Object(fields) => {
            fields.retain(|key, _| !keys.contains(&key.as_str()));
            // What is sent in another order says the same.
            fields.sort_keys();
            fields.values_mut().for_each(|field| mask_in(field, keys));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// How many bytes two texts have in common before they differ.
#[must_use]
pub fn in_common(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

/// The words of both texts around the first place where they differ.
#[must_use]
pub fn difference(is: &str, was: &str) -> (String, String) {
    let mut at = in_common(is, was);
    while !(is.is_char_boundary(at) && was.is_char_boundary(at)) {
        at -= 1;
    }
    let shown = |text: &str| {
        let (before, rest) = text.split_at(at);
        let (most_before, most) = SHOWN;
        let begin = before.char_indices().rev().take(most_before).last().map_or(at, |(begin, _)| begin);
        let end = rest.char_indices().nth(most).map_or(rest.len(), |(end, _)| end);
        let dots = |is_cut: bool| if is_cut { "…" } else { "" };
        let words: Vec<&str> = text[begin..at + end].split_whitespace().collect();
        format!("{}{}{}", dots(begin > 0), words.join(" "), dots(at + end < text.len()))
    };
    (shown(is), shown(was))
}

/// The text with what differs each time replaced by its kind.
#[must_use]
pub fn masked(text: &str) -> String {
    let words = words(text);
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let (mask, taken) = mask(&words[at..]).unwrap_or((word, 1));
        masked.push_str(mask);
        at += taken;
    }
    masked
}

/// The text in words of letters and digits, and what stands between them letter by letter.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut begin = None;
    for (at, letter) in text.char_indices() {
        if letter.is_alphanumeric() {
            begin.get_or_insert(at);
            continue;
        }
        if let Some(begin) = begin.take() {
            words.push(&text[begin..at]);
        }
        words.push(&text[at..at + letter.len_utf8()]);
    }
    words.extend(begin.map(|begin| &text[begin..]));
    words
}

/// The mask of what these words begin with, and how many of them it stands for.
fn mask(words: &[&str]) -> Option<(&'static str, usize)> {
    uuid(words)
        .map(|taken| ("{name}", taken))
        .or_else(|| work(words).map(|taken| ("{work}", taken)))
        .or_else(|| is_id(words).then_some(("{id}", 4)))
        .or_else(|| time(words).map(|taken| ("{time}", taken)))
        .or_else(|| duration(words).map(|taken| ("{duration}", taken)))
        .or_else(|| is_random(words[0]).then_some(("{name}", 1)))
}

/// How many words a UUID takes.
fn uuid(words: &[&str]) -> Option<usize> {
    let lengths = [8, 4, 4, 4, 12];
    let part = |(part, length): (usize, usize)| {
        let word = words.get(2 * part).copied().unwrap_or_default();
        let is_joined = part == 0 || words.get(2 * part - 1) == Some(&"-");
        is_joined && word.len() == length && word.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    lengths.into_iter().enumerate().all(part).then_some(2 * lengths.len() - 1)
}

/// How many words the name of a work folder takes, such as `cargo-scylla-1000/` and a random name.
fn work(words: &[&str]) -> Option<usize> {
    let is_ours = words.starts_with(&["cargo", "-", "scylla", "-"]) && words.get(5) == Some(&"/");
    (is_ours && words.get(6).is_some_and(|name| name.len() == LEAST_RANDOM)).then_some(7)
}

/// Whether they are an id that is called so, such as `ID: ec3f7e`.
fn is_id(words: &[&str]) -> bool {
    let is_named = words.starts_with(&["ID", ":", " "]);
    is_named && words.get(3).is_some_and(|id| id.len() >= LEAST_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn digits(word: Option<&&str>, counts: &[usize]) -> bool {
    word.is_some_and(|word| counts.contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// How many words a date, a time of the day or both take.
fn time(words: &[&str]) -> Option<usize> {
    let is = |at: usize, word: &str| words.get(at).is_some_and(|known| *known == word);
    let named = |at: usize, names: &[&str]| {
        words.get(at).is_some_and(|word| word.len() >= 3 && word.is_char_boundary(3) && names.contains(&&word[..3]))
    };
    // 2026-11-30, perhaps with T12:00:00.123Z in the word that its day begins.
    if digits(words.first(), &[4]) && is(1, "-") && digits(words.get(2), &[2]) && is(3, "-") {
        let day = words.get(4)?;
        if digits(Some(day), &[2]) {
            return Some(5);
        }
        let is_with_time = day.len() == 5 && day.as_bytes()[2] == b'T';
        return is_with_time.then(|| 5 + clock(&words[5..]));
    }
    // 12:00:00.123
    if digits(words.first(), &[1, 2]) && is(1, ":") && digits(words.get(2), &[2]) {
        return Some(1 + clock(&words[1..]));
    }
    // Mon, Nov 30, 2026
    let mut at = 0;
    if named(at, &DAYS) {
        at += 1 + words[1..].iter().take_while(|word| matches!(**word, "," | " ")).count();
    }
    if !named(at, &MONTHS) || !is(at + 1, " ") || !digits(words.get(at + 2), &[1, 2]) {
        return None;
    }
    at += 3;
    let gap = words[at..].iter().take_while(|word| matches!(**word, "," | " ")).count();
    Some(if digits(words.get(at + gap), &[4]) { at + gap + 1 } else { at })
}

/// How many words `:00:00.123Z` takes.
fn clock(words: &[&str]) -> usize {
    let mut taken = 0;
    while matches!(words.get(taken).copied(), Some(":" | "."))
        && words.get(taken + 1).is_some_and(|word| word.trim_end_matches('Z').bytes().all(|byte| byte.is_ascii_digit()))
    {
        taken += 2;
    }
    taken
}

/// How many words a duration such as `0.12s`, `3 seconds` or `15ms` takes.
fn duration(words: &[&str]) -> Option<usize> {
    let split = |word: &str| {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        (digits, UNITS.contains(&word.get(digits..).unwrap_or_default()))
    };
    let (count, has_unit) = split(words[0]);
    if count == 0 {
        return None;
    }
    if has_unit {
        return Some(1);
    }
    if count < words[0].len() {
        return None;
    }
    let mut at = 1;
    if words.get(1) == Some(&".") {
        let (count, has_unit) = split(words.get(2)?);
        if count > 0 && has_unit {
            return Some(3);
        }
        if count == 0 || count < words[2].len() {
            return None;
        }
        at = 3;
    }
    let is_unit = |word: Option<&&str>| word.is_some_and(|word| UNITS.contains(word));
    (words.get(at) == Some(&" ") && is_unit(words.get(at + 1))).then_some(at + 2)
}

/// Whether a word is one that nobody would think of.
fn is_random(word: &str) -> bool {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let is_hex = word.len() >= LEAST_HEX && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_long = word.len() >= LEAST_RANDOM && word.is_ascii() && has_letter;
    has_digit && (is_hex || is_long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_durations_and_random_names_are_masked_and_nothing_else() {
        for (text, expected) in [
            ("Today's date: 2026-11-30.", "Today's date: {time}."),
            ("at 2026-11-30T12:00:00.123Z it", "at {time} it"),
            ("12:00:59 begun", "{time} begun"),
            ("Monday, November 30, 2026 and Nov 3", "{time} and {time}"),
            ("took 0.12s, then 3 seconds, 15ms", "took {duration}, then {duration}, {duration}"),
            ("finished in 1.5 seconds", "finished in {duration}"),
            ("Chunk ID: ecbfae of ID: 12", "Chunk {id} of ID: 12"),
            ("in /var/tmp/cargo-scylla-0/AbcdefghijklmnoP/tree", "in /var/tmp/{work}/tree"),
            ("id 8f14e45f-ceea-467f-9b3c-0242ac120002", "id {name}"),
            ("commit 94ad4d3f1c", "commit {name}"),
            ("msg_01XFDUDYJgAACzvnptvVoYEL", "msg_{name}"),
            ("version 2.1.0 of 12 files, line 42: May be Sunday", "version 2.1.0 of 12 files, line 42: May be Sunday"),
            ("claude-sonnet-4-5 écrit", "claude-sonnet-4-5 écrit"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn two_requests_that_say_the_same_are_alike_in_any_order_and_where_they_differ_is_shown() {
        let one = compared(r#"{"b": "at\n12:00:01", "a": {"d": 1, "c": 0.25}}"#, &[], &["c"]);
        assert_eq!(one, compared(r#"{"a": {"c": 0.5, "d": 1}, "e": 7, "b": "at\n09:59:59"}"#, &["e"], &["c"]));
        assert_ne!(one, compared(r#"{"a": {"d": 2}, "b": "at\n09:59:59"}"#, &[], &["c"]));
        assert_ne!(one, compared(r#"{"a": {"d": 1, "e": 7}, "b": "at\n09:59:59"}"#, &["e"], &["c"]), "not at its top");
        assert_eq!(compared("at 12:00:01", &[], &[]), "at {time}");
        let long = |word: &str| format!("{}{word}{}", "é".repeat(200), " end".repeat(100));
        let (is, was) = difference(&long("Hello, moon"), &long("Hello, world"));
        assert!(is.starts_with("…é") && is.contains("éHello, moon end") && is.ends_with('…'), "{is}");
        assert!(was.contains("Hello, world end") && was.chars().count() < 170, "{was}");
        assert_eq!(difference("éa", "èa"), ("éa".to_owned(), "èa".to_owned()), "within a letter");
        assert_eq!(difference("a", "a\nb"), ("a".to_owned(), "a b".to_owned()));
    }
}
