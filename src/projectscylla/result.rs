//! Files of ProjectScylla about one run, converted to standard JSON.

use serde_json::{Map, Value};

use super::json::Json;

/// Keys whose values are numbers, even if an editor or a tool put them in quotes.
const NUMBERS: [&str; 19] = [
    "run_number",
    "exit_code",
    "cost_usd",
    "duration_seconds",
    "agent_duration_seconds",
    "judge_duration_seconds",
    "judge_score",
    "score",
    "judge_number",
    "tokens_input",
    "tokens_output",
    "input_tokens",
    "output_tokens",
    "cache_creation_tokens",
    "cache_read_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "api_calls",
    "total_cost_usd",
];

/// The longer spellings of keys that some of ProjectScylla's tools write, and the ones that all readers know.
const SPELLINGS: [(&str, &str); 2] =
    [("cache_creation_input_tokens", "cache_creation_tokens"), ("cache_read_input_tokens", "cache_read_tokens")];

/// Converts what Python writes to standard JSON: numbers that JSON does not have become `null`, of duplicate keys the
/// last one is used, number fields in quotes become numbers, and the keys for cache tokens get their shorter names.
///
/// # Errors
/// When Python would not accept it either: the line, the column, and what is wrong there.
pub fn strict(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let json = Json::parse(bytes).map_err(|error| error.to_string())?;
    let mut value = json.strict();
    normalize(&mut value);
    Ok(value.to_string().into_bytes())
}

fn normalize(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(normalize),
        Value::Object(entries) => {
            for (key, value) in entries.iter_mut() {
                match value {
                    Value::String(text) if NUMBERS.contains(&key.as_str()) => {
                        if let Some(number) = number(text) {
                            *value = number;
                        }
                    }
                    other => normalize(other),
                }
            }
            shorten(entries);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The number in a text, in the spelling of JSON.
fn number(text: &str) -> Option<Value> {
    let json = Json::parse(text.trim().as_bytes()).ok()?;
    matches!(json, Json::Number(_)).then(|| json.strict())
}

/// Renames each key to its shorter spelling, whose value is used when both exist.
fn shorten(entries: &mut Map<String, Value>) {
    if !SPELLINGS.iter().any(|(long, _)| entries.contains_key(*long)) {
        return;
    }
    for (key, value) in std::mem::take(entries) {
        match SPELLINGS.iter().find(|(long, _)| *long == key) {
            Some((_, short)) => {
                entries.entry(*short).or_insert(value);
            }
            None => {
                entries.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::usage::Tokens;

    fn read(text: &str) -> Value {
        serde_json::from_slice(&strict(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_python_writes_becomes_standard_json() {
        let lenient = r#"{"judge_score": NaN, "cost_usd": Infinity, "judge_passed": false, "judge_passed": true,
            "judges": [{"score": "0.5", "model": "7", "judge_number": "1"}], "duration_seconds": " 12.5 "}"#;
        assert_eq!(
            read(lenient),
            json!({"judge_score": null, "cost_usd": null, "judge_passed": true,
                "judges": [{"score": 0.5, "model": "7", "judge_number": 1}], "duration_seconds": 12.5})
        );
    }

    #[test]
    fn only_number_fields_that_spell_a_number_become_numbers() {
        let same =
            json!({"judge_grade": "1", "judge_reasoning": "0.5", "cost_usd": "free", "score": "", "run_number": "0x1"});
        assert_eq!(read(&same.to_string()), same);
    }

    #[test]
    fn tokens_are_read_in_both_spellings() {
        let long = r#"{"input_tokens": 1, "output_tokens": "2", "cache_creation_input_tokens": 3, "cache_read_input_tokens": 4}"#;
        let expected = Tokens { input: Some(1), output: Some(2), cache_creation: Some(3), cache_read: Some(4) };
        let tokens = |text: &str| serde_json::from_value::<Tokens>(read(text)).unwrap();
        assert_eq!(tokens(long), expected);
        // A reader that knows both names would take them for a duplicate key.
        for both in [
            long.replace(
                "\"input_tokens\"",
                "\"cache_read_tokens\": 4, \"cache_creation_tokens\": 3, \"input_tokens\"",
            ),
            long.replace('}', ", \"cache_read_tokens\": 4}")
                .replace("\"cache_read_input_tokens\": 4", "\"cache_read_input_tokens\": 9"),
        ] {
            assert_eq!(tokens(&both), expected, "{both}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_by_line_and_column() {
        assert_eq!(
            strict(b"{\"run_number\": 1").unwrap_err(),
            "line 1, column 17: the file ends where `,` or `}` is expected"
        );
    }

    proptest! {
        #[test]
        fn standard_json_without_these_keys_stays_what_it_is(json in crate::projectscylla::json::tests::any_json()) {
            let standard = json.strict().to_string();
            prop_assert_eq!(strict(standard.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap()), Ok(Json::parse(standard.as_bytes()).unwrap().strict().to_string()));
        }
    }
}
