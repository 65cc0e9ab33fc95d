//! What results are based on: the files that they share, their former attempts, and the baselines that they were made
//! from.

use crate::model::finding::{Finding, FindingKind};
use crate::model::place::Place;
use crate::model::survey::Survey;
use crate::model::usage::Total;

use super::{at, of_run};

/// Reports what was altered or is missing.
pub(super) fn audit_rest(survey: &Survey, findings: &mut Vec<Finding>) {
    for (place, found) in &survey.damaged {
        findings.push(at(FindingKind::DamagedFile, place, found.clone()));
    }
    // While a coordinator works, attempts are set aside and baselines made while the folder is being read.
    if survey.holder.is_some() {
        return;
    }
    for ((tier, subtest), commits) in &survey.made_from {
        let Some(is) = survey.baselines.get(&(*tier, *subtest)) else { continue };
        let place = survey.spelled(Place::Baseline(*tier, *subtest));
        let is_named = findings.iter().any(|finding| finding.place == place);
        if let Some(other) = commits.iter().find(|commit| *commit != is).filter(|_| !is_named) {
            let message = format!("it is `{is}`, and results were made from `{other}`");
            findings.push(at(FindingKind::DamagedFile, place, message));
        }
    }
    // If the config is missing, the files beside it are missing too, and a finding says so.
    let is_known = survey.config.content().is_some();
    for commit in survey.compared_with.difference(&survey.baseline_checks).filter(|_| is_known) {
        let place = survey.spelled(Place::BaselineChecks(commit));
        let message = "it is not there, and results compare their checks with it";
        findings.push(at(FindingKind::DamagedFile, place, message));
    }
    audit_attempts(survey, findings);
    let Some(seal) = &survey.seal else { return };
    for (place, found) in &seal.contradicted {
        findings.push(at(FindingKind::SealContradicted, place, found.clone()));
    }
    if let Some(first) = seal.outgrown.first() {
        let message = match seal.outgrown.len() {
            1 => format!("`{first}` came after it, or was changed by a command since"),
            several => format!("`{first}` and {} more came after it, or were changed by a command since", several - 1),
        };
        findings.push(at(FindingKind::SealOutgrown, survey.spelled(Place::Seal), message));
    }
}

fn audit_attempts(survey: &Survey, findings: &mut Vec<Finding>) {
    for (run, should) in &survey.former {
        let there = survey.attempts.get(run).copied().unwrap_or_default();
        let message = if there.count < should.attempts {
            format!("former attempts that it had: {}; in `.failed/`: {}", should.attempts, there.count)
        } else {
            let Some(known) = should.cost.filter(|_| there.count == should.attempts) else { continue };
            let said = Total { known, unknown: should.unknown.unwrap_or(there.cost.unknown), ..there.cost };
            if said == there.cost {
                continue;
            }
            format!("its former attempts cost {said}, and those in `.failed/` say {}", there.cost)
        };
        findings.push(of_run(survey, FindingKind::DamagedAttempt, *run, message));
    }
    for (run, there) in &survey.attempts {
        let last = there.last.map_or(0, |last| last.0);
        if there.is_bound && there.count < last && !survey.former.contains_key(run) {
            let message = format!("its last former attempt is number {last}, and {} are in `.failed/`", there.count);
            findings.push(of_run(survey, FindingKind::DamagedAttempt, *run, message));
        }
    }
}
