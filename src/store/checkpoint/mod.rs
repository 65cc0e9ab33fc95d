//! `checkpoint.json`: read with distrust, written by one owner.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Deserializer as _;
use serde::de::{self, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::model::checkpoint::{Checkpoint, CompletedRuns};
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::limits::MOST_CHECKPOINT_BYTES;
use crate::model::outcome::{RunStatus, StopLevel};
use crate::model::survey::Seen;
use crate::os::files::{self, ReadError};
use crate::os::lock::ExperimentLock;

use super::layout::{BACKUP_PREFIX, ExperimentFolder, time_in_names};
use super::own_digest::{self, OWN_DIGEST, Own};
use super::version::{Age, Versioned, age, translated};
use super::{StoreError, clipped, pretty};

/// Reads the checkpoint: its content, the run keys that occur twice in it (as `T0/00/1`), and its bytes as they are on
/// disk.
#[must_use]
pub fn read(folder: &ExperimentFolder) -> (Seen<Checkpoint>, Vec<String>, Option<Vec<u8>>) {
    let raw = load(folder);
    let (seen, duplicate_keys) = judge(&raw);
    (seen, duplicate_keys, raw.ok().flatten())
}

/// The checkpoint's bytes, to be parsed later.
pub(super) fn load(folder: &ExperimentFolder) -> Result<Option<Vec<u8>>, ReadError> {
    files::read_bounded(&folder.checkpoint(), MOST_CHECKPOINT_BYTES)
}

/// Whether the loaded checkpoint may name verdicts of later gradings; only one that can be parsed can rule that out.
pub(super) fn may_name_gradings(raw: &Result<Option<Vec<u8>>, ReadError>) -> bool {
    let text = raw.as_ref().ok().and_then(Option::as_deref).and_then(|raw| std::str::from_utf8(raw).ok());
    text.is_none_or(|text| text.contains("\"graded\""))
}

/// Parses what was loaded.
pub(super) fn judge(raw: &Result<Option<Vec<u8>>, ReadError>) -> (Seen<Checkpoint>, Vec<String>) {
    match raw {
        Ok(None) => (Seen::Missing, Vec::new()),
        Ok(Some(raw)) => parse(raw),
        Err(error) => (Seen::Unreadable(clipped(error.to_string())), Vec::new()),
    }
}

/// Why a loaded checkpoint is not as it was written, by the digest that it carries.
pub(super) fn fault(raw: &Result<Option<Vec<u8>>, ReadError>) -> Option<&'static str> {
    let Ok(Some(raw)) = raw else { return None };
    match own_digest::own(raw) {
        Own::Right => None,
        Own::Absent | Own::Wrong => {
            let version = serde_json::from_slice(raw).ok().map(|Versioned { version }| version);
            own_digest::fault(raw, version.as_deref())
        }
    }
}

/// Parses the bytes of a checkpoint.
fn parse(raw: &[u8]) -> (Seen<Checkpoint>, Vec<String>) {
    let mut json = serde_json::Deserializer::from_slice(raw);
    let parsed = json.deserialize_map(TopLevel).and_then(|top| json.end().map(|()| top));
    let top = match parsed {
        Ok(top) => top,
        Err(error) => {
            return (not_ours(raw).unwrap_or_else(|| Seen::Unreadable(clipped(error.to_string()))), Vec::new());
        }
    };
    let Top { mut rest, completed_runs, duplicate_keys } = top;
    let Some(Value::String(version)) = rest.get("version").cloned() else {
        return (Seen::Unreadable("it has no `version`".into()), duplicate_keys);
    };
    let age = age(&version);
    if matches!(age, Age::Foreign | Age::Unknown) {
        return (of_another_age(&version), duplicate_keys);
    }
    rest.insert("version".into(), Value::String(translated(&version)));
    rest.shift_remove(OWN_DIGEST);
    if completed_runs.is_some() {
        rest.insert("completed_runs".into(), Value::Object(Map::new()));
    }
    let content = serde_json::from_value::<Checkpoint>(Value::Object(rest)).map(|mut checkpoint| {
        checkpoint.completed_runs = completed_runs.unwrap_or_default();
        Box::new(checkpoint)
    });
    let seen = match (age, content) {
        (Age::Newer, content) => Seen::Newer { version, content: content.ok() },
        (_, Ok(checkpoint)) => Seen::Read(checkpoint),
        (_, Err(error)) => Seen::Unreadable(clipped(error.to_string())),
    };
    (seen, duplicate_keys)
}

