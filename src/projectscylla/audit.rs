//! What is wrong with an experiment of ProjectScylla beyond what the audit checks in every one, as ready findings.

use crate::model::finding::{Finding, FindingKind};
use crate::model::ids::TierId;
use crate::model::survey::Ready;

/// What was read of the experiment, for checks that are made nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct ReadBeside<'a> {
    /// The name of the checkpoint's place.
    pub checkpoint: &'a str,
    /// The name of the config's place.
    pub config: &'a str,
    /// The hash that the checkpoint names, when no commit of ProjectScylla gives it to the config. It does not prevent
    /// anything: ProjectScylla did not rely on it either while the file existed.
    pub unexplained_hash: Option<&'a str>,
    /// The folder that the checkpoint names, when that is another one.
    pub moved_from: Option<&'a str>,
    /// Keys of the checkpoint that are not a tier, subtest or run where one is expected.
    pub unknown_keys: &'a [String],
    /// States in the checkpoint that the results contradict: the place in the file, and what is wrong there.
    pub stale_states: &'a [(String, String)],
    /// Reports whose numbers differ from the results: the place, and what differs.
    pub stale_reports: &'a [(String, String)],
    /// Planned tiers of which no subtest is known.
    pub unknown_tiers: &'a [TierId],
}

fn at(kind: FindingKind, place: &str, message: String) -> Finding {
    Finding { kind, place: place.to_owned(), run: None, message }
}

impl ReadBeside<'_> {
    /// The findings.
    #[must_use]
    pub fn findings(&self) -> Ready {
        let mut always = Vec::new();
        if let Some(hash) = self.unexplained_hash {
            let message = format!(
                "no commit of ProjectScylla gives its fields the hash `{hash}` that the checkpoint names; the file is what \
                 counts"
            );
            always.push(at(FindingKind::ConfigHashUnexplained, self.config, message));
        }
        if let Some(from) = self.moved_from {
            always.push(at(FindingKind::MovedExperiment, self.checkpoint, format!("it was made in `{from}`")));
        }
        for key in self.unknown_keys {
            let message = format!("`{key}` is no tier, subtest or run");
            always.push(at(FindingKind::UnknownEntry, self.checkpoint, message));
        }
        let mut at_rest = Vec::new();
        for (place, wrong) in self.stale_states {
            at_rest.push(at(FindingKind::StatusContradicted, self.checkpoint, format!("`{place}` {wrong}")));
        }
        for (place, differs) in self.stale_reports {
            at_rest.push(at(FindingKind::StaleReport, place, differs.clone()));
        }
        for tier in self.unknown_tiers {
            let message = "it is planned, and nothing of it is known: no folder, no entry, no report";
            at_rest.push(at(FindingKind::MissingRun, &tier.to_string(), message.to_owned()));
        }
        Ready { always, at_rest }
    }
}
