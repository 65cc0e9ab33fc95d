//! How far numbers are from those that were expected, and the tables of it in `docs/statistics.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The most that a number may differ from the one that was expected.
pub(super) const MOST: f64 = 1e-9;

/// A number of an answer, as far as it can be given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    /// One whose error counts relative to its size, or absolutely where it is below one thousandth.
    Value(Option<f64>),
    /// One whose error always counts relative to its size: p has a size of its own.
    P(Option<f64>),
    /// One that must be the same to the last bit.
    Bits(Option<f64>),
}

impl Number {
    /// How far it is from what was expected; infinite where one of both is not given.
    pub(super) fn difference(self, expected: Option<f64>) -> f64 {
        let (given, floor): (_, f64) = match self {
            Self::Value(given) => (given, 1e-3),
            Self::P(given) => (given, 1e-300),
            Self::Bits(given) => (given, 0.0),
        };
        match (given, expected) {
            (None, None) => 0.0,
            // That others are the same to the last bit is luck, which another machine may not have.
            (Some(given), Some(expected)) if given.to_bits() == expected.to_bits() => floor.min(f64::MIN_POSITIVE),
            (Some(given), Some(expected)) if floor > 0.0 => (given - expected).abs() / expected.abs().max(floor),
            _ => f64::INFINITY,
        }
    }
}

/// The largest difference of each of some names, and how many numbers were compared.
#[derive(Default)]
pub(super) struct Differences {
    largest: BTreeMap<String, (usize, f64)>,
}

impl Differences {
    /// Counts a number of a name.
    pub(super) fn count(&mut self, name: &str, difference: f64) {
        let (numbers, largest) = self.largest.entry(name.to_owned()).or_default();
        *numbers += 1;
        *largest = largest.max(difference);
    }

    /// Fails unless the block of this name in the manual says what was found: one row for each name, with the largest
    /// difference as a power of ten. Where `INSTA_UPDATE` is `always`, it is written.
    pub(super) fn hold(&self, block: &str, heading: &str) {
        let row = |(name, (numbers, largest)): (&String, &(usize, f64))| {
            format!("| `{name}` | {numbers} | {} |\n", magnitude(*largest))
        };
        let rows: String = self.largest.iter().map(row).collect();
        let table = format!("| {heading} | numbers | largest difference |\n|---|---|---|\n{rows}");
        hold(block, &table);
    }
}

/// Fails unless the block of this name in the manual is this table. Where `INSTA_UPDATE` is `always`, it is written.
pub(super) fn hold(block: &str, table: &str) {
    // Tests that run beside each other hold blocks of one page.
    static PAGE: Mutex<()> = Mutex::new(());
    let _page = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/statistics.md");
    let page = fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {block}: begin -->\n"), format!("<!-- {block}: end -->"));
    let (before, rest) = page.split_once(&begin).unwrap();
    let (there, after) = rest.split_once(&end).unwrap();
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(there, table, "the table `{block}` of docs/statistics.md: INSTA_UPDATE=always writes it");
    }
}

/// Numbers that are written as text, so that their last bit is read, too: not every reader of JSON gives it.
pub(super) fn with_numbers(value: &Value) -> Value {
    match value {
        Value::Array(parts) => parts.iter().map(with_numbers).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), with_numbers(field))).collect(),
        Value::String(text) => text.parse::<f64>().map_or_else(|_| value.clone(), Value::from),
        other => other.clone(),
    }
}

/// The power of ten that a difference stays below, in coarse steps, so that the table is the same on every machine.
fn magnitude(difference: f64) -> &'static str {
    match difference {
        0.0 => "none, to the last bit",
        small if small < 1e-11 => "below 1e-11",
        small if small < 1e-9 => "below 1e-9",
        _ => "more than 1e-9",
    }
}
