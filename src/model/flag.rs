//! What was unusual about what an agent left.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was unusual about what an agent left. None of it keeps the run from being graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Not all of the agent's record folder was kept.
    RecordLeftOut,
    /// Not all of the agent's tree could be captured; what was left out counts as deleted where the baseline has it.
    TreeLeftOut,
    /// The agent's tree was removed, or something else was put in its place: it counts as an empty one.
    TreeGone,
    /// Nothing of the agent's tree could be captured: it counts as untouched.
    TreeNotCaptured,
    /// A folder of ours was replaced while the agent worked; nothing was written through it.
    FolderReplaced,
    /// The text of a secret stands in `changes.patch`, whose bytes are never edited. Whoever publishes it must hide it.
    SecretInPatch,
}

impl Flag {
    /// What it says of a run, as a sentence goes on.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::RecordLeftOut => "not all of the agent's record folder was kept",
            Self::TreeLeftOut => "not all of the agent's tree could be captured",
            Self::TreeGone => "the agent's tree was gone and counts as an empty one",
            Self::TreeNotCaptured => "nothing of the agent's tree could be captured, so it counts as untouched",
            Self::FolderReplaced => "a folder of the run was replaced while the agent worked, and put back",
            Self::SecretInPatch => "the text of a secret stands in `changes.patch`",
        }
    }

    /// The flag of this name; `None` for one that this version does not know.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }
}
