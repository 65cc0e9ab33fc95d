//! JSON as Python writes it: a document that keeps the order of keys, duplicate keys, and the spelling of numbers.
//!
//! `Infinity`, `-Infinity` and `NaN` are numbers here, as they are for Python; [`Json::strict`] turns them into `null`.

mod parse;
mod print;

use std::fmt;

use serde_json::Value;

/// Deepest nesting that is read: a file of ProjectScylla has 8 levels.
pub const MOST_LEVELS: usize = 128;

/// The entries of an object, in the file's order; keys may occur twice.
pub type Entries = Vec<(String, Json)>;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as text, so that nothing of it is lost.
    Number(String),
    /// A text.
    Text(String),
    /// A text with half of a surrogate pair, which Python can represent and Rust cannot: in the spelling of the file.
    Spelled(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Map(Entries),
}

/// The place where a file stops being JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct JsonError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub what: String,
}

impl Json {
    /// Reads one value that fills the whole file.
    ///
    /// # Errors
    /// When it is not UTF-8, not JSON, or nested deeper than [`MOST_LEVELS`].
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        parse::document(bytes)
    }

    /// An object of these entries.
    #[must_use]
    pub fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// The value of a key; the last one when the key occurs twice, as Python reads it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The entries of an object; none for everything else.
    #[must_use]
    pub fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; none for everything else.
    #[must_use]
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value as a number, or the number in its text.
    #[must_use]
    pub fn number<T: std::str::FromStr>(&self) -> Option<T> {
        match self {
            Self::Number(text) | Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The kind of value, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) | Self::Spelled(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }

    /// The value as standard JSON: numbers that JSON does not have become `null`, and of duplicate keys the last one is
    /// used.
    #[must_use]
    pub fn strict(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(is) => Value::Bool(*is),
            Self::Number(text) => print::strict_number(text),
            Self::Text(text) => Value::String(text.clone()),
            Self::Spelled(spelling) => Value::String(parse::lossy(spelling)),
            Self::List(elements) => elements.iter().map(Self::strict).collect(),
            Self::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), value.strict())).collect(),
        }
    }

    /// The same as a document.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(is) => Self::Bool(*is),
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() => Self::from(float),
                _ => Self::Number(number.to_string()),
            },
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(elements) => Self::List(elements.iter().map(Self::of).collect()),
            Value::Object(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
        }
    }

    /// As Python's `json.dumps(value, indent=2)` prints it, without a final line feed.
    #[must_use]
    pub fn indented(&self) -> String {
        print::indented(self)
    }

    /// As Python's `json.dumps(value, sort_keys=True)` prints it after reading the document: one line, numbers in
    /// Python's spelling, of duplicate keys the last one.
    #[must_use]
    pub fn sorted(&self) -> String {
        print::sorted(self)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.indented())
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Json {
    fn from(is: bool) -> Self {
        Self::Bool(is)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<i32> for Json {
    fn from(number: i32) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<f64> for Json {
    /// In Python's spelling; infinities and NaN become `null`.
    fn from(number: f64) -> Self {
        if number.is_finite() { Self::Number(print::python_float(number)) } else { Self::Null }
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl FromIterator<Json> for Json {
    fn from_iter<I: IntoIterator<Item = Json>>(elements: I) -> Self {
        Self::List(elements.into_iter().collect())
    }
}

#[cfg(test)]
pub(super) mod tests;