/// A checkpoint that is JSON, but not a checkpoint of this version, may be of another one.
fn not_ours(raw: &[u8]) -> Option<Seen<Checkpoint>> {
    let Versioned { version } = serde_json::from_slice(raw).ok()?;
    (!matches!(age(&version), Age::Current | Age::Earlier)).then(|| of_another_age(&version))
}

fn of_another_age(version: &str) -> Seen<Checkpoint> {
    match age(version) {
        Age::Newer => Seen::Newer { version: version.to_owned(), content: None },
        Age::Foreign => Seen::Unreadable(format!(
            "version {version} is none of this tool, and is not read by this version of cargo-scylla"
        )),
        Age::Current | Age::Earlier | Age::Unknown => Seen::Unreadable(format!("`{version}` is not a version")),
    }
}

/// A checkpoint's keys without the index, because a parser that keeps the last of two equal keys would hide the first.
struct Top {
    rest: Map<String, Value>,
    completed_runs: Option<CompletedRuns>,
    duplicate_keys: Vec<String>,
}

struct TopLevel;

impl<'de> Visitor<'de> for TopLevel {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a checkpoint")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
        let mut top = Top { rest: Map::new(), completed_runs: None, duplicate_keys: Vec::new() };
        while let Some(key) = map.next_key::<String>()? {
            let twice = if key == "completed_runs" {
                let mut index = Index::default();
                map.next_value_seed(TierLevel(&mut index))?;
                top.duplicate_keys.append(&mut index.duplicate_keys);
                top.completed_runs.replace(index.runs).is_some()
            } else {
                top.rest.insert(key.clone(), map.next_value()?).is_some()
            };
            if twice {
                return Err(de::Error::custom(format_args!("the key `{key}` is there twice")));
            }
        }
        Ok(top)
    }
}

#[derive(Default)]
struct Index {
    runs: CompletedRuns,
    duplicate_keys: Vec<String>,
}

/// Declares a level of the index: a map whose keys are ids and whose values go one level down.
macro_rules! level {
    ($level:ident ( $($known:ident : $known_type:ty),* ) $key:ty, $what:literal, |$self:ident, $map:ident, $id:ident| $below:expr) => {
        struct $level<'a>(&'a mut Index, $($known_type),*);

        impl<'de> de::DeserializeSeed<'de> for $level<'_> {
            type Value = ();

            fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_map(self)
            }
        }

        impl<'de> Visitor<'de> for $level<'_> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($what)
            }

            fn visit_map<A: MapAccess<'de>>($self, mut $map: A) -> Result<(), A::Error> {
                while let Some($id) = $map.next_key::<$key>()? {
                    $below
                }
                Ok(())
            }
        }
    };
}

level!(TierLevel() TierId, "tiers with their subtests", |self, map, tier| {
    map.next_value_seed(SubtestLevel(self.0, tier))?;
});
level!(SubtestLevel(tier: TierId) SubtestId, "subtests with their runs", |self, map, subtest| {
    map.next_value_seed(RunLevel(self.0, self.1, subtest))?;
});
level!(RunLevel(tier: TierId, subtest: SubtestId) RunNumber, "runs with their status", |self, map, run| {
    let run = RunId { tier: self.1, subtest: self.2, run };
    let status: RunStatus = map.next_value()?;
    if self.0.runs.set(run, status).is_some() {
        self.0.duplicate_keys.push(format!("{}/{}/{}", run.tier, run.subtest, run.run));
    }
});

