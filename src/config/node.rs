//! The content of a file as a tree of nodes, each with its place. YAML and TOML both become such a tree.

/// Where a node begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The line, from 1.
    pub(super) line: Option<u32>,
    /// The column in characters, from 1.
    pub(super) column: Option<u32>,
}

impl Place {
    /// The place at a line and column, both from 1.
    pub(super) fn new(line: usize, column: usize) -> Self {
        Self { line: u32::try_from(line).ok(), column: u32::try_from(column).ok() }
    }
}

/// A value at its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// The value.
    pub(super) value: Value,
    /// Where it begins.
    pub(super) place: Place,
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key begins.
    pub(super) place: Place,
    /// Its value.
    pub(super) node: Node,
}

/// The value of a node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// The key has no value, or `null`.
    Empty,
    /// A quoted text.
    Quoted(String),
    /// An unquoted YAML scalar: whether `7` is a number or a text is decided by the reader of the key.
    Bare(String),
    /// A number as it is written, in a format that distinguishes numbers from texts.
    Number(String),
    /// True or false, in a format that distinguishes them from texts.
    Flag(bool),
    /// Values in their order.
    List(Vec<Node>),
    /// Keys in their order; no key twice.
    Mapping(Vec<Entry>),
}

impl Value {
    /// The kind of value, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Quoted(_) | Self::Bare(_) => "a text",
            Self::Number(_) => "a number",
            Self::Flag(_) => "a flag",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

impl Node {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Quoted(text) | Value::Bare(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if it is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
            _ => None,
        }
    }

    /// The finite number, if it is one.
    pub(super) fn number(&self) -> Option<f64> {
        self.digits().and_then(|digits| digits.parse().ok()).filter(|number: &f64| number.is_finite())
    }

    /// The whole number from 0, if it is one.
    pub(super) fn whole(&self) -> Option<u64> {
        self.digits().and_then(|digits| digits.parse().ok())
    }

    /// The boolean, if it is one.
    pub(super) fn flag(&self) -> Option<bool> {
        match &self.value {
            Value::Flag(flag) => Some(*flag),
            Value::Bare(text) => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    fn digits(&self) -> Option<&str> {
        match &self.value {
            Value::Number(text) | Value::Bare(text) => Some(text),
            _ => None,
        }
    }
}
