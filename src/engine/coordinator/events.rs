//! What the coordinator does with each input: facts for the state, entries for the checkpoint, events for people.

use crate::engine::backend::{Input, Report};
use crate::engine::coordinator::Coordinator;
use crate::engine::worker::report::{Claimant, Committed, Done, RunEnd};
use crate::model::event::{Event, Missing};
use crate::model::ids::{AttemptNumber, RunId};
use crate::model::outcome::{Failure, RunStatus, Stage, StopLevel, StopSignal};
use crate::model::unfinished::{Unfinished, WhyLeft};
use crate::model::usage::Total;
use crate::os::clock;
use crate::rules::facts::{Change, Consequence, Fact};
use crate::rules::retry::{Failed, ForRun, Who};

/// How many failures the checkpoint keeps: nobody reads more.
const MOST_FAILURES: usize = 1000;

/// An attempt that failed, as its worker reported it.
struct FailedAttempt {
    run: RunId,
    attempt: AttemptNumber,
    stage: Stage,
    failure: Failure,
    agent_complete: bool,
}

impl Coordinator<'_> {
    /// Handles one input.
    pub(in crate::engine) fn handle(&mut self, input: Input) {
        match input {
            Input::Signal(signal) => self.raise_stop_level(signal),
            Input::Report(run, report) => self.handle_report(run, *report),
            Input::Limited(model, wait) => {
                let changes = self.apply(Fact::StillLimited(model, wait)).changes;
                self.follow(changes);
            }
            Input::Refused(why) => self.halt(&format!(
                "{why}: nothing new is started; a resume can ask for other resources (`--partition`, `--cpus`, `--mem`, `--time` and more)"
            )),
        }
    }

    /// Handles a worker's report.
    fn handle_report(&mut self, run: RunId, report: Report) {
        match report {
            Report::Event(event) => {
                self.note_others_work(&event);
                self.note_beginning(&event);
                self.emit(&event);
            }
            Report::Asks(model) => {
                let may = self.may_ask(run, &model);
                self.backend.answer(run, may);
            }
            Report::Asked { answered } => {
                let changes = self.apply(Fact::Asked { run, answered }).changes;
                self.follow(changes);
            }
            Report::Ended(done) => self.end(run, done),
            Report::Lost => {
                self.worker_lost = true;
                self.apply(Fact::Stopped(run, Total::UNKNOWN));
                self.progress.miss(run, Missing::Unfinished);
                self.raise_stop_level(StopSignal::Terminate);
            }
        }
    }

    pub(super) fn end(&mut self, run: RunId, Done { spent, end }: Done) {
        let before = self.state.spent();
        self.not_begun.remove(&run);
        self.taken_back.remove(&run);
        match end {
            RunEnd::Committed(committed) => self.commit(run, spent, *committed),
            RunEnd::Unfinished(unfinished) => self.break_off(run, spent, unfinished),
            RunEnd::Withdrawn { agent_complete } => {
                self.apply(Fact::Stopped(run, Total::ZERO));
                let otherwise = self.missing_as_before(run);
                self.leave(run, agent_complete, otherwise);
                self.emit(&Event::RunWithdrawn { run });
            }
            RunEnd::Claimed(claimant) => self.leave_to(run, &claimant),
        }
        self.report_first_unknown(run, before);
    }

    fn break_off(&mut self, run: RunId, spent: Total, unfinished: Unfinished) {
        let Unfinished { stage, agent_complete, why } = unfinished;
        match why {
            WhyLeft::Failed { attempt, failure } => {
                self.fail(spent, FailedAttempt { run, attempt, stage, failure, agent_complete });
            }
            WhyLeft::Waits(model) => self.wait_for_model(run, spent, (model, stage, agent_complete)),
            WhyLeft::Stopped => {
                self.apply(Fact::Stopped(run, spent));
                self.leave(run, agent_complete, Missing::Unfinished);
                self.emit(&Event::RunStopped { run, stage, spent: self.state.spent() });
            }
        }
    }

    fn commit(&mut self, run: RunId, spent: Total, committed: Committed) {
        self.apply(Fact::Committed { run, spent, cost: committed.result.cost() });
        self.count(run, &committed.result);
        self.pacing.changed();
        self.emit(&committed.event(run, self.state.spent()));
    }

    /// Another worker has the run: it is left alone in this session.
    fn leave_to(&mut self, run: RunId, claimant: &Claimant) {
        self.apply(Fact::Claimed(run));
        self.others_work = true;
        let message = format!("{run} is left alone: {claimant}");
        self.emit(&Event::Notice { message });
    }

    /// Notes that a run begins at a later stage than this session knew of: another worker worked on it meanwhile.
    fn note_others_work(&mut self, event: &Event) {
        let Event::RunStarted { run, from, .. } = event else { return };
        let is_known =
            self.progress.is_committed(*run) || self.progress.missing().get(run) == Some(&Missing::AgentComplete);
        self.others_work |= *from > Stage::Prepare && !is_known;
    }

    /// Acts on the consequences of a failure, for its run and beyond it.
    fn fail(&mut self, spent: Total, attempt: FailedAttempt) {
        let FailedAttempt { run, attempt, stage, failure, agent_complete } = attempt;
        // A time that has passed meanwhile was named all the same.
        let wait = failure.retry_at.map(|at| clock::until(at).unwrap_or_default());
        let agent = if agent_complete { None } else { self.place.agent_model(run) };
        let failed = Failed { kind: failure.kind, who: Who::is_next(agent_complete), wait };
        let Consequence { run: for_run, changes } = self.apply(Fact::Failed { run, failed, cost: spent, agent });
        let exhausted = changes.iter().any(|change| matches!(change, Change::RateLimitExhausted(..)));
        let retry = !exhausted && matches!(for_run, Some(ForRun::Waits | ForRun::Retry { .. }));
        let used_up = match for_run {
            Some(ForRun::Errored { attempts } | ForRun::Unjudged { attempts }) => Some(attempts),
            Some(ForRun::Waits | ForRun::Retry { .. } | ForRun::Left) | None => None,
        };
        if for_run != Some(ForRun::Waits) {
            self.keep_failure(run, &failure, agent_complete);
        }
        self.leave(run, agent_complete, if used_up.is_some() { Missing::Errored } else { Missing::Unfinished });
        let spent = self.state.spent();
        self.emit(&Event::AttemptFailed { run, attempt, stage, failure: failure.clone(), retry, spent });
        if matches!(for_run, Some(ForRun::Errored { .. })) {
            self.checkpoint.completed_runs.set(run, RunStatus::Errored);
            self.pacing.changed();
        }
        if let Some(attempts) = used_up {
            self.emit(&Event::RunErrored { run, attempts, failure: failure.clone() });
        }
        self.follow_failure(changes, run, &failure);
    }

    /// Acts on what a failure changed beyond its run.
    fn follow_failure(&mut self, changes: Vec<Change>, run: RunId, failure: &Failure) {
        for change in &changes {
            match change {
                Change::TierStopped(times) => {
                    let left = self.state.waiting_in(run.tier)
                        + self.waiting_jobs().filter(|one| one.tier == run.tier).count();
                    self.emit(&Event::TierPaused { tier: run.tier, kind: failure.kind, times: *times, left });
                }
                Change::SessionStopped => {
                    let message = "the experiment's folder is not as runs need it: nothing new is started".to_owned();
                    self.emit(&Event::Notice { message });
                }
                Change::RateLimited(..)
                | Change::RateLimitExhausted(..)
                | Change::RateLimitOver(_)
                | Change::Concurrency(..)
                | Change::StopLevelRaised(_) => {}
            }
        }
        self.follow(changes);
    }

    /// Keeps the failure until the run begins again. When the agent is done, no attempt is set aside from which it
    /// could be read.
    fn keep_failure(&mut self, run: RunId, failure: &Failure, agent_complete: bool) {
        self.progress.fail(run, failure.clone());
        if agent_complete && self.checkpoint.failures.len() < MOST_FAILURES {
            self.checkpoint.failures.insert(run, failure.clone());
        }
    }

    /// A run that is not committed stays in the checkpoint only when its agent's work is durable.
    pub(super) fn leave(&mut self, run: RunId, agent_complete: bool, otherwise: Missing) {
        // A run that is graded once more keeps the verdict that it has.
        if self.progress.is_committed(run) {
            return;
        }
        if agent_complete {
            self.checkpoint.completed_runs.set(run, RunStatus::AgentComplete);
            self.pacing.changed();
        }
        self.progress.miss(run, if agent_complete { Missing::AgentComplete } else { otherwise });
    }

    /// Begins nothing more, and reports why.
    pub(in crate::engine) fn halt(&mut self, why: &str) {
        self.apply(Fact::Halt);
        self.emit(&Event::Notice { message: why.to_owned() });
    }

    /// Raises the stop level.
    pub(in crate::engine) fn raise_stop_level(&mut self, signal: StopSignal) {
        for change in self.apply(Fact::Signal(signal)).changes {
            let Change::StopLevelRaised(stop_level) = change else { continue };
            if stop_level >= StopLevel::Terminate {
                self.backend.stop(stop_level);
            }
            // Of jobs that wait nothing is in flight that could come to an end.
            let in_flight = self.state.in_flight().saturating_sub(self.waiting_jobs().count());
            self.locked.writer.write_stopping(stop_level);
            self.emit(&Event::Stopping { signal, stop_level, in_flight });
        }
    }
}
