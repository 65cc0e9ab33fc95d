//! The one audit: survey × plan × checkpoint → findings. `verify` reports them, `repair` and `resume` mend them.

use std::collections::BTreeMap;

use crate::lifecycle::index::{is_complete, status_on_disk};
use crate::model::checkpoint::Checkpoint;
use crate::model::experiment::Config;
use crate::model::finding::{Finding, FindingKind};
use crate::model::ids::RunId;
use crate::model::outcome::{ExperimentStatus, RunStatus};
use crate::model::survey::{Problem, ProblemKind, RunSeen, Seen, Survey};

/// Places that findings name, as paths below the folder.
const CHECKPOINT: &str = "checkpoint.json";
const CONFIG: &str = "config/experiment.json";
const FIXTURE: &str = "config/fixture";

/// Every disagreement, sorted by kind and place. A live experiment is judged only on what is committed.
#[must_use]
pub fn audit(survey: &Survey) -> Vec<Finding> {
    let mut findings = Vec::new();
    audit_checkpoint(survey, &mut findings);
    audit_config(survey, &mut findings);
    audit_runs(survey, &mut findings);
    audit_places(survey, &mut findings);
    findings.sort();
    findings
}

fn at(kind: FindingKind, place: &str, message: impl Into<String>) -> Finding {
    Finding { kind, place: place.to_owned(), run: None, message: message.into() }
}

fn of_run(kind: FindingKind, run: RunId, message: impl Into<String>) -> Finding {
    Finding { kind, place: run.to_string(), run: Some(run), message: message.into() }
}

fn audit_checkpoint(survey: &Survey, findings: &mut Vec<Finding>) {
    match &survey.checkpoint {
        // A coordinator that has just begun has not written its first checkpoint.
        Seen::Missing if survey.holder.is_some() => {}
        Seen::Missing => findings.push(at(FindingKind::CheckpointMissing, CHECKPOINT, "there is no checkpoint")),
        Seen::Unreadable(reason) => {
            findings.push(at(FindingKind::CheckpointUnreadable, CHECKPOINT, reason.clone()));
        }
        Seen::Newer { version, .. } => findings.push(newer(CHECKPOINT, version)),
        Seen::Read(checkpoint) => audit_status(survey, checkpoint, findings),
    }
    for key in &survey.duplicate_keys {
        findings.push(at(FindingKind::DuplicateEntry, CHECKPOINT, format!("`{key}` is there twice")));
    }
}

fn newer(place: &str, version: &str) -> Finding {
    at(FindingKind::NewerVersion, place, format!("version `{version}` was written by a newer cargo-scylla"))
}

fn audit_status(survey: &Survey, checkpoint: &Checkpoint, findings: &mut Vec<Finding>) {
    if survey.holder.is_some() {
        return;
    }
    match checkpoint.status {
        ExperimentStatus::Running => {
            let who = match (checkpoint.pid, &checkpoint.host) {
                (Some(pid), Some(host)) => format!(" (it was process {pid} on {host})"),
                (Some(pid), None) => format!(" (it was process {pid})"),
                (None, _) => String::new(),
            };
            let message = format!("the status is `running`, and no coordinator holds the experiment{who}");
            findings.push(at(FindingKind::StaleRunning, CHECKPOINT, message));
        }
        ExperimentStatus::Completed if survey.config.content().is_some() && !is_complete(survey) => {
            let message = "the status is `completed`, and planned runs have no result";
            findings.push(at(FindingKind::StatusContradicted, CHECKPOINT, message));
        }
        ExperimentStatus::Completed
        | ExperimentStatus::Interrupted
        | ExperimentStatus::PausedRateLimit
        | ExperimentStatus::BudgetReached => {}
    }
}

fn audit_config(survey: &Survey, findings: &mut Vec<Finding>) {
    if !survey.config_lacks.is_empty() {
        let lacks: Vec<_> = survey.config_lacks.iter().map(|field| format!("`{field}`")).collect();
        findings.push(at(FindingKind::ConfigIncomplete, CONFIG, format!("it lacks {}", lacks.join(", "))));
    }
    match &survey.config {
        Seen::Missing => findings.push(at(FindingKind::ConfigMissing, CONFIG, "there is no config")),
        Seen::Unreadable(_) if !survey.config_lacks.is_empty() => {}
        Seen::Unreadable(reason) => findings.push(at(FindingKind::ConfigUnreadable, CONFIG, reason.clone())),
        Seen::Newer { version, .. } => findings.push(newer(CONFIG, version)),
        Seen::Read(config) => audit_hashes(survey, config, findings),
    }
}

/// The config's hash is written in three places; an edited config disagrees with the other two.
fn audit_hashes(survey: &Survey, config: &Config, findings: &mut Vec<Finding>) {
    let hash = config.hash();
    let mut changed = |place: &str, message: String| findings.push(at(FindingKind::ConfigChanged, place, message));
    if let Some(checkpoint) = survey.checkpoint.content()
        && checkpoint.config_hash != hash
    {
        changed(CONFIG, format!("its result fields give `{hash}`, the checkpoint says `{}`", checkpoint.config_hash));
    }
    match survey.fixture_digest {
        Some(digest) if digest == config.fixture_digest => {}
        Some(digest) => {
            let message = format!("its content gives `{digest}`, the config says `{}`", config.fixture_digest);
            changed(FIXTURE, message);
        }
        // What cannot be read is unknown, not absent.
        None if survey.unknown.iter().any(|(place, _)| place == FIXTURE) => {}
        None => changed(FIXTURE, "it is not there".to_owned()),
    }
    let mut made_under: BTreeMap<u16, usize> = BTreeMap::new();
    for seen in survey.runs.values() {
        if let RunSeen::Committed(facts) = seen
            && let Some(config) = facts.config
        {
            *made_under.entry(config).or_default() += 1;
        }
    }
    for (index, results) in made_under {
        match survey.config_hashes.get(usize::from(index)) {
            Some(made) if *made != hash => {
                changed(CONFIG, format!("its result fields give `{hash}`, and results made under `{made}`: {results}"));
            }
            Some(_) | None => {}
        }
    }
}

