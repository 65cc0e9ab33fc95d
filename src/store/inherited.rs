//! `config/inherited/T1.json`: the winners that a tier takes over, written once for each source and read by a resume.

use std::collections::BTreeMap;
use std::io;

use serde::Deserialize;

use crate::model::ids::{RunId, TierId};
use crate::model::inherited::Inherited;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::result::TokenStats;
use crate::model::score::Score;
use crate::os::files::{self, FileError, Folder};

use super::layout::{self, ExperimentFolder};
use super::version::{Age, age};
use super::{StoreError, pretty};

/// What the winner's rule compares of a committed run: its score, and the tokens of its agent. `None` for a result without
/// a score.
///
/// # Errors
/// When the result is gone or cannot be read.
pub fn compared(folder: &ExperimentFolder, run: RunId) -> Result<Option<(Score, u64)>, StoreError> {
    #[derive(Deserialize)]
    struct Compared {
        judge_score: Option<Score>,
        #[serde(default)]
        token_stats: TokenStats,
    }
    let path = folder.run(run).result();
    let unreadable = |why: String| FileError::new("compare", &path, io::Error::other(why));
    let bytes =
        files::read_bounded(&path, MOST_STAGE_FILE_BYTES)?.ok_or_else(|| unreadable("it is gone".to_owned()))?;
    let compared: Compared = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok(compared.judge_score.map(|score| (score, compared.token_stats.total())))
}

/// Writes what a tier takes over, whole and durably.
///
/// # Errors
/// When the disk says no.
pub fn save(folder: &ExperimentFolder, inherited: &Inherited) -> Result<(), StoreError> {
    files::create_dir_durable(&folder.inherited_dir())?;
    let path = folder.inherited(inherited.tier);
    Ok(files::write_atomic(&path, &pretty(inherited, &path)?)?)
}

/// Everything that is frozen, by tier.
///
/// # Errors
/// When a file is there and cannot be read: nothing may be chosen a second time.
pub fn read_all(folder: &ExperimentFolder) -> Result<BTreeMap<TierId, Inherited>, StoreError> {
    let mut tiers = Vec::new();
    if let Some(open) = Folder::open(&folder.inherited_dir())? {
        open.each(|name, _| tiers.extend(name.to_str().and_then(layout::tier_of_inherited)))?;
    }
    let mut all = BTreeMap::new();
    for tier in tiers {
        let path = folder.inherited(tier);
        let unreadable = |why: String| StoreError::Inherited { path: path.clone(), why };
        let bytes = files::read_bounded(&path, MOST_STAGE_FILE_BYTES).map_err(|error| unreadable(error.to_string()))?;
        let Some(bytes) = bytes else { continue };
        let inherited: Inherited = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if inherited.tier != tier {
            return Err(unreadable(format!("it names the tier `{}`", inherited.tier)));
        }
        if age(&inherited.version) != Age::Current {
            return Err(unreadable(format!(
                "its version `{}` is not read by this version of cargo-scylla",
                inherited.version
            )));
        }
        all.insert(tier, inherited);
    }
    Ok(all)
}
