//! The config and checkpoint of an experiment of ProjectScylla, beyond what a survey carries.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::{Seen, Survey};
use crate::os::files;
use crate::projectscylla::checkpoint::Reading;
use crate::projectscylla::config::{self, Config, hash};
use crate::projectscylla::json::Json;
use crate::projectscylla::version::Version;
use crate::store::clipped;
use crate::store::layout::ExperimentFolder;

/// The config, and how its hash compares.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Configured {
    pub(super) config: Seen<Config>,
    /// The hash that the last commit of ProjectScylla for its version gives the config; empty without a readable
    /// config.
    pub(super) hash: String,
    /// Whether some commit of ProjectScylla gives the config the hash that the checkpoint names.
    is_explained: bool,
    /// The hash that the checkpoint names.
    recorded: Option<String>,
}

/// What a survey of this tool cannot express, and a take-over needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The version of its checkpoint.
    pub version: Version,
    /// Its config.
    pub config: Config,
    /// Whether some commit of ProjectScylla gives the config the hash that the checkpoint names.
    pub hash_is_explained: bool,
}

impl Experiment {
    /// Reads the experiment again; `None` when a survey found no experiment of ProjectScylla, or its config cannot be
    /// read.
    #[must_use]
    pub fn read(folder: &ExperimentFolder, survey: &Survey) -> Option<Self> {
        let version = survey.made_by.as_ref()?.version.parse().ok()?;
        let config = config::parse(&config_bytes(folder)?).ok()?;
        let is_unexplained = |kind| kind == crate::model::finding::FindingKind::ConfigHashUnexplained;
        let hash_is_explained = !survey.ready.always.iter().any(|finding| is_unexplained(finding.kind));
        Some(Self { version, config, hash_is_explained })
    }
}

impl Configured {
    /// The content of a config, from its bytes.
    pub(super) fn of(bytes: &[u8], version: Version, reading: Option<&Reading>) -> Self {
        let recorded = recorded_hash(reading);
        let config = match config::parse(bytes) {
            Ok(config) => Seen::Read(Box::new(config)),
            Err(error) => Seen::Unreadable(clipped(error)),
        };
        Self {
            config,
            hash: Json::parse(bytes).map(|json| hash::of_version(version, &json)).unwrap_or_default(),
            is_explained: recorded.as_ref().is_none_or(|recorded| hash::explains(bytes, recorded)),
            recorded,
        }
    }

    /// A config that cannot be read, with the reason.
    pub(super) fn lost(config: Seen<Config>, reading: Option<&Reading>) -> Self {
        Self { config, hash: String::new(), is_explained: true, recorded: recorded_hash(reading) }
    }

    /// The hash that the checkpoint names, when no commit of ProjectScylla gives it to the config.
    pub(super) fn unexplained_hash(&self) -> Option<&str> {
        let is_read = matches!(self.config, Seen::Read(_));
        self.recorded.as_deref().filter(|_| is_read && !self.is_explained)
    }
}

fn recorded_hash(reading: Option<&Reading>) -> Option<String> {
    reading.map(|reading| reading.checkpoint.config_hash.to_string()).filter(|hash| !hash.is_empty())
}

/// The bytes of the config.
pub(super) fn config_bytes(folder: &ExperimentFolder) -> Option<Vec<u8>> {
    files::read_if_readable(&folder.config(), MOST_STAGE_FILE_BYTES)
}

/// Whether the keys are those of a config of ProjectScylla.
pub(super) fn is_config(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Keys {
        task_repo: Option<IgnoredAny>,
        version: Option<IgnoredAny>,
        fixture_digest: Option<IgnoredAny>,
    }
    serde_json::from_slice(bytes).is_ok_and(|Keys { task_repo, version, fixture_digest }| {
        task_repo.is_some() && version.is_none() && fixture_digest.is_none()
    })
}
