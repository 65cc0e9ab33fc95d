//! The answer of a `command` judge, validated against the rubric.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::error::Category;

use crate::model::judge::Answer;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::money::Usd;
use crate::model::outcome::Failure;
use crate::model::rubric::{Evaluation, ItemScore, Rubric, RubricItem};
use crate::model::score::Score;
use crate::model::usage::{Cost, Tokens, Usage};
use crate::text::claims::{self, ClaimedFailure};
use crate::text::shape::{object, or_default};
use crate::text::{foreign, short};

/// Why an answer is not valid: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct AnswerError(Vec<String>);

/// What a judge writes to its standard output: `items`, or the `failure` that kept it from judging. Unknown keys are
/// ignored.
#[derive(Debug, Deserialize, JsonSchema)]
struct Written {
    /// By the id of a rubric's item.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, WrittenItem>")]
    items: Option<UniqueItems>,
    /// The judge's explanation of the whole.
    #[serde(default, deserialize_with = "or_default")]
    reasoning: String,
    /// What the judge cost, in US dollars; unknown when it is missing.
    #[serde(default)]
    cost_usd: Option<Usd>,
    /// Tokens of its model: without `cost_usd`, the cost is estimated from them. Anything else counts as missing.
    #[serde(default, rename = "token_stats")]
    #[schemars(with = "Option<Tokens>")]
    _tokens: Option<Value>,
    /// What kept the judge from judging (`auth`, `out_of_memory`, `provider`, `rate_limit`), in the same form as in
    /// agents' records: then there is no verdict.
    #[serde(default)]
    #[schemars(with = "Option<ClaimedFailure>")]
    failure: Option<Value>,
}

/// A judge's score of one item.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct WrittenItem {
    /// Between 0 and 1; 0 or 1 for a binary item.
    #[serde(default)]
    score: Option<f64>,
    /// The item does not apply; only allowed when the rubric has a condition for that.
    #[serde(default, deserialize_with = "or_default")]
    not_applicable: bool,
    /// The reason.
    #[serde(default, deserialize_with = "or_default")]
    explanation: String,
}

/// An item in an answer.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Item(#[serde(deserialize_with = "object")] WrittenItem);

/// Items by id; duplicate ids are refused.
#[derive(Debug)]
struct UniqueItems(BTreeMap<String, WrittenItem>);

impl<'de> Deserialize<'de> for UniqueItems {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = UniqueItems;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an entry for each item of the rubric")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<UniqueItems, M::Error> {
                let mut items = BTreeMap::new();
                while let Some((id, Item(item))) = map.next_entry::<String, Item>()? {
                    if items.contains_key(&id) {
                        return Err(serde::de::Error::custom(format_args!("item {} is scored twice", shown(&id))));
                    }
                    items.insert(id, item);
                }
                Ok(UniqueItems(items))
            }
        }

        deserializer.deserialize_map(Items)
    }
}

/// JSON schema of an answer.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Written).to_value()
}

/// What an answer reports that the judge used, whatever else it contains.
#[must_use]
pub fn used(bytes: &[u8]) -> Usage {
    let tokens = claims::member(bytes, "token_stats").and_then(|tokens| serde_json::from_value(tokens).ok());
    Usage { tokens: tokens.unwrap_or_default(), cost: Cost::reported(claims::cost(bytes)) }
}

/// The failure that an answer reports, whatever else it contains; its message names the judge.
#[must_use]
pub fn failure(bytes: &[u8], judge: &str, now: Timestamp) -> Option<Failure> {
    let failure = claims::loose_failure(bytes, now)?;
    Some(Failure { message: format!("judge `{judge}`: {}", failure.message), ..failure })
}

