//! The state of the coordinator's session, and how each fact changes it: one pure `match`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::ids::{ModelName, RunId, TierId};
use crate::model::limits::Limits;
use crate::model::money::Usd;
use crate::model::outcome::{FailureKind, StopLevel, StopSignal};
use crate::model::usage::Total;
use crate::rules::costs::{Costs, Spent};
use crate::rules::facts::{Change, Consequence, Fact};
use crate::rules::limiter::{Limit, Limiter, Pause};
use crate::rules::queue::Queue;
use crate::rules::retry::{self, Beyond, Failed, ForRun, SoFar};

/// Everything that decides what may happen next. Times are since the coordinator's start, by a monotonic clock.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Planned runs that have to be started.
    pub(super) queue: Queue,
    /// Runs that workers have, each with the model that it is asking.
    pub(super) in_flight: BTreeMap<RunId, Option<Asking>>,
    /// When runs were given to workers, since the coordinator's start.
    pub(super) started: BTreeMap<RunId, Duration>,
    /// Number of infrastructure failures of a run in this session.
    pub(super) failures: BTreeMap<RunId, u32>,
    /// Runs that are given up in this session because other workers have them.
    pub(super) claimed: BTreeSet<RunId>,
    /// Runs that are given up in this session.
    pub(super) given_up: BTreeSet<RunId>,
    /// Runs that failed in the same way in a row, by tier.
    pub(super) in_a_row: BTreeMap<TierId, InARow>,
    /// Tiers that inherit from winners that are not chosen yet.
    pub(super) waiting: BTreeMap<TierId, Sources>,
    /// Tiers of which nothing more is started.
    pub(super) stopped_tiers: BTreeSet<TierId>,
    /// Spent on all attempts and judges, also in former sessions.
    pub(super) spent: Spent,
    /// What committed runs cost.
    pub(super) costs: Costs,
    /// Whether the budget's ceiling was reached.
    pub(super) budget_reached: bool,
    /// For how long the experiment has been worked on, also in former sessions.
    pub(super) worked: Duration,
    /// Whether it was worked on for as long as it may be.
    pub(super) time_reached: bool,
    /// Which models may be asked, and by how many.
    pub(super) limiter: Limiter,
    /// Whether the experiment's folder cannot be written, so that nothing more may be begun.
    pub(super) halted: bool,
    /// How far a stop was requested, and by which signal first.
    pub(super) stop: Option<(StopLevel, StopSignal)>,
}

/// A model that a run in flight is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asking {
    model: ModelName,
    since: Duration,
}

/// The source tiers from whose winners a waiting tier inherits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sources {
    pub(super) tiers: BTreeSet<TierId>,
    /// Whether a source has ended without a result, so that the tier cannot begin.
    pub(super) blocked: bool,
}

/// Runs of a tier that failed in the same way in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InARow {
    kind: FailureKind,
    runs: u32,
    last: RunId,
    at: Duration,
}

impl State {
    /// A session with `runs` to do, each with the model that it asks first; the `withheld` ones are left alone.
    pub fn new(
        runs: impl IntoIterator<Item = (RunId, Option<ModelName>)>,
        withheld: impl IntoIterator<Item = RunId>,
        spent: Spent,
        costs: Costs,
    ) -> Self {
        let mut queue = Queue::default();
        for (run, model) in runs {
            queue.push(run, model);
        }
        Self { queue, given_up: withheld.into_iter().collect(), spent, costs, ..Self::default() }
    }

    /// The same session, in which these tiers wait until their source tiers are settled.
    #[must_use]
    pub fn waiting(mut self, waiting: BTreeMap<TierId, BTreeSet<TierId>>) -> Self {
        let sources = |(tier, tiers)| (tier, Sources { tiers, blocked: false });
        self.waiting = waiting.into_iter().map(sources).collect();
        self
    }

