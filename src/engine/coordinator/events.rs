//! How the coordinator takes what it hears: facts for the state, entries for the index, events for people.

use std::time::Duration;

use jiff::Unit;

use crate::engine::coordinator::Coordinator;
use crate::engine::failure::storage;
use crate::engine::worker::mailbox::{Committed, Input, RunEnd};
use crate::model::checkpoint::RateLimit;
use crate::model::event::{Event, Missing, RunCommitted};
use crate::model::ids::{AttemptNumber, RunId};
use crate::model::limits::RATE_LIMIT_DEFAULT_SECONDS;
use crate::model::money::Usd;
use crate::model::outcome::{ExperimentStatus, Failure, FailureKind, RunStatus, Stage, StopLevel, StopSignal};
use crate::os::clock;
use crate::rules::state::{Consequence, Fact};
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
    pub(in crate::engine) fn hear(&mut self, input: Input) {
        match input {
            Input::Told(event) => self.tell(&event),
            Input::RunEnded { run, spent, end } => {
                self.dismiss(run);
                self.end(run, spent, end);
            }
            Input::Untouched { commit, result, written } => {
                self.tell_not_found(&result);
                if let Err(error) = store::untouched::write(&self.held.folder, &commit, &result) {
                    self.halt(&storage(&error).message);
                }
                // A worker that is gone needs no answer.
                let _ = written.send(());
            }
            Input::WorkerLost(run) => {
                self.dismiss(run);
                self.worker_lost = true;
                self.take(Fact::Stopped(run, Usd::ZERO));
                self.progress.miss(run, Missing::Unfinished);
                self.climb(StopSignal::Terminate);
            }
            Input::Signal(signal) => self.climb(signal),
        }
    }

    fn end(&mut self, run: RunId, spent: Usd, end: RunEnd) {
        match end {
            RunEnd::Committed(committed) => self.commit(run, spent, *committed),
            RunEnd::Failed { attempt, stage, failure, agent_complete } => {
                self.fail(spent, FailedAttempt { run, attempt, stage, failure, agent_complete });
            }
            RunEnd::Stopped { stage, agent_complete } => {
                self.take(Fact::Stopped(run, spent));
                self.leave(run, agent_complete, Missing::Unfinished);
                self.tell(&Event::RunStopped { run, stage });
            }
        }
    }

    fn commit(&mut self, run: RunId, spent: Usd, committed: Committed) {
        let Committed { result, changed_nothing, failed_checks } = committed;
        let not_captured = result.not_captured.unwrap_or_default();
        self.take(Fact::Committed { run, spent, cost: result.cost_usd + result.judge_cost_usd });
        let status = RunStatus::judged(result.judge_passed);
        self.count(run, &result);
        self.pacing.changed();
        self.tell(&Event::RunCommitted(RunCommitted {
            run,
            status,
            score: result.judge_score,
            grade: result.judge_grade,
            agent_end: result.agent_end,
            exit_code: result.exit_code,
            cost_usd: result.cost_usd + result.judge_cost_usd,
            duration_seconds: result.duration_seconds,
            changed_nothing,
            failed_checks,
            not_captured,
            flags: result.flags,
        }));
    }

    fn fail(&mut self, spent: Usd, failed: FailedAttempt) {
        let FailedAttempt { run, attempt, stage, failure, agent_complete } = failed;
        let wait = wait_for(&failure);
        let consequence = self.take(Fact::Failed { run, failure: failure.clone(), cost: spent, wait });
        let retry = matches!(consequence, Consequence::Retry | Consequence::RateLimited(_));
        let used_up = failure.kind != FailureKind::RateLimit && self.state.failures(run) >= self.limits.attempts;
        self.keep_failure(run, &failure, agent_complete);
        self.leave(run, agent_complete, if used_up { Missing::Errored } else { Missing::Unfinished });
        self.tell(&Event::AttemptFailed { run, attempt, stage, failure: failure.clone(), retry });
        if failure.kind == FailureKind::Storage {
            self.halt("the experiment's folder is not as runs need it: nothing new is started");
        }
        match consequence {
            Consequence::GivenUp(attempts) => self.give_up(run, attempts, failure, agent_complete),
            Consequence::TierPaused(times) => {
                if used_up {
                    self.give_up(run, self.state.failures(run), failure.clone(), agent_complete);
                }
                let left = self.state.waiting_in(run.tier);
                self.tell(&Event::TierPaused { tier: run.tier, kind: failure.kind, times, left });
            }
            Consequence::RateLimited(until) => self.pause(stage, until.saturating_sub(self.now())),
            Consequence::RateLimitExhausted => {
                let message = format!("rate limits outlast the longest wait of {} s", self.limits.rate_limit.as_secs());
                self.set_rate_limit(stage, wait);
                self.tell(&Event::Notice { message });
            }
            Consequence::None | Consequence::Retry | Consequence::Climbed(_) | Consequence::RateLimitOver => {}
        }
    }

    fn give_up(&mut self, run: RunId, attempts: u32, failure: Failure, agent_complete: bool) {
        if !agent_complete {
            self.checkpoint.completed_runs.set(run, RunStatus::Errored);
            self.pacing.changed();
        }
        self.tell(&Event::RunErrored { run, attempts, failure });
    }

    /// Keeps what failed, until the run begins anew. Of an agent that is done no attempt is set aside that could say it.
    fn keep_failure(&mut self, run: RunId, failure: &Failure, agent_complete: bool) {
        if failure.kind == FailureKind::RateLimit {
            return;
        }
        self.progress.fail(run, failure.clone());
        if agent_complete && self.checkpoint.failures.len() < MOST_FAILURES {
            self.checkpoint.failures.insert(run, failure.clone());
        }
    }

    /// A run that is not committed stays in the index only as far as its agent's work is durable.
    fn leave(&mut self, run: RunId, agent_complete: bool, otherwise: Missing) {
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

    fn set_rate_limit(&mut self, stage: Stage, wait: Duration) -> RateLimit {
        let model = self.place.rate_limited_model(stage);
        let until = clock::now().saturating_add(wait).unwrap_or(jiff::Timestamp::MAX);
        let limit = RateLimit { model, until };
        self.checkpoint.status = ExperimentStatus::PausedRateLimit;
        self.checkpoint.rate_limit = Some(limit.clone());
        self.pacing.changed();
        limit
    }

    /// Waits for the time that a provider named to a former session, when it is not over and there is something to ask.
    pub(in crate::engine) fn wait_as_former_sessions_do(&mut self) {
        let limit = self.checkpoint.rate_limit.take().filter(|_| self.progress.to_do().next().is_some());
        let Some((wait, limit)) = limit.and_then(|limit| Some((clock::until(limit.until)?, limit))) else { return };
        self.checkpoint.rate_limit = Some(limit.clone());
        let RateLimit { model, until } = limit;
        if self.take(Fact::StillLimited(wait)) == Consequence::RateLimitExhausted {
            let until = until.round(Unit::Second).unwrap_or(until);
            let message = format!(
                "{model} is rate limited until {until}, which is longer than is waited; `--ignore-rate-limit` asks before"
            );
            self.tell(&Event::Notice { message });
        } else {
            self.checkpoint.status = ExperimentStatus::PausedRateLimit;
            self.tell(&Event::RateLimited { model, until });
        }
    }

    fn pause(&mut self, stage: Stage, wait: Duration) {
        let RateLimit { model, until } = self.set_rate_limit(stage, wait);
        self.tell(&Event::RateLimited { model, until });
    }

    /// Begins nothing more, and says why.
    pub(in crate::engine) fn halt(&mut self, why: &str) {
        self.take(Fact::Halt);
        self.tell(&Event::Notice { message: why.to_owned() });
    }

    /// Takes in that time has passed.
    pub(in crate::engine) fn let_time_pass(&mut self) {
        if self.take(Fact::WaitOver) == Consequence::RateLimitOver {
            self.checkpoint.status = ExperimentStatus::Running;
            let limit = self.checkpoint.rate_limit.take();
            self.pacing.changed();
            let model = limit.map_or_else(|| self.place.rate_limited_model(Stage::Agent), |limit| limit.model);
            self.tell(&Event::RateLimitOver { model });
        }
    }

    /// Raises the stop level.
    pub(in crate::engine) fn climb(&mut self, signal: StopSignal) {
        if let Consequence::Climbed(stop_level) = self.take(Fact::Signal(signal)) {
            if stop_level >= StopLevel::Terminate {
                self.place.stop.raise(stop_level);
            }
            let in_flight = self.state.in_flight();
            self.tell(&Event::Stopping { signal, stop_level, in_flight });
        }
    }
}

/// Shortest wait for a rate limit, so that a provider that names this very moment is not asked in a loop.
const LEAST_RATE_LIMIT: Duration = Duration::from_secs(1);

/// How long to wait after a failure before the model is asked again.
fn wait_for(failure: &Failure) -> Duration {
    match (failure.kind, failure.retry_at.and_then(clock::until)) {
        (FailureKind::RateLimit, Some(wait)) => wait.max(LEAST_RATE_LIMIT),
        // A time in the past says nothing: clocks differ.
        (FailureKind::RateLimit, None) => Duration::from_secs(RATE_LIMIT_DEFAULT_SECONDS),
        _ => Duration::ZERO,
    }
}
