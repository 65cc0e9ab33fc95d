//! What became of a run whose job is not in the queue any more: one pure decision.

use std::time::Duration;

use crate::engine::lease::LAPSE;

/// A job that has left the queue is given so long to be heard of: what its worker wrote last may be on its way.
pub(super) const SETTLE: Duration = Duration::from_secs(4);

/// What is known of a run whose job left the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// For how long the job has not been in the queue, at every look.
    pub(super) gone_for: Duration,
    /// At how many looks it was not.
    pub(super) looks: u32,
    /// Whether a worker has begun on the run.
    pub(super) has_begun: bool,
    /// Whether the kernel still holds the worker's claim; `None` when that is not known.
    pub(super) is_claimed: Option<bool>,
    /// For how long the worker has given no sign of life.
    pub(super) silent_for: Duration,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is not known yet.
    Open,
    /// Its job ended before a worker began.
    NotBegun,
    /// Its worker is gone.
    Gone,
}

/// Decides it. A worker that lives on although its job is not in the queue, as on a machine that the cluster has lost sight of, keeps
/// its run as long as it gives signs of life.
pub(super) fn fate(known: Known) -> Fate {
    let Known { gone_for, looks, has_begun, is_claimed, silent_for } = known;
    if looks < 2 || gone_for < SETTLE {
        return Fate::Open;
    }
    match (has_begun, is_claimed) {
        (false, _) => Fate::NotBegun,
        (true, Some(false)) => Fate::Gone,
        (true, Some(true) | None) if silent_for >= LAPSE => Fate::Gone,
        (true, Some(true) | None) => Fate::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_given_up_when_its_job_has_left_the_queue_and_its_worker_does_not_live() {
        let known = Known {
            gone_for: SETTLE,
            looks: 2,
            has_begun: true,
            is_claimed: Some(false),
            silent_for: Duration::from_secs(1),
        };
        assert_eq!(fate(known), Fate::Gone);
        for open in [
            Known { looks: 1, ..known },
            Known { gone_for: SETTLE / 2, ..known },
            Known { is_claimed: Some(true), ..known },
            Known { is_claimed: None, silent_for: LAPSE / 2, ..known },
        ] {
            assert_eq!(fate(open), Fate::Open, "{open:?}");
        }
        for gone in [
            Known { is_claimed: Some(true), silent_for: LAPSE, ..known },
            Known { is_claimed: None, silent_for: LAPSE, ..known },
        ] {
            assert_eq!(fate(gone), Fate::Gone, "{gone:?}");
        }
        assert_eq!(fate(Known { has_begun: false, is_claimed: Some(true), ..known }), Fate::NotBegun);
    }
}
