//! How many runs may ask a model at once, and until when nobody may: rate limits of providers, model by model.
//!
//! Without a rate limit, as many runs may ask a model as there are jobs. A rate limit pauses the model until the time
//! that its provider names, and halves how many may ask at once; answers raise that number again, one by one. A limit
//! of one model does not hold back any other. Times are since the coordinator's start, by a monotonic clock.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ids::ModelName;

/// Shortest pause after a rate limit, so that a provider that names the present moment is not asked in a tight loop. It
/// doubles with each further limit until an answer comes.
pub const LEAST_PAUSE: Duration = Duration::from_millis(50);
/// How often the shortest pause is doubled at most: then it is the minute that is waited when no time is named.
const MOST_DOUBLINGS: u32 = 10;

/// What is known of each model's provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limiter {
    models: BTreeMap<ModelName, Window>,
}

/// The state of one model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Window {
    /// Number of runs that are asking it now.
    asking: usize,
    /// How many may ask it at once; `None` while only the number of jobs limits that.
    most: Option<usize>,
    /// Number of answers in a row since that limit changed.
    answers: usize,
    /// When that limit was last lowered: rate limits of requests from before are not counted again.
    lowered: Option<Duration>,
    /// How often in a row it was lowered without an answer in between.
    in_a_row: u32,
    /// Until when nobody may ask it.
    until: Option<Duration>,
    /// Total wait for it so far.
    waited: Duration,
    /// Whether its provider asks for a longer wait than is allowed.
    exhausted: bool,
}

/// A rate limit as it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// When the model was asked; `None` when a former session asked it.
    pub asked: Option<Duration>,
    /// How long the provider asks to wait from now on.
    pub wait: Duration,
}

/// The consequence of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Nobody may ask the model until then.
    Until(Duration),
    /// The total wait would exceed what is allowed: nobody asks the model in this session any more.
    Exhausted(Duration),
}

/// A change in how many may ask a model at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// The number before.
    pub from: usize,
    /// The number from now on.
    pub to: usize,
}

impl Limiter {
    /// How many more may ask the model now, of at most `ceiling` at once.
    #[must_use]
    pub fn room(&self, model: &ModelName, ceiling: usize, now: Duration) -> usize {
        let Some(window) = self.models.get(model) else { return ceiling.max(1) };
        if window.exhausted || window.until.is_some_and(|until| now < until) {
            return 0;
        }
        window.most(ceiling).saturating_sub(window.asking)
    }

    /// Until when nobody may ask the model; `None` when no end is known, or when the pause is over.
    #[must_use]
    pub fn paused_until(&self, model: &ModelName, now: Duration) -> Option<Duration> {
        let window = self.models.get(model).filter(|window| !window.exhausted)?;
        window.until.filter(|until| now < *until)
    }

    /// Whether the model's provider asked for a longer wait than is allowed.
    #[must_use]
    pub fn is_exhausted(&self, model: &ModelName) -> bool {
        self.models.get(model).is_some_and(|window| window.exhausted)
    }

    /// Records that one more run is asking the model.
    pub fn ask(&mut self, model: &ModelName) {
        self.models.entry(model.clone()).or_default().asking += 1;
    }

    /// Records that one run has stopped asking the model.
    pub fn leave(&mut self, model: &ModelName) {
        let Some(window) = self.models.get_mut(model) else { return };
        window.asking = window.asking.saturating_sub(1);
        // Whoever asks for models that nobody else asks for must not fill the memory.
        if *window == Window::default() {
            self.models.remove(model);
        }
    }

    /// How many are asking the model now.
    #[must_use]
    pub fn asking(&self, model: &ModelName) -> usize {
        self.models.get(model).map_or(0, |window| window.asking)
    }

    /// Records an answer to a request. After as many answers as may ask at once, one more may ask.
    pub fn answered(&mut self, model: &ModelName, asked: Duration, ceiling: usize) -> Option<Concurrency> {
        let window = self.models.get_mut(model)?;
        if window.lowered.is_some_and(|lowered| asked < lowered) {
            return None;
        }
        window.in_a_row = 0;
        let from = window.most.filter(|most| *most < ceiling)?;
        window.answers += 1;
        if window.answers < from {
            return None;
        }
        window.answers = 0;
        window.most = (from + 1 < ceiling).then_some(from + 1);
        Some(Concurrency { from, to: from + 1 })
    }

    /// Records that a request failed in another way: answers before it do not count any more.
    pub fn failed(&mut self, model: &ModelName) {
        if let Some(window) = self.models.get_mut(model) {
            window.answers = 0;
        }
    }

    /// Records a rate limit. A later but shorter one does not shorten the pause, and of several requests made at the
    /// same time only the first lowers how many may ask.
    pub fn limit(
        &mut self,
        model: &ModelName,
        limit: Limit,
        (ceiling, longest): (usize, Duration),
        now: Duration,
    ) -> (Pause, Option<Concurrency>) {
        let window = self.models.entry(model.clone()).or_default();
        let concurrency = window.lower(limit.asked, ceiling, now);
        let least = LEAST_PAUSE * (1 << window.in_a_row.saturating_sub(1).min(MOST_DOUBLINGS));
        let already = window.until.unwrap_or(now).max(now);
        let until = now.saturating_add(limit.wait.max(least)).max(already);
        let longer = until.saturating_sub(already);
        if window.exhausted || longer > longest.saturating_sub(window.waited) {
            window.exhausted = true;
            return (Pause::Exhausted(until), concurrency);
        }
        window.waited += longer;
        window.until = Some(until);
        (Pause::Until(until), concurrency)
    }

    /// The models whose pauses have ended, each reported once.
    pub fn end_pauses(&mut self, now: Duration) -> Vec<ModelName> {
        let over = |window: &Window| !window.exhausted && window.until.is_some_and(|until| until <= now);
        let ended = self.models.iter_mut().filter(|(_, window)| over(window));
        ended
            .map(|(model, window)| {
                window.until = None;
                model.clone()
            })
            .collect()
    }
}

impl Window {
    fn most(&self, ceiling: usize) -> usize {
        self.most.unwrap_or(ceiling).min(ceiling).max(1)
    }

    /// Halves how many may ask at once, only once for all requests that were made before.
    fn lower(&mut self, asked: Option<Duration>, ceiling: usize, now: Duration) -> Option<Concurrency> {
        let asked = asked?;
        if self.lowered.is_some_and(|lowered| asked < lowered) {
            return None;
        }
        let from = self.most(ceiling);
        let to = (from / 2).max(1);
        self.lowered = Some(now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.answers = 0;
        if from == to {
            return None;
        }
        self.most = Some(to);
        Some(Concurrency { from, to })
    }
}

#[cfg(test)]
mod tests;
