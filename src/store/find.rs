//! Former experiments in a results folder.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::checkpoint::Checkpoint;
use crate::model::experiment::Config;
use crate::model::ids::ExperimentId;
use crate::model::outcome::ExperimentStatus;
use crate::model::survey::Seen;
use crate::os::clock::just_after;
use crate::os::files::{self, FileError, Kind, NamedPlace};

use super::layout::{ExperimentFolder, time_of_name};
use super::{StoreError, checkpoint, config};

/// Length of the time at the beginning of the name of an experiment's folder.
const TIME_BYTES: usize = 19;

/// An experiment in a results folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its folder.
    pub folder: ExperimentFolder,
    /// Its checkpoint.
    pub checkpoint: Seen<Checkpoint>,
}

impl Found {
    /// Whether it is known to be finished.
    #[must_use]
    pub fn completed(&self) -> bool {
        self.checkpoint.content().is_some_and(|found| found.status == ExperimentStatus::Completed)
    }
}

/// Makes the default results folder. It is excluded from version control.
///
/// # Errors
/// When it cannot be made.
pub fn make_results_folder(results_dir: &Path) -> Result<(), StoreError> {
    let made = files::create_dir_durable(results_dir);
    match made.and_then(|()| files::write_new(&results_dir.join(".gitignore"), b"*\n")) {
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists && results_dir.is_dir() => Ok(()),
        made => Ok(made.map_err(|error| error.in_place(NamedPlace::Results))?),
    }
}

/// Folders of experiments of any id, newest first. A results folder that does not exist contains none.
///
/// # Errors
/// When the results folder cannot be listed.
pub fn find_all(results_dir: &Path) -> Result<Vec<ExperimentFolder>, StoreError> {
    Ok(by_start(results_dir)?.into_iter().map(|(_, folder)| folder).collect())
}

/// What lies in a results folder.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listed {
    /// What may be an experiment, whatever it is called.
    pub experiments: Vec<ExperimentFolder>,
    /// Other folders, and why they are none.
    pub others: Vec<(PathBuf, String)>,
}

/// Looks at everything in a results folder; what is hidden or no folder is none of its business. A results folder that is not
/// there holds nothing.
///
/// # Errors
/// When the results folder cannot be listed.
pub fn look(results_dir: &Path) -> Result<Listed, StoreError> {
    let mut listed = Listed::default();
    for name in names(results_dir)? {
        let path = results_dir.join(&name);
        if name.as_encoded_bytes().starts_with(b".") || !path.is_dir() {
            continue;
        }
        match ExperimentFolder::open(&path) {
            Ok(folder) => listed.experiments.push(folder),
            Err(StoreError::NotAnExperiment(_)) => {
                listed.others.push((path, "it is not the folder of an experiment".to_owned()));
            }
            Err(error) => listed.others.push((path, error.with_cause())),
        }
    }
    Ok(listed)
}

/// The start of the newest experiment of any id. A results folder that does not exist contains none.
///
/// # Errors
/// When the results folder cannot be listed.
pub fn newest_start(results_dir: &Path) -> Result<Option<Timestamp>, StoreError> {
    Ok(by_start(results_dir)?.into_iter().next().map(|(start, _)| start))
}

fn by_start(results_dir: &Path) -> Result<Vec<(Timestamp, ExperimentFolder)>, StoreError> {
    let mut found = Vec::new();
    for name in names(results_dir)? {
        let text = name.to_string_lossy();
        let Some((time, _)) = text.split_at_checked(TIME_BYTES).filter(|(time, _)| is_time(time)) else { continue };
        if let Ok(folder) = ExperimentFolder::open(&results_dir.join(&name)) {
            let start = start_of(&name, config::read(&folder).0.content());
            // The second experiment of one second has a longer name.
            found.push(((start, time.to_owned(), text.len(), name.clone()), folder));
        }
    }
    found.sort_by(|left, right| right.0.cmp(&left.0));
    Ok(found.into_iter().map(|((start, ..), folder)| (start, folder)).collect())
}

/// When an experiment started, for sorting: a clock may have been ahead or set back, and a folder may have been
/// renamed. Without a config, the folder's name tells it.
fn start_of(name: &OsStr, config: Option<&Config>) -> Timestamp {
    match config {
        Some(config) => {
            config.created_after.map_or(config.created_at, |before| just_after(before).max(config.created_at))
        }
        None => time_of_name(name).unwrap_or(Timestamp::MIN),
    }
}

/// The experiment in a folder that is clearly one: it has a checkpoint or a config.
#[must_use]
pub fn open_known(root: &Path) -> Option<ExperimentFolder> {
    let folder = ExperimentFolder::at(root.to_owned());
    let is_there = |file: &Path| matches!(files::kind_of(file), Ok(Some(Kind::File)));
    (is_there(&folder.checkpoint()) || is_there(&folder.config())).then_some(folder)
}

fn names(results_dir: &Path) -> Result<Vec<OsString>, StoreError> {
    let failed = |error| FileError::new("list", results_dir, error).in_place(NamedPlace::Results);
    match fs::read_dir(results_dir) {
        Ok(entries) => {
            Ok(entries.map(|entry| Ok(entry.map_err(failed)?.file_name())).collect::<Result<_, FileError>>()?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error).into()),
    }
}

