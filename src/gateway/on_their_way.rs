//! How many requests of a run may be on their way at once: where a limit holds, no more than the rest of it is expected to allow, and always
//! one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::allowance::Allowance;
use crate::model::exchange::Exchange;
use crate::model::money::Usd;
use crate::model::usage::Usage;

/// How often somebody who waits looks whether there is room: requests of other runs make it, too.
const LOOK: Duration = Duration::from_millis(200);

/// Requests whose answers are not counted yet, and the most that an answer has taken so far.
#[derive(Debug, Default)]
pub(super) struct OnTheirWay {
    count: usize,
    largest: Option<Largest>,
}

#[derive(Debug, Default)]
struct Largest {
    cost: Usd,
    tokens: u64,
}

impl OnTheirWay {
    /// What an answer took, others may take.
    pub(super) fn learn(&mut self, exchange: &Exchange) {
        if !matches!(exchange.status, Some(200..300)) {
            return;
        }
        let Largest { cost, tokens } = self.largest.get_or_insert_default();
        *cost = (*cost).max(exchange.cost.at_least().map_or(Usd::ZERO, |(usd, _)| usd));
        *tokens = (*tokens).max(exchange.tokens.total().unwrap_or(0));
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        self.count == 0
    }

    /// Whether one more may be on its way where so much is used of this. Before the first answer nobody knows what one takes.
    pub(super) fn has_room(&self, most: &Allowance, used: &Usage) -> bool {
        if self.is_none() || (most.cost.is_none() && most.tokens.is_none()) {
            return true;
        }
        let Some(Largest { cost, tokens }) = &self.largest else { return false };
        let all = self.count + 1;
        let known = used.cost.at_least().map_or(Usd::ZERO, |(usd, _)| usd);
        let read = used.tokens.total().unwrap_or(0);
        let expected = tokens.saturating_mul(u64::try_from(all).unwrap_or(u64::MAX)).saturating_add(read);
        most.cost.is_none_or(|most| known + cost.times(all) <= most) && most.tokens.is_none_or(|most| expected <= most)
    }

    /// One more is on its way.
    pub(super) fn begins(&mut self) {
        self.count += 1;
    }

    /// One less is.
    pub(super) fn ends(&mut self) {
        self.count = self.count.saturating_sub(1);
    }
}

/// The requests of an account that are on their way.
#[derive(Debug, Default)]
pub(super) struct Places {
    on_their_way: Mutex<OnTheirWay>,
    fewer: Condvar,
}

impl Places {
    pub(super) fn lock(&self) -> MutexGuard<'_, OnTheirWay> {
        self.on_their_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a while for room.
    pub(super) fn wait<'a>(&self, way: MutexGuard<'a, OnTheirWay>) -> MutexGuard<'a, OnTheirWay> {
        self.fewer.wait_timeout(way, LOOK).unwrap_or_else(PoisonError::into_inner).0
    }

    /// One less is on its way.
    pub(super) fn end_one(&self) {
        self.lock().ends();
        self.fewer.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::exchange;
    use crate::model::usage::{Cost, CostSource, Tokens};

    fn usd(dollars: f64) -> Usd {
        Usd::from_dollars(dollars).unwrap()
    }

    fn used(dollars: f64, tokens: u64) -> Usage {
        let cost = Cost::of(usd(dollars).into(), CostSource::Metered);
        Usage { tokens: Tokens { input: Some(tokens), ..Tokens::default() }, cost }
    }

    #[test]
    fn near_a_limit_one_request_is_on_its_way_and_far_from_it_as_many_as_may_come() {
        let by_cost = Allowance { cost: Some(usd(1.0)), ..Allowance::default() };
        let by_tokens = Allowance { tokens: Some(100), ..Allowance::default() };
        let mut way = OnTheirWay::default();
        assert!(way.has_room(&by_cost, &used(0.0, 0)));
        way.begins();
        for limited in [&by_cost, &by_tokens] {
            assert!(!way.has_room(limited, &used(0.0, 0)), "nobody knows what an answer takes");
        }
        assert!(way.has_room(&Allowance::default(), &used(9.0, 900)), "nothing is limited");
        let Usage { tokens, cost } = used(0.1, 10);
        way.learn(&Exchange { status: Some(529), tokens, cost, ..exchange() });
        assert!(!way.has_room(&by_cost, &used(0.1, 10)), "a refusal says nothing of answers");
        way.learn(&Exchange { status: Some(200), tokens, cost, ..exchange() });
        for (dollars, tokens, has_room) in [(0.1, 10, true), (0.8, 80, true), (0.81, 81, false), (1.0, 100, false)] {
            assert_eq!(way.has_room(&by_cost, &used(dollars, tokens)), has_room, "{dollars}");
            assert_eq!(way.has_room(&by_tokens, &used(dollars, tokens)), has_room, "{tokens}");
        }
        way.ends();
        assert!(way.has_room(&by_cost, &used(0.99, 99)), "one is always on its way below the limit");
    }
}
