//! The report of tables of results: what their statistics say, beside what was published of them. One document, in several
//! forms.

mod answers;
mod beside;
mod csv;
mod human;
mod json;
mod latex;
mod markdown;
mod sections;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::digest::{Digest, Digesting};
use crate::model::published::{Claim, KnownMistake, Published};
use crate::report::results::{File, stamp};
use crate::stats::analysis::{Analysis, Rows, Settings, analyse};
use crate::text::styles::Styles;

pub use beside::{Beside, Difference};
pub use json::tables_schema;

/// Version of the document's shape. It changes only when a key goes or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// A form of the report of tables.
#[derive(Debug)]
pub struct Form {
    /// Its name, which is that of a form of the report of experiments.
    pub name: &'static str,
    /// Whether it is one text that is printed where no folder is named.
    pub is_printed: bool,
    /// Makes its files, the first of which is the main one. Styles are for people's terminals.
    pub files: fn(&TablesReport, Styles) -> Vec<File>,
}

/// Every form, the default one first. A new one is a file beside this one, and a line here.
pub static FORMS: &[&Form] = &[&human::FORM, &markdown::FORM, &json::FORM, &csv::FORM, &latex::FORM];

/// The form with this name.
#[must_use]
pub fn form_of(name: &str) -> Option<&'static Form> {
    FORMS.iter().copied().find(|form| form.name == name)
}

/// The whole document. Equal tables give equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TablesReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name and version of the tool that made it.
    pub made_by: String,
    /// The files that it was made from.
    pub inputs: Vec<Input>,
    /// One digest over all of them.
    #[schemars(with = "String")]
    pub inputs_digest: Digest,
    /// How it was computed.
    pub settings: Made,
    /// What the tables say, in plain sentences.
    pub answers: Vec<String>,
    /// Columns that a table does not have, and others that are not known.
    pub notes: Vec<String>,
    /// What was published of the tables, beside what they say.
    pub published: Option<Beside>,
    /// Every number.
    pub analysis: Analysis,
}

/// A file that a report was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Input {
    /// What it holds.
    pub holds: Holds,
    /// Its name, without its folder.
    pub name: String,
    /// The digest of its bytes.
    #[schemars(with = "String")]
    pub digest: Digest,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// A row for each run.
    Runs,
    /// A row for each judgment.
    Judges,
    /// A row for each item of a judgment.
    Criteria,
    /// Results that were published.
    Published,
}

/// How numbers were computed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Made {
    /// Below which p something is significant, 0 to 1.
    pub alpha: f64,
    /// The share of drawn intervals that hold the truth, 0 to 1.
    pub level: f64,
    /// Samples of a drawn interval.
    pub samples: usize,
    /// Samples that were made up to find power.
    pub simulations: usize,
    /// Where random numbers begin.
    pub seed: u32,
}

/// Results that were published, and what is known of them.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The results.
    pub published: &'a Published,
    /// What is wrong wherever it is published.
    pub mistakes: &'a [KnownMistake],
    /// What was published beside these results.
    pub claims: &'a [Claim],
}

impl TablesReport {
    /// The report of tables that were read from these files, by a tool of this name and version.
    #[must_use]
    pub fn of(
        rows: &Rows<'_>,
        settings: &Settings,
        inputs: Vec<Input>,
        notes: Vec<String>,
        known: Option<Known<'_>>,
        made_by: &str,
    ) -> Self {
        let mut digesting = Digesting::default();
        for input in &inputs {
            digesting.add(input.digest.hex().as_bytes());
        }
        let analysis = analyse(rows, settings);
        let published = known.map(|known| Beside::of(&analysis, known, settings.alpha));
        Self {
            schema_version: SCHEMA_VERSION,
            made_by: made_by.to_owned(),
            inputs,
            inputs_digest: digesting.end(),
            settings: Made {
                alpha: settings.alpha,
                level: settings.bootstrap.level,
                samples: settings.bootstrap.samples,
                simulations: settings.power.simulations,
                seed: settings.bootstrap.seed,
            },
            answers: answers::answers(rows, &analysis, settings.alpha),
            notes,
            published,
            analysis,
        }
    }

    /// What a file of it is stamped with.
    #[must_use]
    pub fn source(&self) -> stamp::Source {
        stamp::Source {
            results_digest: self.inputs_digest,
            experiments: self.analysis.experiments.iter().map(|experiment| experiment.experiment.clone()).collect(),
            filters: Vec::new(),
            inputs: self.inputs.iter().map(|input| (input.name.clone(), input.digest)).collect(),
            made_by: self.made_by.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
