//! What the coordinator does about rate limits: which runs may ask a model, until when nobody may according to the
//! checkpoint, and what is reported about it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Unit};

use crate::engine::coordinator::Coordinator;
use crate::engine::session::basis::Basis;
use crate::engine::session::progress::Progress;
use crate::model::checkpoint::RateLimit;
use crate::model::event::{Event, Missing};
use crate::model::ids::{ModelName, RunId};
use crate::model::outcome::{ExperimentStatus, Stage};
use crate::model::usage::Total;
use crate::os::clock;
use crate::rules::facts::{Change, Fact};
use crate::rules::state::State;
use crate::text::words::duration;

/// A provider's time that is later than the one before by no more than this is not recorded again.
const SAME_LIMIT: SignedDuration = SignedDuration::from_secs(1);

/// The state at the start of a session: each run that is to be done, with the model that it asks first. When its agent
/// is done, that is a judge's model.
pub(in crate::engine) fn first_state(progress: &Progress, place: &Basis) -> State {
    let runs = progress.to_do().map(|run| {
        let is_agent_done = progress.missing().get(&run).is_none_or(|why| *why == Missing::AgentComplete);
        (run, if is_agent_done { place.judge_models().next() } else { place.agent_model(run) })
    });
    State::new(runs, progress.withheld(), progress.spent().clone(), progress.costs())
}

impl Coordinator<'_> {
    /// Whether a worker may ask a model now for its run.
    pub(in crate::engine) fn may_ask(&mut self, run: RunId, model: &ModelName) -> bool {
        let now = self.now();
        self.state.may_ask(run, model, &self.limits, now)
    }

    /// A run needs a model that may not be asked now: its worker is free for other runs.
    pub(in crate::engine) fn wait_for_model(
        &mut self,
        run: RunId,
        spent: Total,
        (model, stage, agent_complete): (ModelName, Stage, bool),
    ) {
        self.apply(Fact::Waits { run, spent, model: model.clone() });
        self.leave(run, agent_complete, Missing::Unfinished);
        self.emit(&Event::RunWaits { run, stage, model: model.to_string(), spent: self.state.spent() });
    }

    /// Acts on changes of the rate limits.
    pub(in crate::engine) fn follow(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::RateLimited(model, until) => {
                    let until = self.keep_limit(&model, until);
                    self.emit(&Event::RateLimited { model: model.to_string(), until });
                }
                Change::RateLimitExhausted(model, until) => {
                    let until = self.keep_limit(&model, until);
                    let until = until.round(Unit::Second).unwrap_or(until);
                    let message = format!(
                        "{model} is rate limited until {until}, and a session waits at most {} for a model in all: nothing \
                         more that needs it is started; `--max-pause` waits longer, and a resume with `--ignore-rate-limit` \
                         asks before",
                        duration(self.limits.rate_limit.as_secs_f64())
                    );
                    self.emit(&Event::Notice { message });
                }
                Change::RateLimitOver(model) => {
                    self.checkpoint.end_limit(model.as_str());
                    self.pacing.changed();
                    self.emit(&Event::RateLimitOver { model: model.to_string() });
                }
                Change::Concurrency(model, concurrency) => self.emit(&Event::ConcurrencyChanged {
                    model: model.to_string(),
                    from: concurrency.from,
                    to: concurrency.to,
                }),
                Change::TierStopped(_) | Change::SessionStopped | Change::StopLevelRaised(_) => {}
            }
        }
    }

    /// Records until when a model is not to be asked, for later sessions too. Gives that time by the wall clock.
    fn keep_limit(&mut self, model: &ModelName, until: Duration) -> jiff::Timestamp {
        let wait = until.saturating_sub(self.now());
        if let Some(gateway) = &self.gateway {
            gateway.pause(model, wait);
        }
        let until = clock::now().saturating_add(wait).unwrap_or(jiff::Timestamp::MAX);
        let former = self.checkpoint.rate_limits.get(model.as_str());
        // A delay by a moment is not worth a save: so a provider that refuses many requests at once costs one save.
        let is_new = former.is_none_or(|former| until.duration_since(*former) > SAME_LIMIT);
        self.checkpoint.limit(model.as_str(), until);
        if is_new {
            self.pacing.must_not_be_lost();
        } else {
            self.pacing.changed();
        }
        until
    }

    /// Waits for the rate limits that former sessions recorded, when they are not over and there is something to ask. A
    /// limit recorded under a name that no run of this session uses applies to all models.
    pub(in crate::engine) fn wait_as_former_sessions_do(&mut self) {
        let limits = self.checkpoint.limits();
        self.checkpoint.end_limits();
        let agents = self.progress.to_do().filter_map(|run| self.place.agent_model(run));
        let models: BTreeSet<ModelName> = agents.chain(self.place.judge_models()).collect();
        if self.progress.to_do().next().is_none() {
            return;
        }
        for RateLimit { model, until } in limits {
            let Some(wait) = clock::until(until) else { continue };
            let name = ModelName::new(&model);
            let named = if models.contains(&name) { BTreeSet::from([name]) } else { models.clone() };
            for model in named {
                let changes = self.apply(Fact::StillLimited(model, wait)).changes;
                self.follow(changes);
            }
            if self.checkpoint.rate_limits.contains_key(&model) {
                // Recorded exactly as it was: a time that is passed on from session to session must not drift.
                self.checkpoint.limit(&model, until);
            }
        }
    }

    /// Applies to the state that time has passed.
    pub(in crate::engine) fn let_time_pass(&mut self) {
        self.apply(Fact::Worked(self.worked()));
        let changes = self.apply(Fact::WaitOver).changes;
        self.follow(changes);
    }

    /// Records in the checkpoint whether the session is only waiting for models.
    pub(in crate::engine) fn record_whether_it_waits(&mut self) {
        let waits = self.state.in_flight() == 0 && self.checkpoint.is_limited();
        let status = if waits { ExperimentStatus::PausedRateLimit } else { ExperimentStatus::Running };
        if self.checkpoint.status != status {
            self.checkpoint.status = status;
            self.pacing.changed();
        }
    }
}
