//! Until when models may not be asked: one file that the gateways of all workers honour, and that whoever is asked to wait writes into.
//! Its times are those of the file system's clock: the clocks of machines may differ.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::os::files::{self, FileError};
use crate::store::StoreError;
use crate::store::layout::ExperimentFolder;

/// Most bytes of the file.
const MOST_BYTES: u64 = 1 << 20;

/// The pauses of models.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pauses {
    /// Until when each model may not be asked.
    pub until: BTreeMap<String, Timestamp>,
}

impl Pauses {
    /// The pauses that are known now. A file that cannot be read holds none: whoever asks then learns it from the provider.
    #[must_use]
    pub fn read(folder: &ExperimentFolder) -> Self {
        let bytes = files::read_bounded(&folder.pauses(), MOST_BYTES).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

/// Adds the pause of a model, unless a later one is known. Of two that are added at the same moment one may be lost: then the provider
/// says it again.
///
/// # Errors
/// When the file cannot be written.
pub fn pause(folder: &ExperimentFolder, model: &str, until: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    let mut pauses = Pauses::read(folder);
    if pauses.until.get(model).is_some_and(|known| *known >= until) {
        return Ok(());
    }
    pauses.until.retain(|_, until| *until > now);
    pauses.until.insert(model.to_owned(), until);
    let bytes = serde_json::to_vec(&pauses).unwrap_or_default();
    files::create_dir_durable(&folder.jobs())?;
    Ok(files::write_atomic(&folder.pauses(), &bytes)?)
}

/// Forgets all pauses: a person wants models to be asked at once.
///
/// # Errors
/// When the file cannot be removed.
pub fn forget_pauses(folder: &ExperimentFolder) -> Result<(), StoreError> {
    let path = folder.pauses();
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(FileError::new("remove", &path, error).into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    #[test]
    fn the_latest_pause_of_each_model_holds_and_those_that_are_over_go() {
        let sample = sample::experiment();
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let add = |model, until, now| pause(&sample.folder, model, at(until), at(now)).unwrap();
        add("one", 100, 10);
        add("two", 50, 10);
        add("one", 90, 20);
        let until =
            |pairs: &[(&str, i64)]| pairs.iter().map(|(model, until)| ((*model).to_owned(), at(*until))).collect();
        assert_eq!(Pauses::read(&sample.folder).until, until(&[("one", 100), ("two", 50)]));
        add("one", 120, 60);
        assert_eq!(Pauses::read(&sample.folder).until, until(&[("one", 120)]));
        std::fs::write(sample.folder.pauses(), "torn").unwrap();
        assert_eq!(Pauses::read(&sample.folder), Pauses::default());
    }
}
