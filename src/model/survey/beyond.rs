//! What whoever read a folder knows of it beyond its files: a plan that no config of this tool gives, where runs lie, findings
//! that are ready, who seems to work on it. All of it is empty in an experiment of this tool.

use std::collections::BTreeMap;

use super::Holder;
use crate::model::finding::Finding;
use crate::model::ids::{RunId, TierId};
use crate::model::plan::Plan;

/// Who made an experiment that is kept in another form than the one that this tool writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeBy {
    /// The other tool.
    pub tool: String,
    /// The version of its checkpoint.
    pub version: String,
    /// What its config calls the experiment, when that can be read.
    pub experiment_id: Option<String>,
}

/// A program that seems to work on an experiment though it takes no lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signs {
    /// What it is, in the place of the lock's holder. Process 0 lives on another machine.
    pub holder: Holder,
    /// Where the signs are, below the experiment's folder.
    pub place: String,
    /// What is seen, in words.
    pub message: String,
}

/// A plan that is known otherwise than from a config of this tool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Planned {
    /// Every run that should exist, as far as its subtests are known or follow from the config.
    pub plan: Plan,
    /// The same of those subtests alone of which there is a folder, an entry or a report.
    pub known: Plan,
    /// Whether more may be planned: a tier was not finished, and nothing in the folder says how many subtests it has.
    pub is_open: bool,
    /// Planned tiers of which no subtest is known.
    pub unknown_tiers: Vec<TierId>,
    /// The fewest runs that those must have.
    pub runs_of_unknown_tiers: usize,
}

/// Where runs lie below the experiment's folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// The folder that holds the tiers; empty when it is the experiment's own.
    pub usual: String,
    /// Runs that lie elsewhere, with their places.
    pub others: BTreeMap<RunId, String>,
}

impl Places {
    /// Where a run lies, or would lie when it is done.
    #[must_use]
    pub fn of(&self, run: RunId) -> String {
        match self.others.get(&run) {
            Some(place) => place.clone(),
            None if self.usual.is_empty() => run.to_string(),
            None => format!("{}/{run}", self.usual),
        }
    }
}

/// Findings that are made where the folder is read; the audit passes them on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ready {
    /// Those that hold whatever happens there.
    pub always: Vec<Finding>,
    /// Those that hold when nothing works on the experiment.
    pub at_rest: Vec<Finding>,
}
