//! How the coordinator takes what it hears: facts for the state, entries for the index, events for people.

use crate::engine::coordinator::Coordinator;
use crate::engine::error::storage;
use crate::engine::worker::mailbox::{Committed, Input, RunEnd};
use crate::model::event::{Event, Missing, RunCommitted};
use crate::model::ids::{AttemptNumber, RunId};
use crate::model::outcome::{Failure, RunStatus, Stage, StopLevel, StopSignal};
use crate::model::usage::Total;
use crate::os::clock;
use crate::rules::retry::{Failed, ForRun, Who};
use crate::rules::state::{Change, Consequence, Fact};
use crate::store;

/// So many failures the checkpoint holds: nobody reads more.
const MOST_FAILURES: usize = 1000;

/// An attempt that failed, as its worker said it.
struct FailedAttempt {
    run: RunId,
    attempt: AttemptNumber,
    stage: Stage,
    failure: Failure,
    agent_complete: bool,
}

impl Coordinator<'_> {
    /// Takes one word in.
    pub(in crate::engine) fn handle(&mut self, input: Input) {
        match input {
            Input::Event(event) => self.emit(&event),
            Input::RunEnded { run, spent, end } => {
                self.dismiss(run);
                self.end(run, spent, end);
            }
            Input::Asks { run, model, may } => {
                // A worker that is gone needs no answer.
                let _ = may.send(self.may_ask(run, &model));
            }
            Input::Answered(run) => {
                let changes = self.apply(Fact::Answered(run)).changes;
                self.follow(changes);
            }
            Input::BaselineChecks { commit, result, written } => {
                self.report_not_found(&result);
                if let Err(error) = store::baseline_checks::write(&self.locked.folder, &commit, &result) {
                    self.halt(&storage(&error).message);
                }
                // A worker that is gone needs no answer.
                let _ = written.send(());
            }
            Input::WorkerLost(run) => {
                self.dismiss(run);
                self.worker_lost = true;
                self.apply(Fact::Stopped(run, Total::UNKNOWN));
                self.progress.miss(run, Missing::Unfinished);
                self.climb(StopSignal::Terminate);
            }
            Input::Signal(signal) => self.climb(signal),
        }
    }

    fn end(&mut self, run: RunId, spent: Total, end: RunEnd) {
        let before = self.state.spent();
        match end {
            RunEnd::Committed(committed) => self.commit(run, spent, *committed),
            RunEnd::Failed { attempt, stage, failure, agent_complete } => {
                self.fail(spent, FailedAttempt { run, attempt, stage, failure, agent_complete });
            }
            RunEnd::Waits { model, stage, agent_complete } => {
                self.wait_for_model(run, spent, (model, stage, agent_complete));
            }
            RunEnd::Stopped { stage, agent_complete } => {
                self.apply(Fact::Stopped(run, spent));
                self.leave(run, agent_complete, Missing::Unfinished);
                self.emit(&Event::RunStopped { run, stage });
            }
        }
        self.tell_first_unknown(run, before);
    }

    fn commit(&mut self, run: RunId, spent: Total, committed: Committed) {
        let Committed { result, changed_nothing, failed_checks } = committed;
        let not_captured = result.not_captured.unwrap_or_default();
        self.apply(Fact::Committed { run, spent, cost: result.cost() });
        let status = RunStatus::judged(result.judge_passed);
        self.count(run, &result);
        self.pacing.changed();
        self.emit(&Event::RunCommitted(RunCommitted {
            run,
            status,
            score: result.judge_score,
            grade: result.judge_grade,
            agent_end: result.agent_end,
            exit_code: result.exit_code,
            cost: result.cost(),
            duration_seconds: result.duration_seconds,
            changed_nothing,
            failed_checks,
            not_captured,
            flags: result.flags,
        }));
    }

    /// Acts on what comes of a failure for its run and beyond it.
    fn fail(&mut self, spent: Total, attempt: FailedAttempt) {
        let FailedAttempt { run, attempt, stage, failure, agent_complete } = attempt;
        // A time that has come meanwhile was named all the same.
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
        self.emit(&Event::AttemptFailed { run, attempt, stage, failure: failure.clone(), retry });
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
                    let left = self.state.waiting_in(run.tier);
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
                | Change::Climbed(_) => {}
            }
        }
        self.follow(changes);
    }

    /// Keeps what failed, until the run begins anew. Of an agent that is done no attempt is set aside that could say it.
    fn keep_failure(&mut self, run: RunId, failure: &Failure, agent_complete: bool) {
        self.progress.fail(run, failure.clone());
        if agent_complete && self.checkpoint.failures.len() < MOST_FAILURES {
            self.checkpoint.failures.insert(run, failure.clone());
        }
    }

    /// A run that is not committed stays in the index only as far as its agent's work is durable.
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

    /// Begins nothing more, and says why.
    pub(in crate::engine) fn halt(&mut self, why: &str) {
        self.apply(Fact::Halt);
        self.emit(&Event::Notice { message: why.to_owned() });
    }

    /// Raises the stop level.
    pub(in crate::engine) fn climb(&mut self, signal: StopSignal) {
        for change in self.apply(Fact::Signal(signal)).changes {
            let Change::Climbed(stop_level) = change else { continue };
            if stop_level >= StopLevel::Terminate {
                self.place.stop.raise(stop_level);
            }
            let in_flight = self.state.in_flight();
            self.emit(&Event::Stopping { signal, stop_level, in_flight });
        }
    }
}
