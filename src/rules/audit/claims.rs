//! Compares what config, checkpoint and results say about the experiment as a whole, and reports the odd ones out.

use crate::model::finding::{Finding, FindingKind};
use crate::model::place::Place;
use crate::model::survey::Survey;
use crate::rules::weigh::{hashes, ids, odd_configs};

use super::{at, of_run};

fn results_of(count: usize) -> String {
    if count == 1 { "1 result".to_owned() } else { format!("{count} results") }
}

/// Reports whichever of config, checkpoint and results differs from the others.
pub(super) fn audit_claims(survey: &Survey, findings: &mut Vec<Finding>) {
    audit_ids(survey, findings);
    audit_hashes(survey, findings);
}

fn audit_ids(survey: &Survey, findings: &mut Vec<Finding>) {
    let claims = ids(survey);
    let Some(right) = claims.weigh() else { return };
    let others = || match (claims.checkpoint.as_ref() == Some(&right), claims.results(&right)) {
        (true, 0) => "the checkpoint names".to_owned(),
        (true, results) => format!("the checkpoint and {} name", results_of(results)),
        (false, results) => format!("{} name", results_of(results)),
    };
    if let Some(named) = claims.config.as_ref().filter(|named| **named != right) {
        let message = format!("it names the experiment `{named}`, and {} `{right}`", others());
        findings.push(at(FindingKind::ConfigChanged, survey.spelled(Place::Config), message));
    }
    if let Some(named) = claims.checkpoint.as_ref().filter(|named| **named != right) {
        let message = format!("it names the experiment `{named}`, and config and results name `{right}`");
        findings.push(at(FindingKind::CheckpointAltered, survey.spelled(Place::Checkpoint), message));
    }
    for (named, naming) in survey.experiment_ids.iter().filter(|(named, _)| **named != right) {
        let message = format!("it names experiment `{named}`");
        let odd = naming.runs.iter();
        findings.extend(odd.map(|run| of_run(survey, FindingKind::MisplacedResult, *run, message.clone())));
    }
}

fn audit_hashes(survey: &Survey, findings: &mut Vec<Finding>) {
    let claims = hashes(survey);
    let Some(right) = claims.weigh() else { return };
    if let Some(hash) = claims.config.filter(|hash| *hash != right) {
        let mut changed =
            |message| findings.push(at(FindingKind::ConfigChanged, survey.spelled(Place::Config), message));
        if let Some(recorded) = claims.checkpoint.filter(|recorded| *recorded != hash) {
            changed(format!("its result fields give `{hash}`, the checkpoint says `{recorded}`"));
        }
        for (made, results) in claims.results.iter().filter(|(made, _)| **made != hash) {
            changed(format!("its result fields give `{hash}`, and results made under `{made}`: {results}"));
        }
    }
    if let Some(recorded) = claims.checkpoint.filter(|recorded| *recorded != right) {
        let message = format!("it says that the config is `{recorded}`, and config and results say `{right}`");
        findings.push(at(FindingKind::CheckpointAltered, survey.spelled(Place::Checkpoint), message));
    }
    findings.extend(odd_configs(survey, &claims).map(|(run, made)| {
        let message = format!("it was made under the config `{made}`, and this experiment's is `{right}`");
        of_run(survey, FindingKind::AlteredResult, run, message)
    }));
}
