//! The one audit: survey × plan × checkpoint → findings. `verify` reports them, `repair` and `resume` mend them.

use std::collections::BTreeSet;

use crate::model::checkpoint::Checkpoint;
use crate::model::experiment::Config;
use crate::model::finding::{Finding, FindingKind, Level};
use crate::model::ids::RunId;
use crate::model::outcome::{ExperimentStatus, RunStatus};
use crate::model::place::Place;
use crate::model::survey::{Problem, ProblemKind, RunSeen, Seen, Survey};
use crate::rules::index::{damaged, has_unknown_places, knows_every_tier};
use crate::rules::rows::{Row, Tally, rows};
use crate::rules::status::failure_of;

mod claims;
mod gradings;
mod inherited;
mod rests;

/// All disagreements, sorted by kind and place. In a live experiment only what is committed is judged.
#[must_use]
pub fn audit(survey: &Survey) -> Vec<Finding> {
    audit_and_count(survey).0
}

/// The same, with the counts that were made on the way.
#[must_use]
pub fn audit_and_count(survey: &Survey) -> (Vec<Finding>, Tally) {
    let mut findings = Vec::new();
    let tally = audit_runs(survey, &mut findings);
    audit_checkpoint(survey, tally, &mut findings);
    audit_config(survey, &mut findings);
    audit_places(survey, &mut findings);
    rests::audit_rest(survey, &mut findings);
    audit_own_words(survey, &mut findings);
    findings.extend(survey.ready.always.iter().cloned());
    if survey.holder.is_none() {
        findings.extend(survey.ready.at_rest.iter().cloned());
    }
    findings.sort();
    // A second folder of a run does not count against the first one.
    let counts_against = |kind: FindingKind| kind.level() >= Level::Incomplete && kind != FindingKind::DuplicateRun;
    let touched = findings.iter().filter(|finding| counts_against(finding.kind));
    let touched: BTreeSet<RunId> = touched.filter_map(|finding| finding.run).collect();
    let tally = tally.without(survey, &touched);
    (findings, tally)
}

fn at(kind: FindingKind, place: impl Into<String>, message: impl Into<String>) -> Finding {
    Finding { kind, place: place.into(), run: None, message: message.into() }
}

fn of_run(survey: &Survey, kind: FindingKind, run: RunId, message: impl Into<String>) -> Finding {
    Finding { kind, place: survey.place(run), run: Some(run), message: message.into() }
}

fn audit_checkpoint(survey: &Survey, tally: Tally, findings: &mut Vec<Finding>) {
    match &survey.checkpoint {
        // A coordinator that has just begun has not written its first checkpoint yet.
        Seen::Missing if survey.holder.is_some() => {}
        Seen::Missing => findings.push(at(
            FindingKind::CheckpointMissing,
            survey.spelled(Place::Checkpoint),
            "there is no checkpoint",
        )),
        Seen::Unreadable(reason) => {
            findings.push(at(FindingKind::CheckpointUnreadable, survey.spelled(Place::Checkpoint), reason.clone()));
        }
        Seen::UnknownFormat(reason) => {
            findings.push(at(FindingKind::UnknownFormat, survey.spelled(Place::Checkpoint), reason.clone()));
        }
        Seen::Newer { version, .. } => findings.push(newer(survey.spelled(Place::Checkpoint), version)),
        Seen::Translated => {}
        Seen::Read(checkpoint) => audit_status(survey, checkpoint, tally, findings),
    }
    for key in &survey.duplicate_keys {
        findings.push(at(
            FindingKind::DuplicateEntry,
            survey.spelled(Place::Checkpoint),
            format!("`{key}` is there twice"),
        ));
    }
}

/// Reports that config or checkpoint were altered, when no other finding shows it.
fn audit_own_words(survey: &Survey, findings: &mut Vec<Finding>) {
    let (config, checkpoint) = (survey.spelled(Place::Config), survey.spelled(Place::Checkpoint));
    let is_quiet = |findings: &[Finding], place: &str| !findings.iter().any(|finding| finding.place == place);
    if let Some(fault) = survey.config_fault.as_ref().filter(|_| is_quiet(findings, &config)) {
        findings.push(at(FindingKind::ConfigChanged, config, fault.clone()));
    }
    let of_entries = [FindingKind::UnrecordedResult, FindingKind::PhantomEntry, FindingKind::WrongStatus];
    let shows = findings.iter().any(|finding| of_entries.contains(&finding.kind));
    if let Some(fault) = survey.checkpoint_fault.as_ref().filter(|_| !shows && is_quiet(findings, &checkpoint)) {
        findings.push(at(FindingKind::CheckpointAltered, checkpoint, fault.clone()));
    }
}

fn newer(place: impl Into<String>, version: &str) -> Finding {
    at(FindingKind::NewerVersion, place, format!("version `{version}` was written by a newer cargo-scylla"))
}

