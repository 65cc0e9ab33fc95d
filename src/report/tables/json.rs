//! The report of tables as one JSON document; alone, for each form has a file.

use serde_json::Value;

use super::{Form, TablesReport};
use crate::report::results::File;
use crate::text::page::pretty;

pub(super) static FORM: Form = Form {
    name: "json",
    is_printed: true,
    files: |report, _| vec![File { name: "tables.json".into(), text: pretty(report) }],
};

/// The JSON schema of a report of tables.
#[must_use]
pub fn tables_schema() -> Value {
    schemars::schema_for!(TablesReport).to_value()
}
