//! Writes a copy of an experiment in the format of ProjectScylla's runner.

use std::path::Path;

use jiff::Timestamp;

use crate::engine::error::EngineError;
use crate::model::checkpoint::{Checkpoint, CompletedRuns, ConfigHash};
use crate::model::experiment::Config;
use crate::model::ids::RunId;
use crate::model::outcome::{ExperimentStatus, RunStatus};
use crate::model::place::Place;
use crate::model::result::RunResult;
use crate::model::survey::{RunSeen, Survey};
use crate::os::clock;
use crate::projectscylla::checkpoint::{Document, Header};
use crate::projectscylla::config::hash;
use crate::projectscylla::reports::{self, Export, files};
use crate::projectscylla::states::{ExperimentState, RunState, States, SubtestState, TierState};
use crate::projectscylla::version::Version;
use crate::projectscylla::{run_files, translate};
use crate::rules::index::is_complete;
use crate::stats::winner::winners;
use crate::store;
use crate::store::layout::ExperimentFolder;
use crate::store::results::Whole;
use crate::text::url;

/// What is written as a model when none was named.
const NO_MODEL: &str = "unspecified";

/// What was written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exported {
    /// Runs of the plan.
    pub planned: usize,
    /// Runs that were written.
    pub runs: usize,
    /// Committed runs that ProjectScylla's format cannot express, with the reason.
    pub left_out: Vec<(RunId, String)>,
}

/// Writes every committed run of the plan, and the reports that follow from them, to a folder that does not exist yet.
///
/// # Errors
/// When a result cannot be read, or the folder cannot be written.
pub fn export(
    folder: &ExperimentFolder,
    survey: &Survey,
    config: &Config,
    version: Version,
    to: &Path,
) -> Result<Exported, EngineError> {
    let now = clock::now();
    let plan = config.plan();
    let mut exported = Exported { planned: plan.total(), ..Exported::default() };
    let mut results = Vec::new();
    let committed = survey.runs.iter().filter(|(_, seen)| matches!(seen, RunSeen::Committed(_)));
    for run in committed.map(|(run, _)| *run).filter(|run| plan.contains(*run)) {
        match read(folder, survey, run, config, now)? {
            Ok(result) => results.push(result),
            Err(why) => exported.left_out.push((run, why)),
        }
    }
    exported.runs = results.len();
    let root = to.to_string_lossy();
    let winners = winners(&results);
    let config = &with_models(config, &results);
    let export = Export { version, config, results: &results, winners: &winners, root: &root, now };
    let mut content: Vec<(String, Vec<u8>)> =
        files(&export).into_iter().map(|(place, text)| (place, text.into_bytes())).collect();
    for result in &results {
        let folder = export.run_folder(result.run());
        content.extend(
            run_files::of(result).into_iter().map(|(place, text)| (format!("{folder}/{place}"), text.into_bytes())),
        );
    }
    let complete = is_complete(survey) && exported.left_out.is_empty();
    let hash = hash::of_version(version, &reports::config(&export));
    let checkpoint = checkpoint(&export, &hash, complete);
    content.push((survey.spelled(Place::Checkpoint), checkpoint));
    store::export::write_folder(to, &content)?;
    Ok(exported)
}

/// Fills in missing models: ProjectScylla takes the first of its models without checking whether there is one.
fn with_models(config: &Config, results: &[RunResult]) -> Config {
    let mut config = config.clone();
    // The config of an experiment of format 4.0 may still have credentials.
    config.task_repo = url::without_credentials(&config.task_repo);
    if config.models.is_empty() {
        config.models.push(NO_MODEL.to_owned());
    }
    if config.judge_models.is_empty() {
        let judges = results.first().map(|result| result.judges.iter().map(|judge| judge.model.clone()).collect());
        config.judge_models =
            judges.filter(|judges: &Vec<String>| !judges.is_empty()).unwrap_or(vec![NO_MODEL.to_owned()]);
    }
    config
}

/// A committed result of any format; or the reason why it cannot be written for ProjectScylla.
fn read(
    folder: &ExperimentFolder,
    survey: &Survey,
    run: RunId,
    config: &Config,
    now: Timestamp,
) -> Result<Result<RunResult, String>, EngineError> {
    Ok(match store::results::read(folder, run, &survey.place(run), survey.counting)? {
        Whole::Ours(result) => Ok(*result),
        Whole::Others(bytes) => translate::run_result(&bytes, run, config, now),
    })
}

fn checkpoint(export: &Export<'_>, hash: &str, complete: bool) -> Vec<u8> {
    let Export { version, config, results, root, now, .. } = *export;
    let mut completed_runs = CompletedRuns::default();
    for result in results {
        completed_runs.set(result.run(), RunStatus::judged(result.judge_passed));
    }
    let header = Header {
        experiment_id: &config.experiment_id,
        experiment_dir: root,
        config_hash: hash,
        started_at: config.created_at,
        now,
    };
    let states = states(version, config, &completed_runs, complete);
    let checkpoint = Checkpoint {
        version: version.to_string(),
        experiment_id: config.experiment_id.clone(),
        config_hash: ConfigHash::Foreign(hash.to_owned()),
        status: if complete { ExperimentStatus::Completed } else { ExperimentStatus::Interrupted },
        completed_runs,
        started_at: config.created_at,
        last_updated_at: now,
        worked_seconds: 0.0,
        rate_limit: None,
        rate_limits: std::collections::BTreeMap::new(),
        rerun: std::collections::BTreeSet::new(),
        graded: std::collections::BTreeMap::new(),
        rerunning: std::collections::BTreeSet::new(),
        failures: std::collections::BTreeMap::new(),
        pid: None,
        host: None,
        unknown: serde_json::Map::new(),
    };
    Document::new(version, &header).with(&checkpoint, &states).to_bytes()
}

/// The states of an experiment in which nothing is running.
fn states(version: Version, config: &Config, completed_runs: &CompletedRuns, complete: bool) -> States {
    let mut states = States::default();
    if version < Version::V3_0 {
        return states;
    }
    states.experiment = Some(if complete { ExperimentState::Complete } else { ExperimentState::Interrupted });
    for (run, _) in completed_runs.entries() {
        states.runs.insert(run, RunState::WorktreeCleaned);
    }
    for (tier, subtests) in config.plan().subtests() {
        let mut whole = true;
        let mut begun = false;
        for (subtest, planned) in subtests {
            let of_it =
                completed_runs.entries().filter(|(run, _)| (run.tier, run.subtest) == (*tier, *subtest)).count();
            let all = of_it == *planned as usize;
            whole &= all;
            begun |= of_it > 0;
            if of_it > 0 {
                let state = if all { SubtestState::Aggregated } else { SubtestState::RunsInProgress };
                states.subtests.insert((*tier, *subtest), state);
            }
        }
        if begun {
            states.tiers.insert(*tier, if whole { TierState::Complete } else { TierState::ConfigLoaded });
        }
    }
    states
}
