//! Programs that a fixture names, and how a kind of agent or judge reads what the fixture says of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::setup::Capability;

/// A program with its arguments, or a line for `sh -c`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Invocation {
    /// Program and arguments, started as they are.
    Argv(Vec<String>),
    /// A line for `/bin/sh -c`.
    Shell(String),
}

impl Invocation {
    /// The words that the kernel is given.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Argv(words) => words.clone(),
            Self::Shell(line) => vec!["/bin/sh".into(), "-c".into(), line.clone()],
        }
    }

    /// The key and the value by which a fixture says it.
    #[must_use]
    pub fn entry(&self) -> (String, Value) {
        match self {
            Self::Argv(words) => ("command".to_owned(), json!(words)),
            Self::Shell(line) => ("shell".to_owned(), json!(line)),
        }
    }
}

/// A kind of agent or of judge, which a fixture names by `kind`.
#[derive(Debug)]
pub struct Kind<T> {
    /// The word for it in fixtures and reports.
    pub name: &'static str,
    /// What it does: a sentence of the manual.
    pub about: &'static str,
    /// Its own keys, each with what it is.
    pub keys: &'static [(&'static str, &'static str)],
    /// What it can be given; whoever names more is told so.
    pub takes: &'static [Capability],
    /// Reads what a fixture says of one. `None` after a mistake.
    pub read: fn(&dyn Keys) -> Option<T>,
}

/// What a fixture says of one agent or judge. Whoever asks for a key knows it: the others are told to be unknown, and what
/// is wrong with a value is told with its line.
pub trait Keys {
    /// The program, as `command` or `shell`, which must be there.
    fn run(&self) -> Option<Invocation>;
    /// Environment variables of its own; none when they are not there.
    fn variables(&self, key: &'static str) -> Option<BTreeMap<String, String>>;
    /// One of a few words, if it is there.
    fn choice(&self, key: &'static str, words: &[&'static str]) -> Option<&'static str>;
    /// A time limit in seconds, if it is there.
    fn seconds(&self, key: &'static str) -> Option<u64>;
    /// Its `name`, which must be there, be usable as that of a file, and be that of no other.
    fn name(&self) -> Option<String>;
    /// Takes a name that it has without saying so.
    fn take_name(&self, name: &str);
    /// Whether the fixture has a reference solution.
    fn has_solution(&self) -> bool;
    /// Tells a mistake of the value behind a key, or of the whole where that key is not there.
    fn mistake(&self, key: &'static str, message: String);
    /// Tells a mistake of the whole, with advice.
    fn mistake_with_hint(&self, message: String, hint: String);
}
