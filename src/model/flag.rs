//! What was unusual about what an agent left.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was unusual about what an agent left. None of it keeps the run from being graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// A part of the agent's record folder was not kept.
    RecordLeftOut,
    /// A part of the agent's tree could not be captured; files that were left out count as deleted where the baseline
    /// has them.
    TreeLeftOut,
    /// The agent's tree was removed, or something else was put in its place: it counts as an empty one.
    TreeGone,
    /// Nothing of the agent's tree could be captured: it counts as unchanged.
    TreeNotCaptured,
    /// A folder of the run was replaced while the agent worked; nothing was written through it.
    FolderReplaced,
    /// `changes.patch` contains a secret. Its bytes are never edited, so whoever publishes it must hide the secret.
    SecretInPatch,
    /// No model was asked: a recorded run was played back, or its answers were given to an agent again.
    PlayedBack,
    /// The kernel ended a process of the agent, because the agent's limit of memory was reached.
    MemoryLimit,
    /// A process of the agent was not started, because the agent's limit of processes was reached.
    ProcessLimit,
    /// The agent's own account of its tokens differs by more than 2 % from what passed through the gateway.
    UsageDiffers,
    /// Not all exchanges with models were kept that were to be, so that they cannot be given again.
    ExchangesLeftOut,
}

impl Flag {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::RecordLeftOut,
        Self::TreeLeftOut,
        Self::TreeGone,
        Self::TreeNotCaptured,
        Self::FolderReplaced,
        Self::SecretInPatch,
        Self::PlayedBack,
        Self::MemoryLimit,
        Self::ProcessLimit,
        Self::UsageDiffers,
        Self::ExchangesLeftOut,
    ];

    /// Its name, as in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RecordLeftOut => "record_left_out",
            Self::TreeLeftOut => "tree_left_out",
            Self::TreeGone => "tree_gone",
            Self::TreeNotCaptured => "tree_not_captured",
            Self::FolderReplaced => "folder_replaced",
            Self::SecretInPatch => "secret_in_patch",
            Self::PlayedBack => "played_back",
            Self::MemoryLimit => "memory_limit",
            Self::ProcessLimit => "process_limit",
            Self::UsageDiffers => "usage_differs",
            Self::ExchangesLeftOut => "exchanges_left_out",
        }
    }

    /// What it means for a run, as the end of a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::RecordLeftOut => "not all of the agent's record folder was kept",
            Self::TreeLeftOut => "not all of the agent's tree could be captured",
            Self::TreeGone => "the agent's tree was gone and counts as an empty one",
            Self::TreeNotCaptured => "nothing of the agent's tree could be captured, so it counts as untouched",
            Self::FolderReplaced => "a folder of the run was replaced while the agent worked, and put back",
            Self::SecretInPatch => "the text of a secret stands in `changes.patch`",
            Self::PlayedBack => "no model was asked: a recorded run was played back",
            Self::MemoryLimit => "the kernel ended a process of the agent at the limit of memory",
            Self::ProcessLimit => "the limit of processes kept one of the agent's from being started",
            Self::UsageDiffers => "the agent's own account of its tokens is another than the gateway's, which counts",
            Self::ExchangesLeftOut => "not all exchanges with models were kept, so they cannot be replayed",
        }
    }

    /// The flag with this name; `None` when this version does not know it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }
}
