//! Where the runs in flight are, as the coordinator saw last; alone, because it is for those who only look.

use std::collections::BTreeMap;

use crate::model::ids::RunId;
use crate::model::job::Placement;
use crate::os::files;
use crate::store::StoreError;
use crate::store::layout::ExperimentFolder;

/// Most bytes of the file.
const MOST_BYTES: u64 = 64 << 20;

/// Writes where runs are.
///
/// # Errors
/// When the file cannot be written.
pub fn write_placements(folder: &ExperimentFolder, all: &BTreeMap<RunId, Placement>) -> Result<(), StoreError> {
    let named: BTreeMap<String, &Placement> = all.iter().map(|(run, place)| (run.to_string(), place)).collect();
    let bytes = serde_json::to_vec(&named).unwrap_or_default();
    files::create_dir_durable(&folder.jobs())?;
    Ok(files::write_atomic(&folder.placements(), &bytes)?)
}

/// Where runs were when the coordinator looked last; nothing where that cannot be read.
#[must_use]
pub fn placements(folder: &ExperimentFolder) -> BTreeMap<RunId, Placement> {
    let bytes = files::read_bounded(&folder.placements(), MOST_BYTES).ok().flatten().unwrap_or_default();
    let named: BTreeMap<String, Placement> = serde_json::from_slice(&bytes).unwrap_or_default();
    named.into_iter().filter_map(|(run, place)| Some((run.parse().ok()?, place))).collect()
}