/// Parses an answer that reports no failure, and validates it against the rubric.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn parse(bytes: &[u8], rubric: &Rubric) -> Result<Answer, AnswerError> {
    let written = read(claims::bare(bytes)).map_err(|mistake| AnswerError(vec![mistake]))?;
    let Some(UniqueItems(mut given)) = written.items else {
        let mistake = match written.failure.map(|claimed| claims::failure(&claimed, Timestamp::UNIX_EPOCH)) {
            Some(Err(mistake)) => mistake,
            _ => "the answer has neither `items` nor a `failure`".to_owned(),
        };
        return Err(AnswerError(vec![mistake]));
    };
    let mut wrong = Vec::new();
    let mut items = BTreeMap::new();
    for item in &rubric.items {
        match given
            .remove(&item.id)
            .ok_or_else(|| format!("item `{}` is missing", item.id))
            .and_then(|said| check(item, &said))
        {
            Ok(score) => {
                items.insert(item.id.clone(), score);
            }
            Err(mistake) => wrong.push(mistake),
        }
    }
    wrong.extend(given.keys().map(|id| format!("item {} is not in the rubric", shown(id))));
    let more = wrong.len().saturating_sub(MOST_MISTAKES);
    if more > 0 {
        wrong.truncate(MOST_MISTAKES);
        wrong.push(format!("and {more} more mistakes"));
    }
    if wrong.is_empty() {
        Ok(Answer { items, reasoning: cut(&written.reasoning), cost: Cost::reported(written.cost_usd) })
    } else {
        Err(AnswerError(wrong))
    }
}

/// Parses the JSON, or gives the reason as a sentence.
fn read(bytes: &[u8]) -> Result<Written, String> {
    if bytes.len() as u64 > MOST_STAGE_FILE_BYTES {
        return Err(format!("the answer has more than {} MiB", MOST_STAGE_FILE_BYTES >> 20));
    }
    match bytes.trim_ascii_start() {
        [] => Err("the answer is empty; a JSON object is expected on standard output".to_owned()),
        [b'{', ..] => foreign::read(bytes).map_err(|error| match error.classify() {
            Category::Data => format!("the answer has the wrong shape: {error}"),
            Category::Eof => format!("the answer is cut off: {error}"),
            Category::Syntax | Category::Io => format!("the answer is not JSON alone: {error}"),
        }),
        other => {
            let start = other.get(..MOST_QUOTED).unwrap_or(other);
            let start = String::from_utf8_lossy(start).escape_debug().to_string();
            Err(format!("the answer must be a JSON object and nothing else, but it begins with `{start}`"))
        }
    }
}

/// Most bytes of an answer that are quoted in a message.
const MOST_QUOTED: usize = 40;
/// Most mistakes that are reported for one answer; a hostile one may have a million.
const MOST_MISTAKES: usize = 20;

/// Longest text of a judge that goes into results, in characters; the raw answer is kept in full beside them.
const MOST_WORDS: usize = 10_000;

fn cut(words: &str) -> String {
    short::cut(words, MOST_WORDS)
}

/// An item's name as it is shown: hostile names may be long or control a terminal.
fn shown(id: &str) -> String {
    let start: String = id.chars().take(MOST_QUOTED).collect();
    let rest = if start.len() < id.len() { "…" } else { "" };
    format!("`{}{rest}`", start.escape_debug())
}

fn check(item: &RubricItem, said: &WrittenItem) -> Result<ItemScore, String> {
    let id = &item.id;
    let score = match (said.score, said.not_applicable) {
        (Some(_), true) => return Err(format!("item `{id}` has both a score and `not_applicable`")),
        (None, true) if item.na_condition.is_some() => None,
        (None, true) => return Err(format!("item `{id}` always applies, so it needs a score")),
        (None, false) => return Err(format!("item `{id}` has no score")),
        (Some(value), false) => {
            let score = Score::new(value).map_err(|error| format!("item `{id}`: {error}"))?;
            let whole = score == Score::ZERO || score == Score::ONE;
            if item.evaluation == Evaluation::Binary && !whole {
                return Err(format!("item `{id}` is binary, and {value} is neither 0 nor 1"));
            }
            Some(score)
        }
    };
    Ok(ItemScore { score, explanation: cut(&said.explanation) })
}