/// The only writer of `checkpoint.json`: it owns the experiment's lock, and stays on the thread that took it.
///
/// A worker cannot be given it:
/// ```compile_fail,E0277
/// fn to_a_worker(writer: scylla::store::checkpoint::CheckpointWriter) {
///     std::thread::spawn(move || drop(writer));
/// }
/// ```
/// nor share it:
/// ```compile_fail,E0277
/// fn with_a_worker(writer: &scylla::store::checkpoint::CheckpointWriter) {
///     std::thread::scope(|scope| { scope.spawn(|| { let _ = &writer; }); });
/// }
/// ```
/// and there is only one:
/// ```compile_fail,E0599
/// fn twice(writer: &scylla::store::checkpoint::CheckpointWriter) -> scylla::store::checkpoint::CheckpointWriter {
///     scylla::store::checkpoint::CheckpointWriter::clone(writer)
/// }
/// ```
#[derive(Debug)]
pub struct CheckpointWriter {
    path: PathBuf,
    folder: ExperimentFolder,
    lock: ExperimentLock,
    one_thread: PhantomData<*const ()>,
}

impl CheckpointWriter {
    /// The writer of an experiment whose lock is held.
    #[must_use]
    pub fn new(folder: &ExperimentFolder, lock: ExperimentLock) -> Self {
        Self { path: folder.checkpoint(), folder: folder.clone(), lock, one_thread: PhantomData }
    }

    /// Writes the checkpoint whole and durably; gives how long that took.
    ///
    /// # Errors
    /// When the lock is lost, the checkpoint is of a version that this tool does not write, or it cannot be written.
    pub fn save(&mut self, checkpoint: &Checkpoint) -> Result<Duration, StoreError> {
        let begin = Instant::now();
        if age(&checkpoint.version) != Age::Current {
            return Err(StoreError::OtherVersion { path: self.path.clone(), version: checkpoint.version.clone() });
        }
        self.lock.check()?;
        files::write_atomic(&self.path, &own_digest::add(pretty(checkpoint, &self.path)?))?;
        Ok(begin.elapsed())
    }

    /// Writes a checkpoint of another form, whole and durably.
    ///
    /// # Errors
    /// When the lock is lost or it cannot be written.
    pub fn save_bytes(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.lock.check()?;
        Ok(files::write_atomic(&self.path, bytes)?)
    }

    /// Keeps the bytes of a former checkpoint in a file beside it, under a name that is never used again.
    ///
    /// # Errors
    /// When the lock is lost or it cannot be written.
    pub fn backup(&mut self, raw: &[u8], now: Timestamp) -> Result<PathBuf, StoreError> {
        self.keep(now, |path| files::write_new(path, raw))
    }

    /// Keeps whatever is in the checkpoint's place, which need not be a readable file; `None` when nothing is there. A
    /// regular file is copied and stays, anything else is moved.
    ///
    /// # Errors
    /// When the lock is lost, or it can neither be copied nor moved.
    pub fn backup_in_place(&mut self, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
        match files::read_bounded(&self.path, MOST_CHECKPOINT_BYTES) {
            Ok(None) => Ok(None),
            Ok(Some(raw)) => self.backup(&raw, now).map(Some),
            Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => {
                let from = self.path.clone();
                self.keep(now, |path| files::rename_durable(&from, path)).map(Some)
            }
            Err(error @ ReadError::Io(_)) => Err(error.into()),
        }
    }

    /// Writes into the lock's file how far a stop has been asked for.
    pub fn write_stopping(&self, stopping: StopLevel) {
        self.lock.write_stopping(stopping);
    }

    /// Fails when it is known that the lock is lost.
    ///
    /// # Errors
    /// When it is.
    pub fn glance(&self) -> Result<(), StoreError> {
        Ok(self.lock.glance()?)
    }

    /// The folder that it writes to.
    #[must_use]
    pub fn folder(&self) -> &ExperimentFolder {
        &self.folder
    }

    fn keep(
        &mut self,
        now: Timestamp,
        put: impl Fn(&std::path::Path) -> Result<(), files::FileError>,
    ) -> Result<PathBuf, StoreError> {
        self.lock.check()?;
        let name = format!("{BACKUP_PREFIX}{}", time_in_names(now));
        let mut path = self.folder.root().join(&name);
        let mut number = 1;
        loop {
            match put(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    number += 1;
                    path = self.folder.root().join(format!("{name}-{number}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
