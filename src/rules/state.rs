//! What a session of the coordinator knows, and how each fact changes it: one pure `match`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::limits::Limits;
use crate::model::money::Usd;
use crate::model::outcome::{FailureKind, StopLevel, StopSignal};
use crate::rules::costs::Costs;
use crate::rules::retry::{self, Beyond, Failed, ForRun, SoFar};

/// The order in which runs start: tier by tier, and within a tier the first run of every subtest before any second one,
/// so that an interrupted tier has compared its subtests evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    tier: TierId,
    run: RunNumber,
    subtest: SubtestId,
}

impl From<RunId> for Turn {
    fn from(run: RunId) -> Self {
        Self { tier: run.tier, run: run.run, subtest: run.subtest }
    }
}

impl From<Turn> for RunId {
    fn from(turn: Turn) -> Self {
        Self { tier: turn.tier, subtest: turn.subtest, run: turn.run }
    }
}

/// Everything that decides what may happen next. Times are since the coordinator's start, by a monotonic clock.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Planned runs that may start.
    pub(super) queue: BTreeSet<Turn>,
    /// Planned runs that may start from a time on.
    pub(super) delayed: BTreeMap<RunId, Duration>,
    /// Runs that a worker has.
    pub(super) in_flight: BTreeSet<RunId>,
    /// Infrastructure failures of a run in this session.
    pub(super) failures: BTreeMap<RunId, u32>,
    /// Runs that are given up in this session.
    pub(super) given_up: BTreeSet<RunId>,
    /// The same failure in a row of different runs, by tier.
    pub(super) in_a_row: BTreeMap<TierId, InARow>,
    /// Tiers that take winners over, and have not got them yet.
    pub(super) waiting: BTreeMap<TierId, Sources>,
    /// Tiers in which nothing more is started.
    pub(super) stopped_tiers: BTreeSet<TierId>,
    /// Spent on all attempts and judges, former sessions too.
    pub(super) spent: Usd,
    /// What committed runs cost.
    pub(super) costs: Costs,
    /// Whether the budget's ceiling was reached.
    pub(super) budget_reached: bool,
    /// Until when the model's provider asks to wait.
    pub(super) rate_limited_until: Option<Duration>,
    /// Waited for rate limits so far.
    pub(super) rate_limit_waited: Duration,
    /// Whether rate limits outlasted the longest wait.
    pub(super) rate_limit_exhausted: bool,
    /// Whether the experiment's folder cannot be written, so that nothing more may be begun.
    pub(super) halted: bool,
    /// How far a stop has been asked for, and by which signal first.
    pub(super) stop: Option<(StopLevel, StopSignal)>,
}

/// The tiers whose winners a waiting tier takes over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sources {
    pub(super) tiers: BTreeSet<TierId>,
    /// Whether a source has ended without a result, so that the tier cannot begin.
    pub(super) in_vain: bool,
}

/// Runs of a tier that failed alike, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InARow {
    kind: FailureKind,
    runs: u32,
    last: RunId,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A worker has the run.
    Started(RunId),
    /// The run is committed.
    Committed {
        /// The run.
        run: RunId,
        /// What was spent on it in this session.
        spent: Usd,
        /// What agent and judges cost, in whichever session.
        cost: Usd,
    },
    /// Infrastructure failed in the run.
    Failed {
        /// The run.
        run: RunId,
        /// What failed.
        failed: Failed,
        /// What the attempt cost.
        cost: Usd,
    },
    /// A provider asked a former session to be left alone for so long from now on.
    StillLimited(Duration),
    /// The run was stopped with the coordinator; what it cost as far as is known.
    Stopped(RunId, Usd),
    /// A signal came.
    Signal(StopSignal),
    /// A run that could start would exceed the ceiling.
    BudgetReached,
    /// A wait is over.
    WaitOver,
    /// The winners that a tier takes over are known and its baselines are made: it may begin.
    Inherited(TierId),
    /// A tier whose winner this one takes over has no result, so it cannot begin.
    InVain(TierId),
    /// The experiment's folder cannot be written: what is in flight may end, nothing more is begun.
    Halt,
}

/// What a fact means beyond the state itself, for those who act on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Consequence {
    /// For the run that failed.
    pub run: Option<ForRun>,
    /// For what runs share.
    pub changes: Vec<Change>,
}

