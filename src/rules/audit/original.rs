//! What the audit asks of an experiment of the original beyond what it asks of every one.

use crate::model::finding::{Finding, FindingKind};
use crate::model::ids::RunId;
use crate::model::survey::{Original, Seen, Survey};

use super::{CHECKPOINT, CONFIG, at, of_run};

/// The config, and its hash by any of the rules that the original ever had. A hash that none of them explains stops
/// nothing: the original never trusted it either while the file was there.
pub(super) fn audit_config(original: &Original, findings: &mut Vec<Finding>) {
    match &original.config {
        Seen::Missing => findings.push(at(FindingKind::ConfigMissing, CONFIG, "there is no config")),
        Seen::Unreadable(reason) => findings.push(at(FindingKind::ConfigUnreadable, CONFIG, reason.clone())),
        Seen::UnknownFormat(reason) => findings.push(at(FindingKind::UnknownFormat, CONFIG, reason.clone())),
        Seen::Newer { version, .. } => findings.push(super::newer(CONFIG, version)),
        Seen::Read(_) => {
            if let Some(recorded) = &original.recorded_hash
                && !original.hash_is_explained
            {
                let message = format!(
                    "no commit of ProjectScylla gives its fields the hash `{recorded}` that the checkpoint names; the \
                     file is what counts"
                );
                findings.push(at(FindingKind::ConfigHashUnexplained, CONFIG, message));
            }
        }
    }
}

/// Whether an entry says that the run failed for reasons other than its verdict, which is no claim of a result.
pub(super) fn is_of_failure(survey: &Survey, run: RunId) -> bool {
    survey.original.as_ref().is_some_and(|original| original.failed.contains(&run))
}

/// States, tiers of which nothing is known, reports, and what is true of a copy.
pub(super) fn audit_rest(survey: &Survey, original: &Original, findings: &mut Vec<Finding>) {
    if let Some(from) = &original.moved_from {
        let message = format!("it was made in `{from}`");
        findings.push(at(FindingKind::MovedExperiment, CHECKPOINT, message));
    }
    for key in &original.unknown_keys {
        let message = format!("`{key}` is no tier, subtest or run");
        findings.push(at(FindingKind::UnknownEntry, CHECKPOINT, message));
    }
    for (run, below) in &original.missing_files {
        let message = format!("the result names `{below}`, which is not there");
        findings.push(of_run(survey, FindingKind::MissingEvidence, *run, message));
    }
    if survey.holder.is_some() {
        return;
    }
    for (place, wrong) in &original.stale_states {
        let message = format!("`{place}` {wrong}");
        findings.push(at(FindingKind::StatusContradicted, CHECKPOINT, message));
    }
    for (place, differs) in &original.stale_reports {
        findings.push(at(FindingKind::StaleReport, place, differs.clone()));
    }
    if original.config.content().is_some() {
        for tier in &original.tiers_without_subtests {
            let message = "it is planned, and nothing of it is known: no folder, no entry, no report";
            findings.push(at(FindingKind::MissingRun, &tier.to_string(), message));
        }
    }
}
