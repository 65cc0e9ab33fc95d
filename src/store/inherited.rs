//! `config/inherited/T1.json`: the winners that a tier takes over, written once for each source and read by a resume.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::model::grading::GradingNumber;
use crate::model::ids::{RunId, TierId};
use crate::model::inherited::Inherited;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::score::Score;
use crate::model::survey::Seen;
use crate::model::usage::Tokens;
use crate::os::files::{self, FileError, Folder};
use crate::projectscylla;

use super::layout::config::tier_of_inherited;
use super::layout::{ExperimentFolder, RESULT};
use super::version::{Age, age, costs, newer, translated};
use super::{StoreError, own_digest, pretty};

/// What the winner's rule compares of a committed run: its score, and the tokens of its agent, `None` when it does not say
/// them. `None` for a result without a score.
pub type Compared = Option<(Score, Option<u64>)>;

/// Reads what is compared of a committed run.
///
/// # Errors
/// When the result is gone or cannot be read.
pub fn compared(folder: &ExperimentFolder, run: RunId, grading: GradingNumber) -> Result<Compared, StoreError> {
    compared_in(&folder.run(run).graded(grading).result())
}

/// The same of a run that lies at another place below the experiment's folder, before it is taken over.
///
/// # Errors
/// As [`compared`].
pub fn compared_at(folder: &ExperimentFolder, place: &str) -> Result<Compared, StoreError> {
    compared_in(&folder.root().join(place).join(RESULT))
}

fn compared_in(path: &Path) -> Result<Compared, StoreError> {
    #[derive(Deserialize)]
    struct Scored {
        #[serde(default)]
        version: Option<String>,
        judge_score: Option<Score>,
        #[serde(default)]
        token_stats: Tokens,
    }
    let unreadable = |why: String| FileError::new("compare", path, io::Error::other(why));
    let bytes = files::read_bounded(path, MOST_STAGE_FILE_BYTES)?.ok_or_else(|| unreadable("it is gone".to_owned()))?;
    let compared = serde_json::from_slice::<Scored>(&bytes).or_else(|_| {
        // The original's runner wrote it, as Python writes JSON.
        let strict = projectscylla::result::strict(&bytes).map_err(unreadable)?;
        serde_json::from_slice(&strict).map_err(|error| unreadable(error.to_string()))
    })?;
    let is_earlier = compared.version.is_some_and(|version| age(&version) == Age::Earlier);
    let tokens = compared.token_stats;
    let tokens = if is_earlier { costs::tokens(tokens) } else { tokens };
    Ok(compared.judge_score.map(|score| (score, tokens.total())))
}

/// Writes what a tier takes over, whole and durably.
///
/// # Errors
/// When the disk says no.
pub fn save(folder: &ExperimentFolder, inherited: &Inherited) -> Result<(), StoreError> {
    files::create_dir_durable(&folder.inherited_dir())?;
    let path = folder.inherited(inherited.tier);
    Ok(files::write_atomic(&path, &own_digest::add(pretty(inherited, &path)?))?)
}

/// Everything that is frozen, by tier.
///
/// # Errors
/// When a file is there and cannot be read: nothing may be chosen a second time.
pub fn read_all(folder: &ExperimentFolder) -> Result<BTreeMap<TierId, Inherited>, StoreError> {
    let unreadable = |tier, why| Some(Err(StoreError::Inherited { path: folder.inherited(tier), why }));
    let read = |(tier, seen)| match seen {
        Seen::Missing => None,
        Seen::Read(inherited) => Some(Ok((tier, *inherited))),
        Seen::Unreadable(why) | Seen::UnknownFormat(why) => unreadable(tier, why),
        Seen::Newer { version, .. } => {
            unreadable(tier, format!("its version `{version}` is not read by this version of cargo-scylla"))
        }
    };
    see_all(folder)?.into_iter().filter_map(read).collect()
}

/// What each file is that freezes something, by tier.
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
    use crate::store::sample::{self, run, write_json};

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

    #[test]
    fn a_result_of_either_tool_is_compared_by_score_and_tokens() {
        let sample = sample::experiment();
        sample.altered_result(run("T0/00/1"), &json!({ "token_stats": { "input_tokens": 3, "cache_read_tokens": 4 } }));
        assert_eq!(
            compared(&sample.folder, run("T0/00/1"), GradingNumber::FIRST).unwrap(),
            Some((Score::ONE, Some(7)))
        );
        let original = r#"{"run_number": 2, "judge_score": 0.5, "cost_of_pass": Infinity, "judges": null,
            "token_stats": {"input_tokens": 1, "cache_read_input_tokens": 8}}"#;
        write_json(&sample.folder.run(run("T0/00/2")).result(), &json!({}));
        fs::write(sample.folder.run(run("T0/00/2")).result(), original).unwrap();
        assert_eq!(
            compared(&sample.folder, run("T0/00/2"), GradingNumber::FIRST).unwrap(),
            Some((Score::new(0.5).unwrap(), Some(9)))
        );
        sample.altered_result(run("T0/00/3"), &json!({ "judge_score": null }));
        assert_eq!(compared(&sample.folder, run("T0/00/3"), GradingNumber::FIRST).unwrap(), None);
        assert!(
            compared(&sample.folder, run("T0/00/4"), GradingNumber::FIRST).is_err(),
            "a result that is gone is no absent score"
        );
    }
}
