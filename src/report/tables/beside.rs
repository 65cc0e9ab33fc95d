//! What was published of tables, beside what they say: every field that differs, with both values.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Known;
use super::sections::p_of;
use crate::model::published::{Claim, KnownMistake, PublishedRow};
use crate::stats::analysis::Analysis;

/// How far two numbers are apart that are not the same: so much of their size, or of 1 where that is less.
const MOST: f64 = 1e-9;
/// Fields that say which row is meant.
const KEYS: [&str; 12] = [
    "experiment",
    "agent_model",
    "model",
    "tier",
    "subtest",
    "tier1",
    "tier2",
    "metric",
    "metric1",
    "metric2",
    "effect",
    "criterion",
];

/// What was published, beside what the tables say.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Beside {
    /// How many fields were compared.
    pub compared: usize,
    /// How many of them differ, and by no known mistake.
    pub differing: usize,
    /// How many differ by a known mistake of who published them.
    pub known_mistakes: usize,
    /// Arrays of which nothing is known here, and that were not compared.
    pub not_compared: Vec<String>,
    /// What is published as significant and is not, or the other way round, in plain sentences.
    pub contradictions: Vec<String>,
    /// Every field that differs.
    pub differences: Vec<Difference>,
}

/// A field that is published otherwise than it is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// The array.
    pub array: String,
    /// The row, by what tells it from others.
    pub row: BTreeMap<String, String>,
    /// The field; `row` where one of both has no such row.
    pub field: String,
    /// What is published.
    pub published: Value,
    /// What the tables say.
    pub ours: Value,
    /// Why it is published so, where that is known.
    pub known_mistake: Option<String>,
}

impl Beside {
    /// Compares an analysis with what was published.
    pub(super) fn of(analysis: &Analysis, known: Known<'_>, alpha: f64) -> Self {
        let ours = serde_json::to_value(analysis).unwrap_or_default();
        let mut found = Self {
            compared: 0,
            differing: 0,
            known_mistakes: 0,
            not_compared: Vec::new(),
            contradictions: Vec::new(),
            differences: Vec::new(),
        };
        for claim in known.claims {
            found.hold(claim, &rows_of(&ours, claim.array), alpha);
        }
        for (array, rows) in &known.published.arrays {
            let our_rows = rows_of(&ours, array);
            if ours.get(array).is_none() {
                found.not_compared.push(array.clone());
            } else if rows.iter().all(|row| !identity(row).is_empty()) {
                found.compare(array, rows, &our_rows, known.mistakes);
            } else {
                found.not_compared.push(array.clone());
            }
        }
        found.known_mistakes = found.differences.iter().filter(|found| found.known_mistake.is_some()).count();
        found.differing = found.differences.len() - found.known_mistakes;
        found
    }

    fn compare(&mut self, array: &str, rows: &[PublishedRow], ours: &[PublishedRow], mistakes: &[KnownMistake]) {
        let mut by_identity: BTreeMap<_, &PublishedRow> = ours.iter().map(|row| (identity(row), row)).collect();
        for row in rows {
            let id = identity(row);
            let Some(our_row) = by_identity.remove(&id) else {
                self.differ(array, id, "row", Value::Object(row.clone()), Value::Null, None);
                continue;
            };
            let mut turned = false;
            for (field, value) in row {
                let found = our_row.get(field).unwrap_or(&Value::Null);
                self.compared += 1;
                if is_same(found, value) {
                    continue;
                }
                let is_it = |mistake: &&KnownMistake| {
                    (mistake.array, mistake.field) == (array, field.as_str())
                        && is_same(&mistake.published, value)
                        && is_same(&mistake.ours, found)
                };
                let reason = mistakes.iter().find(is_it).map(|mistake| mistake.reason.to_owned());
                turned |= field == "is_significant" && reason.is_none();
                self.differ(array, id.clone(), field, value.clone(), found.clone(), reason);
            }
            if turned {
                self.contradictions.push(contradiction(array, &id, row, our_row));
            }
        }
        for (id, row) in by_identity {
            self.differ(array, id, "row", Value::Null, Value::Object(row.clone()), None);
        }
    }

    /// Holds a statement against what the tables say.
    fn hold(&mut self, claim: &Claim, ours: &[PublishedRow], alpha: f64) {
        let is_row =
            |row: &&PublishedRow| claim.row.iter().all(|(key, value)| row.get(*key).is_some_and(|v| v == value));
        let Some(row) = ours.iter().find(is_row) else { return };
        self.compared += 1;
        let p = row.get("p_value").and_then(Value::as_f64);
        if p.is_some_and(|p| p < claim.p_below) {
            return;
        }
        let said = format!("p < {}", claim.p_below);
        let verdict = if p.is_some_and(|p| p < alpha) { "is weaker" } else { "is not significant" };
        let (h, df) = (row.get("h_statistic").and_then(Value::as_f64), row.get("df").unwrap_or(&Value::Null));
        let h = h.map_or_else(String::new, |h| format!(", H = {h:.2} with {df} degrees of freedom"));
        self.contradictions.push(format!(
            "Stale and contradicted: {} was published with {said}, and {verdict} on these tables: {}{h}. {}",
            claim.says,
            p_of(p),
            claim.origin
        ));
        let ours = row.get("p_value").cloned().unwrap_or_default();
        self.differ(claim.array, identity(row), "p_value", Value::String(said), ours, Some(claim.origin.to_owned()));
    }

    fn differ(
        &mut self,
        array: &str,
        row: BTreeMap<String, String>,
        field: &str,
        published: Value,
        ours: Value,
        known_mistake: Option<String>,
    ) {
        let (array, field) = (array.to_owned(), field.to_owned());
        self.differences.push(Difference { array, row, field, published, ours, known_mistake });
    }
}

fn rows_of(ours: &Value, array: &str) -> Vec<PublishedRow> {
    let rows = ours.get(array).and_then(Value::as_array).into_iter().flatten();
    rows.filter_map(|row| row.as_object().cloned()).collect()
}

fn identity(row: &PublishedRow) -> BTreeMap<String, String> {
    let keys = KEYS.iter().filter_map(|key| Some(((*key).to_owned(), row.get(*key)?.as_str()?.to_owned())));
    keys.collect()
}

fn contradiction(array: &str, id: &BTreeMap<String, String>, published: &PublishedRow, ours: &PublishedRow) -> String {
    let word = |row: &PublishedRow| match row.get("is_significant") {
        Some(Value::Bool(true)) => "significant",
        _ => "not significant",
    };
    let p = |row: &PublishedRow| match row.get("p_value") {
        Some(value) => format!(" ({})", p_of(value.as_f64())),
        None => String::new(),
    };
    let place = id.values().cloned().collect::<Vec<_>>().join(", ");
    format!(
        "Contradicted: `{array}` of {place} was published as {}{}, and is {} on these tables{}. What was published is stale, or was \
         made from other tables.",
        word(published),
        p(published),
        word(ours),
        p(ours)
    )
}

/// Whether two values are the same, numbers within [`MOST`].
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= MOST * one.abs().max(other.abs()).max(1.0),
            _ => false,
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| is_same(value, other)))
        }
        _ => one == other,
    }
}