/// Something that runs share has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A provider asks to wait until this time.
    RateLimited(Duration),
    /// The wait that a provider asks for is longer than allowed.
    RateLimitExhausted,
    /// The wait for a rate limit is over.
    RateLimitOver,
    /// Nothing more of the tier is started in this session, after failures of so many runs in a row.
    TierStopped(u32),
    /// Nothing more is started in this session, because of a failure.
    SessionStopped,
    /// The stop level went up to this one.
    Climbed(StopLevel),
}

impl From<Change> for Consequence {
    fn from(change: Change) -> Self {
        Self { run: None, changes: vec![change] }
    }
}

impl State {
    /// A session that has `runs` to do and keeps its hands off the `withheld` ones, in which former sessions spent `spent`
    /// and committed runs of these `costs`.
    pub fn new(
        runs: impl IntoIterator<Item = RunId>,
        withheld: impl IntoIterator<Item = RunId>,
        spent: Usd,
        costs: Costs,
    ) -> Self {
        Self {
            queue: runs.into_iter().map(Turn::from).collect(),
            given_up: withheld.into_iter().collect(),
            spent,
            costs,
            ..Self::default()
        }
    }

    /// The same session, in which these tiers wait until the tiers whose winners they take over are settled.
    #[must_use]
    pub fn waiting(mut self, waiting: BTreeMap<TierId, BTreeSet<TierId>>) -> Self {
        let sources = |(tier, tiers)| (tier, Sources { tiers, in_vain: false });
        self.waiting = waiting.into_iter().map(sources).collect();
        self
    }

    /// Takes a fact in.
    pub fn take(&mut self, fact: Fact, limits: &Limits, now: Duration) -> Consequence {
        match fact {
            Fact::Started(run) => {
                self.queue.remove(&run.into());
                self.delayed.remove(&run);
                self.in_flight.insert(run);
            }
            Fact::Committed { run, spent, cost } => {
                self.in_flight.remove(&run);
                self.in_a_row.remove(&run.tier);
                self.spent += spent;
                self.costs.add(run, cost);
            }
            Fact::Failed { run, failed, cost } => {
                self.in_flight.remove(&run);
                self.spent += cost;
                return self.fail(run, failed, limits, now);
            }
            Fact::StillLimited(wait) => return self.wait_for_limit(wait, limits, now).into(),
            Fact::Stopped(run, cost) => {
                self.in_flight.remove(&run);
                self.spent += cost;
                self.queue.insert(run.into());
            }
            Fact::Signal(signal) => {
                let stop_level = next_stop_level(self.stop.map(|(stop_level, _)| stop_level), signal);
                let first = self.stop.map_or(signal, |(_, first)| first);
                self.stop = Some((stop_level, first));
                return Change::Climbed(stop_level).into();
            }
            Fact::Halt => self.halted = true,
            Fact::Inherited(tier) => _ = self.waiting.remove(&tier),
            Fact::InVain(tier) => {
                if let Some(sources) = self.waiting.get_mut(&tier) {
                    sources.in_vain = true;
                }
            }
            Fact::BudgetReached => self.budget_reached = true,
            Fact::WaitOver => return self.end_waits(now),
        }
        Consequence::default()
    }

    fn end_waits(&mut self, now: Duration) -> Consequence {
        let due: Vec<RunId> = self.delayed.iter().filter(|(_, until)| **until <= now).map(|(run, _)| *run).collect();
        for run in due {
            self.delayed.remove(&run);
            self.queue.insert(run.into());
        }
        match self.rate_limited_until {
            Some(until) if until <= now => {
                self.rate_limited_until = None;
                Change::RateLimitOver.into()
            }
            Some(_) | None => Consequence::default(),
        }
    }

