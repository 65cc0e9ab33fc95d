//! The checkpoint that an experiment of ProjectScylla should have: the existing document, with as few changes as
//! possible.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;

use crate::model::checkpoint::Checkpoint;
use crate::model::ids::RunId;
use crate::model::limits::MOST_CHECKPOINT_BYTES;
use crate::model::plan::Plan;
use crate::model::survey::{RunSeen, Survey};
use crate::os::files;
use crate::projectscylla::checkpoint::{Document, Header};
use crate::projectscylla::states::{Committed, StateFacts, mended};
use crate::projectscylla::version::Version;
use crate::store::StoreError;
use crate::store::layout::{ExperimentFolder, WORKSPACE, time_of_name};

use super::layout::SUMS;

/// The bytes of the checkpoint after the runs in `gone` have lost their results; `None` in an experiment of this tool.
/// Edits the existing checkpoint, else the copy of a former one that ProjectScylla keeps, else a new one.
pub(in crate::store) fn document(
    folder: &ExperimentFolder,
    survey: &Survey,
    (checkpoint, gone): (&Checkpoint, &BTreeSet<RunId>),
    now: Timestamp,
) -> Result<Option<Vec<u8>>, StoreError> {
    let (Some(_), Ok(version)) = (&survey.made_by, checkpoint.version.parse()) else { return Ok(None) };
    let whole = |path: &Path| {
        let bytes = files::read_if_readable(path, MOST_CHECKPOINT_BYTES)?;
        Document::parse(&bytes).ok().filter(|document| document.version() == version)
    };
    let base = whole(&folder.checkpoint()).or_else(|| whole(&folder.former_checkpoint()));
    let base = base.unwrap_or_else(|| new_document(folder, checkpoint, version, now));
    let mut committed = BTreeMap::new();
    let mut unknown = BTreeSet::new();
    for (run, seen) in survey.runs.iter().filter(|(run, _)| !gone.contains(run)) {
        match seen {
            RunSeen::Committed(_) => {
                let place = folder.root().join(survey.place(*run));
                let is_there = |name| files::kind_of(&place.join(name)).map(|kind| kind.is_some());
                let found = Committed { report: is_there(SUMS)?, workspace: is_there(WORKSPACE)? };
                committed.insert(*run, found);
            }
            RunSeen::Unknown => drop(unknown.insert(*run)),
            RunSeen::Unreadable | RunSeen::Unfinished { .. } => {}
        }
    }
    let none = Plan::default();
    let facts = StateFacts {
        version,
        plan: survey.planned.as_ref().map_or(&none, |planned| &planned.plan),
        tiers_without_subtests: survey.unknown_tiers(),
        committed: &committed,
        unknown: &unknown,
    };
    let states = mended(&base.reading().states, &checkpoint.completed_runs, &facts);
    Ok(Some(base.with(checkpoint, &states).to_bytes()))
}

fn new_document(folder: &ExperimentFolder, checkpoint: &Checkpoint, version: Version, now: Timestamp) -> Document {
    let root = fs::canonicalize(folder.root()).unwrap_or_else(|_| folder.root().to_owned());
    let header = Header {
        experiment_id: &checkpoint.experiment_id,
        experiment_dir: &root.to_string_lossy(),
        config_hash: &checkpoint.config_hash.to_string(),
        // Its folder is named after its start.
        started_at: root.file_name().and_then(time_of_name).unwrap_or(checkpoint.started_at),
        now,
    };
    Document::new(version, &header)
}
