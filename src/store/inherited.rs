//! `config/inherited/T1.json`: the winners that a tier inherits from, written once for each source tier and read by a
//! resume.

use std::collections::BTreeMap;

use crate::model::ids::TierId;
use crate::model::inherited::Inherited;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::Seen;
use crate::os::files::{self, FileError, Folder};

use super::layout::ExperimentFolder;
use super::layout::config::tier_of_inherited;
use super::version::{Age, age, newer, translated};
use super::{StoreError, own_digest, pretty};

/// Writes what a tier inherits, whole and durably.
///
/// # Errors
/// When it cannot be written.
pub fn save(folder: &ExperimentFolder, inherited: &Inherited) -> Result<(), StoreError> {
    files::create_dir_durable(&folder.inherited_dir())?;
    let path = folder.inherited(inherited.tier);
    Ok(files::write_atomic(&path, &own_digest::add(pretty(inherited, &path)?))?)
}

/// Everything that is frozen, by tier.
///
/// # Errors
/// When a file exists and cannot be read: nothing may be chosen a second time.
pub fn read_all(folder: &ExperimentFolder) -> Result<BTreeMap<TierId, Inherited>, StoreError> {
    let unreadable = |tier, why| Some(Err(StoreError::Inherited { path: folder.inherited(tier), why }));
    let read = |(tier, seen)| match seen {
        Seen::Missing | Seen::Translated => None,
        Seen::Read(inherited) => Some(Ok((tier, *inherited))),
        Seen::Unreadable(why) | Seen::UnknownFormat(why) => unreadable(tier, why),
        Seen::Newer { version, .. } => {
            unreadable(tier, format!("its version `{version}` is not read by this version of cargo-scylla"))
        }
    };
    see_all(folder)?.into_iter().filter_map(read).collect()
}

/// The frozen files by tier, each read as far as possible.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn see_all(folder: &ExperimentFolder) -> Result<BTreeMap<TierId, Seen<Inherited>>, FileError> {
    let mut tiers = Vec::new();
    if let Some(open) = Folder::open(&folder.inherited_dir())? {
        open.each(|name, _| tiers.extend(name.to_str().and_then(tier_of_inherited)))?;
    }
    Ok(tiers.into_iter().map(|tier| (tier, see(folder, tier))).collect())
}

fn see(folder: &ExperimentFolder, tier: TierId) -> Seen<Inherited> {
    let bytes = match files::read_bounded(&folder.inherited(tier), MOST_STAGE_FILE_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Seen::Missing,
        Err(error) => return Seen::Unreadable(error.to_string()),
    };
    if let Some(version) = newer(&bytes) {
        return Seen::Newer { version, content: None };
    }
    match serde_json::from_slice::<Inherited>(&bytes) {
        Ok(inherited) if inherited.tier != tier => Seen::Unreadable(format!("it names the tier `{}`", inherited.tier)),
        Ok(inherited) if !matches!(age(&inherited.version), Age::Current | Age::Earlier) => {
            Seen::Unreadable(format!("`{}` is not a version", inherited.version))
        }
        Ok(mut inherited) => {
            if let Some(fault) = own_digest::fault(&bytes, Some(&inherited.version)) {
                return Seen::Unreadable(fault.to_owned());
            }
            inherited.version = translated(&inherited.version);
            Seen::Read(Box::new(inherited))
        }
        Err(error) => Seen::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::store::sample;

    fn inherited(tier: &str) -> Inherited {
        serde_json::from_value(json!({
            "version": "4.2",
            "tier": tier,
            "sources": {
                "T0": {
                    "at": sample::NOW, "subtest": "03", "median": 0.9, "margin": 0.02, "by_tokens": true,
                    "ranked": [{ "subtest": "03", "median": 0.9, "runs": 10, "tokens": 1200 }],
                    "planned": 240, "composed": sample::HASH,
                },
            },
        }))
        .unwrap()
    }

    #[test]
    fn what_is_frozen_is_what_is_read() {
        let sample = sample::experiment();
        assert_eq!(read_all(&sample.folder).unwrap(), BTreeMap::new());
        for tier in ["T1", "T12"] {
            save(&sample.folder, &inherited(tier)).unwrap();
        }
        fs::write(sample.folder.inherited_dir().join("notes.txt"), "").unwrap();
        let all: Vec<Inherited> = read_all(&sample.folder).unwrap().into_values().collect();
        assert_eq!(all, [inherited("T1"), inherited("T12")]);
        let text = fs::read_to_string(sample.folder.inherited(TierId(1))).unwrap();
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/compose"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!("inherited_json", text) });
    }

    #[test]
    fn what_is_frozen_and_cannot_be_read_is_an_error_and_never_nothing() {
        let sample = sample::experiment();
        let path = sample.folder.inherited(TierId(1));
        let newer = json!({ "version": "4.3", "tier": "T1", "sources": {} }).to_string();
        let other = serde_json::to_string(&inherited("T2")).unwrap();
        for wrong in ["", "{", "{}", newer.as_str(), other.as_str()] {
            fs::create_dir_all(sample.folder.inherited_dir()).unwrap();
            fs::write(&path, wrong).unwrap();
            assert!(matches!(read_all(&sample.folder), Err(StoreError::Inherited { .. })), "{wrong}");
        }
        fs::remove_file(&path).unwrap();
        sample::fifo(&path);
        assert!(matches!(read_all(&sample.folder), Err(StoreError::Inherited { .. })));
    }
}
