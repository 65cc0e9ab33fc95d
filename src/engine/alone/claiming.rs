//! A run is claimed before anything is done for it: nothing of the experiment is changed when it cannot be made.

use super::ClaimedRun;
use crate::config;
use crate::engine::error::{EngineError, with_causes};
use crate::engine::lease;
use crate::engine::session::grader::Grader;
use crate::engine::session::inheritance::must_be_set_up;
use crate::engine::session::open::{refuse_unfit, this_process};
use crate::model::experiment::Config;
use crate::model::finding::{Finding, Level};
use crate::model::ids::RunId;
use crate::model::job_line::{JobEnd, JobLine, JobReport};
use crate::model::survey::{RunSeen, Seen, Survey};
use crate::model::task::Fixture;
use crate::model::usage::Total;
use crate::rules::audit::audit;
use crate::rules::gradings::to_grade;
use crate::store;
use crate::store::claim::Claim;
use crate::store::layout::ExperimentFolder;

/// How a run is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claiming {
    /// As a worker beside others: one that has the run already keeps it.
    Beside,
    /// As a job of a cluster that may start a job a second time: a worker that has the run is waited for as long as it gives signs of
    /// life, and then replaced.
    Leased,
}

/// The outcome of claiming a run.
#[derive(Debug)]
pub enum Claimed {
    /// The run has to be carried out.
    ToMake(Box<ClaimedRun>),
    /// The run has its result already: there is nothing to do.
    Committed,
}

/// Claims a run of the plan.
///
/// # Errors
/// When the run is not planned, another worker has it, something is damaged, or the run cannot be carried out yet.
/// Nothing of the experiment is changed then.
pub fn claim(folder: ExperimentFolder, run: RunId, claiming: Claiming) -> Result<Claimed, EngineError> {
    let (seen, _) = store::config::read(&folder);
    let Seen::Read(config) = seen else {
        // Whatever is in the folder, nothing is written into it.
        return Err(refused(&folder, &store::survey::of_run(&folder, run)?, run));
    };
    if !config.plan().contains(run) {
        return Err(EngineError::NotPlanned(vec![run]));
    }
    let (claim, lease) = match claiming {
        Claiming::Beside => (Claim::acquire(&folder, run, &this_process())?, None),
        Claiming::Leased => {
            let (claim, lease) = lease::take(&folder, run)?;
            (claim, Some(lease))
        }
    };
    let report = |end| {
        if let Some(lease) = &lease {
            lease.report(&JobLine::Ended(JobReport { spent: Total::ZERO, end }));
        }
    };
    match found(&folder, run) {
        Ok(Some((config, fixture, grader))) => {
            Ok(Claimed::ToMake(Box::new(ClaimedRun { run, folder, claim, lease, config, fixture, grader })))
        }
        Ok(None) => {
            report(JobEnd::Committed);
            Ok(Claimed::Committed)
        }
        Err(error) => {
            report(JobEnd::Refused(with_causes(&error)));
            Err(error)
        }
    }
}

/// What a claimed run is made by; `None` when it has its result already.
fn found(folder: &ExperimentFolder, run: RunId) -> Result<Option<(Config, Fixture, Grader)>, EngineError> {
    let survey = store::survey::of_run(folder, run)?;
    let is_judged = matches!(survey.runs.get(&run), Some(RunSeen::Committed(_))) && !to_grade(&survey).contains(&run);
    let findings = audit(&survey);
    refuse_unfit(folder, &findings)?;
    refuse_damaged(&survey, &findings, run)?;
    if is_judged {
        return Ok(None);
    }
    let Seen::Read(config) = survey.config.clone() else { return Err(refused(folder, &survey, run)) };
    let fixture = config::fixture::load(&folder.fixture()).map_err(EngineError::Fixture)?;
    must_be_set_up(folder, &config, &fixture, run)?;
    let grader = Grader::of(folder, &survey)?;
    Ok(Some((*config, fixture, grader)))
}

/// The reason why nothing can be done in a folder whose config cannot be read.
fn refused(folder: &ExperimentFolder, survey: &Survey, run: RunId) -> EngineError {
    if let Some(made_by) = survey.made_by.clone() {
        return EngineError::OtherForm { folder: folder.root().to_owned(), made_by };
    }
    let why = "the experiment's config cannot be read".to_owned();
    refuse_unfit(folder, &audit(survey)).err().unwrap_or(EngineError::NotMade { run, why, is_damaged: true })
}

/// Refuses what a resume would leave alone too, and what only a coordinator may do first.
fn refuse_damaged(survey: &Survey, findings: &[Finding], run: RunId) -> Result<(), EngineError> {
    let own = findings.iter().filter(|finding| finding.run == Some(run) && finding.kind.level() == Level::Damaged);
    let mut why: Vec<String> = own.map(|finding| format!("{}: {}", finding.kind, finding.message)).collect();
    if why.is_empty() && matches!(survey.runs.get(&run), Some(RunSeen::Unreadable | RunSeen::Unknown)) {
        why.push("what it holds cannot be read".to_owned());
    }
    if !why.is_empty() {
        return Err(EngineError::NotMade { run, why: why.join("; "), is_damaged: true });
    }
    match survey.checkpoint.content() {
        Some(checkpoint) if checkpoint.rerun.contains(&run) => {
            let why = "it is to be made again, and what it holds is not set aside yet".to_owned();
            Err(EngineError::NotMade { run, why, is_damaged: false })
        }
        _ => Ok(()),
    }
}
