//! The gradings of a committed run.

use std::collections::BTreeMap;

use crate::model::digest::Digest;
use crate::model::grading::GradingNumber;
use crate::model::usage::Total;

/// The gradings of a committed run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graded {
    /// What the agent cost.
    pub agent: Total,
    /// What was spent on judges without a verdict.
    pub without_verdict: Total,
    /// The verdicts.
    pub by: BTreeMap<GradingNumber, GradedFacts>,
}

impl Graded {
    /// Whether the run has a verdict under a grading.
    #[must_use]
    pub fn has(&self, grading: GradingNumber) -> bool {
        self.by.get(&grading).is_some_and(|by| by.passed.is_some())
    }
}

/// The facts of a run under one grading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradedFacts {
    /// The panel's verdict.
    pub passed: Option<bool>,
    /// Mean score.
    pub score: Option<f64>,
    /// Judges whose votes the verdict rests on.
    pub votes: u16,
    /// Seconds of agent, checks and judges.
    pub seconds: f64,
    /// Cost of its judges.
    pub judges: Total,
    /// Cost of its judges' answers that were not valid.
    pub failed_judges: Total,
    /// Digest of the grading's record, as the result names it.
    pub record: Option<Digest>,
}

impl GradedFacts {
    /// What was spent on this grading of the run.
    #[must_use]
    pub fn spent(&self) -> Total {
        self.judges + self.failed_judges
    }
}