    /// Asks what comes of a failure, and does it.
    fn fail(&mut self, run: RunId, failed: Failed, limits: &Limits, now: Duration) -> Consequence {
        let so_far = self.so_far(run, failed.kind);
        let decision = retry::decide(failed, so_far, limits);
        match decision.run {
            ForRun::Retry { after } => _ = self.delayed.insert(run, now + after),
            ForRun::Waits | ForRun::Left => _ = self.queue.insert(run.into()),
            ForRun::Errored { .. } | ForRun::Unjudged { .. } => _ = self.given_up.insert(run),
        }
        let change = match decision.beyond {
            Beyond::Nothing => None,
            Beyond::PauseModel { wait } => Some(self.wait_for_limit(wait, limits, now)),
            Beyond::StopTier { times } => self.stopped_tiers.insert(run.tier).then_some(Change::TierStopped(times)),
            Beyond::StopSession => (!std::mem::replace(&mut self.halted, true)).then_some(Change::SessionStopped),
        };
        Consequence { run: Some(decision.run), changes: change.into_iter().collect() }
    }

    /// What is known of a run that fails, the failure counted.
    fn so_far(&mut self, run: RunId, kind: FailureKind) -> SoFar {
        let closed = self.stop.is_some() || self.halted || self.stopped_tiers.contains(&run.tier);
        let attempts = self.failures(run);
        if !retry::burns_an_attempt(kind) {
            return SoFar { attempts, in_a_row: 0, closed };
        }
        self.failures.insert(run, attempts + 1);
        SoFar { attempts, in_a_row: self.count_in_a_row(run, kind), closed }
    }

    /// How many different runs of the tier have failed so, one after the other: one bad run alone is not systemic.
    fn count_in_a_row(&mut self, run: RunId, kind: FailureKind) -> u32 {
        let runs = match self.in_a_row.get(&run.tier) {
            Some(former) if former.kind == kind && former.last == run => former.runs,
            Some(former) if former.kind == kind => former.runs + 1,
            Some(_) | None => 1,
        };
        self.in_a_row.insert(run.tier, InARow { kind, runs, last: run });
        runs
    }

    fn wait_for_limit(&mut self, wait: Duration, limits: &Limits, now: Duration) -> Change {
        let until = now + wait;
        let already = self.rate_limited_until.unwrap_or(now).max(now);
        let longer = until.saturating_sub(already);
        if self.rate_limit_waited + longer > limits.rate_limit {
            self.rate_limit_exhausted = true;
            return Change::RateLimitExhausted;
        }
        self.rate_limit_waited += longer;
        self.rate_limited_until = Some(until.max(already));
        Change::RateLimited(until.max(already))
    }

    /// Spent on all attempts and judges so far.
    #[must_use]
    pub fn spent(&self) -> Usd {
        self.spent
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

    /// How many runs of a tier wait to be started.
    #[must_use]
    pub fn waiting_in(&self, tier: TierId) -> usize {
        self.queue.iter().filter(|turn| turn.tier == tier).count()
            + self.delayed.keys().filter(|run| run.tier == tier).count()
    }

    /// Whether runs of the tier may start, as far as its sources and its own failures say.
    pub(super) fn is_open(&self, tier: TierId) -> bool {
        !self.stopped_tiers.contains(&tier) && !self.waiting.contains_key(&tier)
    }

    /// Whether every planned run of the tier is committed or given up in this session. A tier that is stopped is not
    /// settled: a winner that is chosen once is chosen for good.
    pub(super) fn is_settled(&self, tier: TierId) -> bool {
        self.waiting_in(tier) == 0 && !self.in_flight.iter().any(|run| run.tier == tier)
    }

    /// The tiers that wait for winners and have runs to do, each with those sources.
    pub fn tiers_in_wait(&self) -> impl Iterator<Item = (TierId, &BTreeSet<TierId>)> {
        let waits = self.waiting.iter().map(|(tier, sources)| (*tier, &sources.tiers));
        waits.filter(|(tier, _)| self.waiting_in(*tier) > 0)
    }

    /// What the runs in flight are expected to cost.
    pub(super) fn expected_in_flight(&self) -> Usd {
        self.in_flight.iter().map(|run| self.costs.expected(*run)).sum()
    }
}

/// Stop levels only go up. SIGTERM and SIGHUP begin at its second stop level.
fn next_stop_level(stop_level: Option<StopLevel>, signal: StopSignal) -> StopLevel {
    match (stop_level, signal) {
        (None, StopSignal::Interrupt) => StopLevel::Drain,
        (None, StopSignal::Terminate | StopSignal::Hangup) | (Some(StopLevel::Drain), _) => StopLevel::Terminate,
        (Some(StopLevel::Terminate | StopLevel::Kill), _) => StopLevel::Kill,
    }
}
