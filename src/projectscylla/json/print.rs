//! Prints a document in Python's spelling.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::Json;

/// Python writes a float with an exponent from this power of ten on.
const LEAST_LARGE_EXPONENT: i32 = 16;
/// And below this one.
const LEAST_SMALL_EXPONENT: i32 = -4;

pub(super) fn indented(json: &Json) -> String {
    let mut out = String::new();
    indent(&mut out, json, 0);
    out
}

fn indent(out: &mut String, json: &Json, level: usize) {
    match json {
        Json::List(elements) if !elements.is_empty() => {
            lines(out, ['[', ']'], level, elements, |out, element| indent(out, element, level + 1));
        }
        Json::Map(entries) if !entries.is_empty() => {
            lines(out, ['{', '}'], level, entries, |out, (key, value)| {
                quoted(out, key);
                out.push_str(": ");
                indent(out, value, level + 1);
            });
        }
        Json::Number(text) => out.push_str(text),
        other => single(out, other),
    }
}

fn lines<T>(out: &mut String, [open, close]: [char; 2], level: usize, items: &[T], item: impl Fn(&mut String, &T)) {
    out.push(open);
    for (index, each) in items.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.extend(std::iter::repeat_n("  ", level + 1));
        item(out, each);
    }
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", level));
    out.push(close);
}

/// Values that are written on one line and have one spelling: all but numbers and non-empty lists and objects.
fn single(out: &mut String, json: &Json) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(text) => out.push_str(&python_number(text)),
        Json::Text(text) => quoted(out, text),
        Json::Spelled(spelling) => {
            let _ = write!(out, "\"{spelling}\"");
        }
        Json::List(_) => out.push_str("[]"),
        Json::Map(_) => out.push_str("{}"),
    }
}

/// With `ensure_ascii`, as Python does by default.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(char),
            _ => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

pub(super) fn sorted(json: &Json) -> String {
    let mut out = String::new();
    sort(&mut out, json);
    out
}

fn sort(out: &mut String, json: &Json) {
    match json {
        Json::List(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                sort(out, element);
            }
            out.push(']');
        }
        Json::Map(entries) => {
            // Texts are compared by code points, in Python as here.
            let last_of_each: BTreeMap<&str, &Json> =
                entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
            out.push('{');
            for (index, (key, value)) in last_of_each.into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                quoted(out, key);
                out.push_str(": ");
                sort(out, value);
            }
            out.push('}');
        }
        other => single(out, other),
    }
}

/// The number as Python prints it after reading `text`.
fn python_number(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return if text == "-0" { "0".to_owned() } else { text.to_owned() };
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_nan() => "NaN".to_owned(),
        Ok(number) if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Ok(number) => python_float(number),
        Err(_) => text.to_owned(),
    }
}

/// A finite float as Python's `repr` spells it: the shortest text that reads back.
pub(super) fn python_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (LEAST_SMALL_EXPONENT..LEAST_LARGE_EXPONENT).contains(&exponent) {
        return format!("{number:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// The number as standard JSON; `null` when JSON does not have it.
pub(super) fn strict_number(text: &str) -> Value {
    if let Ok(number) = text.parse::<u64>() {
        return Value::from(number);
    }
    if let Ok(number) = text.parse::<i64>() {
        return Value::from(number);
    }
    text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}