    /// Applies a fact.
    pub fn apply(&mut self, fact: Fact, limits: &Limits, now: Duration) -> Consequence {
        match fact {
            Fact::Started(run) => {
                let asking = self.queue.remove(run).map(|model| self.ask(model, now));
                self.in_flight.insert(run, asking);
                self.started.insert(run, now);
            }
            Fact::Committed { run, spent, cost } => {
                self.leave(run);
                self.started.remove(&run);
                self.in_a_row.remove(&run.tier);
                self.spent.add(run.tier, spent);
                self.costs.add(run, cost);
            }
            Fact::Failed { run, failed, cost, agent } => {
                let asking = self.leave(run);
                self.spent.add(run.tier, cost);
                let next = agent.or_else(|| asking.as_ref().map(|asking| asking.model.clone()));
                return self.fail(run, failed, (asking, next), limits, now);
            }
            Fact::Asked { run, answered } => return self.asked(run, answered, limits),
            Fact::Waits { run, spent, model } => {
                self.leave(run);
                self.spent.add(run.tier, spent);
                self.queue.push(run, Some(model));
            }
            Fact::StillLimited(model, wait) => {
                return self.limit(&model, Limit { asked: None, wait }, limits, now).into_iter().collect();
            }
            Fact::Stopped(run, cost) => {
                let model = self.leave(run).map(|asking| asking.model);
                self.spent.add(run.tier, cost);
                self.queue.push(run, model);
            }
            Fact::Claimed(run) => {
                self.leave(run);
                self.claimed.insert(run);
                self.given_up.insert(run);
            }
            Fact::Signal(signal) => {
                let stop_level = StopLevel::next(self.stop.map(|(stop_level, _)| stop_level), signal);
                let first = self.stop.map_or(signal, |(_, first)| first);
                self.stop = Some((stop_level, first));
                return [Change::StopLevelRaised(stop_level)].into_iter().collect();
            }
            Fact::Halt => self.halted = true,
            Fact::Inherited(tier) => _ = self.waiting.remove(&tier),
            Fact::Blocked(tier) => {
                if let Some(sources) = self.waiting.get_mut(&tier) {
                    sources.blocked = true;
                }
            }
            Fact::BudgetReached => self.budget_reached = true,
            Fact::Worked(worked) => self.worked = worked,
            Fact::TimeReached => self.time_reached = true,
            Fact::WaitOver => {
                self.queue.end_delays(now);
                return self.limiter.end_pauses(now).into_iter().map(Change::RateLimitOver).collect();
            }
        }
        Consequence::default()
    }

    /// Whether the run may ask the model now. If so, it counts as asking it from now on, and no other model.
    pub fn may_ask(&mut self, run: RunId, model: &ModelName, limits: &Limits, now: Duration) -> bool {
        let Some(asking) = self.in_flight.get(&run) else { return false };
        if asking.as_ref().is_some_and(|asking| asking.model == *model) {
            return true;
        }
        self.leave(run);
        let asking = (self.limiter.room(model, limits.jobs, now) > 0).then(|| self.ask(model.clone(), now));
        let may = asking.is_some();
        self.in_flight.insert(run, asking);
        may
    }

    fn ask(&mut self, model: ModelName, now: Duration) -> Asking {
        self.limiter.ask(&model);
        Asking { model, since: now }
    }

    /// Records that no worker has the run any more; gives what it was asking.
    fn leave(&mut self, run: RunId) -> Option<Asking> {
        let asking = self.in_flight.remove(&run)??;
        self.limiter.leave(&asking.model);
        Some(asking)
    }

    fn asked(&mut self, run: RunId, answered: bool, limits: &Limits) -> Consequence {
        let asking = self.in_flight.get_mut(&run).and_then(Option::take);
        let Some(Asking { model, since }) = asking else { return Consequence::default() };
        self.limiter.leave(&model);
        if !answered {
            self.limiter.failed(&model);
            return Consequence::default();
        }
        let changed = self.limiter.answered(&model, since, limits.jobs);
        changed.map(|concurrency| Change::Concurrency(model, concurrency)).into_iter().collect()
    }

    /// Decides the consequences of a failure, and applies them.
    fn fail(
        &mut self,
        run: RunId,
        failed: Failed,
        (asking, next): (Option<Asking>, Option<ModelName>),
        limits: &Limits,
        now: Duration,
    ) -> Consequence {
        let so_far = self.so_far(run, failed.kind, now);
        let decision = retry::decide(failed, so_far, limits);
        match (decision.run, decision.beyond) {
            // It is not known which model is limited, so the limit applies to the run alone.
            (ForRun::Waits, Beyond::PauseModel { wait }) if asking.is_none() => self.queue.delay(run, next, now + wait),
            (ForRun::Waits | ForRun::Left, _) => self.queue.push(run, next),
            (ForRun::Retry { after }, _) => self.queue.delay(run, next, now + after),
            (ForRun::Errored { .. } | ForRun::Unjudged { .. }, _) => _ = self.given_up.insert(run),
        }
        let changes = match (decision.beyond, asking) {
            (Beyond::PauseModel { wait }, Some(Asking { model, since })) => {
                self.limit(&model, Limit { asked: Some(since), wait }, limits, now)
            }
            (Beyond::Nothing | Beyond::PauseModel { .. }, asking) => {
                if let Some(asking) = asking {
                    self.limiter.failed(&asking.model);
                }
                vec![]
            }
            (Beyond::StopTier { times }, _) if self.stopped_tiers.insert(run.tier) => {
                self.queue.close(run.tier);
                vec![Change::TierStopped(times)]
            }
            (Beyond::StopSession, _) if !std::mem::replace(&mut self.halted, true) => vec![Change::SessionStopped],
            (Beyond::StopTier { .. } | Beyond::StopSession, _) => vec![],
        };
        Consequence { run: Some(decision.run), changes }
    }

    fn limit(&mut self, model: &ModelName, limit: Limit, limits: &Limits, now: Duration) -> Vec<Change> {
        let (pause, concurrency) = self.limiter.limit(model, limit, (limits.jobs, limits.rate_limit), now);
        let pause = match pause {
            Pause::Until(until) => Change::RateLimited(model.clone(), until),
            Pause::Exhausted(until) => Change::RateLimitExhausted(model.clone(), until),
        };
        let concurrency = concurrency.map(|concurrency| Change::Concurrency(model.clone(), concurrency));
        [pause].into_iter().chain(concurrency).collect()
    }