fn audit_runs(survey: &Survey, findings: &mut Vec<Finding>) {
    let plan = survey.config.content().map(Config::plan);
    let checkpoint = survey.checkpoint.content();
    let recorded = |run| checkpoint.and_then(|checkpoint| checkpoint.completed_runs.get(run));
    for (run, seen) in &survey.runs {
        if !matches!(seen, RunSeen::Committed(_)) {
            continue;
        }
        if plan.as_ref().is_some_and(|plan| !plan.contains(*run)) {
            findings.push(of_run(FindingKind::OutsidePlan, *run, "the plan does not have this run"));
        }
        match (status_on_disk(survey, *run), recorded(*run)) {
            (Some(_), None) if checkpoint.is_some() && survey.holder.is_none() => {
                findings.push(of_run(FindingKind::UnrecordedResult, *run, "the checkpoint does not name it"));
            }
            (Some(status), Some(entry)) if status != entry && (survey.holder.is_none() || entry.is_judged()) => {
                let message = format!("the checkpoint says `{entry}`, the result says `{status}`");
                findings.push(of_run(FindingKind::WrongStatus, *run, message));
            }
            (None, _) => {
                findings.push(of_run(FindingKind::ContradictoryResult, *run, "it has no `judge_passed`"));
            }
            (Some(_), _) => {}
        }
    }
    for (run, entry) in checkpoint.into_iter().flat_map(|checkpoint| checkpoint.completed_runs.entries()) {
        if entry.is_judged() && matches!(survey.runs.get(&run), None | Some(RunSeen::Unfinished { .. })) {
            let message = format!("the checkpoint says `{entry}`, and there is no result");
            findings.push(of_run(FindingKind::PhantomEntry, run, message));
        }
    }
    if survey.holder.is_none() {
        audit_missing(survey, plan.iter().flat_map(|plan| plan.runs()), &recorded, findings);
    }
}

fn audit_missing(
    survey: &Survey,
    planned: impl Iterator<Item = RunId>,
    recorded: &dyn Fn(RunId) -> Option<RunStatus>,
    findings: &mut Vec<Finding>,
) {
    for run in planned {
        let status = status_on_disk(survey, run);
        let message = match (survey.runs.get(&run), status.or_else(|| recorded(run))) {
            (Some(RunSeen::Committed(_) | RunSeen::Unreadable | RunSeen::Unknown), _) => continue,
            (_, Some(RunStatus::Errored)) => "infrastructure failed until its attempts were used up",
            (_, Some(RunStatus::AgentComplete)) => "its agent is done, the judges are not",
            (Some(RunSeen::Unfinished { .. }), _) => "it was started and not finished",
            // A phantom entry says it already.
            (None, Some(RunStatus::Passed | RunStatus::Failed)) => continue,
            (None, None) => "it was not started",
        };
        findings.push(of_run(FindingKind::MissingRun, run, message));
    }
}

fn audit_places(survey: &Survey, findings: &mut Vec<Finding>) {
    findings.extend(survey.problems.iter().filter_map(|problem| audit_problem(survey, problem)));
    for place in &survey.foreign {
        findings.push(at(FindingKind::ForeignFile, place, "it is not part of an experiment"));
    }
    match &survey.holder {
        // While a coordinator works, files come and go under the reader's eyes.
        Some(holder) => {
            let message = format!("process {} on {} holds it since {}", holder.pid, holder.host, holder.since);
            findings.push(at(FindingKind::LiveExperiment, "experiment.lock", message));
        }
        None => {
            let unknown = survey.unknown.iter();
            findings.extend(unknown.map(|(place, error)| at(FindingKind::UnknownPlace, place, error.clone())));
            let left = survey.temporary.iter();
            findings.extend(left.map(|place| at(FindingKind::LeftoverTemporary, place, "a crash left it behind")));
        }
    }
}

/// The finding for what is wrong with a single run; `None` for what is right while a coordinator works.
fn audit_problem(survey: &Survey, problem: &Problem) -> Option<Finding> {
    let kind = match problem.kind {
        ProblemKind::UnreadableResult => FindingKind::UnreadableResult,
        ProblemKind::Misplaced => FindingKind::MisplacedResult,
        ProblemKind::Contradictory => FindingKind::ContradictoryResult,
        ProblemKind::BrokenSeal => FindingKind::BrokenSeal,
        ProblemKind::Duplicate => FindingKind::DuplicateRun,
        ProblemKind::StrayWorkspace | ProblemKind::StrayProcess if survey.holder.is_some() => return None,
        ProblemKind::StrayWorkspace => FindingKind::StrayWorkspace,
        ProblemKind::StrayProcess => FindingKind::StrayProcess,
    };
    Some(Finding { kind, place: problem.place.clone(), run: Some(problem.run), message: problem.found.clone() })
}
