//! The forms in which an experiment can be stored: this tool's own, and another tool's. The rest of the store asks a
//! form about its properties, and never whose it is: this is the only file that knows of forms other than this tool's.

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

/// What a finished agent left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AgentLeft {
    /// Whether the agent did anything.
    pub(super) is_usable: bool,
    pub(super) cost: Total,
}

/// Converts a result to standard JSON, or says why that is not possible.
pub(super) type Strict = fn(&[u8]) -> Result<Vec<u8>, String>;

/// Reads what an agent left; `None` when that cannot be read.
pub(super) type ReadAgent = fn(&[u8]) -> Option<AgentLeft>;

/// The properties in which experiments of this form differ from others.
pub(super) struct Form {
    /// Whether results, stages and former attempts carry digests and seals of their own.
    pub(super) is_sealed: bool,
    /// The folders in which tiers may be, beside the experiment's own.
    pub(super) bases: &'static [Base],
    /// Whether a name that this tool does not use is usual at a level.
    pub(super) is_usual: fn(Level, &str, Kind) -> bool,
    /// The run of a former attempt whose name does not say which attempt it was.
    pub(super) unnumbered_attempt: fn(&str) -> Option<RunNumber>,
    /// Converts a result that is not standard JSON; `None` where only standard JSON is a result.
    pub(super) strict: Option<Strict>,
    /// Reads what an agent left, where its format differs from this tool's.
    pub(super) agent: Option<ReadAgent>,
}

/// An experiment that this tool made.
pub(super) const OURS: Form = Form {
    is_sealed: true,
    bases: &[],
    is_usual: |_, _, _| false,
    unnumbered_attempt: |_| None,
    strict: None,
    agent: None,
};

/// An experiment that another tool began and this one took over: files of the other tool are still in it.
const TAKEN_OVER: Form = Form {
    is_usual: |level, name, kind| level != Level::BelowRun && layout::is_usual(level, name, kind),
    unnumbered_attempt: layout::unnumbered_attempt,
    strict: Some(other::strict),
    ..OURS
};

/// An experiment of another tool.
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

/// Converts a result of another tool to standard JSON.
pub(super) fn strict(bytes: &[u8]) -> Result<Vec<u8>, String> {
    other::strict(bytes)
}

/// Adds the values of a result that another tool wrote.
pub(super) fn add_result(details: &mut RunDetails, result: &[u8]) -> Result<(), String> {
    other_details::add(details, result)
}

/// Adds the values of a finished agent in another tool's format; gives whether the agent did anything.
pub(super) fn add_agent(details: &mut RunDetails, result: &[u8]) -> bool {
    other::agent(result).is_some_and(|(is_usable, _)| is_usable) && other_details::add_agent(details, result).is_ok()
}

/// Adds the items of the rubric from a judge's own file in another tool's format.
pub(super) fn add_items(judgment: &mut Judgment, file: &[u8]) {
    other_details::add_items(judgment, file);
}

/// Whether standard JSON is a result of another tool.
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
    /// The base that a folder in the experiment's own folder is.
    pub(super) fn base(&self, name: &str) -> Option<Base> {
        self.bases.iter().copied().find(|base| base.folder() == Some(name))
    }
}
