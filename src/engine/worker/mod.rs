//! A worker: takes one run through its stages. It writes only inside of that run's folder, with two exceptions: the
//! claim, by which no two workers have the same run, and the results of the baseline checks, which the first worker to
//! run them writes once.

pub mod excerpt;
pub mod report;
mod stages;
pub mod workplace;

use crate::engine::lease;
use crate::engine::session::open::this_process;
use crate::engine::session::orphans;
use crate::engine::worker::report::{Claimant, Done, Job, Link, RunEnd};
use crate::engine::worker::stages::{Halt, Work};
use crate::engine::worker::workplace::Workplace;
use crate::model::event::Event;
use crate::model::outcome::{AttemptEnd, Failure, FailureKind, Stage};
use crate::model::result::RunResult;
use crate::model::unfinished::{Unfinished, WhyLeft};
use crate::model::usage::Total;
use crate::os::clock;
use crate::os::process::OrphanState;
use crate::rules::retry::is_last;
use crate::rules::stage::Reached;
use crate::store::StoreError;
use crate::store::claim::Claim;
use crate::text::resets;

/// Does a job, unless another worker has its run. The caller may have claimed the run already.
pub(in crate::engine) fn work(place: &Workplace, job: Job, claim: Option<Claim>, link: &dyn Link) -> Done {
    let claim = claim.map_or_else(|| Claim::acquire(&place.folder, job.run, &this_process()), Ok);
    let claim = match claim {
        Ok(claim) => claim,
        Err(StoreError::Claimed { holder, .. }) => return nothing(RunEnd::Claimed(Claimant::Worker(holder))),
        Err(error) => return nothing(RunEnd::not_begun(error.into())),
    };
    if let Some(end) = end_orphans(place, job, link) {
        return nothing(end);
    }
    let mut work = Work::new(place, (job.run, &claim), link);
    let end = attempt(&mut work, job);
    Done { spent: work.spent, end }
}

fn nothing(end: RunEnd) -> Done {
    Done { spent: Total::ZERO, end }
}

/// Ends the processes that are left of a worker that died since the session began; gives how the job ends when that
/// fails.
fn end_orphans(place: &Workplace, job: Job, link: &dyn Link) -> Option<RunEnd> {
    let mut found = orphans::of_run(&place.folder, job.run, place.grader.number);
    let is_elsewhere = |orphan: &orphans::Orphan| orphan.state == OrphanState::Unknown;
    if place.lease.is_some() || found.iter().any(is_elsewhere) && lease::has_lapsed(&place.folder, job.run, &place.stop)
    {
        // A worker elsewhere that had the run before is gone, or has ended what it started, before this one may have it.
        found.retain(|orphan| orphan.state != OrphanState::Unknown);
    }
    if let Some(elsewhere) = found.iter().find(|orphan| orphan.state == OrphanState::Unknown) {
        let (host, mark) = (elsewhere.mark.host.clone(), elsewhere.path.clone());
        return Some(RunEnd::Claimed(Claimant::MayLive { host, mark }));
    }
    match orphans::end(&found) {
        Ok(0) => None,
        Ok(_) => {
            let message = format!("{}: what lived on of a worker that died was ended", job.run);
            link.event(Event::Mended { message });
            None
        }
        Err(error) => {
            let message = format!("what lives on of a worker that died cannot be ended: {error}");
            Some(RunEnd::not_begun(Failure::new(FailureKind::Workspace, message)))
        }
    }
}

fn attempt(work: &mut Work<'_>, job: Job) -> RunEnd {
    let halt = match carry_out(work, job) {
        Ok(result) => return RunEnd::Committed(Box::new(work.explained(result))),
        Err(halt) => halt,
    };
    let agent_complete = work.agent_complete;
    let (stage, attempt) = (work.stage, work.attempt);
    let why = match halt {
        Halt::Stopped => {
            let may_write = holds(work);
            let failure =
                (!agent_complete && may_write).then(|| work.set_aside(AttemptEnd::Interrupted)).and_then(Result::err);
            if let Some(failure) = failure {
                work.notice(&format!("the stopped attempt could not be set aside: {failure}"));
            }
            WhyLeft::Stopped
        }
        // Nothing was begun that would have to be set aside.
        Halt::Waits(model) => WhyLeft::Waits(model),
        Halt::Failed(failure) => {
            let mut failure = work.with_excerpt(failure);
            if failure.kind == FailureKind::RateLimit {
                let named = || resets::of_text_here(&failure.message, clock::now(), &clock::zone());
                failure.retry_at = failure.retry_at.or_else(named);
            }
            failure.message = work.redacted(&failure.message);
            let last = is_last(failure.kind, job.attempts);
            if !agent_complete
                && holds(work)
                && let Err(second) = work.set_aside(AttemptEnd::Failed { failure: failure.clone(), last })
            {
                failure.message =
                    format!("{} (and the attempt could not be set aside: {})", failure.message, second.message);
            }
            WhyLeft::Failed { attempt, failure }
        }
    };
    RunEnd::Unfinished(Unfinished { stage, agent_complete, why })
}

/// Whether the run is still this worker's to write about.
fn holds(work: &Work<'_>) -> bool {
    work.must_hold().is_ok()
}

impl Work<'_> {
    /// Whether this worker may still write about its run.
    ///
    /// # Errors
    /// When it has lost the run to another worker.
    fn must_hold(&self) -> Result<(), Failure> {
        self.place.must_hold()?;
        let lost = |error| Failure::new(FailureKind::Storage, format!("this worker has lost its run: {error}"));
        self.claim.must_hold().map_err(lost)
    }
}

/// Goes on after the last durable stage, up to the commit.
fn carry_out(work: &mut Work<'_>, job: Job) -> Result<RunResult, Halt> {
    let (reached, judgments) = work.open()?;
    if reached != Reached::Commit {
        work.part_from_former_worker()?;
    }
    if reached == Reached::Nothing {
        work.may_ask(Stage::Agent, work.place.agent_model(work.run))?;
        work.begin_attempt()?;
    }
    work.begin_grading(&reached)?;
    work.report_started(reached.next());
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
    let judgments = work.judges(judgments, &agent, &checks, job.attempts)?;
    work.commit(&agent, checks, judgments)
}