/// Experiments of exactly this id, newest first. A results folder that does not exist contains none.
///
/// # Errors
/// When the results folder cannot be listed.
pub fn find(results_dir: &Path, id: &ExperimentId) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    for name in names(results_dir)? {
        let Some((time, number)) = name.to_str().and_then(|name| named_after(name, id)) else { continue };
        let Ok(folder) = ExperimentFolder::open(&results_dir.join(&name)) else { continue };
        let (checkpoint, ..) = checkpoint::read(&folder);
        let recorded = checkpoint.content().map(|found| found.experiment_id.clone());
        let (config, _) = config::read(&folder);
        let start = start_of(&name, config.content());
        let configured = config.content().map(|found| found.experiment_id.clone());
        // The name alone is not enough: `x-2` is the second `x` of its second, or the first `x-2`. One of the two files
        // is enough: the other one may be damaged.
        let is_named = [&recorded, &configured].into_iter().flatten().any(|named| named == id);
        if is_named || (number == 1 && recorded.is_none() && configured.is_none()) {
            found.push(((start, time, number), Found { folder, checkpoint }));
        }
    }
    found.sort_by(|left, right| right.0.cmp(&left.0));
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// The time in a folder's name and its number among those of the same second, if it can be a folder of this id.
fn named_after(name: &str, id: &ExperimentId) -> Option<(String, u32)> {
    let (time, rest) = name.split_at_checked(TIME_BYTES)?;
    let rest = rest.strip_prefix('-')?.strip_prefix(id.as_str())?;
    let number = if rest.is_empty() { 1 } else { rest.strip_prefix('-')?.parse().ok().filter(|number| *number > 1)? };
    is_time(time).then(|| (time.to_owned(), number))
}

fn is_time(text: &str) -> bool {
    text.bytes().zip(b"0000-00-00T00-00-00").all(|(found, shape)| match shape {
        b'0' => found.is_ascii_digit(),
        sign => found == *sign,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    fn id(text: &str) -> ExperimentId {
        text.parse().unwrap()
    }

    fn found(results: &Path, of: &str) -> Vec<PathBuf> {
        find(results, &id(of)).unwrap().into_iter().map(|found| found.folder.root().to_owned()).collect()
    }

    #[test]
    fn experiments_of_exactly_one_id_are_found_newest_first() {
        let results = tempfile::tempdir().unwrap();
        let make = |of: &str, time: &str, status| {
            let folder = ExperimentFolder::create(results.path(), &id(of), time.parse().unwrap()).unwrap();
            let mut checkpoint = sample::checkpoint();
            checkpoint.experiment_id = id(of);
            checkpoint.status = status;
            sample::write_json(&folder.checkpoint(), &checkpoint);
            folder.root().to_owned()
        };
        let first = make("x", "2026-01-20T06:50:26Z", ExperimentStatus::Interrupted);
        let second = make("x", "2026-01-20T06:50:26Z", ExperimentStatus::Interrupted);
        let third = make("x", "2026-01-21T00:00:00Z", ExperimentStatus::Completed);
        let other = make("x-2", "2026-01-20T06:50:27Z", ExperimentStatus::Interrupted);
        make("xy", "2026-01-22T00:00:00Z", ExperimentStatus::Interrupted);
        assert_eq!(second.file_name().unwrap(), "2026-01-20T06-50-26-x-2");

        assert_eq!(found(results.path(), "x"), [third, second.clone(), first]);
        assert_eq!(found(results.path(), "x-2"), [other]);
        let unfinished = find(results.path(), &id("x")).unwrap().into_iter().find(|found| !found.completed());
        assert_eq!(unfinished.unwrap().folder.root(), second);
    }

    #[test]
    fn a_clock_that_was_ahead_hides_no_later_experiment() {
        let results = tempfile::tempdir().unwrap();
        let make = |time: &str, after: Option<&str>| {
            let time = time.parse().unwrap();
            let folder = ExperimentFolder::create(results.path(), &id("x"), time).unwrap();
            let after = after.map(|after| after.parse().unwrap());
            let config = Config { created_at: time, created_after: after, ..sample::config_of("x") };
            sample::write_json(&folder.config(), &config);
            folder.root().to_owned()
        };
        let old = make("2026-01-20T06:50:26Z", None);
        let ahead = make("9999-12-30T22:00:00Z", Some("2020-01-01T00:00:00Z"));
        let later = make("2026-01-21T00:00:00Z", Some("9999-12-30T22:00:00Z"));
        assert_eq!(newest_start(results.path()).unwrap().unwrap().to_string(), "9999-12-30T22:00:00.001Z");
        assert_eq!(found(results.path(), "x"), [later.clone(), ahead.clone(), old.clone()]);
        // Whatever the folder's name is.
        let named = results.path().join("2099-01-01T00-00-00-x");
        std::fs::rename(&old, &named).unwrap();
        let all: Vec<_> = find_all(results.path()).unwrap().iter().map(|folder| folder.root().to_owned()).collect();
        assert_eq!(all, [later, ahead, named]);
    }

    #[test]
    fn an_experiment_without_a_checkpoint_is_found_by_its_config_or_its_name() {
        let results = tempfile::tempdir().unwrap();
        let now = "2026-01-20T06:50:26Z".parse().unwrap();
        let named = ExperimentFolder::create(results.path(), &id("x"), now).unwrap();
        let configured = ExperimentFolder::create(results.path(), &id("x"), now).unwrap();
        assert_eq!(found(results.path(), "x"), [named.root()], "a numbered name alone may be another id");
        sample::write_json(&configured.config(), &sample::config_of("x"));
        assert_eq!(found(results.path(), "x"), [configured.root(), named.root()]);
    }

    #[test]
    fn a_results_folder_that_is_not_there_holds_nothing() {
        let results = tempfile::tempdir().unwrap();
        assert_eq!(find(&results.path().join("absent"), &id("x")).unwrap(), []);
        std::fs::write(results.path().join("file"), "").unwrap();
        assert!(find(&results.path().join("file"), &id("x")).is_err());
    }
}
