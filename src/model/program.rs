//! Programs that a fixture names, and how a kind of agent or judge reads its settings in a fixture.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::setup::Capability;

/// The variable that tells programs the path of the fixture's copy.
pub const FIXTURE_COPY: &str = "SCYLLA_FIXTURE";

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
    /// The arguments that the kernel is given.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Argv(words) => words.clone(),
            Self::Shell(line) => vec!["/bin/sh".into(), "-c".into(), line.clone()],
        }
    }

    /// The key and the value by which a fixture specifies it.
    #[must_use]
    pub fn entry(&self) -> (String, Value) {
        match self {
            Self::Argv(words) => ("command".to_owned(), json!(words)),
            Self::Shell(line) => ("shell".to_owned(), json!(line)),
        }
    }
}

/// What has kinds: agents and judges.
pub trait HasKinds: Sized + 'static {
    /// How the settings of one are read in a fixture.
    type Keys<'a>: ?Sized;
}

/// A kind of agent or of judge, which a fixture names by `kind`.
pub struct Kind<T: HasKinds> {
    /// Its name in fixtures and reports.
    pub name: &'static str,
    /// What it does: a sentence in the manual.
    pub about: &'static str,
    /// Its own keys, each with a description.
    pub keys: &'static [(&'static str, &'static str)],
    /// What it can be given; a fixture that names more gets a message.
    pub takes: &'static [Capability],
    /// Reads the settings of one in a fixture. `None` after a mistake.
    pub read: for<'a> fn(&'a T::Keys<'a>) -> Option<T>,
}

impl<T: HasKinds> fmt::Debug for Kind<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

/// A file that a fixture names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Its path below the fixture.
    pub path: String,
    /// Its text, which is not empty.
    pub text: String,
}

/// A recorded run or experiment that a fixture names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its folder, as it is named.
    pub named: String,
    /// Where it is; `None` when the fixture is a copy that has it already.
    pub folder: Option<PathBuf>,
    /// The file that names it.
    pub file: PathBuf,
    /// The line there, from 1, where it is known.
    pub line: Option<u32>,
}

/// The settings of one agent or judge in a fixture. A key that is asked for is thereby known; all others are reported
/// as unknown, and what is wrong with a value is reported with its line.
pub trait Keys {
    /// The program, as `command` or `shell`; required.
    fn run(&self) -> Option<Invocation>;
    /// Environment variables of its own; empty when there are none.
    fn variables(&self, key: &'static str) -> Option<BTreeMap<String, String>>;
    /// One of a few words, if the key is there.
    fn choice(&self, key: &'static str, words: &[&'static str]) -> Option<&'static str>;
    /// One of a few words; required.
    fn required_choice(&self, key: &'static str, words: &[&'static str]) -> Option<&'static str> {
        self.choice(key, words)
    }
    /// A text; required, and not empty.
    fn required_text(&self, key: &'static str) -> Option<String> {
        self.text(key)
    }
    /// A text, if the key is there; without more said, none is.
    fn text(&self, _key: &'static str) -> Option<String> {
        None
    }
    /// `true` or `false`, if the key is there; without more said, none is.
    fn flag(&self, _key: &'static str) -> Option<bool> {
        None
    }
    /// A whole number from 1, if the key is there; without more said, none is.
    fn count(&self, _key: &'static str) -> Option<u32> {
        None
    }
    /// The file of the fixture that a key names, if the key is there; `None` after a mistake. Without more said, none is.
    fn file(&self, _key: &'static str) -> Option<Option<NamedFile>> {
        Some(None)
    }
    /// The recorded run or experiment that a key names; required. Without more said, none is.
    fn recording(&self, _key: &'static str) -> Option<Recording> {
        None
    }
    /// A time limit in seconds, if the key is there.
    fn seconds(&self, key: &'static str) -> Option<u64>;
    /// Its `name`; required, usable as the name of a file, and unique.
    fn name(&self) -> Option<String>;
    /// Reserves a name that it has without the fixture naming it.
    fn reserve_name(&self, name: &str);
    /// Whether the fixture has a reference solution.
    fn has_solution(&self) -> bool;
    /// Reports a mistake in the value of a key, or in the whole when that key is not there.
    fn mistake(&self, key: &'static str, message: String);
    /// Reports a mistake in the whole, with advice.
    fn mistake_with_hint(&self, message: String, hint: String);
}
