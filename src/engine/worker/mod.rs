//! A worker: takes one run through its stages, and writes only inside of that run's folder.

pub mod excerpt;
pub mod mailbox;
mod stages;
pub mod workplace;

use std::panic::AssertUnwindSafe;

use crate::engine::worker::mailbox::{Input, Line, RunEnd};
use crate::engine::worker::stages::{Halt, Work};
use crate::engine::worker::workplace::Workplace;
use crate::model::ids::RunId;
use crate::model::limits::Limits;
use crate::model::outcome::{AttemptEnd, Failure, Stage};
use crate::model::result::RunResult;
use crate::rules::retry::{Failed, ForRun, SoFar, Who, decide};
use crate::rules::stage::Reached;
use crate::setup::inherit::Effective;

/// What a worker is told to do.
#[derive(Debug)]
pub(in crate::engine) struct Job {
    pub(in crate::engine) run: RunId,
    /// What its agent is set up with.
    pub(in crate::engine) setup: Effective,
    /// How often the run failed in this session.
    pub(in crate::engine) failures: u32,
    /// The bounds of the session.
    pub(in crate::engine) limits: Limits,
}

/// Does the job and says how it ended; the last word comes even if the work panics.
pub(in crate::engine) fn work(place: &Workplace, job: &Job, line: &Line) {
    let done = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut work = Work::new(place, job.run, &job.setup, line);
        let end = attempt(&mut work, job);
        (work.spent, end)
    }));
    line.say(match done {
        Ok((spent, end)) => Input::RunEnded { run: job.run, spent, end },
        Err(_) => Input::WorkerLost(job.run),
    });
}

fn attempt(work: &mut Work<'_>, job: &Job) -> RunEnd {
    let halt = match carry_out(work) {
        Ok(result) => return RunEnd::Committed(Box::new(work.explained(result))),
        Err(halt) => halt,
    };
    let agent_complete = work.agent_complete;
    let (stage, attempt) = (work.stage, work.attempt);
    match halt {
        Halt::Stopped => {
            let failure = (!agent_complete).then(|| work.set_aside(AttemptEnd::Interrupted)).and_then(Result::err);
            if let Some(failure) = failure {
                work.notice(&format!("the stopped attempt could not be set aside: {failure}"));
            }
            RunEnd::Stopped { stage, agent_complete }
        }
        // Nothing was begun that would have to be set aside.
        Halt::Waits(model) => RunEnd::Waits { model, stage, agent_complete },
        Halt::Failed(failure) => {
            let mut failure = work.with_excerpt(failure);
            failure.message = work.redacted(&failure.message);
            let last = is_last(&failure, job);
            if !agent_complete
                && let Err(second) = work.set_aside(AttemptEnd::Failed { failure: failure.clone(), last })
            {
                failure.message =
                    format!("{} (and the attempt could not be set aside: {})", failure.message, second.message);
            }
            RunEnd::Failed { attempt, stage, failure, agent_complete }
        }
    }
}

/// Whether an attempt that ended so before its agent was done is the last one of its run.
fn is_last(failure: &Failure, job: &Job) -> bool {
    let failed = Failed { kind: failure.kind, who: Who::Agent, wait: None };
    let so_far = SoFar { attempts: job.failures, in_a_row: 1, closed: false };
    matches!(decide(failed, so_far, &job.limits).run, ForRun::Errored { .. })
}

/// Goes on behind the last durable stage and stops behind the commit.
fn carry_out(work: &mut Work<'_>) -> Result<RunResult, Halt> {
    let (reached, judgments) = work.open()?;
    if reached == Reached::Nothing {
        work.may_ask(Stage::Agent, work.place.agent_model(work.run))?;
        work.begin_attempt()?;
    }
    work.begin_grading(&reached)?;
    work.say_started(reached.next());
    let (agent, checks) = match reached {
        Reached::Commit => return work.confirm(),
        Reached::Checks(agent, checks) => (agent, checks),
        Reached::Patch(agent) => (agent, work.checks()?),
        Reached::Agent(agent) => {
            work.capture(&agent)?;
            (agent, work.checks()?)
        }
        Reached::Nothing => {
            work.prepare()?;
            work.check_baseline()?;
            let agent = work.agent()?;
            work.capture(&agent)?;
            (agent, work.checks()?)
        }
    };
    let judgments = work.judges(judgments, &agent, &checks)?;
    work.commit(&agent, checks, judgments)
}
