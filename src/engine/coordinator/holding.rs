//! Whether the experiment is still this coordinator's: when its lock is lost, its runs are ended, or left to the other one as far as that one finds them, and nothing is begun or
//! written any more.

use std::time::Duration;

use crate::engine::coordinator::Coordinator;
use crate::engine::error::{EngineError, with_causes};
use crate::os::clock;
use crate::os::lock::LockError;
use crate::store::StoreError;

/// How often it is looked whether the lock is still held, whatever else happens.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// A save that failed counts as one of this length, so that the next one is tried a few seconds later.
const BETWEEN_FAILED_SAVES: Duration = Duration::from_millis(100);

/// What is known of the experiment's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    /// It was held when it was looked at, at this time since the start.
    Held(Duration),
    /// Another coordinator may have it, and this one is ending.
    Lost,
}

impl Coordinator<'_> {
    /// When the lock is to be looked at again; never again when it is lost.
    pub(super) fn next_look(&self) -> Option<Duration> {
        match self.holding {
            Holding::Held(looked) => Some(looked + BETWEEN_LOOKS),
            Holding::Lost => None,
        }
    }

    /// Looks whether the lock is still held, when that is due.
    pub(super) fn look_at_lock(&mut self) {
        let now = self.now();
        if self.next_look().is_none_or(|next| now < next) {
            return;
        }
        self.holding = Holding::Held(now);
        match self.locked.writer.glance().map_err(EngineError::from) {
            Err(error) if is_lost(&error) => self.lose(&error),
            // What cannot be seen now is seen the next time, or when the checkpoint is saved.
            Ok(()) | Err(_) => {}
        }
    }

    /// Another process may have taken the experiment over: runs in flight are ended, or left to it.
    fn lose(&mut self, error: &EngineError) {
        if is_lost(error) {
            self.holding = Holding::Lost;
        }
        self.halt(&with_causes(error));
        self.backend.leave();
    }

    /// Writes the checkpoint. When it cannot be written, results are still safe, but nothing new is begun; when another
    /// process may have taken the experiment over, runs in flight are ended or left too.
    pub(super) fn save_or_halt(&mut self) {
        let is_ours = self.holding != Holding::Lost;
        if is_ours {
            match self.save() {
                Ok(()) => return,
                Err(error) if matches!(error, EngineError::Store(StoreError::Lock(_))) => self.lose(&error),
                Err(error) => self.halt(&with_causes(&error)),
            }
        }
        let now = self.now();
        self.pacing.saved(now, BETWEEN_FAILED_SAVES);
        if is_ours {
            self.pacing.changed();
        }
    }

    /// Writes the checkpoint where a failure ends the session. When another process may have taken the experiment over, nothing is cleared up that may be its own.
    pub(super) fn save_or_leave(&mut self) -> Result<(), EngineError> {
        let saved = self.save();
        if let Err(error @ EngineError::Store(StoreError::Lock(_))) = &saved {
            self.lose(error);
        }
        saved
    }

    /// Writes the checkpoint.
    pub(super) fn save(&mut self) -> Result<(), EngineError> {
        self.checkpoint.last_updated_at = clock::now();
        self.checkpoint.record_worked(self.worked());
        let took = self.locked.writer.save(&self.checkpoint)?;
        let now = self.now();
        self.pacing.saved(now, took);
        Ok(())
    }
}

/// Whether an error says that the lock is lost for good.
fn is_lost(error: &EngineError) -> bool {
    matches!(error, EngineError::Store(StoreError::Lock(LockError::Lost(_) | LockError::CutOff(_))))
}
