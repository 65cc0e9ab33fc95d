//! The forms in which an experiment can be kept. The rest of the store asks a form what it has and what it lacks, and never
//! whose it is: this is the only file that knows of forms which are not this tool's.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::layout::{Base, ExperimentFolder, Level};
use super::{StoreError, taken_over};
use crate::model::details::RunDetails;
use crate::model::ids::RunNumber;
use crate::model::result::Judgment;
use crate::model::usage::Total;
use crate::os::files::Kind;
use crate::projectscylla::details as other_details;

pub(super) use super::projectscylla::document::document;
pub(super) use super::projectscylla::recognise::{Listed, Recognised, recognise};
use super::projectscylla::{self as other, layout};
pub(super) use layout::{AGENT_OUTPUT, JUDGE_PROMPT, PROMPT, TASK_PROMPT};

/// What an agent left that is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AgentLeft {
    /// Whether it did anything.
    pub(super) is_usable: bool,
    pub(super) cost: Total,
}

/// Makes standard JSON of a result, or says why it cannot.
pub(super) type Strict = fn(&[u8]) -> Result<Vec<u8>, String>;

/// Reads what an agent left; `None` when that cannot be read.
pub(super) type ReadAgent = fn(&[u8]) -> Option<AgentLeft>;

/// What is so of an experiment's folder beside what is so of each.
pub(super) struct Form {
    /// Whether results, stages and former attempts carry digests and seals of their own.
    pub(super) is_sealed: bool,
    /// Below which folders tiers may lie, beside the experiment's own.
    pub(super) bases: &'static [Base],
    /// Whether a name that this tool does not give is usual at a level.
    pub(super) is_usual: fn(Level, &str, Kind) -> bool,
    /// The run of a former attempt whose name does not tell which attempt it was.
    pub(super) unnumbered_attempt: fn(&str) -> Option<RunNumber>,
    /// Makes standard JSON of a result that is none; `None` where only standard JSON is a result.
    pub(super) strict: Option<Strict>,
    /// Reads what an agent left, where that has another shape than this tool's.
    pub(super) agent: Option<ReadAgent>,
}

/// What this tool makes.
pub(super) const OURS: Form = Form {
    is_sealed: true,
    bases: &[],
    is_usual: |_, _, _| false,
    unnumbered_attempt: |_| None,
    strict: None,
    agent: None,
};

/// What this tool makes where another one began: former files of that one lie there still.
const TAKEN_OVER: Form = Form {
    is_usual: |level, name, kind| level != Level::BelowRun && layout::is_usual(level, name, kind),
    unnumbered_attempt: layout::unnumbered_attempt,
    strict: Some(other::strict),
    ..OURS
};

/// What another tool makes.
pub(super) const OTHER: Form = Form {
    is_sealed: false,
    bases: &[Base::InProgress, Base::Completed],
    is_usual: layout::is_usual,
    unnumbered_attempt: layout::unnumbered_attempt,
    strict: Some(other::strict),
    agent: Some(|bytes| other::agent(bytes).map(|(is_usable, cost)| AgentLeft { is_usable, cost })),
};

/// The form of an experiment that has a config of this tool.
pub(super) fn of_ours(folder: &ExperimentFolder) -> Result<&'static Form, StoreError> {
    Ok(if taken_over::is(folder)? { &TAKEN_OVER } else { &OURS })
}

/// Makes standard JSON of a result that some other tool wrote.
pub(super) fn strict(bytes: &[u8]) -> Result<Vec<u8>, String> {
    other::strict(bytes)
}

/// Adds what a result says that some other tool wrote.
pub(super) fn add_result(details: &mut RunDetails, result: &[u8]) -> Result<(), String> {
    other_details::add(details, result)
}

/// Adds what an agent left that is done, in the form of some other tool; whether it did anything.
pub(super) fn add_agent(details: &mut RunDetails, result: &[u8]) -> bool {
    other::agent(result).is_some_and(|(is_usable, _)| is_usable) && other_details::add_agent(details, result).is_ok()
}

/// Adds what a judge's own file says of the items of the rubric, in the form of some other tool.
pub(super) fn add_items(judgment: &mut Judgment, file: &[u8]) {
    other_details::add_items(judgment, file);
}

/// Whether standard JSON is a result of some other tool.
pub(super) fn is_result(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Keys {
        run_number: Option<IgnoredAny>,
        judge_score: Option<IgnoredAny>,
        judge_passed: Option<IgnoredAny>,
    }
    serde_json::from_slice(json).is_ok_and(|Keys { run_number, judge_score, judge_passed }| {
        run_number.is_some() && (judge_score.is_some() || judge_passed.is_some())
    })
}

impl Form {
    /// The base that a folder in the experiment's own is.
    pub(super) fn base(&self, name: &str) -> Option<Base> {
        self.bases.iter().copied().find(|base| base.folder() == Some(name))
    }
}
