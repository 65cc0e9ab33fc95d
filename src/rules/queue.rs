//! The planned runs that are not in flight, in lanes by their tier and the model that they ask next. A lane is open or
//! closed as a whole, so what may start is found without looking at every run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::ids::{ModelName, RunId, RunNumber, SubtestId, TierId};

/// The order in which runs start: tier by tier, and within a tier the first run of every subtest before any second one,
/// so that an interrupted tier has compared its subtests evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
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

/// What decides whether runs may start, and is the same for all runs of a lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    pub(super) tier: TierId,
    /// The model that they ask next; `None` when they ask none, or it is not known.
    pub(super) model: Option<ModelName>,
}

/// The place of a run in the queue.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    lane: Lane,
    /// The run may not start before this time.
    until: Option<Duration>,
}

/// The planned runs that are not in flight.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Queue {
    places: BTreeMap<RunId, Place>,
    lanes: BTreeMap<Lane, BTreeSet<Turn>>,
    delayed: BTreeSet<(Duration, RunId)>,
    of_tiers: BTreeMap<TierId, usize>,
}

impl Queue {
    /// Adds a run.
    pub(super) fn push(&mut self, run: RunId, model: Option<ModelName>) {
        self.remove(run);
        let lane = Lane { tier: run.tier, model };
        self.lanes.entry(lane.clone()).or_default().insert(run.into());
        self.places.insert(run, Place { lane, until: None });
        *self.of_tiers.entry(run.tier).or_default() += 1;
    }

    /// Adds a run that may not start before a time.
    pub(super) fn delay(&mut self, run: RunId, model: Option<ModelName>, until: Duration) {
        self.remove(run);
        self.delayed.insert((until, run));
        self.places.insert(run, Place { lane: Lane { tier: run.tier, model }, until: Some(until) });
        *self.of_tiers.entry(run.tier).or_default() += 1;
    }

    /// Removes a run; gives the model that it asks next.
    pub(super) fn remove(&mut self, run: RunId) -> Option<ModelName> {
        let Place { lane, until } = self.places.remove(&run)?;
        if let Some(until) = until {
            self.delayed.remove(&(until, run));
        } else if let Some(runs) = self.lanes.get_mut(&lane) {
            runs.remove(&run.into());
            if runs.is_empty() {
                self.lanes.remove(&lane);
            }
        }
        if let Some(runs) = self.of_tiers.get_mut(&run.tier) {
            *runs = runs.saturating_sub(1);
        }
        lane.model
    }

    /// Ends the delays of runs whose time has come.
    pub(super) fn end_delays(&mut self, now: Duration) {
        while let Some((until, run)) = self.delayed.first().copied()
            && until <= now
        {
            let model = self.remove(run);
            self.push(run, model);
        }
    }

    /// Ends the delays of all runs of a tier that is closed, so that nothing waits for them.
    pub(super) fn close(&mut self, tier: TierId) {
        let of_tier: Vec<RunId> = self.delayed.iter().map(|(_, run)| *run).filter(|run| run.tier == tier).collect();
        for run in of_tier {
            let model = self.remove(run);
            self.push(run, model);
        }
    }

    /// The time at which the first delay ends.
    pub(super) fn first_delay(&self) -> Option<Duration> {
        self.delayed.first().map(|(until, _)| *until)
    }

    /// How many runs of a tier are waiting.
    pub(super) fn len_of(&self, tier: TierId) -> usize {
        self.of_tiers.get(&tier).copied().unwrap_or(0)
    }

    /// Whether no run is waiting.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The lanes with runs that wait only for their turn.
    pub(super) fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.keys()
    }

    /// The first runs by their turns, at most `most` of them, from lanes in which `room` says how many may start. Lanes
    /// of the same model share its room.
    pub(super) fn first(&self, most: usize, room: impl Fn(&Lane) -> usize) -> Vec<RunId> {
        let mut rooms: BTreeMap<Option<&ModelName>, usize> = BTreeMap::new();
        let mut open = Vec::new();
        for (lane, runs) in &self.lanes {
            let room = room(lane);
            if room > 0 {
                rooms.insert(lane.model.as_ref(), room);
                open.push((lane.model.as_ref(), runs.iter().peekable()));
            }
        }
        let mut first = Vec::new();
        while first.len() < most {
            let with_room = open.iter_mut().filter(|(model, _)| rooms.get(model).is_some_and(|room| *room > 0));
            let waiting = with_room.filter_map(|(model, runs)| Some((**runs.peek()?, *model, runs)));
            let Some((turn, model, runs)) = waiting.min_by_key(|(turn, ..)| *turn) else { break };
            runs.next();
            first.push(turn.into());
            if let Some(room) = rooms.get_mut(&model) {
                *room -= 1;
            }
        }
        first
    }
}
