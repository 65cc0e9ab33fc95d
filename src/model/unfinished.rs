//! How work on a run ends whose result is not durable yet: the same for a thread here and a job elsewhere.

use serde::{Deserialize, Serialize};

use super::ids::{AttemptNumber, ModelName};
use super::outcome::{Failure, Stage};

/// A run that was left before its result was durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The stage that did not come to its end.
    pub stage: Stage,
    /// Whether the agent's result is durable.
    pub agent_complete: bool,
    /// Why it was left.
    pub why: WhyLeft,
}

/// Why a run was left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyLeft {
    /// Infrastructure failed.
    Failed {
        /// The number of the attempt.
        attempt: AttemptNumber,
        /// What failed.
        failure: Failure,
    },
    /// The stage needs a model that may not be asked now.
    Waits(ModelName),
    /// The work was stopped.
    Stopped,
}

impl Unfinished {
    /// A failure before the first stage.
    #[must_use]
    pub fn not_begun(failure: Failure) -> Self {
        let why = WhyLeft::Failed { attempt: AttemptNumber(0), failure };
        Self { stage: Stage::Prepare, agent_complete: false, why }
    }

    /// Work that was stopped in this stage.
    #[must_use]
    pub fn stopped(stage: Stage, agent_complete: bool) -> Self {
        Self { stage, agent_complete, why: WhyLeft::Stopped }
    }
}