    /// What is known about the run and its tier, including this failure.
    fn so_far(&mut self, run: RunId, kind: FailureKind, now: Duration) -> SoFar {
        let closed = self.stop.is_some() || self.halted || self.stopped_tiers.contains(&run.tier);
        let attempts = self.failures(run);
        if !retry::burns_an_attempt(kind) {
            return SoFar { attempts, in_a_row: 0, closed };
        }
        self.failures.insert(run, attempts + 1);
        SoFar { attempts, in_a_row: self.count_in_a_row(run, kind, now), closed }
    }

    /// How many different runs of the tier failed in the same way in a row: one bad run alone is not systemic, and nor is what ended several
    /// at once from outside.
    fn count_in_a_row(&mut self, run: RunId, kind: FailureKind, now: Duration) -> u32 {
        let started = self.started.remove(&run).unwrap_or(now);
        let runs = match self.in_a_row.get(&run.tier) {
            Some(former) if kind == FailureKind::Killed && former.kind == kind && started <= former.at => {
                return former.runs;
            }
            Some(former) if former.kind == kind && former.last == run => former.runs,
            Some(former) if former.kind == kind => former.runs + 1,
            Some(_) | None => 1,
        };
        self.in_a_row.insert(run.tier, InARow { kind, runs, last: run, at: now });
        runs
    }

    /// Spent on all attempts and judges so far.
    #[must_use]
    pub fn spent(&self) -> Total {
        self.spent.total()
    }

    /// What the budget counts for attempts whose cost is not fully known, in addition to what is known.
    #[must_use]
    pub fn assumed(&self) -> Usd {
        self.spent.assumed(&self.costs)
    }

    /// How many runs workers have.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// How often the run failed in this session.
    #[must_use]
    pub fn failures(&self, run: RunId) -> u32 {
        self.failures.get(&run).copied().unwrap_or(0)
    }

    /// How many runs of a tier are waiting to be started.
    #[must_use]
    pub fn waiting_in(&self, tier: TierId) -> usize {
        self.queue.len_of(tier)
    }

    /// Whether runs of the tier may start, as far as its source tiers and its own failures allow.
    pub(super) fn is_open(&self, tier: TierId) -> bool {
        !self.stopped_tiers.contains(&tier) && !self.waiting.contains_key(&tier)
    }

    /// Whether every planned run of the tier is committed or given up in this session. A stopped tier is not settled,
    /// because a winner that is chosen once is chosen for good; nor is a tier of which another worker has a run.
    pub(super) fn is_settled(&self, tier: TierId) -> bool {
        self.waiting_in(tier) == 0 && !self.in_flight.keys().chain(&self.claimed).any(|run| run.tier == tier)
    }

    /// The tiers that wait for winners and have runs to do, each with its source tiers.
    pub fn tiers_in_wait(&self) -> impl Iterator<Item = (TierId, &BTreeSet<TierId>)> {
        let waits = self.waiting.iter().map(|(tier, sources)| (*tier, &sources.tiers));
        waits.filter(|(tier, _)| self.waiting_in(*tier) > 0)
    }

    /// Whether nothing more is to be begun, of any tier.
    #[must_use]
    pub fn begins_nothing(&self) -> bool {
        self.stop.is_some() || self.halted || self.time_reached
    }

    /// Whether a worker has the run.
    #[must_use]
    pub fn is_in_flight(&self, run: RunId) -> bool {
        self.in_flight.contains_key(&run)
    }

    /// Whether nothing more of a tier is to be begun.
    #[must_use]
    pub fn is_stopped(&self, tier: TierId) -> bool {
        self.stopped_tiers.contains(&tier)
    }

    /// Those of these runs in flight that have to be taken back, the last ones first, so that what was spent and what is expected of the others do
    /// not exceed the ceiling. `taken_back` are on their way back already.
    #[must_use]
    pub fn beyond_ceiling(
        &self,
        not_begun: &BTreeSet<RunId>,
        taken_back: &BTreeSet<RunId>,
        limits: &Limits,
    ) -> BTreeSet<RunId> {
        let Some(ceiling) = limits.max_cost else { return BTreeSet::new() };
        let stay = self.in_flight.keys().filter(|run| !taken_back.contains(run));
        let mut expected = self.spent().known + self.assumed() + stay.map(|run| self.costs.expected(*run)).sum::<Usd>();
        let mut back = BTreeSet::new();
        for run in not_begun.iter().rev().filter(|run| self.in_flight.contains_key(run)) {
            if expected <= ceiling {
                break;
            }
            expected = expected.saturating_sub(self.costs.expected(*run));
            back.insert(*run);
        }
        back
    }

    /// What the runs in flight are expected to cost.
    pub(super) fn expected_in_flight(&self) -> Usd {
        self.in_flight.keys().map(|run| self.costs.expected(*run)).sum()
    }
}