fn audit_status(survey: &Survey, checkpoint: &Checkpoint, tally: Tally, findings: &mut Vec<Finding>) {
    if survey.holder.is_some() {
        return;
    }
    let is_complete = tally.missing == 0 && knows_every_tier(survey);
    match checkpoint.status {
        ExperimentStatus::Running => {
            let who = match (checkpoint.pid, &checkpoint.host) {
                (Some(pid), Some(host)) => format!(" (it was process {pid} on {host})"),
                (Some(pid), None) => format!(" (it was process {pid})"),
                (None, _) => String::new(),
            };
            let message = format!("the status is `running`, and no coordinator holds the experiment{who}");
            findings.push(at(FindingKind::StaleRunning, survey.spelled(Place::Checkpoint), message));
        }
        // It was true for the plan at that time.
        ExperimentStatus::Completed if survey.has_grown_since(checkpoint.last_updated_at) => {}
        ExperimentStatus::Completed if survey.plan().is_some() && !is_complete && !has_unknown_places(survey) => {
            let message = "the status is `completed`, and planned runs have no result";
            findings.push(at(FindingKind::StatusContradicted, survey.spelled(Place::Checkpoint), message));
        }
        ExperimentStatus::Completed
        | ExperimentStatus::Interrupted
        | ExperimentStatus::Incomplete
        | ExperimentStatus::PausedRateLimit
        | ExperimentStatus::BudgetReached
        | ExperimentStatus::TimeReached => {}
    }
}

fn audit_config(survey: &Survey, findings: &mut Vec<Finding>) {
    if !survey.config_missing.is_empty() {
        let missing: Vec<_> = survey.config_missing.iter().map(|field| format!("`{field}`")).collect();
        findings.push(at(
            FindingKind::ConfigIncomplete,
            survey.spelled(Place::Config),
            format!("it lacks {}", missing.join(", ")),
        ));
    }
    match &survey.config {
        // While an experiment is created, its config is written after everything else.
        Seen::Missing if survey.is_being_made() => {}
        Seen::Missing => {
            findings.push(at(FindingKind::ConfigMissing, survey.spelled(Place::Config), "there is no config"));
        }
        Seen::Unreadable(_) if !survey.config_missing.is_empty() => {}
        Seen::Unreadable(reason) => {
            findings.push(at(FindingKind::ConfigUnreadable, survey.spelled(Place::Config), reason.clone()));
        }
        Seen::UnknownFormat(reason) => {
            findings.push(at(FindingKind::UnknownFormat, survey.spelled(Place::Config), reason.clone()));
        }
        Seen::Newer { version, .. } => findings.push(newer(survey.spelled(Place::Config), version)),
        // The wing that translated it has judged it.
        Seen::Translated => {}
        Seen::Read(config) => {
            audit_fixture(survey, config, findings);
            claims::audit_claims(survey, findings);
        }
    }
    inherited::audit_inherited(survey, findings);
    gradings::audit_gradings(survey, findings);
}

/// Compares the fixture's copy with the digest that the config names.
fn audit_fixture(survey: &Survey, config: &Config, findings: &mut Vec<Finding>) {
    let fixture = survey.spelled(Place::Fixture);
    let mut changed = |message: String| findings.push(at(FindingKind::ConfigChanged, &*fixture, message));
    match survey.fixture_digest {
        Some(digest) if digest == config.fixture_digest => {}
        Some(digest) => changed(format!("its content gives `{digest}`, the config says `{}`", config.fixture_digest)),
        // A copy that cannot be read is unknown, not absent.
        None if survey.unknown.iter().any(|(place, _)| *place == fixture) => {}
        None => changed("it is not there".to_owned()),
    }
}

fn audit_runs(survey: &Survey, findings: &mut Vec<Finding>) -> Tally {
    let mut tally = Tally::default();
    let plan = survey.plan();
    let has_plan = plan.is_some();
    let damaged = damaged(survey);
    for row in rows(survey, &plan.unwrap_or_default()) {
        tally.count(&row);
        if let Some(RunSeen::Committed(_)) = row.seen {
            if has_plan && !row.planned {
                findings.push(of_run(survey, FindingKind::OutsidePlan, row.run, "the plan does not have this run"));
            }
            audit_committed(survey, &row, damaged.contains(&row.run), findings);
        }
        if let Some(entry) = row.recorded
            && entry.is_judged()
            && matches!(row.seen, None | Some(RunSeen::Unfinished { .. }))
            && !survey.recorded_failures.contains(&row.run)
        {
            let message = format!("the checkpoint says `{entry}`, and there is no result");
            findings.push(of_run(survey, FindingKind::PhantomEntry, row.run, message));
        }
        if row.planned && survey.holder.is_none() {
            audit_missing(survey, &row, findings);
        }
    }
    tally
}

