//! What `verify` found, in the formats that people and machines read.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::finding::{Finding, FindingKind, Level};
use crate::model::ids::RunId;
use crate::model::sandbox::Isolated;
use crate::model::survey::{Holder, ResultFacts};
use crate::text::cures::{cure_command, cure_sentence};
use crate::text::styles::Styles;

mod github;
mod human;
mod json;
mod junit;
mod policy;
mod sarif;

pub use json::verification_schema;
pub use policy::policy_sentence;

/// A format of the report.
#[derive(Debug)]
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// A description: a line of the help.
    pub about: &'static str,
    /// Writes the report to a writer, with styles when it is for people.
    pub write: fn(&[Verification<'_>], Styles, &mut dyn Write) -> io::Result<()>,
}

/// Every format, the default one first. A new one is a file beside this one, and a line here.
pub static FORMATS: &[&Format] = &[&human::FORMAT, &json::FORMAT, &junit::FORMAT, &github::FORMAT, &sarif::FORMAT];

/// The format for machines, for commands that are asked for JSON as a whole.
pub static FOR_MACHINES: &Format = &json::FORMAT;

/// The format with this name.
#[must_use]
pub fn format_of(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}

/// What `verify` found in one folder.
#[derive(Debug, Clone, Copy)]
pub struct Verification<'a> {
    /// Version of this tool.
    pub tool_version: &'a str,
    /// The experiment's id; `None` when neither config nor checkpoint can be read.
    pub experiment_id: Option<&'a str>,
    /// The experiment's folder, as the person gave it.
    pub folder: &'a str,
    /// How many runs are planned.
    pub planned: usize,
    /// Planned runs whose tier is known.
    pub runs: &'a [PlannedRun],
    /// Whether more runs may be planned than are known.
    pub plan_is_open: bool,
    /// Planned runs that are done and about which there is no finding.
    pub agreeing: usize,
    /// Every finding.
    pub findings: &'a [Finding],
    /// The live coordinator.
    pub live: Option<&'a Holder>,
    /// How closely it was examined.
    pub examined: Examined,
    /// How many agents were isolated in which way, of the results that say it.
    pub isolated: &'a Isolated,
    /// The parts of the requested policy that are not met, as sentences.
    pub policy: &'a [String],
}

/// How closely a folder was examined; each does all of the former one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Examined {
    /// Names and forms of files.
    Shape,
    /// Results against plan, checkpoint and config.
    Counts,
    /// Evidence against its seals.
    Content,
    /// Verdicts computed again, and reports made again.
    Recompute,
}

/// One planned run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedRun {
    /// The run.
    pub run: RunId,
    /// Its result; `None` when it has none.
    pub facts: Option<ResultFacts>,
}

/// The state of a folder as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Everything planned is done and agrees.
    Ok,
    /// A coordinator works on it, and nothing is wrong.
    Live,
    /// Planned runs are missing.
    Incomplete,
    /// A report does not say what the results say.
    Outdated,
    /// Folder and checkpoint differ; `repair` mends it.
    Mendable,
    /// Evidence is damaged, altered or missing.
    Damaged,
}

impl<'a> Verification<'a> {
    /// The verdict, by the worst finding.
    #[must_use]
    pub fn verdict(&self) -> Conclusion {
        match self.findings.iter().map(|finding| finding.kind.level()).max() {
            Some(Level::Damaged) => Conclusion::Damaged,
            Some(Level::Mendable) => Conclusion::Mendable,
            _ if self.live.is_some() => Conclusion::Live,
            Some(Level::Outdated) => Conclusion::Outdated,
            Some(Level::Incomplete) => Conclusion::Incomplete,
            Some(Level::Note | Level::Warning) | None => Conclusion::Ok,
        }
    }

    /// How many findings there are of each level, worst first; levels without any are left out.
    fn counts(&self) -> Vec<(Level, usize)> {
        let mut counts = BTreeMap::new();
        for finding in self.findings {
            *counts.entry(finding.kind.level()).or_insert(0) += 1;
        }
        counts.into_iter().rev().collect()
    }

    /// The findings of each kind, the worst level first, then in the order of the kinds; those of one kind by place.
    fn by_kind(&self) -> Vec<(FindingKind, Vec<&'a Finding>)> {
        let mut kinds: BTreeMap<FindingKind, Vec<&'a Finding>> = BTreeMap::new();
        for finding in self.findings {
            kinds.entry(finding.kind).or_default().push(finding);
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        for (_, findings) in &mut kinds {
            findings.sort_by_key(|finding| (finding.run, &finding.place, &finding.message));
        }
        kinds.sort_by_key(|(kind, _)| (std::cmp::Reverse(kind.level()), *kind));
        kinds
    }

    /// A place as a path that begins with the experiment's folder.
    fn path_of(&self, finding: &Finding) -> String {
        let folder = self.folder.trim_end_matches('/');
        if finding.place.is_empty() { folder.to_owned() } else { format!("{folder}/{}", finding.place) }
    }
}

/// The name of a level.
#[must_use]
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Incomplete => "incomplete",
        Level::Outdated => "outdated",
        Level::Mendable => "mendable",
        Level::Damaged => "damaged",
    }
}

/// The message as a complete sentence.
fn sentence(finding: &Finding) -> String {
    format!("{}.", finding.message.trim_end_matches('.'))
}

/// The cure of a finding as a sentence, with its command if there is one.
fn cure_text(finding: &Finding, folder: &str) -> String {
    let cure = finding.kind.cure();
    match cure_command(cure, finding.run, folder) {
        Some(command) => format!("{} `{command}`", cure_sentence(cure)),
        None => cure_sentence(cure).to_owned(),
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
