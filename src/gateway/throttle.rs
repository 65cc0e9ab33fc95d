//! How many requests may ask a model at once, and until when none may: providers that ask to wait are not asked before, whoever asks.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::model::ids::ModelName;
use crate::os::clock::Stopwatch;
use crate::rules::limiter::{Limit, Limiter};

/// So many requests may ask one model at once: more never pass the gateway.
const MOST: usize = 512;
/// How often somebody who waits looks whether it is still waited for.
const LOOK: Duration = Duration::from_secs(1);

/// Who is told that a model must not be asked for so long.
pub(super) type Report = Box<dyn Fn(ModelName, Duration) + Send + Sync>;

/// The limits of all models.
pub(super) struct Throttle {
    limiter: Mutex<Limiter>,
    changed: Condvar,
    clock: Stopwatch,
    /// How long one request is held back at most.
    hold: Duration,
    report: OnceLock<Report>,
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("hold", &self.hold).finish_non_exhaustive()
    }
}

/// What came of waiting for a model.
pub(super) enum Waited {
    /// It may be asked now.
    Go(Turn),
    /// It must not be asked for so long, and that is longer than the request may be held.
    Later(Duration),
    /// Whoever asked does not wait any more.
    Gone,
}

/// The right to ask a model once. It ends when this is dropped.
pub(super) struct Turn {
    throttle: Arc<Throttle>,
    model: ModelName,
    /// When; `None` where nothing is held back, so that nothing is counted.
    asked: Option<Duration>,
}

impl Throttle {
    pub(super) fn new(hold: Duration) -> Self {
        Self {
            limiter: Mutex::default(),
            changed: Condvar::new(),
            clock: Stopwatch::start(),
            hold,
            report: OnceLock::new(),
        }
    }

    /// From now on, this learns of every pause that begins here.
    pub(super) fn reports_to(&self, report: Report) {
        // A session has one coordinator.
        let _ = self.report.set(report);
    }

    fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds_nothing(&self) -> bool {
        self.hold.is_zero()
    }

    /// How long one request is held back at most.
    pub(super) fn hold(&self) -> Duration {
        self.hold
    }

    /// A model must not be asked for so long, as somebody else learned.
    pub(super) fn pause(&self, model: &ModelName, wait: Duration) {
        let now = self.clock.elapsed();
        // The coordinator bounds what is waited in all; here, one request's patience does.
        self.limiter().limit(model, Limit { asked: None, wait }, (MOST, Duration::MAX), now);
        self.changed.notify_all();
    }

    /// Somebody may not wait any more.
    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }

    /// Waits until the model may be asked, for as long as the request may still be held. One that is held back only because others are
    /// asking goes on when its time is over.
    pub(super) fn turn(self: &Arc<Self>, model: &ModelName, patience: Duration, is_gone: impl Fn() -> bool) -> Waited {
        if self.holds_nothing() {
            return Waited::Go(Turn { throttle: Arc::clone(self), model: model.clone(), asked: None });
        }
        let until = self.clock.elapsed().saturating_add(patience);
        let mut limiter = self.limiter();
        loop {
            let now = self.clock.elapsed();
            if is_gone() {
                return Waited::Gone;
            }
            let paused = limiter.paused_until(model, now);
            if let Some(paused) = paused.filter(|paused| *paused > until) {
                return Waited::Later(paused.saturating_sub(now));
            }
            if paused.is_none() && (limiter.room(model, MOST, now) > 0 || now >= until) {
                limiter.ask(model);
                return Waited::Go(Turn { throttle: Arc::clone(self), model: model.clone(), asked: Some(now) });
            }
            let wake = paused.unwrap_or(until).saturating_sub(now).min(LOOK);
            let waited = self.changed.wait_timeout(limiter, wake);
            limiter = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Turn {
    /// The model.
    pub(super) fn model(&self) -> &ModelName {
        &self.model
    }

    /// The model has answered. Where its provider says so, nobody may ask it for so long from now on.
    pub(super) fn answered(&self, exhausted: Option<Duration>) {
        let Some(asked) = self.asked else { return };
        self.throttle.limiter().answered(&self.model, asked, MOST);
        self.throttle.changed.notify_all();
        if let Some(wait) = exhausted {
            self.pause(wait, None);
        }
    }

    /// Its provider has refused, and is not to be asked for so long.
    pub(super) fn limited(&self, wait: Duration) {
        if let Some(asked) = self.asked {
            self.pause(wait, Some(asked));
        }
    }

    fn pause(&self, wait: Duration, asked: Option<Duration>) {
        let (throttle, now) = (&self.throttle, self.throttle.clock.elapsed());
        let mut limiter = throttle.limiter();
        // What is asking now is what was too much.
        let asking = limiter.asking(&self.model).max(1);
        limiter.limit(&self.model, Limit { asked, wait }, (asking, Duration::MAX), now);
        let until = limiter.paused_until(&self.model, now);
        drop(limiter);
        throttle.changed.notify_all();
        if let (Some(until), Some(report)) = (until, throttle.report.get()) {
            report(self.model.clone(), until.saturating_sub(now));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.asked.is_some() {
            self.throttle.limiter().leave(&self.model);
            self.throttle.changed.notify_all();
        }
    }
}
