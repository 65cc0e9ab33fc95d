//! The place of a request among those that are on their way: whoever has none waits, or is told to come again.

use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::on_their_way::OnTheirWay;
use crate::os::clock::Stopwatch;

/// Nobody waits longer for a place: programs give up on an answer that does not begin within some minutes.
const LONGEST: Duration = Duration::from_mins(5);

/// A place. It ends when this is dropped, and must not before the answer is counted.
#[derive(Debug)]
pub(super) struct Place(Arc<Account>);

impl Place {
    /// Waits until one more request may be on its way; `None` where that takes too long, or nobody may ask any more.
    pub(super) fn of(account: &Arc<Account>) -> Option<Self> {
        let _held = account.holds_one();
        let (places, began) = (account.places(), Stopwatch::start());
        let mut way = places.lock();
        while !takes(account, &way) {
            if account.is_closed() || began.worked() >= LONGEST {
                return None;
            }
            way = places.wait(way);
        }
        way.begins();
        Some(Self(Arc::clone(account)))
    }
}

/// Whether one more may be on its way, by the limits of the run and of the experiment; then it is counted there.
fn takes(account: &Account, way: &OnTheirWay) -> bool {
    let is_free = way.is_none() || !account.terms.heeds_ceiling;
    way.has_room(&account.terms.allowance, &account.used()) && account.till.takes_place(is_free)
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.till.gives_place();
        self.0.places().end_one();
    }
}
