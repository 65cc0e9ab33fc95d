//! An experiment in one line, derived from its folder.

use jiff::Timestamp;

use crate::config;
use crate::engine::session::progress::Progress;
use crate::model::finding::Level;
use crate::model::outcome::ExperimentStatus;
use crate::model::overview::{Overview, State};
use crate::model::survey::{Seen, Survey};
use crate::os::lock::is_paused;
use crate::rules::audit::audit;
use crate::store::StoreError;
use crate::store::layout::{ExperimentFolder, time_of_name};
use crate::store::survey::{Depth, survey};

/// What a list says of an experiment that lies in a folder which is `shown` so; `None` when nothing of an experiment lies there.
///
/// # Errors
/// When the folder cannot be listed.
pub fn overview(folder: &ExperimentFolder, shown: &str, now: Timestamp) -> Result<Option<Overview>, StoreError> {
    let survey = survey(folder, Depth::Results)?;
    let is_empty = matches!(survey.checkpoint, Seen::Missing) && matches!(survey.config, Seen::Missing);
    if is_empty && survey.made_by.is_none() && survey.runs.is_empty() && survey.holder.is_none() {
        return Ok(None);
    }
    let plan = survey.plan();
    let progress = Progress::of(plan.clone().unwrap_or_default(), &survey);
    let tiers = progress.tiers();
    // A fixture that cannot be read names no control.
    let fixture = config::fixture::load(&folder.fixture()).ok();
    let (agents_done, agents_passed) = progress.measured(fixture.as_ref());
    let sum = |count: fn(&crate::model::event::Totals) -> usize| tiers.iter().map(|tier| count(&tier.totals)).sum();
    let name = folder.root().file_name().unwrap_or(folder.root().as_os_str());
    let checkpoint = survey.checkpoint.content().map(|checkpoint| checkpoint.started_at);
    let configured = || survey.config.content().map(|config| config.created_at);
    let started_at = checkpoint.or_else(configured).or_else(|| time_of_name(name));
    Ok(Some(Overview {
        name: name.to_string_lossy().into_owned(),
        folder: shown.to_owned(),
        experiment_id: survey.experiment_id().map(str::to_owned),
        state: state(folder, &survey, &progress),
        done: sum(|totals| totals.done),
        planned: plan.map(|plan| plan.total() + survey.runs_of_unknown_tiers()),
        plan_is_open: survey.plan_is_open(),
        passed: sum(|totals| totals.passed),
        agents_done,
        agents_passed,
        spent: progress.spent().total(),
        unknown_in_flight: survey.unknown_in_flight().1,
        started_at,
        age_seconds: started_at.map(|started| now.duration_since(started).as_secs_f64()),
        made_by: survey.made_by.map(|made_by| made_by.tool),
    }))
}

/// Where an experiment stands. Nothing is called complete that is not.
fn state(folder: &ExperimentFolder, survey: &Survey, progress: &Progress) -> State {
    let checkpoint = survey.checkpoint.content();
    let status = checkpoint.map(|checkpoint| checkpoint.status);
    let was_worked_on = checkpoint.is_some_and(|checkpoint| !checkpoint.worked().is_zero());
    let is_worked_on = survey.holder.is_some() || !survey.claimed.is_empty();
    let is_paused = survey.holder.as_ref().is_some_and(|holder| is_paused(&folder.lock(), holder));
    match status {
        _ if is_paused => State::Paused,
        Some(ExperimentStatus::PausedRateLimit) if is_worked_on => State::Waiting,
        _ if is_worked_on => State::Running,
        Some(_) if audit(survey).iter().any(|finding| finding.kind.level() == Level::Damaged) => State::Damaged,
        Some(ExperimentStatus::Completed) if progress.missing().is_empty() => State::Completed,
        Some(ExperimentStatus::Incomplete) => State::Incomplete,
        Some(ExperimentStatus::Completed | ExperimentStatus::Interrupted) if progress.has_only_errored() => {
            State::Incomplete
        }
        Some(ExperimentStatus::Interrupted) if !was_worked_on && progress.is_only_planned() => State::Planned,
        Some(ExperimentStatus::Completed | ExperimentStatus::Running | ExperimentStatus::Interrupted) => {
            State::Interrupted
        }
        Some(ExperimentStatus::PausedRateLimit) => State::RateLimited,
        Some(ExperimentStatus::BudgetReached) => State::BudgetReached,
        Some(ExperimentStatus::TimeReached) => State::TimeReached,
        None => State::Unknown,
    }
}