/// Compares the entry of a committed run with its result, unless the result is damaged.
fn audit_committed(survey: &Survey, row: &Row<'_>, is_damaged: bool, findings: &mut Vec<Finding>) {
    match (row.on_disk, row.recorded) {
        (Some(_), _) if is_damaged => {}
        (Some(_), None) if survey.checkpoint.content().is_some() && survey.holder.is_none() => {
            findings.push(of_run(survey, FindingKind::UnrecordedResult, row.run, "the checkpoint does not name it"));
        }
        (Some(status), Some(entry)) if !entry.agrees_with(status) && (survey.holder.is_none() || entry.is_judged()) => {
            let message = format!("the checkpoint says `{entry}`, the result says `{status}`");
            findings.push(of_run(survey, FindingKind::WrongStatus, row.run, message));
        }
        (None, _) => {
            findings.push(of_run(survey, FindingKind::ContradictoryResult, row.run, "it has no `judge_passed`"));
        }
        (Some(_), _) => {}
    }
}

/// Reports why a planned run has no result.
fn audit_missing(survey: &Survey, row: &Row<'_>, findings: &mut Vec<Finding>) {
    if survey.recorded_failures.contains(&row.run) {
        return findings.push(of_run(survey, FindingKind::MissingRun, row.run, "its runner failed on it"));
    }
    if let Some(holder) = survey.claimed.get(&row.run) {
        let message = format!("{holder} works on it");
        return findings.push(of_run(survey, FindingKind::MissingRun, row.run, message));
    }
    let message = match (row.seen, row.on_disk.or(row.recorded)) {
        (Some(RunSeen::Committed(_) | RunSeen::Unreadable | RunSeen::Unknown), _)
        // A finding about the phantom entry says it already.
        | (None, Some(RunStatus::Passed | RunStatus::Failed | RunStatus::Done)) => return,
        (_, Some(RunStatus::Errored)) => "infrastructure failed until its attempts were used up",
        (_, Some(RunStatus::AgentComplete)) => "its agent is done, the judges are not",
        (Some(RunSeen::Unfinished { .. }), _) => "it was started and not finished",
        (None, None) if survey.attempts.contains_key(&row.run) => "it was started and not finished",
        (None, None) => "it was not started",
    };
    let cause = failure_of(survey, row.run, row.seen).map_or_else(String::new, |failure| format!(": {failure}"));
    findings.push(of_run(survey, FindingKind::MissingRun, row.run, format!("{message}{cause}")));
}

fn audit_places(survey: &Survey, findings: &mut Vec<Finding>) {
    findings.extend(survey.problems.iter().filter_map(|problem| audit_problem(survey, problem)));
    for place in &survey.foreign {
        findings.push(at(FindingKind::ForeignFile, place, "it is not part of an experiment"));
    }
    if let Some(holder) = &survey.holder {
        // While a coordinator works, files appear and disappear while the folder is being read.
        let held = || {
            let message = format!("process {} on {} holds it since {}", holder.pid, holder.host, holder.since);
            (survey.spelled(Place::Lock), message)
        };
        let (place, message) =
            survey.signs.as_ref().map_or_else(held, |signs| (signs.place.clone(), signs.message.clone()));
        findings.push(at(FindingKind::LiveExperiment, place, message));
        return;
    }
    for (place, error) in &survey.unknown {
        findings.push(at(FindingKind::UnknownPlace, place, error.clone()));
    }
    for place in &survey.temporary {
        findings.push(at(FindingKind::LeftoverTemporary, place, "a crash left it behind"));
    }
}

/// The finding for a problem of a single run; `None` for what is normal while a coordinator works.
fn audit_problem(survey: &Survey, problem: &Problem) -> Option<Finding> {
    let kind = match problem.kind {
        ProblemKind::UnreadableResult => FindingKind::UnreadableResult,
        ProblemKind::NewerResult => {
            return Some(Finding { run: Some(problem.run), ..newer(&problem.place, &problem.found) });
        }
        ProblemKind::Altered => FindingKind::AlteredResult,
        ProblemKind::Misplaced => FindingKind::MisplacedResult,
        ProblemKind::Contradictory => FindingKind::ContradictoryResult,
        ProblemKind::BrokenSeal => FindingKind::BrokenSeal,
        ProblemKind::ReplacedFolder => FindingKind::ReplacedFolder,
        ProblemKind::BrokenGrading => FindingKind::BrokenGrading,
        ProblemKind::MissingEvidence => FindingKind::MissingEvidence,
        ProblemKind::DamagedStage => FindingKind::DamagedStage,
        ProblemKind::DamagedAttempt => FindingKind::DamagedAttempt,
        ProblemKind::Duplicate => FindingKind::DuplicateRun,
        ProblemKind::StrayWorkspace | ProblemKind::StrayProcess
            if survey.holder.is_some() || survey.claimed.contains_key(&problem.run) =>
        {
            return None;
        }
        ProblemKind::StrayWorkspace => FindingKind::StrayWorkspace,
        ProblemKind::StrayProcess => FindingKind::StrayProcess,
        ProblemKind::SecretInPatch => FindingKind::SecretInPatch,
    };
    Some(Finding { kind, place: problem.place.clone(), run: Some(problem.run), message: problem.found.clone() })
}
