//! What `seal`, `publish` and a `report` to files did, for programs.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::digest::Digest;
use crate::text::escape;
use crate::text::page::pretty;

/// Version of the shapes below. It changes only when a key goes or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// An experiment that was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sealed {
    /// Version of this shape.
    pub schema_version: u32,
    /// The experiment's folder, as it is named.
    pub folder: String,
    /// The digest of the seal.
    #[schemars(with = "String")]
    pub seal: Digest,
    /// Whether it was signed now.
    pub is_signed: bool,
    /// Whether a signature of a former seal is gone.
    pub is_signature_dropped: bool,
    /// Planned runs without a result, which it does not cover.
    pub missing_runs: usize,
    /// Whether a report is there that was made before it, and does not name it.
    pub has_earlier_report: bool,
}

/// A bundle that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Published {
    /// Version of this shape.
    pub schema_version: u32,
    /// The experiment's folder, as it is named.
    pub folder: String,
    /// The bundle, as it was named.
    pub bundle: String,
    /// Its files, folders and links.
    pub entries: usize,
    /// One digest over the results in it.
    #[schemars(with = "String")]
    pub results_digest: Digest,
    /// The digest of the seal; `null` when it is not sealed.
    #[schemars(with = "Option<String>")]
    pub seal: Option<Digest>,
}

/// The files of one form of a report, as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Written<'a> {
    /// Version of this shape.
    schema_version: u32,
    /// The form.
    pub format: &'a str,
    /// The files, the main one first, from the current folder.
    pub files: Vec<String>,
}

impl<'a> Written<'a> {
    /// The same for these files.
    #[must_use]
    pub fn new(format: &'a str, files: Vec<String>) -> Self {
        Self { schema_version: SCHEMA_VERSION, format, files }
    }

    /// The JSON text: one line, for there is one for each form.
    #[must_use]
    pub fn json(&self) -> String {
        format!("{}\n", escape::json(&serde_json::to_string(self).unwrap_or_default()))
    }
}

/// The JSON schema of [`Written::json`].
#[must_use]
pub fn written_schema() -> Value {
    schemars::schema_for!(Written<'_>).to_value()
}

impl Sealed {
    /// The same for an experiment in this folder, with this seal.
    #[must_use]
    pub fn new(folder: &str, seal: Digest) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            folder: folder.to_owned(),
            seal,
            is_signed: false,
            is_signature_dropped: false,
            missing_runs: 0,
            has_earlier_report: false,
        }
    }

    /// The JSON text.
    #[must_use]
    pub fn json(&self) -> String {
        pretty(self)
    }
}

impl Published {
    /// The same for the experiment in this folder, with this many entries.
    #[must_use]
    pub fn new(folder: &str, bundle: String, entries: usize, results_digest: Digest, seal: Option<Digest>) -> Self {
        Self { schema_version: SCHEMA_VERSION, folder: folder.to_owned(), bundle, entries, results_digest, seal }
    }

    /// The JSON text.
    #[must_use]
    pub fn json(&self) -> String {
        pretty(self)
    }
}

/// The JSON schema of [`Sealed::json`].
#[must_use]
pub fn sealed_schema() -> Value {
    schemars::schema_for!(Sealed).to_value()
}

/// The JSON schema of [`Published::json`].
#[must_use]
pub fn published_schema() -> Value {
    schemars::schema_for!(Published).to_value()
}
