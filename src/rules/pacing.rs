//! When the checkpoint is saved: at once when the saver is idle, but never so often that saving takes more than 2 % of
//! the time. Only rate limits do not wait for that, because no result contains them. Without any change it is saved from
//! time to time, because it says for how long the experiment has been worked on.

use std::time::Duration;

/// A save that took one unit of time is followed by at least this many units without one: 1 / (1 + 49) = 2 %.
const REST_PER_SAVE: u32 = 49;

/// A kill loses at most this much of the time worked.
const TIME_LOST: Duration = Duration::from_secs(10);

/// When the checkpoint may be written next. Times are since the coordinator's start, by a monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pacing {
    rested: Duration,
    dirty: bool,
    /// When the last save ended.
    last: Option<Duration>,
}

impl Pacing {
    /// Records that something has to be saved.
    pub fn changed(&mut self) {
        self.dirty = true;
    }

    /// Records a change that a kill must not lose: the next save is due at once, however long the last one took.
    pub fn must_not_be_lost(&mut self) {
        self.dirty = true;
        self.rested = Duration::ZERO;
    }

    /// Records that a save ended at `now` and took `took`.
    pub fn saved(&mut self, now: Duration, took: Duration) {
        self.dirty = false;
        self.rested = now + took * REST_PER_SAVE;
        self.last = Some(now);
    }

    /// When the next save is due; `None` before the first one when there is nothing to save.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        let only_time_passed = self.last.map(|last| self.rested.max(last + TIME_LOST));
        if self.dirty { Some(self.rested) } else { only_time_passed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saving_takes_at_most_two_percent_of_the_time() {
        let mut pacing = Pacing::default();
        let (mut now, mut spent) = (Duration::ZERO, Duration::ZERO);
        let (save, step, end) = (Duration::from_millis(7), Duration::from_millis(1), Duration::from_secs(100));
        while now < end {
            pacing.changed();
            if pacing.due().is_some_and(|due| due <= now) {
                now += save;
                spent += save;
                pacing.saved(now, save);
            }
            now += step;
        }
        assert!(spent * 50 <= end + save * 50, "{spent:?} of {end:?}");
        assert!(spent * 60 >= end, "saved too seldom: {spent:?} of {end:?}");
    }

    #[test]
    fn what_must_not_be_lost_is_saved_at_once_and_the_next_save_rests_again() {
        let mut pacing = Pacing::default();
        let (now, took) = (Duration::from_secs(5), Duration::from_millis(500));
        pacing.saved(now, took);
        pacing.changed();
        assert!(pacing.due() > Some(now));
        pacing.must_not_be_lost();
        assert!(pacing.due() <= Some(now));
        pacing.saved(now, took);
        pacing.changed();
        assert_eq!(pacing.due(), Some(now + took * REST_PER_SAVE));
    }

    #[test]
    fn the_time_worked_is_saved_every_ten_seconds_also_when_nothing_changes() {
        let mut pacing = Pacing::default();
        let now = Duration::from_secs(5);
        pacing.saved(now, Duration::from_millis(1));
        assert_eq!(pacing.due(), Some(Duration::from_secs(15)));
        // A slow disk is not written to more often than any other change is.
        pacing.saved(now, Duration::from_secs(1));
        assert_eq!(pacing.due(), Some(Duration::from_secs(54)));
    }

    #[test]
    fn an_idle_saver_saves_at_once_and_only_what_changed() {
        let mut pacing = Pacing::default();
        assert_eq!(pacing.due(), None);
        pacing.changed();
        assert_eq!(pacing.due(), Some(Duration::ZERO));
    }
}
