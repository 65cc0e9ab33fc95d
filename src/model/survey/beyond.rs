//! What the reader of a folder knows beyond the files that this tool writes: a plan that does not come from a config of
//! this tool, places of runs, ready findings, and signs of a program at work. All of it is empty in an experiment of
//! this tool.

use std::collections::BTreeMap;

use super::Holder;
use crate::model::finding::Finding;
use crate::model::ids::{RunId, TierId};
use crate::model::plan::Plan;

/// Who made an experiment that is stored in another form than this tool's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeBy {
    /// The other tool.
    pub tool: String,
    /// The version of its checkpoint.
    pub version: String,
    /// The experiment's name in its config, when that can be read.
    pub experiment_id: Option<String>,
}

/// Signs of a program that seems to work on an experiment though it takes no lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signs {
    /// The program, in the place of the lock's holder. Process 0 means one on another machine.
    pub holder: Holder,
    /// Where the signs are, below the experiment's folder.
    pub place: String,
    /// The signs, in words.
    pub message: String,
}

/// A plan that does not come from a config of this tool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Planned {
    /// Every run that should exist, as far as its subtests are known or follow from the config.
    pub plan: Plan,
    /// The part of it with subtests that have a folder, an entry or a report.
    pub known: Plan,
    /// Whether more may be planned: a tier was not finished, and nothing in the folder says how many subtests it has.
    pub is_open: bool,
    /// Planned tiers of which no subtest is known.
    pub unknown_tiers: Vec<TierId>,
    /// The fewest runs that those must have.
    pub runs_of_unknown_tiers: usize,
}

/// The places of runs below the experiment's folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// The folder that contains the tiers; empty when it is the experiment's own.
    pub usual: String,
    /// Runs that are elsewhere, with their places.
    pub others: BTreeMap<RunId, String>,
}

impl Places {
    /// Where a run is, or would be when it is done.
    #[must_use]
    pub fn of(&self, run: RunId) -> String {
        match self.others.get(&run) {
            Some(place) => place.clone(),
            None if self.usual.is_empty() => run.to_string(),
            None => format!("{}/{run}", self.usual),
        }
    }
}

/// Findings that are made when the folder is read; the audit passes them on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ready {
    /// Findings that hold in any case.
    pub always: Vec<Finding>,
    /// Findings that hold only when nothing is working on the experiment.
    pub at_rest: Vec<Finding>,
}
