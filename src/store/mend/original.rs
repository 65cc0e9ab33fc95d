//! The checkpoint of the original as it is to be: the document that lies there, with as few changes as there can be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;

use crate::model::checkpoint::Checkpoint;
use crate::model::limits::MOST_CHECKPOINT_BYTES;
use crate::model::original::OriginalVersion;
use crate::os::files;
use crate::projectscylla::checkpoint::{Document, Header};
use crate::projectscylla::states::{Committed, StateFacts, mended};
use crate::rules::mend::Ground;
use crate::store::StoreError;
use crate::store::layout::{ExperimentFolder, time_of_name};

/// Edits what lies there, else the copy that the original keeps of its former checkpoint, else one that is made anew.
pub(super) fn document(
    folder: &ExperimentFolder,
    checkpoint: &Checkpoint,
    version: OriginalVersion,
    ground: &Ground,
    now: Timestamp,
) -> Result<Document, StoreError> {
    let whole = |path: &Path| {
        let bytes = files::read_bounded(path, MOST_CHECKPOINT_BYTES).ok().flatten()?;
        Document::parse(&bytes).ok().filter(|document| document.version() == version)
    };
    let base = whole(&folder.checkpoint()).or_else(|| whole(&folder.former_checkpoint()));
    let base = base.unwrap_or_else(|| anew(folder, checkpoint, version, now));
    let mut committed = BTreeMap::new();
    for (run, place) in &ground.committed {
        let is_there = |name| files::kind_of(&folder.root().join(place).join(name)).map(|kind| kind.is_some());
        let found = Committed { report: is_there("report.json")?, workspace: is_there("workspace")? };
        committed.insert(*run, found);
    }
    let facts = StateFacts {
        version,
        plan: &ground.plan,
        tiers_without_subtests: &ground.tiers_without_subtests,
        committed: &committed,
        unknown: &ground.unknown,
    };
    let states = mended(&base.reading().states, &checkpoint.completed_runs, &facts);
    Ok(base.with(checkpoint, &states))
}

fn anew(folder: &ExperimentFolder, checkpoint: &Checkpoint, version: OriginalVersion, now: Timestamp) -> Document {
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
