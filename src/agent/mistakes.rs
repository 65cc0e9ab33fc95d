//! The mistakes of a record, key by key, in words for people.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::model::money::Usd;
use crate::text::{claims, foreign, short};

/// The tokens that a record may name, with the names that providers give them.
const TOKENS: [&str; 6] = [
    "input_tokens",
    "output_tokens",
    "cache_creation_tokens",
    "cache_creation_input_tokens",
    "cache_read_tokens",
    "cache_read_input_tokens",
];
/// The ways in which an agent can describe its end.
const ENDS: [&str; 4] = ["finished", "over_budget", "refused", "context_too_long"];
/// Longest part of a wrong value that is quoted, in characters.
const MOST_QUOTED: usize = 60;

/// Every mistake of a record that cannot be parsed; `error` is the parser's own message.
pub(super) fn mistakes(bytes: &[u8], error: &serde_json::Error, now: Timestamp) -> String {
    let (line, column) = (error.line(), error.column());
    if bytes.trim_ascii().is_empty() {
        return "it is empty".to_owned();
    }
    let record = match foreign::read(bytes) {
        Ok(Value::Object(record)) => record,
        Ok(other) => return format!("it is {}, not an object", shown(&other)),
        Err(_) if error.is_eof() => return format!("it ends too early, in line {line}, column {column}"),
        Err(_) if error.is_syntax() => return format!("it is not JSON from line {line}, column {column} on"),
        Err(_) => return format!("something is wrong before line {line}, column {column}"),
    };
    let mut found: Vec<String> = cost(&record).into_iter().chain(tokens(&record)).chain(end(&record)).collect();
    found.extend(record.get("failure").and_then(|failure| claims::failure(failure, now).err()));
    if found.is_empty() {
        // With all values right, only a duplicate key can keep a record from being parsed.
        found.push("a key stands in it twice".to_owned());
    }
    found.join("; ")
}

fn cost(record: &Map<String, Value>) -> Option<String> {
    let cost = record.get("cost_usd").filter(|cost| !cost.is_null() && !fits::<Usd>(cost))?;
    let why = match cost.as_f64() {
        None => "not a number",
        Some(number) if number < 0.0 => "less than 0",
        Some(_) => "too large",
    };
    Some(format!("`cost_usd` is {}, {why}", shown(cost)))
}

fn tokens(record: &Map<String, Value>) -> Vec<String> {
    let tokens = match record.get("token_stats") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Object(tokens)) => tokens,
        Some(other) => return vec![format!("`token_stats` is {}, not an object", shown(other))],
    };
    let named = TOKENS.iter().filter_map(|key| Some((key, tokens.get(*key)?)));
    named
        .filter(|(_, count)| !count.is_null() && !fits::<u64>(count))
        .map(|(key, count)| format!("`token_stats.{key}` is {}, not a whole number from 0 on", shown(count)))
        .collect()
}

fn end(record: &Map<String, Value>) -> Option<String> {
    let is_known = |end: &&Value| end.is_null() || end.as_str().is_some_and(|end| ENDS.contains(&end));
    let end = record.get("end").filter(|end| !is_known(end))?;
    Some(format!("`end` is {}, not `finished`, `over_budget`, `refused` or `context_too_long`", shown(end)))
}

fn fits<T: DeserializeOwned>(value: &Value) -> bool {
    serde_json::from_value::<T>(value.clone()).is_ok()
}

fn shown(value: &Value) -> String {
    short::cut(&value.to_string(), MOST_QUOTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_says_as_much_of_a_key_as_if_it_were_not_there() {
        let record = br#"{"cost_usd": null, "token_stats": {"input_tokens": null, "output_tokens": 3}, "end": null, "failure": null}"#;
        let read = super::super::record::read(record, Timestamp::UNIX_EPOCH);
        assert_eq!((read.end, read.usage.tokens.output), (Ok(None), Some(3)));
        for record in [r#"{"token_stats": null, "end": "finished"}"#, r#"{"end": "finished"}"#] {
            let read = super::super::record::read(record.as_bytes(), Timestamp::UNIX_EPOCH);
            assert!(matches!(read.end, Ok(Some(_))), "{record}");
        }
    }

    #[test]
    fn every_mistake_of_a_record_is_named_with_its_key_in_plain_words() {
        for (record, told) in [
            (r#"{"cost_usd": "0.5"}"#, "`cost_usd` is \"0.5\", not a number"),
            (r#"{"cost_usd": -1}"#, "`cost_usd` is -1, less than 0"),
            (r#"{"cost_usd": 1e300}"#, "`cost_usd` is 1e+300, too large"),
            (r#"{"token_stats": 3}"#, "`token_stats` is 3, not an object"),
            (
                r#"{"cost_usd": [], "token_stats": {"input_tokens": 1.5, "output_tokens": -3}, "end": "done"}"#,
                "`cost_usd` is [], not a number; `token_stats.input_tokens` is 1.5, not a whole number from 0 on; \
                 `token_stats.output_tokens` is -3, not a whole number from 0 on; `end` is \"done\", not `finished`, \
                 `over_budget`, `refused` or `context_too_long`",
            ),
            (
                r#"{"end": 1, "failure": {"kind": "x"}}"#,
                "`end` is 1, not `finished`, `over_budget`, `refused` or `context_too_long`; the kind of a failure is `auth`, \
                 `out_of_memory`, `provider` or `rate_limit`, not `x`",
            ),
            (r#"{"cost_usd": 1, "cost_usd": 1}"#, "a key stands in it twice"),
            (r#"{"token_stats": [5, 6]}"#, "`token_stats` is [5,6], not an object"),
            ("[]", "it is [], not an object"),
            (r#"[7, [5, 6], "over_budget"]"#, "it is [7,[5,6],\"over_budget\"], not an object"),
            ("null", "it is null, not an object"),
            ("3", "it is 3, not an object"),
            (" \n", "it is empty"),
            (r#"{"cost_usd": 0.5"#, "it ends too early, in line 1, column 16"),
            ("cost: 0.5", "it is not JSON from line 1, column 1 on"),
        ] {
            let read = super::super::record::read(record.as_bytes(), Timestamp::UNIX_EPOCH);
            assert_eq!(read.end, Err(told.to_owned()), "{record}");
        }
    }
}
