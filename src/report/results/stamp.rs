//! `stamp.json` beside the files of a report: from which results each was made, so that one that is out of date or edited is
//! found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{File, Report, each};
use crate::model::digest::Digest;
use crate::text::page::pretty;

/// Its name.
pub const STAMP: &str = "stamp.json";
/// Version of its shape.
const SCHEMA_VERSION: u32 = 1;

/// What is stamped in one folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stamp {
    /// Version of this shape.
    pub schema_version: u32,
    /// Each file, by its name.
    pub files: BTreeMap<String, Stamped>,
}

/// What one file was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stamped {
    /// The form of the report.
    pub format: String,
    /// The digest of the file's bytes.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// One digest over the results that it was made from.
    #[schemars(with = "String")]
    pub results_digest: Digest,
    /// The names of the experiments.
    pub experiments: Vec<String>,
    /// The filters that chose its runs.
    pub filters: Vec<String>,
    /// The digest of each file that it was made from; left out where it was made from folders of experiments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub inputs: BTreeMap<String, Digest>,
    /// Name and version of the tool that made it.
    pub made_by: String,
}

/// What files are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// One digest over all results.
    pub results_digest: Digest,
    /// The names of the experiments.
    pub experiments: Vec<String>,
    /// The filters that chose runs.
    pub filters: Vec<String>,
    /// The digest of each file, where files were read in place of folders.
    pub inputs: BTreeMap<String, Digest>,
    /// Name and version of the tool.
    pub made_by: String,
}

impl Source {
    /// What a report of experiments is made from.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        Self {
            results_digest: report.results_digest,
            experiments: report.experiments.iter().map(|experiment| experiment.name.clone()).collect(),
            filters: report.filters.clone(),
            inputs: BTreeMap::new(),
            made_by: report.made_by.clone(),
        }
    }
}

impl Default for Stamp {
    fn default() -> Self {
        Self { schema_version: SCHEMA_VERSION, files: BTreeMap::new() }
    }
}

impl Stamp {
    /// Reads a stamp; `None` when it is none that this version knows.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(bytes).ok().filter(|stamp| stamp.schema_version == SCHEMA_VERSION)
    }

    /// Stamps files, each in place of a former one of its name.
    pub fn add(&mut self, files: &[File], format: &str, source: &Source) {
        let digests = each(files, |file| Digest::of(file.text.as_bytes()));
        for (file, digest) in files.iter().zip(digests) {
            let source = source.clone();
            let stamped = Stamped {
                format: format.to_owned(),
                digest,
                results_digest: source.results_digest,
                experiments: source.experiments,
                filters: source.filters,
                inputs: source.inputs,
                made_by: source.made_by,
            };
            self.files.insert(file.name.clone().into_owned(), stamped);
        }
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        pretty(self)
    }
}
