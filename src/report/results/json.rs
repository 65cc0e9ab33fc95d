//! The report as one JSON document; alone, for each form has a file.

use serde_json::Value;

use super::{File, Form, Report};
use crate::text::page::pretty;

pub(super) static FORM: Form = Form {
    name: "json",
    about: "One JSON document, by the schema `report.json`",
    is_printed: true,
    needs_whole_runs: false,
    files: |material, _| vec![File { name: "report.json".into(), text: pretty(material.report) }],
};

/// The JSON schema of a report.
#[must_use]
pub fn report_schema() -> Value {
    schemars::schema_for!(Report).to_value()
}
