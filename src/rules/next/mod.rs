//! What happens next: a pure function of the state, the limits and the time.

use std::time::Duration;

use crate::model::ids::{RunId, TierId};
use crate::model::limits::Limits;
use crate::model::money::Usd;
use crate::model::outcome::ExperimentEnd;
use crate::rules::queue::Lane;
use crate::rules::state::{Sources, State};

/// One thing for the coordinator to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    /// Give the run to a worker.
    Start(RunId),
    /// Choose the winners that the tier inherits from: their tiers are settled.
    Inherit(TierId),
    /// Report that the budget's ceiling is reached, and start nothing more.
    ReachBudget {
        /// What runs in flight and one more are expected to cost.
        expected: Usd,
        /// The ceiling.
        ceiling: Usd,
    },
    /// Report that the experiment was worked on for as long as it may be, and start nothing more.
    ReachTime {
        /// The limit.
        limit: Duration,
    },
    /// Decide again at this time, since the coordinator's start.
    Wait(Duration),
    /// Nothing is left to do and no worker is busy.
    Finish(ExperimentEnd),
}

/// What is to be done now. Empty while workers are busy and nothing more may start.
#[must_use]
pub fn next(state: &State, limits: &Limits, now: Duration) -> Vec<Action> {
    let mut actions = Vec::new();
    if may_wait(state)
        && let Some((limit, Duration::ZERO)) = time_left(state, limits)
    {
        return vec![Action::ReachTime { limit }];
    }
    if may_wait(state)
        && let Some(tier) = inheriting(state)
    {
        return vec![Action::Inherit(tier)];
    }
    if may_wait(state) {
        start(state, limits, now, &mut actions);
    }
    if !actions.is_empty() {
        return actions;
    }
    match next_time(state, limits, now) {
        Some(time) if may_wait(state) => actions.push(Action::Wait(time)),
        Some(_) | None if state.in_flight.is_empty() => actions.push(Action::Finish(end(state))),
        Some(_) | None => {}
    }
    actions
}

/// The first tier with runs to do that only waits for its winners to be chosen.
fn inheriting(state: &State) -> Option<TierId> {
    let settled = |(_, sources): &(TierId, &Sources)| sources.tiers.iter().all(|source| state.is_settled(*source));
    let waits = state.waiting.iter().map(|(tier, sources)| (*tier, sources)).filter(|(_, sources)| !sources.blocked);
    waits.filter(|(tier, _)| state.waiting_in(*tier) > 0).find(settled).map(|(tier, _)| tier)
}

fn may_wait(state: &State) -> bool {
    state.stop.is_none() && !state.halted && !state.budget_reached && !state.time_reached
}

/// The limit of the time worked, and what is left of it; `None` without a limit, and when nothing is to be started any more.
fn time_left(state: &State, limits: &Limits) -> Option<(Duration, Duration)> {
    let limit = limits.max_time?;
    let would_start = inheriting(state).is_some()
        || state.queue.first_delay().is_some()
        || state.queue.lanes().any(|lane| state.is_open(lane.tier) && !is_exhausted(state, lane));
    would_start.then(|| (limit, limit.saturating_sub(state.worked)))
}

fn start(state: &State, limits: &Limits, now: Duration, actions: &mut Vec<Action>) {
    let room = |lane: &Lane| match &lane.model {
        _ if !state.is_open(lane.tier) => 0,
        Some(model) => state.limiter.room(model, limits.jobs, now),
        None => limits.jobs,
    };
    let mut expected = state.expected_in_flight();
    let spent = state.spent().known + state.assumed();
    for run in state.queue.first(limits.jobs.saturating_sub(state.in_flight.len()), room) {
        expected += state.costs.expected(run);
        if let Some(ceiling) = limits.max_cost
            && (spent + expected > ceiling || spent >= ceiling)
        {
            // Runs that were decided on are started first; the ceiling is checked again right after.
            if actions.is_empty() {
                actions.push(Action::ReachBudget { expected, ceiling });
            }
            return;
        }
        actions.push(Action::Start(run));
    }
}

/// The next time at which something that waits may go on.
fn next_time(state: &State, limits: &Limits, now: Duration) -> Option<Duration> {
    let lanes = state.queue.lanes().filter(|lane| state.is_open(lane.tier));
    let paused = lanes.filter_map(|lane| state.limiter.paused_until(lane.model.as_ref()?, now));
    let no_time_left = time_left(state, limits).map(|(_, left)| now + left);
    paused.chain(state.queue.first_delay()).chain(no_time_left).min()
}

/// Whether runs are left that wait for a model whose rate limit exceeds the longest wait.
fn is_any_exhausted(state: &State) -> bool {
    state.queue.lanes().any(|lane| is_exhausted(state, lane))
}

fn is_exhausted(state: &State, lane: &Lane) -> bool {
    lane.model.as_ref().is_some_and(|model| state.limiter.is_exhausted(model))
}

fn end(state: &State) -> ExperimentEnd {
    let nothing_left = state.queue.is_empty() && state.given_up.is_empty();
    match state.stop {
        _ if nothing_left => ExperimentEnd::Completed,
        Some((_, signal)) => ExperimentEnd::Stopped { signal },
        None if state.budget_reached => ExperimentEnd::BudgetReached,
        None if state.time_reached => ExperimentEnd::TimeReached,
        None if is_any_exhausted(state) => ExperimentEnd::RateLimited,
        None => ExperimentEnd::Incomplete,
    }
}

#[cfg(test)]
mod tests;
