//! Which runs of an experiment are to be made yet, as read from its folder without changing it: for those who start workers themselves,
//! by a batch system that this tool does not know.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config;
use crate::engine::error::EngineError;
use crate::engine::session::inheritance::{stop, unset};
use crate::engine::session::open::{progress_of, refuse_signs, refuse_unfit, unfit};
use crate::model::event::Missing;
use crate::model::experiment::Config;
use crate::model::finding::{Finding, Level};
use crate::model::ids::RunId;
use crate::model::survey::{Seen, Survey};
use crate::os::clock;
use crate::rules::audit::audit;
use crate::rules::mend::{Ask, mend};
use crate::store::layout::ExperimentFolder;
use crate::store::survey::{Depth, survey};
use crate::text::words::{counted, list};

/// A planned run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedRun {
    /// The run, as `worker --run` takes it.
    pub run: RunId,
    /// Why it is missing; `null` when it is committed, perhaps without a verdict under the newest grading.
    pub missing: Option<Missing>,
}

/// Runs of the plan, in its order.
#[derive(Debug)]
pub struct PlannedRuns {
    /// The runs.
    pub runs: Vec<PlannedRun>,
    /// Which others are to be made and are left out, and why, as sentences; and what else is to be known of the runs.
    pub notes: Vec<String>,
}

/// Every run of the plan.
///
/// # Errors
/// When the folder cannot be read, or holds no plan that can.
pub fn planned(folder: &ExperimentFolder) -> Result<PlannedRuns, EngineError> {
    let survey = survey(folder, Depth::Results)?;
    let config = readable(folder, &survey)?;
    let progress = progress_of(config, &survey, &[]);
    let plan = config.plan();
    let runs = plan.runs().map(|run| PlannedRun { run, missing: progress.missing().get(&run).copied() });
    Ok(PlannedRuns { runs: runs.collect(), notes: Vec::new() })
}

/// The runs that are to be made yet and that a worker could begin now: what a resume would make, but for what others work on and what
/// waits for winners.
///
/// # Errors
/// When the folder cannot be read, and where no resume would make anything.
pub fn pending(folder: &ExperimentFolder) -> Result<PlannedRuns, EngineError> {
    let survey = survey(folder, Depth::Results)?;
    let config = readable(folder, &survey)?;
    let kept = mend(&survey, &Ask::default(), clock::now()).kept;
    refuse_unfit(folder, &kept)?;
    let damage: Vec<Finding> = kept.into_iter().filter(|finding| finding.kind.level() == Level::Damaged).collect();
    let progress = progress_of(config, &survey, &damage);
    let mut open: BTreeSet<RunId> = progress.to_do().collect();
    let mut notes = Vec::new();

    if let Some(holder) = &survey.holder {
        notes.push(format!(
            "{holder} coordinates the experiment and may begin any of these runs: a worker for such a run is sent away"
        ));
    }
    leave_out(&mut notes, progress.withheld().count(), "for a person to look at: `cargo scylla verify` says why");
    let again = survey.checkpoint.content().map(|checkpoint| checkpoint.rerun.clone()).unwrap_or_default();
    let again = take(&mut open, |run| again.contains(&run));
    leave_out(&mut notes, again, "to be made again, for which a resume sets aside first what is there");
    let worked_on = take(&mut open, |run| survey.claimed.contains_key(&run));
    leave_out(&mut notes, worked_on, "worked on now");

    let fixture = config::fixture::load(&folder.fixture()).map_err(EngineError::Fixture)?;
    let (waiting, stopped) = unset(folder, config, &fixture)?;
    for (tier, sources) in waiting {
        if take(&mut open, |run| run.tier == tier) > 0 {
            let sources = list(&sources.iter().map(ToString::to_string).collect::<Vec<_>>());
            notes.push(format!(
                "left out: {tier}, which takes over winners of {sources} that are not chosen yet: a resume chooses them when {sources} \
                 is made"
            ));
        }
    }
    for (setup, faults) in stopped {
        if take(&mut open, |run| (run.tier, run.subtest) == setup) > 0 {
            notes.push(stop(setup, &faults));
        }
    }
    let runs = open.into_iter().map(|run| PlannedRun { run, missing: progress.missing().get(&run).copied() });
    Ok(PlannedRuns { runs: runs.collect(), notes })
}

/// Takes the runs away that are so, and gives how many they were.
fn take(open: &mut BTreeSet<RunId>, is_so: impl Fn(RunId) -> bool) -> usize {
    let before = open.len();
    open.retain(|run| !is_so(*run));
    before - open.len()
}

fn leave_out(notes: &mut Vec<String>, runs: usize, why: &str) {
    if runs > 0 {
        let are = if runs == 1 { "is" } else { "are" };
        notes.push(format!("left out: {} that {are} {why}", counted(runs, "run")));
    }
}

/// The config of an experiment of ours that can be read.
fn readable<'a>(folder: &ExperimentFolder, survey: &'a Survey) -> Result<&'a Config, EngineError> {
    refuse_signs(survey)?;
    if let Some(made_by) = survey.made_by.clone() {
        return Err(EngineError::OtherForm { folder: folder.root().to_owned(), made_by });
    }
    let Seen::Read(config) = &survey.config else { return Err(unfit(folder, audit(survey))) };
    Ok(config)
}
