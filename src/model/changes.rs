//! `changes.json`: what was captured of the tree that an agent left, and what was not.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::flag::Flag;
use super::ids::RunId;

/// How many of the places that were not captured are named.
const MOST_NAMES: usize = 20;

/// `changes.json`: written before `changes.patch`, whose appearance ends the stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// The commit in `repo.git` that the patch applies to.
    pub baseline_commit: String,
    /// Digest of `changes.patch`.
    pub patch: Digest,
    /// git's name for the graded tree: the baseline with the patch. `null` when nothing could be captured.
    pub tree: Option<String>,
    /// Files that are not captured because the tree's `.gitignore` excludes them.
    #[serde(default)]
    pub ignored: Ignored,
    /// What else is not captured.
    #[serde(default)]
    pub left_out: LeftOut,
    /// What was unusual.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub flags: BTreeSet<Flag>,
}

impl Changes {
    /// Whether the captured part of the tree is unchanged.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.patch == Digest::of(b"")
    }

    /// How much was not captured.
    #[must_use]
    pub fn not_captured(&self) -> NotCaptured {
        let Self { ignored, left_out, .. } = self;
        NotCaptured { ignored_files: ignored.files, ignored_bytes: ignored.bytes, left_out: left_out.places }
    }
}

/// How much of a tree was not captured; `changes.json` has the first names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NotCaptured {
    /// Files that its `.gitignore` excludes.
    pub ignored_files: u64,
    /// How many bytes they have together.
    pub ignored_bytes: u64,
    /// Places that no patch can hold, or that were too large.
    pub left_out: u64,
}

/// A committed run whose agent left something that was not captured, or something unusual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remainder {
    /// The run.
    pub run: RunId,
    /// How much was not captured.
    #[serde(flatten)]
    pub not_captured: NotCaptured,
    /// What was unusual.
    #[serde(default)]
    pub flags: BTreeSet<Flag>,
}

impl Remainder {
    /// The remainder that a result names; `None` when everything was captured and nothing was unusual.
    #[must_use]
    pub fn of(run: RunId, not_captured: Option<NotCaptured>, flags: BTreeSet<Flag>) -> Option<Self> {
        let not_captured = not_captured.unwrap_or_default();
        let is_all = not_captured == NotCaptured::default() && flags.is_empty();
        (!is_all).then_some(Self { run, not_captured, flags })
    }
}

/// Files of the tree that were not captured because its `.gitignore` excludes them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Ignored {
    /// How many.
    pub files: u64,
    /// How many bytes they have together.
    pub bytes: u64,
    /// The first of them.
    pub names: Vec<String>,
}

impl Ignored {
    /// Counts one more.
    pub fn add(&mut self, name: &str, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.names.len() < MOST_NAMES {
            self.names.push(name.to_owned());
        }
    }
}

/// Places of the tree that no patch can hold, or that were too large.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LeftOut {
    /// How many.
    pub places: u64,
    /// The first of them.
    pub names: Vec<String>,
}

impl LeftOut {
    /// Counts one more.
    pub fn add(&mut self, name: &str) {
        self.places += 1;
        if self.names.len() < MOST_NAMES {
            self.names.push(name.to_owned());
        }
    }
}
