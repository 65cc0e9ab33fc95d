//! `checkpoint.json` of ProjectScylla, versions 1.0 to 3.1: translated to this tool's types, and edited in place.

mod edit;
mod read;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::checkpoint::{Checkpoint, CompletedRuns, ConfigHash};
use crate::model::ids::ExperimentId;
use crate::model::outcome::ExperimentStatus;
use crate::projectscylla::version::Version;

use super::json::{Entries, Json};
use super::states::States;

/// A checkpoint of ProjectScylla. It is edited in place: key order, unknown keys and the spelling of numbers stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    root: Entries,
    /// Whether a line feed follows the object; Python writes none.
    line_end: bool,
    reading: Reading,
}

/// The contents of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Its version.
    pub version: Version,
    /// The same as this tool's type. ProjectScylla's `failed` is `interrupted` here, and `rerunning` is `running`.
    pub checkpoint: Checkpoint,
    /// The states of runs, subtests, tiers and the experiment; none before version 3.0.
    pub states: States,
    /// Keys that occur twice: runs as `T0/00/1`, others by their place.
    pub duplicate_keys: Vec<String>,
    /// Places in the index and in the states whose key is not a tier, subtest or run: `completed_runs.weird`. They are
    /// kept and never counted.
    pub unknown_keys: Vec<String>,
    /// The experiment's folder at its start, as the document names it.
    pub experiment_dir: Option<String>,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is torn, not JSON or of the wrong shape: it can be rebuilt from the results.
    #[error("{0}")]
    Unreadable(String),
    /// It has a value that no known version of ProjectScylla writes. Its writer may know more than this tool, so it is
    /// never overwritten.
    #[error("`{place}` says `{found}`, which is not {what} that this version of cargo-scylla knows")]
    Unknown {
        /// The place in the file: `run_states.T0.00.1`.
        place: String,
        /// The expected kind of value: `a state of a run`.
        what: &'static str,
        /// The value that was found.
        found: String,
    },
}

/// The general values for a new checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// The experiment.
    pub experiment_id: &'a ExperimentId,
    /// Its folder, absolute: ProjectScylla's readers need it.
    pub experiment_dir: &'a str,
    /// ProjectScylla's hash of its config.
    pub config_hash: &'a str,
    /// When it was started.
    pub started_at: Timestamp,
    /// When the checkpoint is written.
    pub now: Timestamp,
}

impl Document {
    /// Reads a checkpoint of version 1.0, 2.0, 3.0 or 3.1.
    ///
    /// # Errors
    /// When it is not a checkpoint, or names a version, status or state that is not known.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let json = Json::parse(bytes).map_err(|error| Refusal::Unreadable(error.to_string()))?;
        let Json::Map(root) = json else {
            return Err(Refusal::Unreadable(format!("it is {}, not an object", json.kind())));
        };
        let json = Json::Map(root);
        let reading = read::read(&json)?;
        let Json::Map(root) = json else { return Err(Refusal::Unreadable("it is not an object".to_owned())) };
        Ok(Self { root, line_end: bytes.ends_with(b"\n"), reading })
    }

    /// A checkpoint without runs, for an experiment that has lost its own.
    #[must_use]
    pub fn new(version: Version, header: &Header<'_>) -> Self {
        let checkpoint = Checkpoint {
            version: version.to_string(),
            experiment_id: header.experiment_id.clone(),
            config_hash: ConfigHash::Foreign(header.config_hash.to_owned()),
            status: ExperimentStatus::Interrupted,
            completed_runs: CompletedRuns::default(),
            started_at: header.started_at,
            last_updated_at: header.now,
            worked_seconds: 0.0,
            rate_limit: None,
            rate_limits: std::collections::BTreeMap::new(),
            rerun: std::collections::BTreeSet::new(),
            rerunning: std::collections::BTreeSet::new(),
            failures: std::collections::BTreeMap::new(),
            graded: std::collections::BTreeMap::new(),
            pid: None,
            host: None,
            unknown: serde_json::Map::new(),
        };
        let states = States::default();
        let reading = Reading {
            version,
            checkpoint,
            states,
            duplicate_keys: Vec::new(),
            unknown_keys: Vec::new(),
            experiment_dir: Some(header.experiment_dir.to_owned()),
        };
        Self { root: edit::new(version, header), line_end: false, reading }
    }

    /// The version that it names.
    #[must_use]
    pub fn version(&self) -> Version {
        self.reading.version
    }

    /// Its contents.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Its contents as this tool's type, and the keys that occur twice.
    #[must_use]
    pub fn checkpoint(&self) -> (Checkpoint, Vec<String>) {
        (self.reading.checkpoint.clone(), self.reading.duplicate_keys.clone())
    }

    /// The same document with other entries, status, times and states. Only what differs is changed, and duplicate keys
    /// are merged. Version, name, hash and `started_at` stay.
    ///
    /// Version 1.0 cannot express a run that is not judged, and no version can express `errored`: such runs are left
    /// out.
    #[must_use]
    pub fn with(&self, checkpoint: &Checkpoint, states: &States) -> Self {
        let root = edit::edited(self.root.clone(), &self.reading, checkpoint, states);
        let reading = Reading {
            checkpoint: checkpoint.clone(),
            states: states.clone(),
            duplicate_keys: Vec::new(),
            ..self.reading.clone()
        };
        Self { root, line_end: self.line_end, reading }
    }

    /// The bytes of the file. A file that Python wrote and that was not edited stays byte for byte the same.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = Json::Map(self.root.clone()).indented();
        if self.line_end {
            text.push('\n');
        }
        text.into_bytes()
    }
}

/// Reads a time as ProjectScylla writes it. A time without an offset is in UTC.
fn read_time(text: &str) -> Option<Timestamp> {
    let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(civil)
}

/// A time as ProjectScylla writes it: microseconds, and never `Z`.
#[must_use]
pub fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

#[cfg(test)]
mod tests;
