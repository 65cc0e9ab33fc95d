//! How many may ask a model at once, and until when nobody may: what providers ask for, model by model.
//!
//! While a model's provider says nothing, as many may ask it as there are jobs. A rate limit pauses the model until the time
//! that its provider names, and halves how many may ask it at once; answers raise that again, one by one. What one model's
//! provider asks for holds no other model back. Times are since the coordinator's start, by a monotonic clock.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ids::ModelName;

/// Shortest pause after a rate limit, so that a provider that names this very moment is not asked in a loop. It doubles with
/// each further one until somebody is answered.
pub const LEAST_PAUSE: Duration = Duration::from_millis(50);
/// The shortest pause is doubled at most so often: then it is the minute that is waited for when no time is named.
const MOST_DOUBLINGS: u32 = 10;

/// What is known of each model's provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limiter {
    models: BTreeMap<ModelName, Window>,
}

/// How a model may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Window {
    /// Who asks it now.
    asking: usize,
    /// How many may ask it at once; `None` while nothing but the number of jobs bounds that.
    most: Option<usize>,
    /// Answers in a row since that was changed.
    answers: usize,
    /// When that was lowered last: what was asked before says nothing new.
    lowered: Option<Duration>,
    /// How often in a row it was lowered, without an answer in between.
    in_a_row: u32,
    /// Until when nobody asks it.
    until: Option<Duration>,
    /// Waited for it so far.
    waited: Duration,
    /// Whether its provider asks for more than may be waited.
    exhausted: bool,
}

/// A rate limit as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// When the model was asked; `None` when a former session asked it.
    pub asked: Option<Duration>,
    /// How long its provider asks to wait from now on.
    pub wait: Duration,
}

/// What comes of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Nobody asks the model until then.
    Until(Duration),
    /// That would be waited longer than allowed: nobody asks the model in this session any more.
    Exhausted(Duration),
}

/// How many may ask a model at once has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Before.
    pub from: usize,
    /// From now on.
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

    /// Until when nobody may ask the model; `None` when that is not known to end, or is over.
    #[must_use]
    pub fn paused_until(&self, model: &ModelName, now: Duration) -> Option<Duration> {
        let window = self.models.get(model).filter(|window| !window.exhausted)?;
        window.until.filter(|until| now < *until)
    }

    /// Whether the model's provider asked for more than may be waited.
    #[must_use]
    pub fn is_exhausted(&self, model: &ModelName) -> bool {
        self.models.get(model).is_some_and(|window| window.exhausted)
    }

    /// Somebody asks the model from now on.
    pub fn ask(&mut self, model: &ModelName) {
        self.models.entry(model.clone()).or_default().asking += 1;
    }

    /// Somebody who asked the model does so no more.
    pub fn leave(&mut self, model: &ModelName) {
        if let Some(window) = self.models.get_mut(model) {
            window.asking = window.asking.saturating_sub(1);
        }
    }

    /// Who asked the model then has an answer. After as many of them as may ask at once, one more may.
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

    /// Who asked the model failed in another way: answers of before do not count any more.
    pub fn failed(&mut self, model: &ModelName) {
        if let Some(window) = self.models.get_mut(model) {
            window.answers = 0;
        }
    }

    /// The model's provider asks to wait. A shorter wait that is asked for later shortens nothing, and of those who asked at the
    /// same time the first one lowers how many may.
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

    /// The models whose pauses are over by now, each named once.
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

    /// Halves how many may ask at once, once for all who had asked before it was halved.
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
