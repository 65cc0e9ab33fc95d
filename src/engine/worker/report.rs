//! What a worker reports to whoever started it, and what it asks: the same for a thread here and a process elsewhere.

use std::fmt;
use std::path::PathBuf;

use crate::model::event::{Event, FailedCheck, RunCommitted};
use crate::model::ids::{ModelName, RunId};
use crate::model::outcome::{Failure, RunStatus, SHELL_NOT_STARTED};
use crate::model::result::{ChecksResult, RunResult};
use crate::model::survey::Holder;
use crate::model::unfinished::Unfinished;
use crate::model::usage::Total;
use crate::text::escape;

/// The job of a worker. It fits into the arguments of a program: everything else is in the experiment's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// The run.
    pub run: RunId,
    /// How many attempts the run may still have, this one included.
    pub attempts: u32,
}

/// The connection of a worker to whoever started it.
pub(in crate::engine) trait Link {
    /// Reports an event.
    fn event(&self, event: Event);
    /// Asks whether the run may ask the model now.
    fn may_ask(&self, model: &ModelName) -> Permission;
    /// Reports that the model is not being asked any more: it has answered, or failed in another way than by a rate limit.
    fn asked(&self, answered: bool);
}

/// Whether a model may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may be asked now.
    Granted,
    /// It may be asked later: until then the run has to wait.
    Later,
    /// Never: the coordinator that could allow it is gone.
    Gone,
}

/// The outcome of a job.
#[derive(Debug)]
pub struct Done {
    /// What was spent on the run.
    pub spent: Total,
    /// How it ended.
    pub end: RunEnd,
}

/// How a worker's work on a run ended.
#[derive(Debug)]
pub enum RunEnd {
    /// The result is durable.
    Committed(Box<Committed>),
    /// It is not.
    Unfinished(Unfinished),
    /// It was taken back before a worker began.
    Withdrawn {
        /// Whether the agent's result is durable.
        agent_complete: bool,
    },
    /// Another worker has the run, or may have it: nothing was done.
    Claimed(Claimant),
}

impl RunEnd {
    /// A failure before the first stage.
    pub(in crate::engine) fn not_begun(failure: Failure) -> Self {
        Self::Unfinished(Unfinished::not_begun(failure))
    }
}

/// Who has a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimant {
    /// A living worker.
    Worker(Holder),
    /// Processes of a dead worker, on a machine that cannot be checked from here.
    MayLive {
        /// The machine.
        host: String,
        /// The file that identifies the processes.
        mark: PathBuf,
    },
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(holder) => write!(f, "{holder} works on it"),
            Self::MayLive { host, .. } => {
                let host = escape::terminal(host);
                write!(f, "processes on `{host}`, which cannot be looked at from here, may still work on it")
            }
        }
    }
}

/// A committed run, with what explains its verdict.
#[derive(Debug)]
pub struct Committed {
    /// The result.
    pub result: RunResult,
    /// Whether the agent left the tree unchanged.
    pub changed_nothing: bool,
    /// Checks that did not pass.
    pub failed_checks: Vec<FailedCheck>,
}

impl Committed {
    /// The event that reports it, with what was spent.
    pub(in crate::engine) fn event(self, run: RunId, spent: Total) -> Event {
        let Self { result, changed_nothing, failed_checks } = self;
        Event::RunCommitted(RunCommitted {
            run,
            status: RunStatus::judged(result.judge_passed),
            score: result.judge_score,
            grade: result.judge_grade,
            agent_end: result.agent_end,
            exit_code: result.exit_code,
            cost: result.cost(),
            spent,
            duration_seconds: result.duration_seconds,
            changed_nothing,
            failed_checks,
            not_captured: result.not_captured.unwrap_or_default(),
            flags: result.flags,
        })
    }
}

/// The checks of the untouched tree whose programs the shell did not find, each with its message.
pub(in crate::engine) fn not_found(baseline_checks: &ChecksResult) -> impl Iterator<Item = (&str, String)> {
    baseline_checks.checks.iter().filter_map(|check| {
        let code = check.exit_code.filter(|code| SHELL_NOT_STARTED.contains(code))?;
        let message = format!(
            "check `{}` exited with {code} in the untouched tree, as a shell does whose program is missing or cannot be \
             run: it counts against every agent",
            check.name
        );
        Some((check.name.as_str(), message))
    })
}
